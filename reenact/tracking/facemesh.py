"""Tracking with MediaPipe face mesh (attention model with irises, 478 points), from the models inside its wheel.

The tracking graph follows one face from picture to picture: with a second one allowed MediaPipe would
run its face detector on every picture.  Only when nobody is followed are all faces looked for; the one
chosen is then shown to the tracking graph with the others blanked.
"""

from copy import copy
from typing import Any

import cv2
import numpy as np

from reenact.config import TrackingConfig
from reenact.geometry import eye_distance, fit_similarity
from reenact.tracking.eyewhite import eye_white
from reenact.tracking.innermouth import cut_inner_mouth
from reenact.tracking.smoothing import OneEuro
from reenact.tracking.subject import Subject
from reenact.tracking.topology import RIGID, face_model
from reenact.tracking.view import view_of
from reenact.types import FaceTrack, Floats, Frame, InnerMouth, Pixels

_SETTLE = 3  # the crop found by the detector differs from the tracked one: neutral faces need the latter
_WHITE_WEIGHT = np.float32(0.1)
_DOUBT = 0.13  # rms distance, in IOD, of the skull's points from the mean face at which the score is 0.5;
#                real neutral faces have 0.015 to 0.067


class FaceMeshTracker:
    """A `Tracker` (reenact.stages).

    still   every picture stands for itself: all faces are looked for each time, no smoothing.  For photos.
    """

    def __init__(self, config: TrackingConfig | None = None, *, still: bool = False) -> None:
        self._config = config or TrackingConfig()
        self._still = still
        self._finder: Any = None
        self._follower: Any = None
        self._following = False
        self._subject = Subject()
        self._filter = OneEuro(self._config.min_cutoff_hz, self._config.beta)
        self._white = np.zeros(3, np.float32)  # running colour of the driver's eye whites
        self._shape: tuple[int, ...] | None = None  # of the last picture
        self.faces_seen = 0  # in the last picture in which all faces were looked for

    @property
    def added_lag_s(self) -> float:
        """Mean delay that the smoothing added to the points of the last picture, seconds."""
        return self._filter.lag_s if self._config.smooth and not self._still else 0.0

    def track(self, frame: Frame) -> FaceTrack | None:
        """The followed face in frame, None where it cannot be read.

        With a picture of another size a new subject begins: the neutral of the one before was another camera's.
        """
        rgb = cv2.cvtColor(frame.pixels, cv2.COLOR_BGR2RGB)
        if not self._still and self._shape not in (None, rgb.shape):  # another camera, or another part of what it sees
            self._lose(rgb)
            self._subject.renew()
        self._shape = rgb.shape
        if self._still:
            points = self._find(rgb, frame.t_capture)
        elif self._following:
            points = self._follow(rgb)
        else:
            points = self._acquire(rgb, frame.t_capture)
        score = face_score(points, (frame.pixels.shape[1], frame.pixels.shape[0])) if points is not None else 0.0
        lost = score < self._config.min_score or points is None
        if not lost and self._following and not self._still:
            lost = self._subject.is_jump(points)  # type: ignore[arg-type]
        if lost or points is None:
            self._lose(rgb)
            return None
        self._subject.seen(points, frame.t_capture)
        if self._config.smooth and not self._still:
            iod = np.float32(max(eye_distance(points), 1.0))
            points = self._filter(points / iod, frame.t_capture) * iod
        view = view_of(frame.pixels, points) if self._config.views else None
        return FaceTrack(points, score, self._subject.number, frame.seq, frame.t_capture, view)

    def inner_mouth(self, frame: Frame, track: FaceTrack) -> InnerMouth | None:
        """What is inside the tracked face's open lips; None when they are closed or the picture cuts them."""
        white = eye_white(frame.pixels, track.points)
        if white is not None:  # a blink keeps the last
            self._white += _WHITE_WEIGHT * (white - self._white) if self._white.any() else white
        return cut_inner_mouth(frame, track, self._white.copy()) if self._white.any() else None

    def reset(self) -> None:
        """Forgets the person followed; the next picture's largest face is taken."""
        if self._following:
            self._lose(np.zeros((64, 64, 3), np.uint8))
        self._subject.forget()
        self._filter.reset()

    def close(self) -> None:
        for mesh in (self._finder, self._follower):
            if mesh is not None:
                mesh.close()
        self._finder = self._follower = None
        self._following = False

    def __enter__(self) -> "FaceMeshTracker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _follow(self, rgb: Pixels) -> Floats | None:
        if self._follower is None:
            self._follower = _mesh(still=False, faces=1)
        found = _points(self._follower, rgb)
        return found[0] if found else None

    def _find(self, rgb: Pixels, time_s: float) -> Floats | None:
        faces = [face for face in self._all_faces(rgb) if self._is_face(face, rgb)]
        self._subject.forget()
        choice = self._subject.choose(faces, time_s)
        return faces[choice] if choice is not None else None

    def _acquire(self, rgb: Pixels, time_s: float) -> Floats | None:
        """Whom to follow from now on; who was followed before is only forgotten for somebody who can be read."""
        found = self._all_faces(rgb)
        faces = [face for face in found if self._is_face(face, rgb)]
        subject = copy(self._subject)
        choice = subject.choose(faces, time_s)
        if choice is None:
            return None
        subject.seen(faces[choice], time_s)  # somebody new is elsewhere: that is no jump
        others = [face for face in found if face is not faces[choice]]
        alone = _blanked(rgb, others, keep=faces[choice]) if others else rgb
        self._filter.reset()
        points = None
        for _ in range(_SETTLE):
            points = self._follow(alone)
        self._following = points is not None
        if points is None or not self._is_face(points, rgb) or subject.is_jump(points):
            return None
        self._subject = subject
        return points

    def _is_face(self, points: Floats, rgb: Pixels) -> bool:
        return face_score(points, (rgb.shape[1], rgb.shape[0])) >= self._config.min_score

    def _all_faces(self, rgb: Pixels) -> list[Floats]:
        if self._finder is None:
            self._finder = _mesh(still=True, faces=self._config.max_faces)
        faces = _points(self._finder, rgb)
        self.faces_seen = len(faces)
        return faces

    def _lose(self, rgb: Pixels) -> None:
        if self._following and self._follower is not None:
            _points(self._follower, np.zeros_like(rgb))  # an empty picture makes the graph drop its face
        self._following = False
        self._filter.reset()


