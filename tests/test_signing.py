"""Signing what was written: whatever goes wrong the file stays, and the user is told."""

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import c2pa
import pytest
from signed import record, signed, unsigned

from reenact.errors import SinkError
from reenact.provenance import credentials, pending, signing
from reenact.provenance.credentials import try_out
from reenact.provenance.identity import create_identity, ensure_identity, identity_folder
from reenact.provenance.reading import Credentials, read_credentials
from reenact.provenance.record import Record
from reenact.provenance.signing import sign_output, signs
from reenact.provenance.verify import Mark, Verdict
from reenact.provenance.words import in_words


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REENACT_HOME", str(tmp_path / "home"))


FAULTS = ("full disk", "no room", "library", "read back", "rename", "key", "damaged file", "record")


@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        (fault, ending)
        for fault in FAULTS
        for ending in (".mp4", ".live.mp4", ".mkv", ".png")
        if (fault, ending) != ("damaged file", ".mkv")  # any bytes can have credentials beside them
    ],
)
def test_whatever_goes_wrong_the_file_stays_and_the_user_is_told(
    fault: str, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = unsigned(tmp_path / f"out{ending}")
    identity = ensure_identity()[0]
    if fault == "damaged file":
        path.write_bytes(b"\0" * 1000)
    before = path.read_bytes()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def facts() -> Record:
        if fault == "record":
            raise KeyError("sha256")
        return record()

    with monkeypatch.context() as patch:
        if fault == "full disk":
            patch.setattr(credentials.tempfile, "mkstemp", refuse)
        if fault == "no room":
            patch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))  # type: ignore[attr-defined]
            if ending == ".mkv":
                patch.setattr(Path, "write_bytes", refuse)
        if fault == "library":
            patch.setattr(c2pa.Builder, "sign", lambda *_: (_ for _ in ()).throw(c2pa.C2paError("Other: no")))
        if fault == "read back":
            patch.setattr("reenact.provenance.reading.judge", lambda _: Credentials("broken", problems=("x",)))
        if fault == "rename":
            patch.setattr(Path, "replace", refuse)
        if fault == "key":
            (identity_folder() / "key.pem").chmod(0o644)
        told = sign_output(path, facts)
    assert not told
    assert told.by == ""
    assert told.sentence.startswith(f"{path} is kept unsigned: ")
    assert "\n" not in told.sentence
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["home", path.name])
    assert identity.name == "reenact user"


def test_without_the_library_files_are_kept_unsigned_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a system for which there is none."""
    path = signed(tmp_path / "signed.png")
    bare = unsigned(tmp_path / "out.png")
    before = bare.read_bytes()
    monkeypatch.setitem(sys.modules, "c2pa", None)
    told = sign_output(bare, record)
    needs = "Content Credentials need c2pa-python, which does not load here ("
    assert told.sentence.startswith(f"{bare} is kept unsigned: {needs}")
    assert told.sentence.endswith("): pip install c2pa-python")
    assert bare.read_bytes() == before
    with pytest.raises(SinkError, match="need c2pa-python"):  # and not: the certificate cannot sign
        try_out(ensure_identity()[0])
    found = read_credentials(path)
    assert (found.state, found.problems[0][: len(needs)]) == ("unexamined", needs)
    verdict = Verdict("signed.png", found, Mark(False, frames=1))
    assert verdict.status == 4
    assert dict(in_words(verdict))["credentials"].startswith(f"not looked for: {needs}")


def test_signing_says_who_signed_and_that_a_certificate_was_made(tmp_path: Path) -> None:
    one, two = unsigned(tmp_path / "one.png"), unsigned(tmp_path / "two.mkv")
    first, second = sign_output(one, record), sign_output(two, record)
    assert (first.first, second.first) == (True, False)
    assert first.sentence == f"{one} is signed by reenact user"
    assert second.sentence == f"{two} is signed by reenact user, in two.c2pa"
    create_identity("Ada", replace=True)
    assert sign_output(one, record).by == "Ada"


def test_what_a_block_wrote_is_signed_however_it_ends(tmp_path: Path) -> None:
    path, told = tmp_path / "out.live.mp4", []

    def recording() -> None:
        with signs(path, record, told.append):
            unsigned(path)
            raise RuntimeError("the camera is gone")

    with pytest.raises(RuntimeError):
        recording()
    assert [t.by for t in told] == ["reenact user"]
    assert read_credentials(path).state == "valid"
    with signs(path, record, told.append):  # nothing is written: what was there before is not signed anew
        pass
    with signs(tmp_path / "never.mp4", record, told.append):
        pass
    assert len(told) == 1
    assert not any(pending.notes_folder().iterdir())


def test_an_interrupt_while_signing_keeps_the_file_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, told = tmp_path / "out.png", []
    monkeypatch.setattr(signing, "sign_file", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt), signs(path, record, told.append):
        before = unsigned(path).read_bytes()
    assert told[0].sentence == f"{path} is kept unsigned: signing was interrupted"
    assert path.read_bytes() == before


def test_a_killed_process_leaves_a_note_that_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = unsigned(tmp_path / "call.live.mp4")
    with pending.unfinished(path):
        note = next(pending.notes_folder().iterdir())
        assert pending.left(path) is None  # this process is at work on it
        assert pending.tell_left() == []
        kept = note.read_text()
    assert not note.exists()
    dead = json.loads(kept) | {"process": _dead_process()}
    note.write_text(json.dumps(dead))
    assert pending.left(path) is not None
    assert pending.left(path).sentence.endswith("it plays as far as it goes and is unsigned")  # type: ignore[union-attr]
    assert [entry.path for entry in pending.tell_left()] == [path]
    assert pending.tell_left() == []
    note.write_text(json.dumps(dead | {"path": str(tmp_path / "gone.mp4")}))
    (note.parent / "garbled.json").write_text("{")
    assert pending.tell_left() == []
    assert not any(note.parent.iterdir())
    monkeypatch.setattr(Path, "write_text", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pending.unfinished(path):  # a note that cannot be written stops nobody
        pass


def _dead_process() -> int:
    child = os.fork() if hasattr(os, "fork") else 0
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child
