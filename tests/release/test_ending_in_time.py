"""How fast the real program ends; figures of a machine that does little else."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "faults"))
from test_signals import started, wait_for_pictures

pytestmark = [pytest.mark.release, pytest.mark.timeout(300)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_under_two_seconds(tmp_path: Path, number: signal.Signals) -> None:
    process = started(tmp_path)
    wait_for_pictures(process, tmp_path / "out.mkv")
    began = time.monotonic()
    process.send_signal(number)
    process.communicate(timeout=60)
    took = time.monotonic() - began
    print(f"ended {took:.2f} s after the signal")
    assert took < 2.0


def test_a_second_signal_ends_it_in_half_a_second(tmp_path: Path) -> None:
    process = started(tmp_path)
    wait_for_pictures(process, tmp_path / "out.mkv")
    os.kill(process.pid, signal.SIGINT)
    time.sleep(0.02)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    took = time.monotonic() - began
    print(f"ended {took:.2f} s after the second signal")
    assert took < 0.5
