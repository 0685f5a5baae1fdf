"""A photo target: one picture whose head turns, leans and moves; its background stays."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import cv2
import numpy as np

from reenact.targets.beyond import beyond_the_edge
from reenact.targets.bundle import BACKGROUND, MATTE, PICTURE, Bundle, read_layer, read_tracks
from reenact.targets.compose import Words, compose, hidden_cells, occupancy, pack
from reenact.targets.fill import own_colour
from reenact.targets.generator import models_of
from reenact.targets.headfield import HeadField
from reenact.targets.layers import Mask
from reenact.types import Floats, Motion, Pixels, Shot

_RELEASE = 0.02  # IOD: a displacement over which the layers take the place of the picture about the outline
_REACH = 0.8  # IOD: how far a head may move out of the picture's edge, or in and show what was cut off


class Layers(NamedTuple):
    """What a photo is composed of, see reenact.targets.compose: for who composes it elsewhere."""

    picture: Pixels  # (H, W, 3) uint8
    background: Pixels  # (H, W, 3) uint8
    remainder: np.ndarray[Any, np.dtype[np.int16]]  # (H, W, 3)
    layer: Words
    pad: int
    occupied: Pixels
    hides: Pixels
    step: int
    reach: float


class PhotoTarget:
    """A prepared photo, see reenact.stages.Target.

    neutral  (478, 3) float32, head axes: its face at rest;  bank: None, a photo has no other mouth than its own
    bundle   what its target.toml says
    on_close is called when it is closed.  Raises TargetError for a bundle whose files cannot be used.
    """

    kind = "photo"
    rate = 0.0
    bank = None

    def __init__(self, bundle: Bundle, on_close: Callable[[], None] | None = None) -> None:
        self._on_close = on_close
        self.bundle, self.name, self.size = bundle, bundle.name, bundle.size
        tracks = read_tracks(bundle)
        self.neutral: Floats = tracks.neutral
        self._points: Floats = tracks.points[0]
        picture = read_layer(bundle, PICTURE, 3)
        if MATTE in bundle.files and BACKGROUND in bundle.files:
            matte, background = read_layer(bundle, MATTE, 1), read_layer(bundle, BACKGROUND, 3)
            self.mover = HeadMover(picture, self._points, matte, background)
        else:
            self.mover = HeadMover(picture, self._points)
        self._picture = picture

    @property
    def models(self) -> Path | None:
        """The folder of its own generator's models, None where the shipped ones serve."""
        return models_of(self.bundle)

    def shot(self, n: int, motion: Motion | None) -> Shot:
        """The picture with the head moved as the motion says; for None the picture as prepared, bit for bit."""
        if motion is None:
            return Shot(self._picture, self._points, self._picture, self._points, 0)
        from reenact.retarget import move_head

        moved = move_head(self._points, motion)
        return Shot(self.mover(moved), self.mover.landmarks(moved), self._picture, self._points, 0)

    def close(self) -> None:
        if self._on_close is not None:
            self._on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class HeadMover:
    """Moves the head of a picture to where its landmarks went.

    picture (H, W, 3) uint8 BGR, points (478, 3) float32 its face; with matte (H, W) uint8 and background
    (H, W, 3) uint8 only the person moves, without them the picture bends as a whole.
    """

    def __init__(
        self, picture: Pixels, points: Floats, matte: Mask | None = None, background: Pixels | None = None
    ) -> None:
        height, width = picture.shape[:2]
        layered = matte is not None and background is not None
        self._field = field = HeadField(points, (width, height), layered)
        pad = min(round(_REACH * field.iod), height - 1, width - 1)
        opacity = np.full((height, width, 1), 255, np.int32) if matte is None else matte.astype(np.int32)[..., None]
        self._picture, self._background = picture, picture if background is None else background
        behind = (self._background.astype(np.int32) * (255 - opacity) + 127) // 255
        person = (own_colour(picture, opacity[..., 0]).astype(np.int32) * opacity + 127) // 255
        self._remainder = (picture.astype(np.int32) - (person + behind)).astype(np.int16)
        layer = np.concatenate([person, opacity], -1).astype(np.uint8)
        if layered:
            self._layer = pack(beyond_the_edge(layer, pad, points, field.iod))
        else:
            self._layer = pack(cv2.copyMakeBorder(layer, pad, pad, pad, pad, cv2.BORDER_REPLICATE))
        self._pad, self._occupied = pad, occupancy(self._layer, field.step)
        self._hides = hidden_cells(picture, self._background, field.step)
        self._reach = max(1.0, _RELEASE * field.iod)

    def landmarks(self, moved: Floats) -> Floats:
        """Where the landmarks are in the moved picture, (478, 3) float32; see HeadField.landmarks."""
        return self._field.landmarks(moved)

    def back(self, moved: Floats) -> Floats:
        """How far what is shown at each node of the grid was moved, (rows, columns, 2) float32 pixels."""
        back: Floats = self._field.inverse(self._field(moved))
        return back

    @property
    def layers(self) -> Layers:
        """What the picture is composed of."""
        return Layers(
            self._picture,
            self._background,
            self._remainder,
            self._layer,
            self._pad,
            self._occupied,
            self._hides,
            self._field.step,
            self._reach,
        )

    def __call__(self, moved: Floats) -> Pixels:
        """The picture with the landmarks at `moved` (478, 3); memory of its own."""
        out = self._picture.copy()
        back, step = self.back(moved), self._field.step
        compose(
            self._layer,
            self._occupied,
            self._pad,
            self._background,
            self._remainder,
            self._hides,
            back,
            step,
            self._reach,
            out,
        )
        return out
