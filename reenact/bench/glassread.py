"""The consumer's side of a glass-to-glass measurement, a process of its own: reads a camera as a call would.

    python -m reenact.bench.glassread DEVICE SECONDS TIMES

Waits for the device to have pictures, then notes for each one the number along its lower edge and when it was there:
"number seconds" lines of the monotonic clock in TIMES, -1 for a picture without a number.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2

from reenact.bench import code
from reenact.clock import Clock, MonotonicClock
from reenact.types import Pixels


def watch(read: Callable[[], Pixels | None], seconds: float, clock: Clock) -> Iterator[tuple[int, float]]:
    """(number or -1, seconds when the picture was there) of each picture for so long."""
    end = clock.now() + seconds
    while clock.now() < end:
        picture = read()
        now = clock.now()
        if picture is None:
            clock.sleep(0.01)
            continue
        number = code.read(picture)
        yield -1 if number is None else number, now


def main(device: str, seconds: str, times: str) -> None:
    clock = MonotonicClock()
    end = clock.now() + float(seconds)
    capture: Any = None
    while capture is None and clock.now() < end:
        capture = _opened(device)
        if capture is None:
            time.sleep(0.2)
    if capture is None:
        return
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def read() -> Pixels | None:
        ok, picture = capture.read()
        return picture if ok else None

    with Path(times).open("w") as notes:
        for number, now in watch(read, end - clock.now(), clock):
            notes.write(f"{number} {now:.6f}\n")
            notes.flush()
    capture.release()


def _opened(device: str) -> Any | None:
    backend = cv2.CAP_V4L2 if device.startswith("/dev/") else cv2.CAP_ANY
    capture = cv2.VideoCapture(int(device) if device.isdigit() else device, backend)
    if capture.isOpened() and capture.read()[0]:
        return capture
    capture.release()
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
