"""How strongly the driver drives: gains on a motion, which may change while it runs."""

from dataclasses import dataclass

import cv2
import numpy as np

from reenact.errors import InputError
from reenact.types import Motion

MOST = 3.0


@dataclass(frozen=True, slots=True)
class Gains:
    """1 copies the driver, 0 leaves that part of the target at rest."""

    expression: float = 1.0
    head: float = 1.0
    gaze: float = 1.0

    def __post_init__(self) -> None:
        for name in ("expression", "head", "gaze"):
            if not 0.0 <= getattr(self, name) <= MOST:
                raise InputError(f"the {name} gain is {getattr(self, name)}: expected 0 to {MOST:g}")

    def __call__(self, motion: Motion) -> Motion:
        """The motion so much stronger or weaker.  Lids are opened and shut no further than the driver's."""
        if self == _COPY:
            return motion
        turn, _ = cv2.Rodrigues(motion.rotation.astype(np.float64))
        rotation, _ = cv2.Rodrigues(turn * self.head)
        return Motion(
            rotation=rotation.astype(np.float32),
            shift=motion.shift * np.float32(self.head),
            scale=float(motion.scale**self.head),
            expression=motion.expression * np.float32(self.expression),
            gaze=motion.gaze * np.float32(self.gaze),
            lids=(1 + (motion.lids - 1) * np.float32(min(self.expression, 1.0))).astype(np.float32),
            seq=motion.seq,
            t_capture=motion.t_capture,
        )


_COPY = Gains()
