"""A video target: it plays on, forward and backward, and only its face is driven."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reenact.config import MediaConfig
from reenact.errors import TargetError
from reenact.retarget.population import expression_of
from reenact.targets.bundle import BANK, FRAME_ENDS, FRAMES, Bundle, damaged, read_tracks
from reenact.targets.frames import DecodedFrames, Frames, StoredFrames
from reenact.targets.generator import models_of
from reenact.types import Floats, Motion, Pixels, Shot

if TYPE_CHECKING:
    from reenact.targets.mouthbank import MouthBank


def there_and_back(n: int, frames: int) -> int:
    """The frame shown at moment n: 0, 1, ..., last, last - 1, ..., 1, 0, 1, ..."""
    if frames == 1:
        return 0
    n %= 2 * (frames - 1)
    return min(n, 2 * (frames - 1) - n)


class VideoTarget:
    """A prepared video, see reenact.stages.Target.

    neutral  (478, 3) float32, head axes: its face at rest;  bank: its inner mouths
    bundle   what its target.toml says
    on_close is called when it is closed.  Raises TargetError for a bundle whose files cannot be used.
    """

    kind = "video"

    def __init__(self, bundle: Bundle, on_close: Callable[[], None] | None = None) -> None:
        self._on_close = on_close
        self.bundle, self.name, self.size, self.rate = bundle, bundle.name, bundle.size, bundle.rate
        self._tracks = read_tracks(bundle)
        self.neutral: Floats = self._tracks.neutral
        self.bank = _open_bank(bundle)
        self._frames = _open_frames(bundle)
        held = len(self._frames)
        if held != bundle.frames:
            self.close()
            raise damaged(bundle.folder, f"it holds {held} frames, expected {bundle.frames}")

    @property
    def frames(self) -> int:
        return self.bundle.frames

    @property
    def models(self) -> Path | None:
        """The folder of its own generator's models, None where the shipped ones serve."""
        return models_of(self.bundle)

    def shot(self, n: int, motion: Motion | None) -> Shot:
        """Moment n (0 or more); the motion is ignored.  `found` is False where the video shows no face."""
        if n < 0:
            raise ValueError(f"moment {n} of a target: expected 0 or more")
        index = there_and_back(n, self.frames)
        pixels, points = self._frames[index], self._tracks.points[index]
        own = None if self._tracks.weights is None else expression_of(self._tracks.weights[index])
        return Shot(pixels, points, pixels, points, index, bool(self._tracks.found[index]), own)

    def close(self) -> None:
        self._frames.close()
        if self._on_close is not None:
            self._on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open_bank(bundle: Bundle) -> "MouthBank | None":
    if BANK not in bundle.files:
        return None
    from reenact.targets.mouthbank import MouthBank

    return MouthBank.load(bundle.path(BANK))


def _open_frames(bundle: Bundle) -> Frames:
    from reenact.sources import VideoFile

    if FRAMES in bundle.files:
        return StoredFrames(bundle.path(FRAMES), bundle.path(FRAME_ENDS), bundle.size)
    pictures: list[Pixels] = []
    source = VideoFile(bundle.video, MediaConfig())
    try:
        while len(pictures) <= bundle.frames and (frame := source.read()) is not None:
            if frame.pixels.shape[1::-1] != bundle.size:
                raise TargetError(f"{bundle.video} is {frame.pixels.shape[1::-1]} pixels, expected {bundle.size}")
            pictures.append(frame.pixels)
    finally:
        source.close()
    return DecodedFrames(pictures)