def face_score(points: Floats, size: tuple[int, int]) -> float:
    """How much (478, 3) points are a face, 0..1: by the skull's shape, and the share inside the picture."""
    mean = face_model().mean[RIGID]
    fit = fit_similarity(points[RIGID], mean)
    distance = np.sqrt(((fit.apply(points[RIGID]) - mean) ** 2).sum(1).mean())
    shape = 1.0 / (1.0 + (distance / _DOUBT) ** 4)
    inside = ((points[:, :2] >= 0) & (points[:, :2] < size)).all(1).mean()
    return float(shape * min(1.0, inside / 0.8))


def _mesh(*, still: bool, faces: int) -> Any:
    from mediapipe.python.solutions.face_mesh import FaceMesh  # one second to import

    return FaceMesh(static_image_mode=still, refine_landmarks=True, max_num_faces=faces)


def _points(mesh: Any, rgb: Pixels) -> list[Floats]:
    found = mesh.process(rgb).multi_face_landmarks or []
    height, width = rgb.shape[:2]
    scale = np.array([width, height, width], np.float32)
    faces = (np.array([(p.x, p.y, p.z) for p in face.landmark], np.float32) * scale for face in found)
    return [face for face in faces if np.isfinite(face).all() and eye_distance(face) > 1]


def _blanked(rgb: Pixels, faces: list[Floats], keep: Floats) -> Pixels:
    """A copy of rgb with every face but one painted over, the kept one's box excepted."""
    out = rgb.copy()
    for face in faces:
        (x0, y0), (x1, y1) = face[:, :2].min(0), face[:, :2].max(0)
        grow = (x1 - x0) * 0.15
        out[max(0, int(y0 - grow)) : int(y1 + grow) + 1, max(0, int(x0 - grow)) : int(x1 + grow) + 1] = 127
    (x0, y0), (x1, y1) = keep[:, :2].min(0), keep[:, :2].max(0)
    box = (slice(max(0, int(y0)), int(y1) + 1), slice(max(0, int(x0)), int(x1) + 1))
    out[box] = rgb[box]
    return out
