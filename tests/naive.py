"""Slow, obvious twins of fast code: every kernel is compared with its twin here.  float64, no tricks."""

import numpy as np
import numpy.typing as npt


def neighbours(y: int, x: int) -> list[tuple[int, int]]:
    return [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]


def poisson_exact(
    patch: npt.NDArray[np.uint8],
    frame: npt.NDArray[np.uint8],
    mask: npt.NDArray[np.uint8],
    origin: tuple[int, int],
    mixed: bool = False,
) -> npt.NDArray[np.float64]:
    """Perez, Gangnet, Blake 2003, eq. 7 with eq. 10 or eq. 12 (per channel), solved by sparse LU in float64.

    patch (h, w, 3), frame (H, W, 3), mask (h, w), nonzero inside; origin (x, y) of the patch in the frame.
    Beyond its edge the patch is repeated by one pixel.  Gives the blended frame as float64, neither rounded nor
    clipped; without a single boundary pixel (the mask is the whole frame) the patch itself.
    """
    import scipy.sparse as sparse
    from scipy.sparse.linalg import splu

    ox, oy = origin
    h, w = mask.shape
    height, width = frame.shape[:2]
    inside = [(int(y), int(x)) for y, x in zip(*np.nonzero(mask), strict=True)]
    number = {p: k for k, p in enumerate(inside)}
    out = frame.astype(np.float64)
    rows, cols, data = [], [], []
    rhs = np.zeros((len(inside), 3))
    known = False
    for k, (y, x) in enumerate(inside):
        count = 0
        for v, u in neighbours(y, x):
            if not (0 <= oy + v < height and 0 <= ox + u < width):
                continue
            count += 1
            across = patch[min(max(v, 0), h - 1), min(max(u, 0), w - 1)]
            gradient = patch[y, x].astype(float) - across
            if mixed:
                own = frame[oy + y, ox + x].astype(float) - frame[oy + v, ox + u]
                gradient = np.where(np.abs(own) > np.abs(gradient), own, gradient)
            rhs[k] += gradient
            if (v, u) in number:
                rows.append(k)
                cols.append(number[v, u])
                data.append(-1.0)
            else:
                known = True
                rhs[k] += frame[oy + v, ox + u]
        rows.append(k)
        cols.append(k)
        data.append(float(count))
    at = (np.array([p[0] for p in inside], int), np.array([p[1] for p in inside], int))
    if not inside:
        return out
    if not known:
        out[oy + at[0], ox + at[1]] = patch[at]
        return out
    matrix = sparse.csc_matrix((data, (rows, cols)), shape=(len(inside), len(inside)))
    out[oy + at[0], ox + at[1]] = splu(matrix).solve(rhs)
    return out


def mesh_map(
    target: npt.NDArray[np.float32],
    source: npt.NDArray[np.float32],
    triangles: npt.NDArray[np.int32],
    origin: tuple[int, int],
    size: tuple[int, int],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Where each pixel of a patch comes from: place (h, w, 2) and depth (h, w), infinite where no triangle is.

    Triangle by triangle, pixel by pixel: barycentric coordinates in the picture (x, y), the least z is seen.  The
    last result (h, w) tells the pixels on which rounding decides: within a thousandth of an edge or of another depth.
    """
    width, height = size
    place, depth = np.zeros((height, width, 2)), np.full((height, width), np.inf)
    doubtful = np.zeros((height, width), bool)
    for corners in triangles:
        a, b, c = target[corners].astype(np.float64)
        sides = np.array([[a[0] - c[0], b[0] - c[0]], [a[1] - c[1], b[1] - c[1]]])
        if np.linalg.det(sides) == 0:
            continue
        for y in range(height):
            for x in range(width):
                u, v = np.linalg.solve(sides, [x + origin[0] - c[0], y + origin[1] - c[1]])
                share = np.array([u, v, 1 - u - v])
                if share.min() < -1e-3:
                    continue
                z = share @ [a[2], b[2], c[2]]
                doubtful[y, x] |= share.min() < 1e-3 or abs(z - depth[y, x]) < 1e-3
                if z < depth[y, x]:
                    depth[y, x] = z
                    place[y, x] = share @ source[corners, :2].astype(np.float64)
    return place, depth, doubtful
