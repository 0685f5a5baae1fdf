"""The real program on a pseudo terminal, its keys pressed one after the other."""

import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from people import FACE_A, FACE_B

from reenact.sources import VideoFile

pytestmark = [
    pytest.mark.release,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals"),
]


class Terminal:
    """Runs a command with a terminal for stdin and stderr."""

    def __init__(self, arguments: list[str], home: Path) -> None:
        import pty

        self._master, slave = pty.openpty()
        environment = {**os.environ, "REENACT_HOME": str(home), "TERM": "xterm", "COLUMNS": "240"}
        command = [sys.executable, "-m", "reenact", *arguments]
        self.process = subprocess.Popen(
            command, stdin=slave, stderr=slave, stdout=subprocess.PIPE, text=True, env=environment, cwd=home
        )
        os.close(slave)
        self.text = ""

    def wait_for(self, pattern: str, seconds: float = 240) -> None:
        """Reads on until what came since the last key matches."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            assert time.monotonic() < end, f"no {pattern!r} in: {self.text[-2000:]}"
            assert self.process.poll() is None, self.text[-2000:]
            if select.select([self._master], [], [], 0.2)[0]:
                self.text += os.read(self._master, 65536).decode("utf-8", "replace")

    def press(self, key: str) -> None:
        self.text = ""
        os.write(self._master, key.encode())


def test_every_key(tmp_path: Path) -> None:
    home = {**os.environ, "REENACT_HOME": str(tmp_path)}
    for name, path in (("ada", FACE_A), ("bob", FACE_B)):
        add = [sys.executable, "-m", "reenact", "target", "add", str(path), "--name", name, "--consent", "synthetic"]
        subprocess.run(add, env=home, check=True, capture_output=True)
    arguments = ["live", "-t", "ada", "--camera", "demo", "--vcam", "none", "--no-preview", "--no-adapt"]
    shown = Terminal([*arguments, "--record", str(tmp_path / "call.mkv")], tmp_path)
    shown.wait_for("demo drives ada")
    shown.wait_for(r"LIVE.*REC")
    for key, expected in (
        ("+", "expression 1.1"),
        ("[", "head motion 0.9"),
        ("n", "target bob"),
        ("p", "target ada"),
        (" ", "SLATE"),
        (" ", "LIVE"),
        ("c", "calm face"),
        ("h", "n p next, previous target"),
        ("r", "recorded .*call.mkv"),
        ("r", "recording to .*call-2.mkv"),
    ):
        shown.press(key)
        shown.wait_for(expected)
    shown.wait_for("LIVE")
    shown.press("q")
    out, _ = shown.process.communicate(timeout=60)
    assert shown.process.returncode == 0
    assert "pictures" in out
    for name in ("call.mkv", "call-2.mkv"):
        with VideoFile(tmp_path / name) as recorded:
            assert len(list(iter(recorded.read, None))) > 1
