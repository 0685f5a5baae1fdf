"""The trained network over the base picture: asked at 256 x 256, its answer laid over the patch at full size.

Face2Face and its heirs paint; this moves the base's own pixels first, changes light at a quarter of the resolution,
and paints last and least, so that what was sharp stays sharp (see reenact.training.network, which learns it).
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from reenact.gate import Untrusted
from reenact.generation import laying
from reenact.generation.guides import GATE, guides, openings
from reenact.generation.session import Runs
from reenact.tracking.canonical import Matrix, canonical_matrix, to_crop
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
    Not thread safe: its buffers are used again for each patch.
    """

    def __init__(self, session: Runs) -> None:
        self._session = session
        self.size = size = int(session.entry.inputs[0].shape[-1] or 256)
        self._planes = np.zeros((1, 6, size, size), np.uint8)
        # With a rim of what is beyond the crop.
        self._added = np.full((size + 2, size + 2, 4), 128, np.uint8)
        self._shift = np.zeros((size + 2, size + 2, 2), np.float32)
        self._cubic = laying.cubic_weights()

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
        # an area filter would be right when shrinking by more than two; faces of such size are rare and it costs 3 ms
        laying.crop(base, pasted, np.array(cv2.boundingRect(pasted)), inverse(told.crop), self._planes[0])
        self._planes[0, 3:5] = told.openings
        flow, colour, detail = self._session.run({"picture": self._planes, "guides": told.grid[None]})
        return self._lay(base, told, flow[0], colour[0], detail[0])

    def _lay(self, base: Pixels, told: Seen, flow: Floats, colour: Floats, detail: Floats) -> Pixels:
        """base moved by flow, colour and detail added, all of them times how far the network is let in.

        What is added goes to the patch's size as bytes about 128: a third of the time of floats, and half a level of
        error.
        """
        back = np.linalg.inv(told.crop[:, :2]).astype(np.float32)  # pixels of the crop to pixels of the patch
        reached, finite = laying.answer(
            self._planes[0, 5], told.grid[GATE], flow, colour, detail, back, _STILL, self._added, self._shift
        )
        if not finite:
            raise Untrusted("the network's numbers are not finite")
        to_patch = inverse(told.crop)
        boxes, matrices = np.zeros((2, 4), np.int64), np.zeros((2, 2, 3))
        for k in range(2):
            box = _box_of(reached[k], to_patch, base)
            if box is not None:
                to_box = to_patch.copy()
                to_box[:, 2] -= box[:2]
                boxes[k], matrices[k] = box, inverse(to_box)
        done: Pixels = np.empty_like(base)
        laying.lay(base, self._added, self._shift, boxes, matrices, self._cubic, done)
        return done


Box = tuple[int, int, int, int]  # x, y, width, height in the patch


def _box_of(where: "npt.NDArray[np.int64]", to_patch: Matrix, patch: Pixels) -> Box | None:
    """What of the patch lies under a rectangle of the crop, x, y, width, height; None where nothing does."""
    x, y, w, h = (int(v) for v in where)
    if w == 0:
        return None
    corners = np.array([[x - 1, y - 1], [x + w, y - 1], [x - 1, y + h], [x + w, y + h]], np.float64)
    there = corners @ to_patch[:, :2].T + to_patch[:, 2]
    low = np.maximum(np.floor(there.min(0)).astype(int), 0)
    high = np.minimum(np.ceil(there.max(0)).astype(int) + 1, [patch.shape[1], patch.shape[0]])
    if (high <= low).any():
        return None
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


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
