"""The trained network over the base picture: asked at 256 x 256, its answer laid over the patch at full size.

Face2Face and its heirs paint; this moves the base's own pixels first, changes light at a quarter of the resolution,
and paints last and least, so that what was sharp stays sharp (see reenact.training.network, which learns it).
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from reenact.generation.canonical import Matrix, canonical_matrix, to_crop
from reenact.generation.guides import GATE, guides, openings
from reenact.generation.session import Runs
from reenact.types import Floats, Pixels

Mask = npt.NDArray[np.uint8]
_STILL = 0.2  # pixels of the crop: less is not worth sampling anew
_IDLE = 0.02  # a gate that opens nowhere more than so much: the base is right, the network is not asked


class Seen(NamedTuple):
    """What the network is told of a patch beside its pixels.

    crop      (2, 3): pixels of the patch to those of the network's picture
    openings  (2, size, size) uint8: where eyes and mouth are open
    grid      (CHANNELS, size / 4, size / 4) float32: reenact.generation.guides
    """

    crop: Matrix
    openings: Mask
    grid: Floats


def seen(
    source: Floats, target: Floats, meshes: tuple[Floats, Floats], origin: tuple[int, int], size: int
) -> Seen | None:
    """The same arguments as `Network.improve`, for a network of `size`; None where it has nothing to do."""
    matrix = canonical_matrix(target)
    mesh = to_crop(meshes[1], matrix)
    placed = to_crop(target, matrix)
    told = guides(source, placed, meshes[0], mesh)
    if told[GATE].max() <= _IDLE:
        return None
    from_patch = matrix.copy()
    from_patch[:, 2] += matrix[:, :2] @ np.array(origin, np.float64)
    grid = told if size == 256 else _wide(told, size // 4)
    return Seen(_sized(from_patch, size / 256), openings(placed, size), grid)


class Network:
    """Improves patches with a model of kind `portrait`.

    session  of the model; its input size says at which size it is asked
    """

    def __init__(self, session: Runs) -> None:
        self._session = session
        self.size = int(session.entry.inputs[0].shape[-1] or 256)

    def improve(
        self,
        base: Pixels,
        pasted: Mask,
        source: Floats,
        target: Floats,
        meshes: tuple[Floats, Floats],
        origin: tuple[int, int],
    ) -> Pixels:
        """The finished patch (h, w, 3) uint8 BGR, base itself where nothing is to be done.

        base    (h, w, 3) uint8 BGR, warped, with its eyes; its pixel (0, 0) lies at origin (x, y)
        pasted  (h, w) uint8: alpha of an inner mouth that will be laid over the result: the network does not see it,
                so that nothing of a driver's mouth can reach what is outside the lips
        source, target  (478, 3): the face in its texture, and where it was moved to in the output
        meshes          (VERTICES, 3) each: the same two with their rings
        """
        told = seen(source, target, meshes, origin, self.size)
        if told is None:
            return base
        crop, grid = told.crop, told.grid
        side = (self.size, self.size)
        planes = np.empty((1, 6, self.size, self.size), np.uint8)
        # an area filter would be right when shrinking by more than two; faces of such size are rare and it costs 3 ms
        small = cv2.warpAffine(base, crop, side, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        cv2.split(small, list(planes[0, :3]))
        planes[0, 3:5] = told.openings
        cv2.warpAffine(pasted, crop, side, planes[0, 5], flags=cv2.INTER_LINEAR)
        flow, colour, detail = self._session.run({"picture": planes, "guides": grid[None]})
        free = cv2.resize(grid[GATE], side) * (1 - planes[0, 5] * np.float32(1 / 255))
        return _lay(base, free, flow[0], colour[0], detail[0], crop)


def _lay(base: Pixels, free: Floats, flow: Floats, colour: Floats, detail: Floats, crop: Matrix) -> Pixels:
    """base moved by flow, colour and detail added, all of them times free; crop (2, 3) is from the patch to the crop.

    What is added goes to the patch's size as bytes about 128: a third of the time of floats, and half a level of error.
    """
    side = (free.shape[1], free.shape[0])
    tone = cv2.resize(cv2.merge(list(colour)), side)
    tone += cv2.merge(list(detail))
    tone *= free[..., None]
    tone += 128.5
    added = np.clip(tone, 0, 255, out=tone).astype(np.uint8)
    back = np.linalg.inv(crop[:, :2]).astype(np.float32)  # pixels of the crop to pixels of the patch
    shift = cv2.resize(cv2.merge(list(flow)), side)
    shift *= free[..., None]
    done = base.copy()
    box = _box_of(
        cv2.compare(cv2.max(cv2.absdiff(shift[..., 0], 0), cv2.absdiff(shift[..., 1], 0)), _STILL, cv2.CMP_GT),
        crop,
        base,
    )
    if box is not None:
        place = _placed(shift @ back.T, crop, box, cv2.BORDER_CONSTANT, (0, 0))
        place += _own_places(box)
        _part(done, box)[:] = cv2.remap(base, place, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    box = _box_of(cv2.compare(free, 0, cv2.CMP_GT), crop, base)
    if box is not None:
        there = _part(done, box)
        there[:] = cv2.addWeighted(there, 1, _placed(added, crop, box, cv2.BORDER_CONSTANT, (128,) * 3), 1, -128)
    return done


Box = tuple[int, int, int, int]  # x, y, width, height in the patch


def _box_of(where: Mask, crop: Matrix, patch: Pixels) -> Box | None:
    """What of the patch lies under the places of the crop that are set; None where none is."""
    x, y, w, h = cv2.boundingRect(where)
    if w == 0:
        return None
    corners = np.array([[x - 1, y - 1], [x + w, y - 1], [x - 1, y + h], [x + w, y + h]], np.float64)
    there = corners @ inverse(crop)[:, :2].T + inverse(crop)[:, 2]
    low = np.maximum(np.floor(there.min(0)).astype(int), 0)
    high = np.minimum(np.ceil(there.max(0)).astype(int) + 1, [patch.shape[1], patch.shape[0]])
    if (high <= low).any():
        return None
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def _part(patch: Pixels, box: Box) -> Pixels:
    return patch[box[1] : box[1] + box[3], box[0] : box[0] + box[2]]


def _placed(field: "Mask | Floats", crop: Matrix, box: Box, border: int, value: tuple[int, ...]) -> "Mask | Floats":
    """A field of the crop, sampled at the pixels of a box of the patch."""
    to_box = inverse(crop)
    to_box[:, 2] -= box[:2]
    placed: Mask = cv2.warpAffine(field, to_box, box[2:], flags=cv2.INTER_LINEAR, borderMode=border, borderValue=value)
    return placed


def _own_places(box: Box) -> Floats:
    """(height, width, 2) float32: each pixel's own place in the patch, for cv2.remap."""
    places = np.empty((box[3], box[2], 2), np.float32)
    places[..., 0] = np.arange(box[0], box[0] + box[2], dtype=np.float32)
    places[..., 1] = np.arange(box[1], box[1] + box[3], dtype=np.float32)[:, None]
    return places


def inverse(matrix: Matrix) -> Matrix:
    """The affine map back, (2, 3)."""
    back: Matrix = cv2.invertAffineTransform(matrix)
    return back


def _sized(matrix: Matrix, factor: float) -> Matrix:
    """The matrix to a crop `factor` times the size; pixel middles stay on pixel middles."""
    scaled = matrix * factor
    scaled[:, 2] += (factor - 1) / 2
    return scaled


def _wide(planes: Floats, size: int) -> Floats:
    """(c, n, n) -> (c, size, size)"""
    wide: Floats = np.stack([cv2.resize(p, (size, size), interpolation=cv2.INTER_LINEAR) for p in planes])
    return wide
