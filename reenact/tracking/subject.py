"""Which of the faces in a picture is followed: the largest at first, then by continuity."""

from collections.abc import Sequence

import numpy as np

from reenact.geometry import eye_distance
from reenact.types import Floats

NEAR_IOD = 1.5  # a face this near to where the subject was seen is the subject
PATIENCE_S = 1.0  # how long nobody else may take the lost subject's place
MEMORY_S = 3.0  # a face found in the old place after this long is somebody new


class Subject:
    """Remembers who is followed.

    - `choose` picks among candidate faces, each (478, 3) in pixels; None while the subject is awaited
    - `seen` notes where the subject is now
    - `number` rises when another face takes over
    """

    def __init__(self) -> None:
        self.number = 0
        self._place: Floats | None = None  # (2,) centre of the face when last seen
        self._iod = 0.0
        self._time = 0.0

    def forget(self) -> None:
        self._place = None

    def renew(self) -> None:
        """Whoever is seen next is somebody new."""
        if self._place is not None:
            self.number += 1
        self._place = None

    def seen(self, points: Floats, time_s: float) -> None:
        self._place, self._iod, self._time = points[:, :2].mean(0), eye_distance(points), time_s

    def is_jump(self, points: Floats) -> bool:
        """Whether this cannot be the face followed: one does not cross 1.5 IOD, nor halve, within a picture."""
        if self._place is None:
            return False
        return self._distance(points) > NEAR_IOD or not 0.5 < eye_distance(points) / self._iod < 2.0

    def choose(self, faces: Sequence[Floats], time_s: float) -> int | None:
        """Index of the face to follow, None if there is none or the subject is still awaited."""
        if not faces:
            return None
        absent_s = time_s - self._time
        if self._place is not None and absent_s <= MEMORY_S:
            distances = [self._distance(face) for face in faces]
            nearest = int(np.argmin(distances))
            if distances[nearest] <= NEAR_IOD:
                return nearest
            if absent_s <= PATIENCE_S:
                return None
        if self._place is not None:
            self.number += 1
        return int(np.argmax([eye_distance(face) for face in faces]))

    def _distance(self, points: Floats) -> float:
        assert self._place is not None
        return float(np.linalg.norm(points[:, :2].mean(0) - self._place)) / max(self._iod, 1.0)
