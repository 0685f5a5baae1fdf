"""The built-in driver and target clips, tracked once for all the tests that need a real face."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from reenact import assets
from reenact.geometry import eye_distance, rotation_matrix
from reenact.retarget import Retarget
from reenact.retarget.neutral import head_shape
from reenact.retarget.transfer import LIDS
from reenact.sources import VideoFile
from reenact.tracking import FaceMeshTracker
from reenact.tracking.topology import INNER_LIPS, RIGID, face_model
from reenact.types import POINTS, FaceTrack, Frame, Shot

HALF = len(INNER_LIPS) // 2
UPPER_LIPS, LOWER_LIPS = INNER_LIPS[1:HALF], INNER_LIPS[:HALF:-1]
POSES = [
    ((0, 0, 0), (0.5, -0.3), 1.2),
    ((0, 0.2, 0), (0, 0), 1.0),
    ((0.2, 0, 0), (0, 0), 1.0),
    ((0, 0, 0.3), (0.1, 0.4), 1.0),
    ((0.1, -0.3, 0.1), (0.2, 0.1), 0.8),
]


def frames(path: Path, count: int) -> list[Frame]:
    with VideoFile(path) as source:
        return [frame for _ in range(count) if (frame := source.read()) is not None]


@lru_cache(maxsize=1)
def driver() -> tuple[tuple[Frame, ...], tuple[FaceTrack, ...]]:
    """Two seconds of the built-in driver, who rests, then talks; every frame shows the face."""
    return _track(assets.DRIVER, 60)


@lru_cache(maxsize=1)
def video() -> tuple[tuple[Frame, ...], tuple[FaceTrack, ...]]:
    """The first frames of the built-in video target."""
    return _track(assets.VIDEO, 45)


def video_shots() -> list[Shot]:
    return [Shot(f.pixels, t.points, f.pixels, t.points, i) for i, (f, t) in enumerate(zip(*video(), strict=True))]


def _track(path: Path, count: int) -> tuple[tuple[Frame, ...], tuple[FaceTrack, ...]]:
    pictures = frames(path, count)
    with FaceMeshTracker() as tracker:
        tracks = [tracker.track(frame) for frame in pictures]
    assert len(pictures) == count
    assert all(track is not None for track in tracks)
    return tuple(pictures), tuple(track for track in tracks if track is not None)


def average_face(iod: float = 120.0, centre: tuple[float, float] = (320.0, 240.0)) -> np.ndarray:
    """(478, 3) float32: the mean face, looking at the camera."""
    points = face_model().mean * np.float32(iod)
    points[:, :2] += centre
    return points.astype(np.float32)


def moved(points: np.ndarray, turn: np.ndarray, shift: tuple[float, float], scale: float) -> np.ndarray:
    """The head turned (axis times angle in the picture's axes), made larger and shifted by so many IOD: float32."""
    centre = points[RIGID].mean(0)
    out = scale * ((points - centre) @ rotation_matrix(turn).T) + centre
    out[:, :2] += np.array(shift) * eye_distance(points)
    return out.astype(np.float32)


def track(points: np.ndarray, seq: int = 0, subject: int = 0) -> FaceTrack:
    assert points.shape == (POINTS, 3)
    return FaceTrack(np.ascontiguousarray(points, np.float32), 1.0, subject, seq, seq / 30)


def calibrated(neutral: FaceTrack) -> Retarget:
    retarget = Retarget()
    retarget.calibrate(neutral)
    return retarget


def opened(points: np.ndarray, gap: float) -> np.ndarray:
    """The inner lips pulled apart by so much of the IOD, about their middle, corners left."""
    out = points.copy()
    middle = (points[UPPER_LIPS] + points[LOWER_LIPS]) / 2
    bow = np.float32(1 - np.abs(np.linspace(-1, 1, HALF - 1)) ** 2)[:, None] / np.float32(0.998)
    down = np.float32([0, gap / 2 * eye_distance(points), 0])
    out[UPPER_LIPS], out[LOWER_LIPS] = middle - bow * down, middle + bow * down
    return out


def with_lids(points: np.ndarray, opening: float) -> np.ndarray:
    """Upper lids at so much of their height over the lower ones."""
    out = points.copy()
    for pairs in LIDS:
        for upper, lower in pairs:
            out[upper] = points[lower] + (points[upper] - points[lower]) * np.float32(opening)
    return out


def photo_shot(points: np.ndarray | None = None) -> tuple[Shot, np.ndarray]:
    """A photo's shot whose landmarks are `points` (or the mean face's), and its neutral shape."""
    points = average_face(100, (200, 200)) if points is None else points
    pixels = np.zeros((400, 400, 3), np.uint8)
    return Shot(pixels, points, pixels.copy(), points, 0), head_shape(points)
