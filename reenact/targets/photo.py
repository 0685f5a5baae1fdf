"""A photo target: one picture whose head turns, leans and moves; its background stays."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np

from reenact.targets.beyond import beyond_the_edge
from reenact.targets.bundle import BACKGROUND, MATTE, PICTURE, Bundle, read_layer, read_tracks
from reenact.targets.compose import compose
from reenact.targets.headfield import HeadField
from reenact.types import Floats, Motion, Pixels, Shot

_STILL = 0.02  # pixels: less than the interpolation can show (cv2.remap works in steps of 1/32)
_REACH = 0.8  # IOD: how far a head may move out of the picture's edge, or in and show what was cut off


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
            self._mover = HeadMover(picture, self._points, matte, background)
        else:
            self._mover = HeadMover(picture, self._points)
        self._picture = picture

    def shot(self, n: int, motion: Motion | None) -> Shot:
        """The picture with the head moved as the motion says; for None the picture as prepared, bit for bit."""
        if motion is None:
            return Shot(self._picture, self._points, self._picture, self._points, 0)
        from reenact.retarget import move_head

        moved = move_head(self._points, motion)
        return Shot(self._mover(moved), self._mover.landmarks(moved), self._picture, self._points, 0)

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

    def __init__(self, picture: Pixels, points: Floats, matte: Any = None, background: Pixels | None = None) -> None:
        height, width = picture.shape[:2]
        self._picture, self._background = picture, background
        self._field = HeadField(points, (width, height), layered=matte is not None)
        if matte is None or background is None:
            self._layer, self._pad = picture, 0
            return
        opacity = matte.astype(np.int32)[..., None]
        behind = (background.astype(np.int32) * (255 - opacity) + 127) // 255
        person = np.clip(picture.astype(np.int32) - behind, 0, opacity)
        self._remainder = (picture.astype(np.int32) - (person + behind)).astype(np.int16)
        self._pad = pad = min(round(_REACH * self._field.iod), height - 1, width - 1)
        layer = np.concatenate([person, opacity], -1).astype(np.uint8)
        self._layer = beyond_the_edge(layer, pad, points, self._field.iod)

    def landmarks(self, moved: Floats) -> Floats:
        """Where the landmarks are in the moved picture, (478, 3) float32; see HeadField.landmarks."""
        return self._field.landmarks(moved)

    def __call__(self, moved: Floats) -> Pixels:
        """The picture with the landmarks at `moved` (478, 3); memory of its own."""
        out = self._picture.copy()
        field = self._field(moved)
        back = self._field.inverse(field)
        box = self._box(back)
        if box is None:
            return out
        x0, y0, x1, y1 = box
        where = self._where(back, box)
        if self._background is None:
            out[y0:y1, x0:x1] = cv2.remap(self._layer, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            return out
        layer = cv2.remap(self._layer, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        region = (slice(y0, y1), slice(x0, x1))
        compose(
            layer, self._background[region], self._remainder[region], where, x0 + self._pad, y0 + self._pad, out[region]
        )
        return out

    def _box(self, back: Floats) -> tuple[int, int, int, int] | None:
        """The part of the picture that moves, (x0, y0, x1, y1), cut at whole nodes of the grid."""
        moving = (np.abs(back) > _STILL).any(-1)
        if not moving.any():
            return None
        rows, columns = np.flatnonzero(moving.any(1)), np.flatnonzero(moving.any(0))
        height, width = self._picture.shape[:2]
        step = self._field.step
        x0, y0 = max(0, int((columns[0] - 1) * step)), max(0, int((rows[0] - 1) * step))
        return x0, y0, min(width, int((columns[-1] + 1) * step) + 1), min(height, int((rows[-1] + 1) * step) + 1)

    def _where(self, back: Floats, box: tuple[int, int, int, int]) -> Floats:
        """For each pixel of the box the place in the padded layer that it shows, (h, w, 2) float32."""
        x0, y0, x1, y1 = box
        step = self._field.step
        to_node = np.array([[1 / step, 0, x0 / step], [0, 1 / step, y0 / step]], np.float64)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        spread = cv2.warpAffine(back, to_node, (x1 - x0, y1 - y0), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        where: Floats = np.empty_like(spread)
        np.subtract(
            np.arange(x0 + self._pad, x1 + self._pad, dtype=np.float32)[None], spread[..., 0], out=where[..., 0]
        )
        np.subtract(
            np.arange(y0 + self._pad, y1 + self._pad, dtype=np.float32)[:, None], spread[..., 1], out=where[..., 1]
        )
        return where
