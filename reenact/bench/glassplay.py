"""The camera's side of a glass-to-glass measurement, a process of its own: plays coded pictures, notes when.

    python -m reenact.bench.glassplay DEVICE|screen VIDEO WIDTHxHEIGHT RATE SECONDS BLINK_SECONDS TIMES

DEVICE is the writing end of a v4l2loopback; `screen` fills the first screen.  The pictures are the video's, whose face
the engine needs, with the number of the picture along the lower edge; for BLINK_SECONDS first the strip blinks, so that
a camera that looks at the screen can find it.  TIMES gets "number seconds" lines of the monotonic clock.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from reenact.bench import code
from reenact.clock import Clock, MonotonicClock
from reenact.types import Pixels

_KEPT = 90  # of the video's pictures, played to and fro
_BLINKS_HZ = 2.5
Show = Callable[[Pixels], None]


def pictures(video: Path, size: tuple[int, int]) -> list[Pixels]:
    """The video's first pictures at the size they are played in."""
    from reenact.sources import VideoFile

    kept: list[Pixels] = []
    with VideoFile(video) as source:
        while len(kept) < _KEPT and (frame := source.read()) is not None:
            kept.append(np.asarray(cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA), np.uint8))
    return kept


def play(
    show: Show, kept: list[Pixels], rate: float, seconds: float, blink_s: float, clock: Clock
) -> Iterator[tuple[int, float]]:
    """Shows picture after picture on a steady grid and gives (number, seconds when it was shown); what is overdue is
    left out, its numbers are never shown."""
    began = clock.now()
    blinked, number = round(blink_s * rate), 0
    turn = 2 * len(kept) - 2 or 1
    while number < round(seconds * rate):
        due = began + number / rate
        late = clock.now() - due
        if late > 1 / rate:
            number += int(late * rate)
            continue
        clock.sleep(-late)
        at = number % turn
        picture = kept[min(at, turn - at) % len(kept)].copy()
        if number < blinked:
            light = int(number / rate * 2 * _BLINKS_HZ) % 2
            code.fill(picture, np.full((2, 1), code.LIGHT if light else code.DARK, np.uint8))
            show(picture)
        else:
            code.draw(picture, number)
            now = clock.now()
            show(picture)
            yield number, now
        number += 1


def main(device: str, video: str, size: str, rate: str, seconds: str, blink_s: str, times: str) -> None:
    width, _, height = size.partition("x")
    wanted = int(width), int(height)
    if device == "screen":
        show, close = _screen()
    else:
        from reenact.bench.v4l2out import LoopbackWriter

        writer = LoopbackWriter(device, wanted)
        show, close = writer.write, writer.close
    kept = pictures(Path(video), wanted)
    with Path(times).open("w") as notes:
        for number, now in play(show, kept, float(rate), float(seconds), float(blink_s), MonotonicClock()):
            notes.write(f"{number} {now:.6f}\n")
            notes.flush()
    time.sleep(0.2)
    close()


def _screen() -> tuple[Show, Callable[[], None]]:
    name = "reenact: glass to glass"
    cv2.namedWindow(name, cv2.WINDOW_NORMAL)
    cv2.setWindowProperty(name, cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_FULLSCREEN)

    def show(picture: Pixels) -> None:
        cv2.imshow(name, picture)
        cv2.waitKey(1)

    return show, cv2.destroyAllWindows


if __name__ == "__main__":
    main(*sys.argv[1:])
