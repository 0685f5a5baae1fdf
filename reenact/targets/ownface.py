"""What the face of a target's video does by itself, frame by frame: so that only what differs is changed."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from reenact.config import MediaConfig
from reenact.errors import SourceError
from reenact.geometry import rotation_vector
from reenact.retarget.neutral import Resting, head_pose, head_shape
from reenact.retarget.population import population, understood
from reenact.retarget.skin import Skin
from reenact.targets.steady import Bools
from reenact.tracking.view import view_of
from reenact.types import Floats, Pixels

_TURNED = 0.05  # IOD that a radian of head rotation counts for when the frame most at rest is looked for


class OwnFace:
    """The face of a video, compared with the frame in which it is most like its neutral shape (478, 3).

    points (N, 478, 3), usable (N,): where the face is, and in which frames it is seen
    weights  (N, k) float32: the expressions of the frames read so far; unusable ones have those of the frame before
    Raises SourceError where the video ends before that frame.
    """

    def __init__(self, video: Path, points: Floats, usable: Bools, neutral: Floats) -> None:
        self._points, self._usable = points, usable
        rest = _most_at_rest(points, usable, neutral)
        self._resting = Resting(points[rest])
        self._skin = Skin(view_of(_picture_at(video, rest), points[rest]), points[rest])
        self.weights: Floats = np.zeros((len(points), len(population().modes)), np.float32)

    def reading(self, pictures: Iterable[Pixels]) -> Iterator[Pixels]:
        """The video's pictures, all of them, read on their way; gives on those that show the face."""
        for i, (picture, points, usable) in enumerate(zip(pictures, self._points, self._usable, strict=True)):
            if not usable:
                self.weights[i] = self.weights[i - 1]
                continue
            found = self._resting.relative(points)
            measured = self._skin.measure(view_of(picture, points), points)
            self.weights[i] = understood(found.expression, rotation_vector(found.turn), measured)[0]
            yield picture


def _most_at_rest(points: Floats, usable: Bools, neutral: Floats) -> int:
    among = np.flatnonzero(usable)
    apart = [np.linalg.norm(head_shape(points[i]) - neutral, axis=1).mean() for i in among]
    turned = [np.linalg.norm(rotation_vector(head_pose(points[i]).rotation)) for i in among]
    return int(among[np.argmin(np.array(apart) + _TURNED * np.array(turned))])


def _picture_at(video: Path, index: int) -> Pixels:
    from reenact.sources import VideoFile

    with closing(VideoFile(video, MediaConfig())) as source:
        for i in range(index + 1):
            frame = source.read()
            if frame is None:
                break
            if i == index:
                return frame.pixels
    raise SourceError(f"{video.name} ended before its frame {index} when it was read again")
