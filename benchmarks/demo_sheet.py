#!/usr/bin/env python3
"""The README's picture: four moments of demo.mp4, two and two.

demo_sheet.py demo.mp4 docs/demo.png
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from reenact.sources import VideoFile

MOMENTS = (24, 128, 164, 212)
SIZE = (540, 195)  # of each


def main(video: str, sheet: str) -> None:
    with VideoFile(video) as source:
        shown = []
        while (frame := source.read()) is not None:
            if frame.seq in MOMENTS:
                shown.append(cv2.resize(frame.pixels, SIZE, interpolation=cv2.INTER_AREA))
    rows = [np.hstack(shown[i : i + 2]) for i in (0, 2)]
    Path(sheet).write_bytes(np.asarray(cv2.imencode(".png", np.vstack(rows))[1]).tobytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
