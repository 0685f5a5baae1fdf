"""What the network is told beside the base picture: which way the face was moved, and where it may be touched.

All of it is in the coordinates of the canonical crop (reenact.tracking.canonical).  Training makes its samples with
these same functions.
"""

import cv2
import numba
import numpy as np
import numpy.typing as npt

from reenact.generation.meshwarp import triangles
from reenact.geometry import fit_similarity, rotation_vector
from reenact.retarget.neutral import eye_opening, iris_place
from reenact.tracking.canonical import SIZE
from reenact.tracking.topology import INNER_LIPS, LEFT_EYE, OVAL, RIGHT_EYE, RIGID
from reenact.types import Floats

GRID = 64  # the network's own resolution
CELL = SIZE // GRID
CHANNELS = 7  # of `guides`: displacement x and y, stretch, turn x, y and z, gate
GATE = 6  # which of them is the gate

_PIXELS = 16.0  # unit of displacement
_MOVED = (0.75, 3.0)  # pixels of displacement from which the network begins to be let in, and is wholly
_TURNED = (0.05, 0.2)  # radians of the head's turn, the same: light and uncovered skin change everywhere
_LID, _GAZE = (0.12, 0.3), (0.04, 0.08)  # the same at the eyes: neutral openings, eye widths
_EYE_REACH = 1.15  # of the eye's width: how far round an eye its own gate reaches
_NEIGHBOURS = np.ones((3, 3), np.uint8)
_FADE = 9  # cells over which the gate fades out at the face's edge

Mask = npt.NDArray[np.uint8]


def guides(source: Floats, target: Floats, source_mesh: Floats, target_mesh: Floats) -> Floats:
    """(CHANNELS, GRID, GRID) float32 for a face moved from source (478, 3) to target (478, 3).

    target is in pixels of the canonical crop, source in those of any picture of the same face;
    source_mesh, target_mesh are the two with their rings (reenact.generation.meshwarp.with_rings).
    """
    pose = fit_similarity(source[RIGID], target[RIGID])
    still = (source_mesh * pose.scale) @ pose.rotation.T[:, :2] + pose.shift[:2]
    out = np.zeros((CHANNELS, GRID, GRID), np.float32)
    depth = np.full((GRID, GRID), 1e9, np.float32)
    _spread(target_mesh, still.astype(np.float32), triangles(), np.float32(CELL), out, depth)
    turn = rotation_vector(pose.rotation)
    out[3:6] = turn.astype(np.float32)[:, None, None]
    out[GATE] = _gate(out, source, target, float(np.linalg.norm(turn)))
    out[:2] /= _PIXELS
    return out


