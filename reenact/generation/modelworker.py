"""One model in a process of its own, for a GPU that this process cannot use any more.

After some faults (an illegal address, a device that was reset) no CUDA call of the process succeeds again; a new
process can use the GPU all the same.  `python -m reenact.generation.modelworker` reads what to open as a line of JSON,
then arrays, and answers with arrays: a line of JSON (names, dtypes, shapes), then the bytes of each.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reenact.errors import ModelError, ReenactError
from reenact.generation.weights import ModelEntry, find_model

Arrays = dict[str, Any]
_DTYPES = ("uint8", "float32", "float16", "int32", "int64")


class WorkerSession:
    """Runs like a reenact.generation.session.Session, in a worker process.

    start_s, answer_s  how long the worker may take to open the model, and for one run
    Raises ModelError where the model cannot run as asked, and from `run` when the worker failed, died or hangs: it is
    then over, and another one must be made.
    """

    def __init__(
        self,
        entry: ModelEntry,
        provider: str = "auto",
        *,
        allow_cpu: bool = False,
        threads: int = 1,
        start_s: float = 120.0,
        answer_s: float = 10.0,
        command: Sequence[str] = (),
    ) -> None:
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._answer_s = answer_s
        self._process = subprocess.Popen(
            list(command) or [sys.executable, "-P", "-m", "reenact.generation.modelworker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._answers: queue.Queue[tuple[dict[str, Any], Arrays] | None] = queue.Queue()
        threading.Thread(target=self._listen, name="model worker", daemon=True).start()
        told, _ = self._ask(
            {
                "folder": str(entry.path.parent),
                "model": entry.name,
                "provider": provider,
                "allow_cpu": allow_cpu,
                "threads": threads,
            },
            {},
            start_s,
        )
        self.provider = str(told["provider"])
        self.entry = find_model(str(told["model"]), entry.path.parent)

    def run(self, inputs: Arrays) -> list[Any]:
        """The outputs in the manifest's order for inputs by name."""
        _, arrays = self._ask({}, inputs, self._answer_s)
        return [arrays[spec.name] for spec in self.entry.outputs]

    def _ask(self, told: dict[str, Any], arrays: Arrays, limit_s: float) -> tuple[dict[str, Any], Arrays]:
        assert self._process.stdin is not None
        why = ""
        try:
            _write(self._process.stdin, told, arrays)
            answer = self._answers.get(timeout=limit_s)
            if answer is not None and "error" not in answer[0]:
                return answer
            why = "the process that ran the model has ended" if answer is None else str(answer[0]["error"])
        except (OSError, ValueError):
            why = "the process that ran the model has ended"
        except queue.Empty:
            why = f"the process that runs the model does not answer within {limit_s:g} s"
        self.close()
        raise ModelError(why)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream, contextlib.suppress(OSError, ValueError):
            while (answer := _read(stream)) is not None:
                self._answers.put(answer)
        self._answers.put(None)

    def close(self) -> None:
        """Ends the worker; may be called twice."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def __del__(self) -> None:
        if getattr(self, "_process", None) is not None:
            self.close()


def _write(stream: Any, told: dict[str, Any], arrays: Arrays) -> None:
    shapes = {name: (array.dtype.name, array.shape) for name, array in arrays.items()}
    stream.write(json.dumps({"told": told, "arrays": shapes}).encode() + b"\n")
    for array in arrays.values():
        stream.write(np.ascontiguousarray(array).data)
    stream.flush()


def _read(stream: Any) -> tuple[dict[str, Any], Arrays] | None:
    """One message, None at the end."""
    line = stream.readline()
    if not line:
        return None
    message = json.loads(line)
    arrays: Arrays = {}
    for name, (dtype, shape) in message["arrays"].items():
        if dtype not in _DTYPES:
            raise ValueError(f"an array of {dtype}")
        array = np.empty(shape, dtype)
        view, at = memoryview(array.reshape(-1).view(np.uint8).data), 0
        while at < len(view):
            count = stream.readinto(view[at:])
            if not count:
                return None
            at += count
        arrays[name] = array
    return message["told"], arrays


def main(opens: "Callable[[dict[str, Any]], Any] | None" = None) -> None:
    """The worker: answers until its input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)  # what a library prints is no answer
    questions = sys.stdin.buffer
    session: Any = None
    while (question := _read(questions)) is not None:
        told, inputs = question
        try:
            if told:
                session = (opens or _open)(told)
                _write(answers, {"provider": session.provider, "model": session.entry.name}, {})
            else:
                outputs = zip(session.entry.outputs, session.run(inputs), strict=True)
                _write(answers, {}, {spec.name: array for spec, array in outputs})
        except ReenactError as error:
            _write(answers, {"error": str(error)}, {})
        except Exception as error:
            _write(answers, {"error": f"{type(error).__name__}: {error}"}, {})


def _open(told: dict[str, Any]) -> Any:
    from reenact.generation.session import Session

    entry = find_model(told["model"], Path(told["folder"]))
    return Session(entry, told["provider"], allow_cpu=told["allow_cpu"], threads=told["threads"])


if __name__ == "__main__":
    main()
