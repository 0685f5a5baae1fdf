"""The process that looks into strangers' files for reenact.provenance.bounded, a line for a line."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reenact.errors import ReenactError


def main() -> None:
    """Answers until its input ends."""
    _limit(int(os.environ.get("REENACT_WORKER_BYTES", "0")))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)  # what a library prints is no answer
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = TASKS[question.pop("task")](**question)
        except ReenactError as error:
            answer = {"error": str(error)}
        except MemoryError:
            answer = {"error": "it takes more memory than is given to it"}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def _limit(memory: int) -> None:
    """No core dumps, and no more memory than that where the system can limit it."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory and sys.platform.startswith("linux"):
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    except (ImportError, ValueError, OSError):
        pass


def _credentials(path: str, known: str = "", anchors: str = "") -> dict[str, Any]:
    from reenact.provenance.reading import read_credentials

    return read_credentials(Path(path), known, anchors).to_dict()


def _watermark(path: str, frames: int) -> dict[str, Any]:
    from reenact.config import MediaConfig
    from reenact.provenance.marks import look_for
    from reenact.provenance.reading import LARGEST_PICTURE, is_picture
    from reenact.sources import open_media

    limits = MediaConfig(max_bytes=LARGEST_PICTURE) if is_picture(Path(path)) else MediaConfig()
    with open_media(path, limits) as source:
        return look_for(_some(source, frames))


def _some(source: Any, count: int) -> Iterator[Any]:
    """Up to `count` pictures, evenly from the first ten times as many: neighbours in a video err alike."""
    step = min(10, max(1, (getattr(source, "frames", None) or count) // count))
    for n in range(count * step):
        frame = source.read()
        if frame is None:
            return
        if n % step == 0:
            yield frame.pixels


TASKS: dict[str, Callable[..., dict[str, Any]]] = {"credentials": _credentials, "watermark": _watermark}

if __name__ == "__main__":
    main()
