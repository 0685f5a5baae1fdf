"""The inner mouth: a picture of one, from the target's own frames or from the driver, laid into the target's lips."""

from dataclasses import dataclass

import cv2
import numba
import numpy as np
import numpy.typing as npt

from reenact.generation.meshwarp import strips
from reenact.tracking.topology import INNER_LIPS
from reenact.types import Floats, InnerMouth, Pixels

_GAIN = (0.4, 2.2)  # how far colours may be scaled to the target's light


@dataclass(frozen=True, slots=True, eq=False)
class MouthPicture:
    """An open mouth to be pasted.

    pixels  (h, w, 3) uint8 BGR
    mask    (h, w) uint8: 255 where pixels are good
    ring    (20, 2) float32: the inner lips (INNER_LIPS) in pixels of the picture
    gain    (3,) float32: what the colours are multiplied with
    """

    pixels: Pixels
    mask: npt.NDArray[np.uint8]
    ring: Floats
    gain: Floats


def from_driver(mouth: InnerMouth, white: Floats | None) -> MouthPicture:
    """The driver's inner mouth in the light of a target whose eye whites have the colour white (3,) BGR."""
    gain = np.ones(3, np.float32)
    if white is not None and mouth.white.min() > 1:
        gain = np.clip(white / mouth.white, *_GAIN).astype(np.float32)
    return MouthPicture(mouth.pixels, mouth.mask, mouth.points[INNER_LIPS], gain)


STRIPS = strips(len(INNER_LIPS))


def paste_mouth(
    layer: npt.NDArray[np.uint8], lips: Floats, mouth: MouthPicture, origin: tuple[int, int], weight: float
) -> None:
    """Draws a mouth inside the target's inner lips; layer (h, w, 4) uint8 BGRA, straight alpha, changed in place.

    lips    (20, 2) float32: the inner lips in the output's pixels
    weight  0..1, alpha inside
    """
    opening = between_lips(lips, origin, (layer.shape[1], layer.shape[0]))
    if opening is None:
        return
    alpha, (x, y), ring = opening
    filled = filled_in(mouth)
    map_x = np.full(alpha.shape, -1, np.float32)
    map_y = np.full(alpha.shape, -1, np.float32)
    _map_ring(ring, mouth.ring.astype(np.float32), STRIPS, map_x, map_y)
    sampled = cv2.remap(filled, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    unknown = map_x < 0
    region = layer[y : y + alpha.shape[0], x : x + alpha.shape[1]]
    alpha[unknown] = 0
    inside = alpha > 0
    region[inside, :3] = np.clip(sampled[inside].astype(np.float32) * mouth.gain, 0, 255).astype(np.uint8)
    region[inside, 3] = (alpha[inside] * weight).astype(np.uint8)


def between_lips(
    lips: Floats, origin: tuple[int, int], size: tuple[int, int]
) -> tuple[npt.NDArray[np.uint8], tuple[int, int], Floats] | None:
    """Where the mouth is open: alpha (h, w) uint8, its corner (x, y) in a patch of size (width, height) at origin, and
    the lips (20, 2) in its pixels; None where nothing of it is in the patch."""
    ring = (lips - np.array(origin, np.float32)).astype(np.float32)
    low = np.maximum(np.floor(ring.min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(ring.max(0)).astype(int) + 2, size)
    if (high <= low).any():
        return None
    ring -= low.astype(np.float32)
    alpha = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    cv2.fillPoly(alpha, [np.round(ring * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
    return alpha, (int(low[0]), int(low[1])), ring


def filled_in(mouth: MouthPicture) -> Pixels:
    """The picture with its colours carried on beyond its mask, so that the rim samples no black."""
    if mouth.mask.all():  # of the bank
        return mouth.pixels
    known = (mouth.mask > 0).astype(np.float32)
    out = mouth.pixels.astype(np.float32)
    colours = out * known[..., None]
    for size in (3, 7):
        w = cv2.blur(known, (size, size))
        c = cv2.blur(colours, (size, size))
        new = (known == 0) & (w > 0)
        out[new] = c[new] / w[new, None]
        known = np.where(new, np.float32(1), known)
        colours = out * known[..., None]
    return out.astype(np.uint8)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _map_ring(target, source, tri, map_x, map_y):  # type: ignore[no-untyped-def]
    h, w = map_x.shape
    for t in range(tri.shape[0]):
        a, b, c = tri[t, 0], tri[t, 1], tri[t, 2]
        ax, ay, bx, by, cx, cy = target[a, 0], target[a, 1], target[b, 0], target[b, 1], target[c, 0], target[c, 1]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area <= 1e-6:
            continue
        for y in range(max(0, int(np.floor(min(ay, by, cy)))), min(h - 1, int(np.ceil(max(ay, by, cy)))) + 1):
            for x in range(max(0, int(np.floor(min(ax, bx, cx)))), min(w - 1, int(np.ceil(max(ax, bx, cx)))) + 1):
                u = ((bx - x) * (cy - y) - (cx - x) * (by - y)) / area
                v = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) / area
                s = 1 - u - v
                if u < -0.02 or v < -0.02 or s < -0.02:
                    continue
                map_x[y, x] = u * source[a, 0] + v * source[b, 0] + s * source[c, 0]
                map_y[y, x] = u * source[a, 1] + v * source[b, 1] + s * source[c, 1]
