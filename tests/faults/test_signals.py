"""The real program, started and ended from outside.  How fast is tests/release/test_ending_in_time.py's matter."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from people import FACE_A

from reenact.sinks import slate
from reenact.sources import VideoFile

pytestmark = pytest.mark.timeout(300)  # the first of these to run may have to compile the kernels


def started(tmp_path: Path, *more: str) -> "subprocess.Popen[str]":
    """`reenact live` with the built-in driver into a recording, once its loop runs."""
    arguments = ["-t", str(FACE_A), "--consent", "synthetic", "--camera", "demo", "--vcam", "none", "--no-preview"]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "reenact",
            "live",
            *arguments,
            "--no-adapt",
            "--record",
            str(tmp_path / "out.mkv"),
            *more,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "REENACT_HOME": str(tmp_path)},
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    assert "demo drives face_a" in line, line + process.stderr.read()
    return process


def wait_for_pictures(process: "subprocess.Popen[str]", path: Path) -> None:
    """Until some of the recording is on the disk, however long that takes this machine."""
    while process.poll() is None and (not path.exists() or path.stat().st_size < 50_000):
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()


def pictures(path: Path) -> list[np.ndarray]:
    with VideoFile(path) as recorded:
        return [frame.pixels for frame in iter(recorded.read, None)]


def is_slate(pixels: np.ndarray) -> bool:
    height, width = pixels.shape[:2]
    return bool(np.abs(pixels.astype(int) - slate((width, height))).mean() < 3)


def own_words(text: str) -> bool:
    return all(line.startswith("reenact: ") for line in text.splitlines())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_slate_as_last_picture(tmp_path: Path, number: signal.Signals) -> None:
    process = started(tmp_path)
    wait_for_pictures(process, tmp_path / "out.mkv")
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    assert own_words(err), err
    found = re.search(r"(\d+) pictures, [\d.]+ a second, (camera to output|no picture was live)", out)
    assert found is not None, out
    assert int(found[1]) >= 2
    shown = pictures(tmp_path / "out.mkv")
    assert is_slate(shown[-1])
    assert not is_slate(shown[0])


def test_the_time_asked_for_ends_it_with_status_0(tmp_path: Path) -> None:
    process = started(tmp_path, "--seconds", "2", "--times")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "milliseconds by stage" in out
    assert is_slate(pictures(tmp_path / "out.mkv")[-1])


def test_what_was_recorded_before_a_kill_plays(tmp_path: Path) -> None:
    process = started(tmp_path)
    wait_for_pictures(process, tmp_path / "out.mkv")
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    shown = pictures(tmp_path / "out.mkv")
    assert len(shown) > 1
    assert not is_slate(shown[-1])
