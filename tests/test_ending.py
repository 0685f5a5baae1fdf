"""The first signal ends in order, the second at once: with a process that hangs while it closes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reenact.cli.ending import Ending

HANGING = """
import sys, time
sys.path[:0] = {path!r}
from reenact.cli.ending import Ending
with Ending() as ending:
    stopped = []
    if {running}:
        ending.stops(lambda: stopped.append(1), lambda: print("tidied", flush=True))
    try:
        print("runs", flush=True)
        while not stopped:
            time.sleep(0.01)
    finally:
        print("closes", flush=True)
        time.sleep(120)  # a sink that hangs
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_a_process_that_hangs_while_it_closes(running: bool, second: signal.Signals) -> None:
    script = HANGING.format(path=sys.path, running=running)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "runs\n"
        process.send_signal(signal.SIGINT)
        if running:
            assert process.stdout.readline() == "tidied\n"
        assert process.stdout.readline() == "closes\n"
        process.send_signal(second)
        assert process.wait(60) == -second  # and not 120 s later


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_first_signal_stops_and_what_was_before_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    stopped: list[int] = []
    with Ending() as ending:
        ending.stops(lambda: stopped.append(1))
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            if ending.got:
                break
    assert (ending.got, stopped) == (signal.SIGTERM, [1])
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_before_there_is_anything_to_stop_it_interrupts() -> None:
    with pytest.raises(KeyboardInterrupt), Ending():
        signal.raise_signal(signal.SIGTERM)


COMMAND = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what a shell starts in the background
sys.path[:0] = {path!r}
from reenact import cli

@cli.app.command("work")
def work() -> None:
    part = Path({part!r})
    part.touch()
    try:
        print("runs", flush=True)
        time.sleep(120)
    finally:
        part.unlink()

sys.argv = ["reenact", "work"]
cli.program()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_either_signal_ends_any_command_with_nothing_half_written_left(tmp_path: Path, number: signal.Signals) -> None:
    part = tmp_path / ".out.part"
    script = COMMAND.format(path=sys.path, part=str(part))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "runs\n"
        assert part.exists()
        process.send_signal(number)
        assert process.wait(60) == 128 + number  # and not 120 s later
    assert not part.exists()
