"""Where the lids' edges are seen, as opposed to where the face mesh has them.

The mesh takes the lids for nearer to each other than they are, by up to a tenth of the eye's width and differently in
every face.  Nobody sees that while an eye is as open as in its picture, but a lid brought down by the mesh's measure
leaves a sliver of the eye.  So the edges are looked for once, in the picture, and the mesh's lids are moved there
before anything is drawn: fully as long as the eye is as open as it was in that picture, not at all where it is shut.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from reenact.generation.eyes import DENSITY, EYES, U_REACH, V_REACH, corner_frame, eye_picture
from reenact.retarget.neutral import eye_opening
from reenact.retarget.transfer import LIDS
from reenact.types import Floats, Pixels

_FROM, _TO = (-0.01, -0.05), (0.1, 0.04)  # eye widths outward of the mesh's upper and lower lid: where it is looked for
_TELLING = 80.0  # grey levels for each tenth of an eye width: a steepness that only edges have
_STRONG = 0.5  # of the steepest place: the outermost one that steep is the lid's edge
_UNTOLD = (0.02, 0.0)  # eye widths, the edges where nothing was to be told
_ENOUGH = 2  # points of a lid at which it was told
_STEP = 0.005
_SPARE = (0.03, 0.01)  # eye widths: edges are blurred; shut lids show nothing of the eye


@dataclass(frozen=True, slots=True, eq=False)
class LidEdges:
    """How far outward of the mesh's lids the seen ones are.

    outward  (2, 7, 2) float32, eye widths: right eye and left, the pairs of reenact.retarget.transfer.LIDS, upper and
             lower
    opening  (2,) float32: reenact.retarget.neutral.eye_opening where they were found
    """

    outward: Floats
    opening: Floats

    def openness(self, points: Floats) -> Floats:
        """(2,) 0..1: how open each eye is, by what it was in the picture."""
        share: Floats = np.clip(eye_opening(points) / np.maximum(self.opening, 0.05), 0, 1)
        return share

    def seen(self, points: Floats, closing: Floats | None = None) -> Floats:
        """points (478, 3) with the lids where they are to be seen.

        closing  (2,) 0..1, how far each eye is about to be shut: so much of _SPARE the lids are moved on
        """
        out = points.copy()
        shares = self.openness(points)
        for eye, (_, _, a, b) in enumerate(EYES):
            along = points[b, :2] - points[a, :2]
            down = np.array([-along[1], along[0]], np.float32) * shares[eye]
            for side in (0, 1):
                outward = self.outward[eye, :, side, None]
                if closing is not None:
                    outward = outward + _SPARE[side] * closing[eye]
                out[_RINGS[eye, side], :2] += _OUTWARD[side] * outward * down
        return out


_OUTWARD = (-1, 1)  # which way along v
_RINGS = np.array(LIDS).transpose(0, 2, 1)  # (2, 2, 7): eye, upper or lower, point


def lid_edges(picture: Pixels, points: Floats) -> LidEdges:
    """The lids' edges in a picture of open eyes, points (478, 3) in its pixels."""
    outward = np.stack([_of_eye(picture, points, eye) for eye in range(2)])
    return LidEdges(outward.astype(np.float32), eye_opening(points))


def _of_eye(picture: Pixels, points: Floats, eye: int) -> Floats:
    """(7, 2) eye widths.  Where the iris is nothing is told: its edges and the lashes' are as steep as the lid's."""
    _, _, a, b = EYES[eye]
    to_uv = corner_frame(points, a, b)
    luma = cv2.cvtColor(eye_picture(picture, to_uv), cv2.COLOR_BGR2GRAY).astype(np.float32)
    luma = cv2.GaussianBlur(luma, (0, 0), 1.0)
    out = np.zeros((len(LIDS[eye]), 2), np.float32)
    for side in (0, 1):
        places = points[_RINGS[eye, side], :2] @ to_uv[:, :2].T + to_uv[:, 2]
        order = np.argsort(places[:, 0])
        found = [_edge(luma, float(places[k, 0]), float(places[k, 1]), side) for k in order]
        row = np.array([_UNTOLD[side] if edge is None else edge for edge in found], np.float32)
        told = np.flatnonzero([edge is not None for edge in found])
        if len(told) >= _ENOUGH:
            u = places[order, 0]
            row = np.interp(u, u[told], row[told])
        row = np.pad(row, 1, "edge")
        row = np.pad(np.median([row[:-2], row[1:-1], row[2:]], axis=0), 1, "edge")
        out[order, side] = (row[:-2] + 2 * row[1:-1] + row[2:]) / 4
    return out


def _edge(luma: Floats, u: float, v: float, side: int) -> float | None:
    """Eye widths outward of (u, v) at which the white of the eye ends: the outermost steep fall of brightness."""
    steps = np.arange(_FROM[side] - _STEP, _TO[side] + _STEP, _STEP)
    y = ((v + _OUTWARD[side] * steps + V_REACH) * DENSITY).astype(np.float32)[:, None]
    x = np.full_like(y, (u + U_REACH) * DENSITY)
    column = cv2.remap(luma, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]
    steep = (column[:-2] - column[2:]) * (0.1 / (2 * _STEP))
    if steep.max() < _TELLING:
        return None
    peaks = (steep[1:-1] >= steep[:-2]) & (steep[1:-1] >= steep[2:]) & (steep[1:-1] >= _STRONG * steep.max())
    found = np.flatnonzero(peaks & (steep[1:-1] >= _TELLING))
    return float(steps[2 + found[-1]]) if len(found) else None
