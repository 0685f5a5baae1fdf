"""The target's eyeballs: white and iris, completed behind the lids, drawn again at another gaze.

A picture shows only what the lids leave open.  An `Eyeball` holds one eye in coordinates of its corners
(u along from one corner to the other, v across, in eye widths, origin in the middle), the white filled
in under the iris and behind the lids, the iris completed by its own other side.  Drawing it under new
lids moves the iris as a disc and leaves the lids to the mesh.
"""

from dataclasses import dataclass

import cv2
import numba
import numpy as np
import numpy.typing as npt

from reenact.retarget.neutral import iris_place
from reenact.tracking.topology import LEFT_EYE, LEFT_IRIS, RIGHT_EYE, RIGHT_IRIS
from reenact.types import Floats, Pixels

U_REACH, V_REACH = 0.62, 0.42  # eye widths kept on either side of the middle
DENSITY = 96  # texture pixels for each eye width
_LID_SHY = 0.01  # eye widths by which the seen part is shrunk: lashes and the lid's edge are not eyeball
_CORNER = (0.37, 0.47)  # eye widths from the middle: there the eyeball gives way to the corners
_IRIS_REACH = (1.25, 1.5)  # radii: the iris's own edge and shadow end here
EYES = ((RIGHT_EYE, RIGHT_IRIS, 33, 133), (LEFT_EYE, LEFT_IRIS, 362, 263))


@dataclass(frozen=True, slots=True, eq=False)
class Eyeball:
    """One eye as a texture.

    white, iris  (h, w, 3) float32 BGR over u in +-U_REACH, v in +-V_REACH
    place        (2,) float32: the iris centre in (u, v)
    radius       of the iris, eye widths
    """

    white: Floats
    iris: Floats
    place: Floats
    radius: float


def eyeballs(picture: Pixels, points: Floats) -> tuple[Eyeball, Eyeball]:
    """Both eyes of a face with open eyes, right first; points (478, 3) in pixels of picture."""
    places = iris_place(points)
    right, left = (_eyeball(picture, points, places[i], *EYES[i]) for i in range(2))
    return right, left


def corner_frame(points: Floats, a: int, b: int) -> npt.NDArray[np.float64]:
    """(2, 3): pixels of the picture to (u, v) of the eye with corners a and b."""
    pa, pb = points[a, :2].astype(np.float64), points[b, :2].astype(np.float64)
    width2 = max(float(((pb - pa) ** 2).sum()), 1e-6)
    ex = (pb - pa) / width2
    rotation = np.array([ex, [-ex[1], ex[0]]])
    return np.concatenate([rotation, -(rotation @ ((pa + pb) / 2))[:, None]], axis=1)


def _eyeball(
    picture: Pixels,
    points: Floats,
    place: Floats,
    ring: npt.NDArray[np.int64],
    iris: npt.NDArray[np.int64],
    a: int,
    b: int,
) -> Eyeball:
    to_uv = corner_frame(points, a, b)
    seen = eye_picture(picture, to_uv)
    to_texture = _texture_matrix(to_uv)
    size = (seen.shape[1], seen.shape[0])
    polygon = points[ring, :2] @ to_texture[:, :2].T + to_texture[:, 2]
    mask = np.zeros(seen.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(polygon * 16).astype(np.int32)], 1, shift=4)
    shy = int(_LID_SHY * DENSITY)
    mask = cv2.erode(mask, np.ones((2 * shy + 1, 2 * shy + 1), np.uint8))
    sides = points[iris[[1, 3]], :2] @ to_uv[:, :2].T + to_uv[:, 2]
    radius = float(np.clip(np.linalg.norm(sides[0] - sides[1]) / 2, 0.12, 0.3))
    v, u = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    du = (u - U_REACH * DENSITY) / DENSITY - place[0]
    dv = (v - V_REACH * DENSITY) / DENSITY - place[1]
    distance = np.hypot(du, dv)
    colours = seen.astype(np.float32)
    white = _spread(colours, (mask > 0) & (distance > 1.22 * radius))
    disc = _complete_iris(colours, (mask > 0) & (distance < 1.3 * radius), du, dv, radius)
    return Eyeball(white, disc, place.astype(np.float32), radius)


