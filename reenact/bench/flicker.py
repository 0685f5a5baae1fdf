"""Flicker: how much a face changes from one picture to the next beyond its motion.

The temporal warping error of Lai, Huang, Wang, Shechtman, Yumer, Yang (Learning blind video temporal consistency,
ECCV 2018): mean absolute difference of a picture and the one before, brought to it by optical flow.  Two things
differ: the flow is each video's own, because an output need not move as the truth does (where it moves otherwise is
told by the landmarks), and what is reported is the ratio to the truth's own error, which holds the camera's grain and
what no flow can follow (teeth that appear).  Flow: Kroeger, Timofte, Dai, Van Gool, Fast optical flow using dense
inverse search, ECCV 2016, as OpenCV has it.  Faces wider than IOD pixels between the outer eye corners are shrunk
to that, for all videos alike.
"""

import cv2
import numpy as np
import numpy.typing as npt

from reenact.bench.regions import Face
from reenact.types import Floats, Pixels

IOD = 96.0  # pixels
PLACES = ("face", "mouth")
_REACH = 20  # percent of the eye distance about the face that the flow may look at


class Steadiness:
    """The warping error of one video, picture by picture.

    `totals` is the sum over pictures of the mean absolute difference by place, grey levels; `pairs` of how many.
    """

    def __init__(self) -> None:
        self.totals = dict.fromkeys(PLACES, 0.0)
        self.pairs = 0
        self._before: Pixels | None = None
        self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)  # type: ignore[attr-defined]

    def skip(self) -> None:
        """The truth shows no face: the next picture has none before it."""
        self._before = None

    def add(self, face: Face, shown: Pixels) -> None:
        """The next picture (H, W, 3) uint8 BGR, and the truth's face in its moment."""
        before, self._before = self._before, shown
        if before is None:
            return
        window = _Window(face)
        self.pairs += 1
        now, then = window.cut(shown), window.cut(before)
        if cv2.norm(now, then, cv2.NORM_INF) == 0:
            return
        apart = cv2.absdiff(now, self._brought(now, then)).astype(np.float32).mean(2)
        for name, mask in zip(PLACES, window.masks, strict=True):
            self.totals[name] += cv2.mean(apart, mask)[0]

    def _brought(self, now: Pixels, then: Pixels) -> Pixels:
        """The picture before, moved to where things are now."""
        flow: Floats = self._flow.calc(*(cv2.cvtColor(p, cv2.COLOR_BGR2GRAY) for p in (now, then)), None)
        height, width = flow.shape[:2]
        place = flow + np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
        moved: Pixels = cv2.remap(then, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return moved


class _Window:
    """The part of the picture about the truth's face, at most IOD pixels between the eyes."""

    def __init__(self, face: Face) -> None:
        grow = round(_REACH * face.unit)
        height, width = face.pixels.shape[:2]
        rows, cols = face.box
        self._box = (
            slice(max(0, rows.start - grow), min(height, rows.stop + grow)),
            slice(max(0, cols.start - grow), min(width, cols.stop + grow)),
        )
        high, wide = (side.stop - side.start for side in self._box)
        scale = min(1.0, IOD / (100 * face.unit))
        self._size = max(16, round(wide * scale)), max(16, round(high * scale))
        inner = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(face.box, self._box, strict=True))
        self.masks = [self._shrunk(mask, inner, (high, wide)) for mask in (face.skin, face.mouth)]

    def cut(self, pixels: Pixels) -> Pixels:
        return cv2.resize(np.ascontiguousarray(pixels[self._box]), self._size, interpolation=cv2.INTER_AREA)  # type: ignore[no-any-return]

    def _shrunk(
        self, mask: npt.NDArray[np.uint8], inner: tuple[slice, ...], size: tuple[int, int]
    ) -> npt.NDArray[np.uint8]:
        wide = np.zeros(size, np.uint8)
        wide[inner] = mask
        small: npt.NDArray[np.uint8] = cv2.resize(wide, self._size, interpolation=cv2.INTER_NEAREST)
        return small