def _gate(field: Floats, source: Floats, target: Floats, turned: float) -> Floats:
    """(GRID, GRID) 0..1: 0 where the base is right already, and off the face."""
    moved = cv2.blur(cv2.dilate(cv2.magnitude(field[0], field[1]), _NEIGHBOURS), (5, 5))
    grid = (target[:, :2] + 0.5) / CELL - 0.5
    opening, before = eye_opening(target), eye_opening(source)
    gaze = np.linalg.norm(iris_place(target) - iris_place(source), axis=1)
    eyes = np.empty((2, 4), np.float32)  # middle, reach, gate
    for eye, ring in enumerate((RIGHT_EYE, LEFT_EYE)):
        lid = abs(float(opening[eye]) / max(float(before[eye]), 0.02) - 1)
        eyes[eye, :2] = grid[ring].mean(0)
        eyes[eye, 2] = np.linalg.norm(grid[ring[0]] - grid[ring[8]]) * _EYE_REACH
        eyes[eye, 3] = max(float(_smoothstep(lid, *_LID)), float(_smoothstep(gaze[eye], *_GAZE)))
    face = np.zeros((GRID, GRID), np.float32)
    cv2.fillConvexPoly(face, cv2.convexHull(np.round(grid[OVAL] * 16).astype(np.int32)), 1.0, cv2.LINE_8, 4)
    inside: Floats = cv2.blur(cv2.erode(face, np.ones((5, 5), np.uint8)), (_FADE // 2 * 2 - 3, _FADE // 2 * 2 - 3))
    _open_gate(moved, np.float32(_smoothstep(turned, *_TURNED)), eyes, inside)
    return inside


def openings(points: Floats, size: int = SIZE) -> Mask:
    """(2, size, size) uint8: where the eyes and where the mouth are open, for points (478, 3) in the crop of SIZE."""
    out = np.zeros((2, size, size), np.uint8)
    factor = size / SIZE
    for plane, rings in ((out[0], (RIGHT_EYE, LEFT_EYE)), (out[1], (INNER_LIPS,))):
        for ring in rings:
            corners = np.round((points[ring, :2] * factor + (factor - 1) / 2) * 16).astype(np.int32)
            cv2.fillPoly(plane, [corners], 255, lineType=cv2.LINE_AA, shift=4)
    return out


def _smoothstep(value: "float | Floats", low: float, high: float) -> Floats:
    t = np.clip((np.asarray(value, np.float32) - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


@numba.njit(cache=True, nogil=True)
def _open_gate(moved, turned, eyes, gate):  # type: ignore[no-untyped-def]
    """gate, 0 off the face and 1 on it, times how far the network is let in there."""
    for y in range(gate.shape[0]):
        for x in range(gate.shape[1]):
            value = max(_step(moved[y, x], np.float32(_MOVED[0]), np.float32(_MOVED[1])), turned)
            for eye in range(2):
                dx, dy = x - eyes[eye, 0], (y - eyes[eye, 1]) * np.float32(1.4)
                reach = eyes[eye, 2]
                near = 1 - _step(np.sqrt(dx * dx + dy * dy), np.float32(0.45) * reach, reach)
                value = value * (1 - near) + near * eyes[eye, 3]
            gate[y, x] *= value


@numba.njit(cache=True, nogil=True)
def _step(value, low, high):  # type: ignore[no-untyped-def]
    t = min(max((value - low) / (high - low), np.float32(0)), np.float32(1))
    return t * t * (3 - 2 * t)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _spread(target, still, tri, cell, out, depth):  # type: ignore[no-untyped-def]
    """Displacement (target less still, pixels) and log of the stretch, of the nearest triangle in each cell."""
    h, w = depth.shape
    half = np.float32(0.5)
    for t in range(tri.shape[0]):
        a, b, c = tri[t, 0], tri[t, 1], tri[t, 2]
        ax, ay = (target[a, 0] + half) / cell - half, (target[a, 1] + half) / cell - half
        bx, by = (target[b, 0] + half) / cell - half, (target[b, 1] + half) / cell - half
        cx, cy = (target[c, 0] + half) / cell - half, (target[c, 1] + half) / cell - half
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if abs(area) < 1e-7:
            continue
        left, right = max(0, int(np.ceil(min(ax, bx, cx)))), min(w - 1, int(np.floor(max(ax, bx, cx))))
        top, bottom = max(0, int(np.ceil(min(ay, by, cy)))), min(h - 1, int(np.floor(max(ay, by, cy))))
        if left > right or top > bottom:
            continue
        before = abs(
            (still[b, 0] - still[a, 0]) * (still[c, 1] - still[a, 1])
            - (still[c, 0] - still[a, 0]) * (still[b, 1] - still[a, 1])
        )
        stretch = min(1.5, max(-1.5, np.log((abs(area) * cell * cell + 1.0) / (before + 1.0))))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                u = ((bx - x) * (cy - y) - (cx - x) * (by - y)) / area
                v = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) / area
                s = 1 - u - v
                if u < -1e-4 or v < -1e-4 or s < -1e-4:
                    continue
                z = u * target[a, 2] + v * target[b, 2] + s * target[c, 2]
                if z >= depth[y, x]:
                    continue
                depth[y, x] = z
                for k in range(2):
                    out[k, y, x] = (
                        u * (target[a, k] - still[a, k])
                        + v * (target[b, k] - still[b, k])
                        + s * (target[c, k] - still[c, k])
                    )
                out[2, y, x] = stretch
