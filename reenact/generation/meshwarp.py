"""The face's texture, warped by the face mesh to where its landmarks shall be.

The 478-point mesh is closed by two rings about the face's oval, on which the expression's displacement
fades out.  Eyes and mouth, holes in it, are bridged from lid to lid and lip to lip; what belongs there is
drawn over by reenact.generation.eyes and .mouth.  One kernel finds, for each pixel of the patch, where in
the texture it comes from, four pixels at a time; another samples there.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from reenact.blending.jit import kernel, part
from reenact.lanes import bilinear3, nearest4, places4, put4
from reenact.tracking.topology import INNER_LIPS, LEFT_EYE, OVAL, RIGHT_EYE, face_model
from reenact.types import Floats, Pixels

RINGS = ((1.12, 0.55), (1.32, 0.0))  # size over the oval's, share of the oval's displacement
VERTICES = 468 + len(RINGS) * len(OVAL)

BAND = 32  # rows of the patch that are made at a time
SPARE = 3  # columns more than the patch has, in what is written four pixels at a time
NOWHERE = np.float32(1e9)  # the depth where no triangle is
_RIM = -1e-4  # barycentric: neighbours overlap by this
_WIDE = 12  # pixels of a triangle's box over which each row is cut to what may be inside

Mask = npt.NDArray[np.uint8]


@lru_cache(maxsize=1)
def triangles() -> npt.NDArray[np.int32]:
    """(T, 3) int32, not to be written to: the mesh's own triangles, then those of the holes and of the rings."""
    rows = [face_model().triangles.astype(np.int32)]
    rows += [ring[strips(len(ring))].astype(np.int32) for ring in (INNER_LIPS, RIGHT_EYE, LEFT_EYE)]
    count = len(OVAL)
    inner = OVAL.astype(np.int32)
    for ring in range(len(RINGS)):
        outer = 468 + ring * count + np.arange(count, dtype=np.int32)
        a, b, c, d = inner, np.roll(inner, -1), outer, np.roll(outer, -1)
        rows += [np.stack([a, b, c], 1), np.stack([b, d, c], 1)]
        inner = outer
    whole = np.concatenate(rows).astype(np.int32)
    whole.flags.writeable = False
    return whole


def with_rings(points: Floats, resting: Floats) -> Floats:
    """points (478, 3) and their rings: (VERTICES, 3) float32.

    resting (478, 3) is the same face, same head pose, before the expression: the rings keep to it.
    """
    oval = resting[OVAL]
    centre = oval.mean(0)
    moved = points[OVAL] - oval
    rings = [centre + size * (oval - centre) + share * moved for size, share in RINGS]
    closed: Floats = np.concatenate([points[:468], *rings]).astype(np.float32)
    return closed


