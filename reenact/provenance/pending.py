"""What a process that was killed could not say any more: that the file it was writing is unsigned.

While a file is written that is to be signed, a small note lies in `unsigned` of the data folder.
"""

import contextlib
import datetime
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reenact.home import home

_QUIET_S = 60.0  # a file not written to for so long is not being written: where processes cannot be asked for


@dataclass(frozen=True, slots=True)
class Left:
    """A file that was to be signed and is not; since: when it was begun, ISO, local time."""

    path: Path
    since: str

    @property
    def sentence(self) -> str:
        """For the user."""
        return (
            f"{self.path}, begun {self.since}, was not brought to its end: it plays as far as it goes and is unsigned"
        )


def notes_folder() -> Path:
    return home() / "unsigned"


def _note(path: Path) -> Path:
    return notes_folder() / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]}.json"


@contextlib.contextmanager
def unfinished(path: Path) -> Iterator[None]:
    """Leaves a note about `path` for as long as the block runs.  That it cannot be left stops nobody."""
    note = _note(path)
    since = datetime.datetime.now().astimezone().isoformat(" ", "minutes")
    with contextlib.suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"path": str(path.resolve()), "since": since, "process": os.getpid()}), "utf-8")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            note.unlink(missing_ok=True)


def left(path: Path) -> Left | None:
    """What there is to say about one file."""
    return _read(_note(path))


def tell_left() -> list[Left]:
    """Every such file, once: the notes are gone afterwards."""
    found = []
    with contextlib.suppress(OSError):
        for note in sorted(notes_folder().glob("*.json")):
            entry = _read(note)
            if entry is not None:
                found.append(entry)
            if entry is not None or not _busy(note):
                note.unlink(missing_ok=True)
    return found


def _read(note: Path) -> Left | None:
    try:
        data = json.loads(note.read_text("utf-8"))
        path = Path(str(data["path"]))
        return Left(path, str(data["since"])) if path.is_file() and not _busy(note) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _busy(note: Path) -> bool:
    """Whether the process that left the note is still at work."""
    try:
        data = json.loads(note.read_text("utf-8"))
        if os.name == "posix":
            os.kill(int(data["process"]), 0)
            return True
        return time.time() - Path(str(data["path"])).stat().st_mtime < _QUIET_S
    except PermissionError:
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False
