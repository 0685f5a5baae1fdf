"""The face's texture, warped by the face mesh to where its landmarks shall be.

The 478-point mesh is closed by two rings about the face's oval, on which the expression's displacement
fades out.  Eyes and mouth, holes in it, are bridged from lid to lid and lip to lip; what belongs there is
drawn over by reenact.generation.eyes and .mouth.  A kernel finds,
for each pixel of the patch, where in the texture it comes from; OpenCV samples there.
"""

from functools import lru_cache

import cv2
import numba
import numpy as np
import numpy.typing as npt

from reenact.tracking.topology import INNER_LIPS, LEFT_EYE, OVAL, RIGHT_EYE, face_model
from reenact.types import Floats, Pixels

RINGS = ((1.12, 0.55), (1.32, 0.0))  # size over the oval's, share of the oval's displacement
VERTICES = 468 + len(RINGS) * len(OVAL)

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


@numba.njit(cache=True, nogil=True, fastmath=True)
def _rasterise(target, source, tri, x0, y0, map_x, map_y, depth):  # type: ignore[no-untyped-def]
    h, w = map_x.shape
    for i in range(h):
        for j in range(w):
            depth[i, j] = np.float32(1e9)
    for t in range(tri.shape[0]):
        ia, ib, ic = tri[t, 0], tri[t, 1], tri[t, 2]
        ax, ay = target[ia, 0] - x0, target[ia, 1] - y0
        bx, by = target[ib, 0] - x0, target[ib, 1] - y0
        cx, cy = target[ic, 0] - x0, target[ic, 1] - y0
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0.0:
            continue
        left = max(0, int(np.ceil(min(ax, bx, cx))))
        right = min(w - 1, int(np.floor(max(ax, bx, cx))))
        top = max(0, int(np.ceil(min(ay, by, cy))))
        bottom = min(h - 1, int(np.floor(max(ay, by, cy))))
        if left > right or top > bottom:
            continue
        inv = np.float32(1.0) / area
        u_dx, u_dy = (by - cy) * inv, (cx - bx) * inv
        v_dx, v_dy = (cy - ay) * inv, (ax - cx) * inv
        sax, say, saz = source[ia, 0], source[ia, 1], target[ia, 2]
        sbx, sby, sbz = source[ib, 0], source[ib, 1], target[ib, 2]
        scx, scy, scz = source[ic, 0], source[ic, 1], target[ic, 2]
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                u = u_dx * (x - cx) + u_dy * (y - cy)
                v = v_dx * (x - cx) + v_dy * (y - cy)
                s = np.float32(1.0) - u - v
                if u < -1e-4 or v < -1e-4 or s < -1e-4:
                    continue
                z = u * saz + v * sbz + s * scz
                if z < depth[y, x]:
                    depth[y, x] = z
                    map_x[y, x] = u * sax + v * sbx + s * scx
                    map_y[y, x] = u * say + v * sby + s * scy


class MeshWarp:
    """Warps textures into patches of one size, with buffers of its own.

    size  (width, height) of the patch
    """

    def __init__(self, size: tuple[int, int]) -> None:
        width, height = size
        self._map_x = np.zeros((height, width), np.float32)
        self._map_y = np.zeros((height, width), np.float32)
        self._depth = np.zeros((height, width), np.float32)
        self._triangles = triangles()

    def __call__(
        self, texture: Pixels, source: Floats, target: Floats, origin: tuple[int, int], under: Pixels
    ) -> Pixels:
        """The patch (h, w, 3) uint8 BGR whose pixel (0, 0) lies at origin (x, y) of the output.

        source, target  (VERTICES, 3) float32: the mesh in the texture and in the output
        under           (h, w, 3): what shows where the mesh does not reach
        """
        x0, y0 = origin
        _rasterise(
            target, source, self._triangles, np.float32(x0), np.float32(y0), self._map_x, self._map_y, self._depth
        )
        sampled = cv2.remap(texture, self._map_x, self._map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        outside = cv2.compare(self._depth, 1e8, cv2.CMP_GT)
        patch: Pixels = cv2.copyTo(under, outside, sampled)
        return patch