def strips(count: int) -> npt.NDArray[np.int32]:
    """Triangles of a hole whose ring runs from one corner over the top and back below: (count - 2, 3) int32."""
    rows = []
    for i in range(count // 2):
        top, following = i, i + 1
        low, low_following = (count - i) % count, (count - i - 1) % count
        if low != top:
            rows.append((top, following, low))
        if following != low_following:
            rows.append((low, following, low_following))
    return np.array(rows, np.int32)


@kernel
def _rasterise(target: Any, source: Any, tri: Any, x0: Any, y0: Any, map_x: Any, map_y: Any, depth: Any) -> None:
    """For each pixel of the patch the nearest triangle's depth, and where in the texture it comes from.

    map_x, map_y, depth  (h, w + SPARE) float32: the last columns are room for whole groups, and hold anything
    """
    h, w = map_x.shape[0], map_x.shape[1] - SPARE
    stride = map_x.shape[1]
    flat_x, flat_y, flat_z = map_x.reshape(-1), map_y.reshape(-1), depth.reshape(-1)
    for i in range(flat_z.shape[0]):
        flat_z[i] = NOWHERE
    for t in range(tri.shape[0]):
        ia, ib, ic = tri[t, 0], tri[t, 1], tri[t, 2]
        ax, ay = target[ia, 0] - x0, target[ia, 1] - y0
        bx, by = target[ib, 0] - x0, target[ib, 1] - y0
        cx, cy = target[ic, 0] - x0, target[ic, 1] - y0
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == np.float32(0):
            continue
        left, right = max(0, int(np.ceil(min(ax, bx, cx)))), min(w - 1, int(np.floor(max(ax, bx, cx))))
        top, bottom = max(0, int(np.ceil(min(ay, by, cy)))), min(h - 1, int(np.floor(max(ay, by, cy))))
        if left > right or top > bottom:
            continue
        inv = np.float32(1.0) / area
        u_dx, u_dy = np.float64((by - cy) * inv), np.float64((cx - bx) * inv)
        v_dx, v_dy = np.float64((cy - ay) * inv), np.float64((ax - cx) * inv)
        s_dx = -u_dx - v_dx
        # How fast depth and place grow along a row.
        z_dx = u_dx * target[ia, 2] + v_dx * target[ib, 2] + s_dx * target[ic, 2]
        x_dx = u_dx * source[ia, 0] + v_dx * source[ib, 0] + s_dx * source[ic, 0]
        y_dx = u_dx * source[ia, 1] + v_dx * source[ib, 1] + s_dx * source[ic, 1]
        wide = right - left > _WIDE
        u_per, v_per, s_per = 1 / u_dx, 1 / v_dx, 1 / s_dx  # infinite for an edge along the row
        for y in range(top, bottom + 1):
            u, v = u_dy * (y - cy) - u_dx * cx, v_dy * (y - cy) - v_dx * cx
            s = 1 - u - v
            first, last = left, right
            if wide:  # what is surely outside is left out
                low, high = _inside(u, u_per, np.float64(left), np.float64(right))
                low, high = _inside(v, v_per, low, high)
                low, high = _inside(s, s_per, low, high)
                first, last = int(low), int(high) + 1
                last = min(last, right)
            z = u * target[ia, 2] + v * target[ib, 2] + s * target[ic, 2]
            px = u * source[ia, 0] + v * source[ib, 0] + s * source[ic, 0]
            py = u * source[ia, 1] + v * source[ib, 1] + s * source[ic, 1]
            for x in range(first, last + 1, 4):
                nearest4(
                    flat_z, flat_x, flat_y, y * stride + x, np.float64(x), _RIM,
                    u, u_dx, v, v_dx, s, s_dx, z, z_dx, px, x_dx, py, y_dx,
                )  # fmt: skip


@part
def _inside(start: Any, per: Any, low: Any, high: Any) -> Any:
    """Of low..high what may have start + x / per no less than _RIM; a little more, never less."""
    edge = (2 * _RIM - start) * per
    if per > 0:
        return max(low, min(edge, high + 1)), high
    return low, min(high, max(edge, low - 1))


@kernel
def _sample(texture: Any, map_x: Any, map_y: Any, depth: Any, under: Any, out: Any) -> None:
    """out (h, w, 3): the texture where the mesh is, in steps of 1/32 pixel as cv2.remap; elsewhere what is under."""
    height, width = texture.shape[0], texture.shape[1]
    flat, pixels = texture.reshape(-1), out.reshape(-1)
    flat_x, flat_y, flat_z, stride = map_x.reshape(-1), map_y.reshape(-1), depth.reshape(-1), depth.shape[1]
    row, last, end = 3 * width, flat.shape[0] - 8, pixels.shape[0] - 4
    places, shares = np.empty(stride + 3, np.int32), np.empty(stride + 3, np.int32)
    at = 0
    for y in range(out.shape[0]):
        for x in range(0, out.shape[1], 4):
            places4(flat_x, flat_y, flat_z, y * stride + x, width, height, places, shares, x)
        for x in range(out.shape[1]):
            above, share = np.int64(places[x]), np.int64(shares[x])
            if above < 0:
                for c in range(3):
                    pixels[at + c] = under[y, x, c]
            elif above + row <= last and at <= end:
                put4(pixels, at, bilinear3(flat, above, above + row, share & 63, share >> 16))
            else:
                _sample_last(flat, above, row, share & 63, share >> 16, pixels, at)
            at += 3


@part
def _sample_last(flat: Any, above: Any, row: Any, fx: Any, fy: Any, pixels: Any, at: Any) -> None:
    """The same byte by byte, where eight of them would reach beyond the picture's end."""
    for c in range(3):
        a, b = np.int32(flat[above + c]), np.int32(flat[above + 3 + c])
        d, e = np.int32(flat[above + row + c]), np.int32(flat[above + row + 3 + c])
        total = (a * (32 - fx) + b * fx) * (32 - fy) + (d * (32 - fx) + e * fx) * fy
        pixels[at + c] = np.uint8((total + 512) >> 10)


@kernel
def _warp(texture: Any, source: Any, target: Any, tri: Any, x0: int, y0: int, maps: Any, under: Any, out: Any) -> None:
    """A band of the patch after the other, small enough to stay in the nearest memory; maps (3, BAND, w + SPARE)."""
    for top in range(0, out.shape[0], maps.shape[1]):
        rows = min(maps.shape[1], out.shape[0] - top)
        map_x, map_y, depth = maps[0, :rows], maps[1, :rows], maps[2, :rows]
        _rasterise(target, source, tri, np.float32(x0), np.float32(y0 + top), map_x, map_y, depth)
        _sample(texture, map_x, map_y, depth, under[top : top + rows], out[top : top + rows])


class MeshWarp:
    """Warps textures into patches of one size, with buffers of its own.

    size  (width, height) of the patch
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._maps = np.zeros((3, min(BAND, size[1]), size[0] + SPARE), np.float32)
        self._triangles = triangles()

    def __call__(
        self, texture: Pixels, source: Floats, target: Floats, origin: tuple[int, int], under: Pixels
    ) -> Pixels:
        """The patch (h, w, 3) uint8 BGR whose pixel (0, 0) lies at origin (x, y) of the output.

        source, target  (VERTICES, 3) float32: the mesh in the texture and in the output
        under           (h, w, 3): what shows where the mesh does not reach
        """
        patch: Pixels = np.empty(under.shape, np.uint8)
        _warp(texture, source, target, self._triangles, *origin, self._maps, under, patch)
        return patch
