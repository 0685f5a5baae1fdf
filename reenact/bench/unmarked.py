"""Pictures that carry no watermark, and what the reader says of them: it must say nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reenact.bench.attacks import cut, scaled
from reenact.provenance.watermark_code import CHECK_BITS
from reenact.provenance.watermark_search import Search
from reenact.types import Pixels

LARGEST = (1280, 720)  # width, height: larger ones are scaled down to fit
VIEWS: tuple[tuple[str, Callable[[Pixels], Pixels]], ...] = (
    ("as they are", lambda frame: frame),
    ("half size", lambda frame: scaled([frame], 0.5)[0]),
    ("cut to 60 %", lambda frame: cut([frame], 0.6)[0]),
    ("a third of the size", lambda frame: scaled([frame], 1 / 3)[0]),
)
SMALLEST = 96  # pixels: no view is smaller


def measure(files: list[Path], pictures: int, report: Callable[[int, int], None]) -> dict[str, Any]:
    """Looks at every frame by itself: as it is, then in the other views, until it were `pictures` in all.

    report  told how many were looked at, of how many
    """
    looked: dict[str, int] = {}
    alarms, checks, pilots, frames = 0, 0, [], 0
    for name, view in VIEWS:
        for frame in _frames(files):
            if sum(looked.values()) >= pictures:
                break
            frames += name == VIEWS[0][0]
            shown = view(frame)
            if min(shown.shape[:2]) < SMALLEST:
                continue
            search = Search()
            search.add(shown)
            alarms += search.look() is not None
            checks += search.checks
            pilots.append(search.pilot)
            looked[name] = looked.get(name, 0) + 1
            report(sum(looked.values()), pictures)
    return {
        "files": len(files),
        "frames": frames,
        "pictures": sum(looked.values()),
        "views": looked,
        "false_alarms": alarms,
        "checksums_compared": checks,
        "false_alarms_expected": checks * 2.0**-CHECK_BITS,
        "pilot_p50": round(float(np.median(pilots)), 2),
        "pilot_max": round(float(np.max(pilots)), 2),
    }


def _frames(files: list[Path]) -> Iterator[Pixels]:
    from reenact.sources import open_media

    for file in files:
        with open_media(file) as source:
            while (frame := source.read()) is not None:
                height, width = frame.pixels.shape[:2]
                scale = min(LARGEST[0] / width, LARGEST[1] / height)
                if scale < 1:
                    yield cv2.resize(frame.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
                else:
                    yield frame.pixels
