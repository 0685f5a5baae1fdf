"""Signing what was just written: it never costs the file."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from reenact.errors import ReenactError
from reenact.provenance.credentials import sidecar, sign_file
from reenact.provenance.identity import ensure_identity
from reenact.provenance.pending import unfinished
from reenact.provenance.record import Record


@dataclass(frozen=True, slots=True)
class Signed:
    """What became of it: the signer's name ("" where it is unsigned), and a sentence.

    first  whether the signer's certificate was made just now
    """

    by: str
    sentence: str
    first: bool = False

    def __bool__(self) -> bool:
        return bool(self.by)


def sign_output(path: Path, record: Callable[[], Record]) -> Signed:
    """Signs a finished file with this user's identity, made now where there is none.

    record  called for what is to be signed, so that what goes wrong there does not cost the file either
    Whatever fails, the file stays, unsigned, and the sentence says why.
    """
    try:
        facts = record()
        identity, first = ensure_identity()
        sign_file(path, facts, identity)
    except ReenactError as error:
        return Signed("", f"{path} is kept unsigned: {error}")
    except Exception as error:
        return Signed("", f"{path} is kept unsigned: {type(error).__name__}: {error}")
    beside = sidecar(path)
    where = f", in {beside.name}" if path.suffix.lower() == ".mkv" else ""
    return Signed(identity.name, f"{path} is signed by {identity.name}{where}", first)


@contextlib.contextmanager
def signs(path: Path, record: Callable[[], Record], tell: Callable[[Signed], None]) -> Iterator[None]:
    """Signs what the block wrote to `path` when it ends, however it ends, and tells what became of it.

    Enter it before the sink that writes is opened, so that it ends after the sink was closed, and before the engine
    is: the identity is made here where there is none, so that the watermark names it from the first file on.  Nothing
    is signed that was there before and is untouched.
    """
    first = _made_now()
    with unfinished(path):
        before = _stamp(path)
        try:
            yield
        finally:
            if (now := _stamp(path)) is not None and now != before:
                try:
                    told = sign_output(path, record)
                except BaseException:
                    tell(Signed("", f"{path} is kept unsigned: signing was interrupted"))
                    raise
                tell(replace(told, first=told.first or (first and bool(told))))


def _made_now() -> bool:
    try:
        return ensure_identity()[1]
    except ReenactError:
        return False  # why is said when it is time to sign


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns) if path.is_file() else None
