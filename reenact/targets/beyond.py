"""What lies beyond the picture's edge: the rest of a head that was cut off there.

When such a head moves away from the edge, more of it must come in.  It is made from what is there,
mirrored at the edge, for hair is hair on either side; and since a skull closes and does not open again,
the mirrored rows above the upper edge are squeezed so that the outline closes in an arc.
"""

from typing import Any

import cv2
import numpy as np

from reenact.types import Floats, Pixels

_CROWN = 0.85  # IOD from the upper end of the face's oval (landmark 10) to the crown, at most
_LOWEST_ARC = 0.15  # IOD: no cut-off head ends closer beyond the edge
_WIDEST = 1.9  # IOD to each side of its middle: wider at the edge is no skull but hair, or a crowd


def beyond_the_edge(layer: Pixels, pad: int, points: Floats, iod: float) -> Pixels:
    """layer (H, W, 4) uint8, BGR times opacity and opacity, made larger by `pad` on each side."""
    wide = _mirrored(layer, pad)
    span = _span(layer[0, :, 3], float(points[10, 0]))
    if span is None or span[1] - span[0] > 2 * _WIDEST * iod:
        return wide
    middle, half = (span[0] + span[1]) / 2, max(1.0, (span[1] - span[0]) / 2)
    above = np.arange(1, pad + 1)
    outline = _arc(layer, points, iod, middle, half)(above)
    # The rows mirrored are those of the hair, to and fro, and none of the forehead's.
    hair = max(2, int(points[10, 1] - 0.1 * iod))
    rows = hair - np.abs((above % (2 * hair)) - hair)
    widths = np.array([_half_width(layer[min(row, len(layer) - 1), :, 3], middle, half) for row in rows])
    squeeze = widths / np.maximum(outline, 1e-3)
    xs = np.arange(wide.shape[1], dtype=np.float32) - pad
    source_x = (middle + (xs[None] - middle) * squeeze[:, None]).astype(np.float32)
    source_y = np.repeat(rows[:, None].astype(np.float32), len(xs), 1)
    crown = cv2.remap(layer, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    crown[outline < 1] = 0
    wide[:pad] = crown[::-1]
    return wide


def _mirrored(layer: Pixels, pad: int) -> Pixels:
    """The layer mirrored at its edges, but only what reaches the edge: the mirrored head itself must not appear."""
    wide: Pixels = cv2.copyMakeBorder(layer, pad, pad, pad, pad, cv2.BORDER_REFLECT_101)
    opacity = wide[..., 3]
    for outward in (opacity[pad::-1], opacity[-pad - 1 :], opacity.T[pad::-1], opacity.T[-pad - 1 :]):
        np.minimum.accumulate(outward, axis=0, out=outward)
    np.minimum(wide[..., :3], opacity[..., None], out=wide[..., :3])  # BGR times opacity is at most the opacity
    return wide


def _arc(layer: Pixels, points: Floats, iod: float, middle: float, half: float) -> Any:
    """Half the head's width as a function of the rows above the edge: the ellipse that goes on from the picture's."""
    centre = max(1, min(len(layer) - 1, int(points[[33, 263], 1].mean() - 0.2 * iod)))
    widest = _half_width(layer[centre, :, 3], middle, half)
    cut = np.sqrt(max(0.0, 1 - (half / widest) ** 2)) if widest > half else 0.0
    rest = centre / max(cut, 1e-3) - centre  # from the edge to the crown
    rest = float(np.clip(rest, _LOWEST_ARC * iod, max(_LOWEST_ARC * iod, _CROWN * iod - float(points[10, 1]))))
    start = float(np.clip(cut, 0.05, 0.98))

    def outline(above: Any) -> Any:
        up = start + (1 - start) * above / rest
        return half * np.sqrt(np.maximum(0, 1 - up**2) / (1 - start**2))

    return outline


def _half_width(opacity: Pixels, middle: float, otherwise: float) -> float:
    there = _span(opacity, middle)
    return otherwise if there is None else max(middle - there[0], there[1] - middle, 1.0)


def _span(opacity: Pixels, near: float) -> tuple[float, float] | None:
    """The run of opaque pixels of a row (W,) uint8 about, or else nearest to, the column `near`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (opacity > 127).astype(np.int8), [0]])))
    if not len(edges):
        return None
    starts, ends = edges[::2], edges[1::2] - 1
    distance = np.maximum(np.maximum(starts - near, near - ends), 0)
    best = int(np.argmin(distance))
    return float(starts[best]), float(ends[best])
