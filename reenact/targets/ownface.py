"""What the face of a target's video does by itself, frame by frame: so that only what differs is changed."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from reenact.config import MediaConfig
from reenact.errors import SourceError
from reenact.geometry import eye_distance, fit_similarity, rotation_vector
from reenact.retarget.neutral import head_pose, head_shape
from reenact.retarget.population import understood
from reenact.retarget.skin import Skin
from reenact.targets.steady import Bools
from reenact.tracking.topology import RIGID
from reenact.tracking.view import view_of
from reenact.types import FaceView, Floats

_TURNED = 0.5  # IOD that a radian of head rotation counts for when the frame most at rest is looked for


def own_expressions(
    video: Path, points: Floats, usable: Bools, neutral: Floats, progress: Callable[[str, int, int], None]
) -> Floats:
    """(N, k) float32 expression weights of every frame, against the frame most like the neutral shape (478, 3).

    points (N, 478, 3), usable (N,): where the face is, and in which frames it is seen; others get the weights of the
    frame before.  Raises SourceError where the video ends before its N frames.
    """
    rest = _most_at_rest(points, usable, neutral)
    skin = None
    for i, view in enumerate(_views(video, points)):
        if i == rest:
            skin = Skin(view, points[i])
            break
    assert skin is not None
    rows: list[Floats] = []
    for i, view in enumerate(_views(video, points)):
        if not usable[i]:
            rows.append(rows[-1] if rows else np.zeros_like(_weights(skin, view, points[rest], points[rest])))
            continue
        rows.append(_weights(skin, view, points[i], points[rest]))
        progress("reading its expressions", i + 1, len(points))
    return np.stack(rows)


def _most_at_rest(points: Floats, usable: Bools, neutral: Floats) -> int:
    among = np.flatnonzero(usable)
    apart = [np.linalg.norm(head_shape(points[i]) - neutral, axis=1).mean() for i in among]
    turned = [np.linalg.norm(rotation_vector(head_pose(points[i]).rotation)) for i in among]
    return int(among[np.argmin(np.array(apart) + _TURNED * 0.1 * np.array(turned))])


def _views(video: Path, points: Floats):  # type: ignore[no-untyped-def]
    from reenact.sources import VideoFile

    with closing(VideoFile(video, MediaConfig())) as source:
        for i in range(len(points)):
            frame = source.read()
            if frame is None:
                raise SourceError(f"{video.name} ended after {i} of its {len(points)} frames when it was read again")
            yield view_of(frame.pixels, points[i])


def _weights(skin: Skin, view: FaceView, points: Floats, rest: Floats) -> Floats:
    pose = fit_similarity(rest[RIGID], points[RIGID])
    axes = head_pose(rest).rotation
    expression = (pose.undo(points) - rest) @ axes / eye_distance(rest)
    turn = rotation_vector(axes.T @ pose.rotation @ axes)
    return understood(expression, turn, skin.measure(view, points))[0].astype(np.float32)