def _texture_matrix(to_uv: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(2, 3): pixels of the picture to those of an eyeball's texture, by way of (u, v)."""
    matrix: npt.NDArray[np.float64] = to_uv * DENSITY
    matrix[:, 2] += np.array([U_REACH, V_REACH]) * DENSITY
    return matrix


def eye_picture(picture: Pixels, to_uv: npt.NDArray[np.float64]) -> Pixels:
    """The picture about an eye, DENSITY pixels for each eye width, u in +-U_REACH and v in +-V_REACH."""
    size = (int(2 * U_REACH * DENSITY), int(2 * V_REACH * DENSITY))
    matrix = _texture_matrix(to_uv)
    seen: Pixels = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return seen


def _spread(colours: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    """colours kept where known, elsewhere the nearest known ones, ever smoother with distance (normalised blurs)."""
    weight = known.astype(np.float32)
    out = np.zeros_like(colours)
    have = np.zeros_like(weight)
    if not known.any():
        return np.full_like(colours, 200.0)
    for sigma in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0):
        w = cv2.GaussianBlur(weight, (0, 0), sigma)
        c = cv2.GaussianBlur(colours * weight[..., None], (0, 0), sigma)
        share = np.clip(w * 4, 0, 1) * (1 - have)
        out += share[..., None] * c / np.maximum(w, 1e-6)[..., None]
        have += share
    out = out / np.maximum(have, 1e-6)[..., None]
    filled: Floats = np.where(known[..., None], colours, out).astype(np.float32)
    soft = cv2.GaussianBlur(weight, (0, 0), 1.0)[..., None]
    whole: Floats = (filled * soft + out * (1 - soft)).astype(np.float32)
    return whole


def _complete_iris(colours: Floats, known: npt.NDArray[np.bool_], du: Floats, dv: Floats, radius: float) -> Floats:
    """The iris seen in part, completed by the colour at the same radius."""
    ring = np.clip((np.hypot(du, dv) / radius * 16).astype(int), 0, 31)
    profile = np.zeros((32, 3), np.float32)
    last = colours[known].mean(0) if known.any() else np.full(3, 60.0, np.float32)
    for k in range(32):
        here = known & (ring == k)
        if here.sum() >= 3:
            last = np.median(colours[here], axis=0)
        profile[k] = last
    for k in range(30, -1, -1):
        if not (known & (ring == k)).any():
            profile[k] = profile[k + 1]
    radial = cv2.GaussianBlur(profile[:, None], (1, 5), 1.0)[:, 0][ring]
    soft = cv2.GaussianBlur(known.astype(np.float32), (0, 0), 1.5)
    soft = np.where(known, np.clip(soft * 2 - 1, 0, 1), 0)[..., None]
    whole: Floats = (colours * soft + radial * (1 - soft)).astype(np.float32)
    return whole


def lid_curve(points: Floats, ring: npt.NDArray[np.int64], steps: int = 4) -> Floats:
    """The eye's opening as a smooth closed curve (Catmull-Rom through the ring): (16 * steps, 2) float32."""
    curve: Floats = _through(points[ring, :2].astype(np.float32), steps)
    return curve


@numba.njit(cache=True, nogil=True)
def _through(ring, steps):  # type: ignore[no-untyped-def]
    count = ring.shape[0]
    out = np.empty((count * steps, 2), np.float32)
    for i in range(count):
        sharp = i % 8 == 0 or i % 8 == 7  # on either side of the corners 0 and 8 the curve is straight
        for k in range(steps):
            t = np.float32(k) / np.float32(steps)
            for c in range(2):
                a, b = ring[(i - 1) % count, c], ring[i, c]
                d, e = ring[(i + 1) % count, c], ring[(i + 2) % count, c]
                bent = 2 * b + (d - a) * t + (2 * a - 5 * b + 4 * d - e) * t * t + (3 * b - a - 3 * d + e) * t * t * t
                out[i * steps + k, c] = b * (1 - t) + d * t if sharp else np.float32(0.5) * bent
    return out


def draw_eye(
    layer: npt.NDArray[np.uint8],
    points: Floats,
    eye: int,
    ball: Eyeball,
    place: Floats,
    origin: tuple[int, int],
    weight: float,
    own: Floats | None = None,
    full: float = 1.0,
) -> None:
    """Draws an eyeball into the opening of the lids; layer (h, w, 4) uint8 BGRA, straight alpha, changed in place.

    points (478, 3)  where the lids are, in the output's pixels
    eye              0 the right, 1 the left
    place            (2,) where the iris centre shall be, in (u, v)
    weight           0..1, alpha inside the opening
    own, full        where alone it is drawn, see eye_alpha
    """
    opening = eye_alpha(points, eye, ball, place, origin, (layer.shape[1], layer.shape[0]), own, full)
    if opening is None:
        return
    alpha, (x, y), to_uv = opening
    region = layer[y : y + alpha.shape[0], x : x + alpha.shape[1]]
    _draw(region, alpha, to_uv, ball.white, ball.iris, ball.place, place.astype(np.float32), ball.radius, weight)


def eye_alpha(
    points: Floats,
    eye: int,
    ball: Eyeball,
    place: Floats,
    origin: tuple[int, int],
    size: tuple[int, int],
    own: Floats | None = None,
    full: float = 1.0,
) -> tuple[npt.NDArray[np.uint8], tuple[int, int], npt.NDArray[np.float64]] | None:
    """`between_lids`, and of that only where the eyeball is to be drawn: not in the corners, which the mesh brings
    along, and for less than `full` (0..1) only about the iris, where it shall be and where the picture has its `own`.
    """
    opening = between_lids(points, eye, origin, size)
    if opening is not None:
        elsewhere = place if own is None else own
        _about_iris(opening[0], opening[2], place.astype(np.float32), elsewhere.astype(np.float32), ball.radius, full)
    return opening


@numba.njit(cache=True, nogil=True, fastmath=True)
def _about_iris(alpha, to_uv, place, own, radius, full):  # type: ignore[no-untyped-def]
    for y in range(alpha.shape[0]):
        for x in range(alpha.shape[1]):
            if alpha[y, x] == 0:
                continue
            u = to_uv[0, 0] * x + to_uv[0, 1] * y + to_uv[0, 2]
            v = to_uv[1, 0] * x + to_uv[1, 1] * y + to_uv[1, 2]
            there = np.sqrt((u - place[0]) ** 2 + (v - place[1]) ** 2) / radius
            here = np.sqrt((u - own[0]) ** 2 + (v - own[1]) ** 2) / radius
            share = max(full, _fade(min(there, here), _IRIS_REACH[0], _IRIS_REACH[1]))
            alpha[y, x] = np.uint8(alpha[y, x] * share * _fade(abs(u), _CORNER[0], _CORNER[1]) + 0.5)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _fade(value, low, high):  # type: ignore[no-untyped-def]
    t = min(1.0, max(0.0, (high - value) / (high - low)))
    return t * t * (3 - 2 * t)


def between_lids(
    points: Floats, eye: int, origin: tuple[int, int], size: tuple[int, int]
) -> tuple[npt.NDArray[np.uint8], tuple[int, int], npt.NDArray[np.float64]] | None:
    """Where an eye is open: alpha (h, w) uint8, its corner (x, y) in a patch of size (width, height) at origin, and the
    (2, 3) matrix from its pixels to (u, v); None where nothing of it is in the patch."""
    ring, _, a, b = EYES[eye]
    curve = lid_curve(points, ring) - np.array(origin, np.float32)
    low = np.maximum(np.floor(curve.min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(curve.max(0)).astype(int) + 2, size)
    if (high <= low).any():
        return None
    alpha = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    cv2.fillPoly(alpha, [np.round((curve - low) * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
    to_uv = corner_frame(points, a, b)
    to_uv[:, 2] += to_uv[:, :2] @ (low + np.array(origin))
    return alpha, (int(low[0]), int(low[1])), to_uv


@numba.njit(cache=True, nogil=True, fastmath=True)
def _draw(region, alpha, to_uv, white, iris, was, place, radius, weight):  # type: ignore[no-untyped-def]
    h, w = alpha.shape
    th, tw = white.shape[0], white.shape[1]
    for y in range(h):
        for x in range(w):
            if alpha[y, x] == 0:
                continue
            u = to_uv[0, 0] * x + to_uv[0, 1] * y + to_uv[0, 2]
            v = to_uv[1, 0] * x + to_uv[1, 1] * y + to_uv[1, 2]
            d = np.sqrt((u - place[0]) ** 2 + (v - place[1]) ** 2) / radius
            k = min(1.0, max(0.0, (1.22 - d) / 0.14))
            k = k * k * (3 - 2 * k)
            for c in range(3):
                value = _sample(white, u, v, c, tw, th)
                if k > 0:
                    value += k * (_sample(iris, u - place[0] + was[0], v - place[1] + was[1], c, tw, th) - value)
                region[y, x, c] = np.uint8(min(255.0, max(0.0, value + 0.5)))
            region[y, x, 3] = np.uint8(alpha[y, x] * weight + 0.5)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _sample(texture, u, v, c, tw, th):  # type: ignore[no-untyped-def]
    x = min(max((u + U_REACH) * DENSITY, 0.0), tw - 1.001)
    y = min(max((v + V_REACH) * DENSITY, 0.0), th - 1.001)
    i, j = int(y), int(x)
    fy, fx = y - i, x - j
    top = texture[i, j, c] * (1 - fx) + texture[i, j + 1, c] * fx
    low = texture[i + 1, j, c] * (1 - fx) + texture[i + 1, j + 1, c] * fx
    return top * (1 - fy) + low * fy
