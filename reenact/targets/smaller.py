"""A target at a part of its size, for machines that cannot draw it whole in time."""

from typing import TYPE_CHECKING

import cv2
import numpy as np

from reenact.targets.bundle import BACKGROUND, MATTE, read_layer
from reenact.targets.photo import HeadMover
from reenact.types import Floats, Motion, Pixels, Shot

if TYPE_CHECKING:
    from reenact.targets.library import OpenTarget


class SmallerTarget:
    """A `Target` (reenact.stages) that shows another one at `part` of its size; that one stays its owner's.

    A photo's layers are scaled once, a video's frames one by one, which costs 0.6 ms at half of 1280x720.
    Half the size leaves a photo 7.7 ms of 15.0 for target, generator without network, blending and enlarging, and a
    video 7.2 of 9.8 (one core of an AMD EPYC); three quarters save half of that and were left out.
    """

    def __init__(self, whole: "OpenTarget", part: float = 0.5) -> None:
        if not 0 < part < 1:
            raise ValueError(f"part is {part}: expected between 0 and 1")
        self._whole, self._part = whole, part
        self.name, self.kind, self.rate = whole.name, whole.kind, whole.rate
        self.neutral, self.bank = whole.neutral, whole.bank
        width, height = (max(16, round(n * part)) for n in whole.size)
        self.size = (width, height)
        self._mover: HeadMover | None = None
        if whole.kind == "photo":
            rest = whole.shot(0, None)
            self._picture, self._points = self._scaled(rest.pixels), self._moved(rest.points)
            layers = []
            if MATTE in whole.bundle.files and BACKGROUND in whole.bundle.files:
                layers = [read_layer(whole.bundle, MATTE, 1), read_layer(whole.bundle, BACKGROUND, 3)]
            self._mover = HeadMover(self._picture, self._points, *(self._scaled(layer) for layer in layers))

    def shot(self, n: int, motion: Motion | None) -> Shot:
        """Moment n, see reenact.stages.Target."""
        if self._mover is None:
            return self._of_video(n)
        if motion is None:
            return Shot(self._picture, self._points, self._picture, self._points, 0)
        from reenact.retarget import move_head

        moved = move_head(self._points, motion)
        return Shot(self._mover(moved), self._mover.landmarks(moved), self._picture, self._points, 0)

    def _of_video(self, n: int) -> Shot:
        whole = self._whole.shot(n, None)
        pixels, points = self._scaled(whole.pixels), self._moved(whole.points)
        return Shot(pixels, points, pixels, points, whole.index, whole.found, whole.expression)

    def _scaled(self, layer: Pixels) -> Pixels:
        # linear is an area filter of two by two at one half, and the only one that is quick at other sizes
        done: Pixels = cv2.resize(layer, self.size, interpolation=cv2.INTER_LINEAR)
        return done

    def _moved(self, points: Floats) -> Floats:
        """The points in the smaller picture; pixel middles stay on pixel middles."""
        across, down = (small / whole for small, whole in zip(self.size, self._whole.size, strict=True))
        scale = np.array([across, down, (across + down) / 2])
        shift = np.array([(across - 1) / 2, (down - 1) / 2, 0.0])
        moved: Floats = (points * scale + shift).astype(np.float32)
        return moved

    def close(self) -> None:
        """Holds nothing but memory."""
