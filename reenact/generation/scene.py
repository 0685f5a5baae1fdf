"""The target's picture on the device: what the face is painted into, and the texture that it is made of."""

from collections import OrderedDict
from typing import Any, Protocol, TypeGuard

import numpy as np
from numba import cuda

from reenact.generation.staging import Field, Staging
from reenact.retarget import move_head
from reenact.stages import Target
from reenact.targets import cudahead
from reenact.targets.compose import cell_kinds
from reenact.targets.photo import HeadMover
from reenact.types import Motion, Pixels, Shot

Tile = tuple[int, int]  # threads of a block, across and down
KEPT_BYTES = 1_000_000_000  # of a video's frames that stay on the device: 360 of 720p; each goes up once


class Scene(Protocol):
    """The target as the device sees it.

    - `fields` is what it adds to the picture's one upload.
    - `shot` is called before the upload and says what is shown; its pixels may stand in for those on the device.
    - `draw` must put the shot into `out` (H, W, 3) flat and return the texture: flat array, width, height.
    """

    fields: dict[str, Field]

    def shot(self, n: int, motion: Motion, staging: Staging) -> Shot: ...

    def draw(
        self, shot: Shot, staging: Staging, out: Any, tile: tuple[int, int], stream: Any
    ) -> tuple[Any, int, int]: ...


class MovedTarget(Target, Protocol):
    """A photo, see reenact.targets.PhotoTarget."""

    mover: HeadMover


def has_mover(target: Target) -> TypeGuard[MovedTarget]:
    """Whether the target is a photo whose head can be moved on the device."""
    return isinstance(getattr(target, "mover", None), HeadMover)


class PhotoScene:
    """A photo whose head is moved on the device: up goes the grid of displacements, a few thousand numbers."""

    def __init__(self, target: MovedTarget) -> None:
        self._target, self._layers = target, target.mover.layers
        layers = self._layers
        self._picture, self._background, self._remainder = (
            cuda.to_device(np.ascontiguousarray(p).reshape(-1))
            for p in (layers.picture, layers.background, layers.remainder)
        )
        self._layer = cuda.to_device(np.ascontiguousarray(layers.layer))
        self._rest = target.shot(0, None)
        self._stand_in = self._rest.pixels.copy()  # another picture than the texture, as the moved one is
        rows, columns = target.mover.back(self._rest.points).shape[:2]
        self.fields: dict[str, Field] = {
            "back": (np.float32, (rows, columns, 2)),
            "kinds": (np.uint8, (rows - 1, columns - 1)),
        }

    def shot(self, n: int, motion: Motion, staging: Staging) -> Shot:
        """Its pixels show the picture at rest: the moved one exists on the device only."""
        moved = move_head(self._rest.points, motion)
        back, layers = staging.host["back"], self._layers
        back[:] = self._target.mover.back(moved)
        cell_kinds(layers.occupied, layers.hides, back, layers.step, layers.pad, staging.host["kinds"])
        points = self._target.mover.landmarks(moved)
        return Shot(self._stand_in, points, self._rest.pixels, self._rest.points, 0)

    def draw(self, shot: Shot, staging: Staging, out: Any, tile: Tile, stream: Any) -> tuple[Any, int, int]:
        layers = self._layers
        height, width = layers.picture.shape[:2]
        blocks = (-(-width // tile[0]), -(-height // tile[1]))
        cudahead.move[blocks, tile, stream](
            self._layer, layers.pad, staging.device["kinds"], staging.device["back"], layers.step, layers.reach,
            self._background, self._remainder, self._picture, width, height, out,
        )  # fmt: skip
        return self._picture, width, height


class PlayedScene:
    """Any target by its shots: pictures go up when they are first shown, and stay while there is room."""

    def __init__(self, target: Target, kept_bytes: int = KEPT_BYTES) -> None:
        self._target, self._room = target, kept_bytes
        self.fields: dict[str, Field] = {}
        self._kept: OrderedDict[int, Any] = OrderedDict()  # by frame of a video
        self._texture: tuple[Pixels, Any] | None = None  # of a target that samples one picture all the time
        self.uploads = 0  # pictures that went up

    def shot(self, n: int, motion: Motion, staging: Staging) -> Shot:
        return self._target.shot(n, motion)

    def draw(self, shot: Shot, staging: Staging, out: Any, tile: Tile, stream: Any) -> tuple[Any, int, int]:
        height, width = shot.texture.shape[:2]
        if shot.texture is shot.pixels:
            frame = self._frame(shot, stream)
            out.copy_to_device(frame, stream=stream)
            return frame, width, height
        out.copy_to_device(np.ascontiguousarray(shot.pixels).reshape(-1), stream=stream)
        if self._texture is None or self._texture[0] is not shot.texture:
            self._texture = shot.texture, self._up(shot.texture, stream)
        return self._texture[1], width, height

    def _frame(self, shot: Shot, stream: Any) -> Any:
        frame = self._kept.pop(shot.index, None)
        if frame is None:
            while self._kept and (len(self._kept) + 1) * shot.pixels.nbytes > self._room:
                self._kept.popitem(last=False)
            frame = self._up(shot.pixels, stream)
        self._kept[shot.index] = frame
        return frame

    def _up(self, pixels: Pixels, stream: Any) -> Any:
        self.uploads += 1
        return cuda.to_device(np.ascontiguousarray(pixels).reshape(-1), stream=stream)
