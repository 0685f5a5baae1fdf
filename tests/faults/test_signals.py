"""The real program, started and ended from outside."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from reenact import assets
from reenact.sinks import slate
from reenact.sources import VideoFile

pytestmark = pytest.mark.timeout(300)  # the first of these to run may have to compile the kernels


def started(tmp_path: Path, *more: str) -> "subprocess.Popen[str]":
    """`reenact live` with the built-in driver into a recording, once its loop runs."""
    arguments = [
        "-t",
        str(assets.PHOTO),
        "--consent",
        "synthetic",
        "--camera",
        "demo",
        "--vcam",
        "none",
        "--no-preview",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "reenact", "live", *arguments, "--record", str(tmp_path / "out.mkv"), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "REENACT_HOME": str(tmp_path)},
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    assert "demo drives photo" in line, line + process.stderr.read()
    return process


def last_picture(path: Path) -> np.ndarray:
    with VideoFile(path) as recorded:
        last = None
        while (frame := recorded.read()) is not None:
            last = frame.pixels
    assert last is not None
    return last


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_within_two_seconds_with_the_slate_as_last_picture(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = started(tmp_path)
    time.sleep(3)
    start = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    took = time.monotonic() - start
    assert process.returncode == 128 + number
    assert err == ""
    found = re.search(r"(\d+) pictures, [\d.]+ a second, camera to output ([\d.]+) ms", out)
    assert found is not None, out
    assert int(found[1]) > 10
    assert np.abs(last_picture(tmp_path / "out.mkv").astype(int) - slate((1280, 720))).mean() < 3
    assert took < 4  # two seconds on a machine that does nothing else


def test_the_time_asked_for_ends_it_with_status_0(tmp_path: Path) -> None:
    process = started(tmp_path, "--seconds", "2", "--times")
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "capture to sink" in out
    assert np.abs(last_picture(tmp_path / "out.mkv").astype(int) - slate((1280, 720))).mean() < 3


def test_what_was_recorded_before_a_kill_plays(tmp_path: Path) -> None:
    process = started(tmp_path)
    time.sleep(4)
    process.kill()
    process.communicate(timeout=20)
    with VideoFile(tmp_path / "out.mkv") as recorded:
        count = 0
        while recorded.read() is not None:
            count += 1
    assert count > 20
