"""One-euro smoothing of landmarks: still at rest, out of the way in motion.

Casiez, Roussel, Vogel: 1 Euro Filter, CHI 2012.  The cut-off rises with the speed of each point,
so a face at rest is calm and a moving lip is hardly delayed; `OneEuro.lag_s` tells the delay that
was added.
"""

import math

import numpy as np

from reenact.types import Floats

_SPEED_CUTOFF_HZ = 2.0  # smoothing of the speed estimate; the paper uses 1, talking lips need more


class OneEuro:
    """Filters (n, 3) points given in units in which `beta` makes sense (IOD).

    min_cutoff_hz  cut-off of a point at rest
    beta           rise of the cut-off, Hz for each unit/s of speed
    """

    def __init__(self, min_cutoff_hz: float, beta: float) -> None:
        if min_cutoff_hz <= 0 or beta < 0:
            raise ValueError(f"min_cutoff_hz is {min_cutoff_hz}, beta {beta}: expected more than 0, and 0 or more")
        self._min_cutoff, self._beta = min_cutoff_hz, beta
        self._value: Floats | None = None
        self._speed: Floats | None = None
        self._time = 0.0
        self.lag_s = 0.0  # mean delay of the last call, over the points

    def reset(self) -> None:
        self._value = self._speed = None

    def __call__(self, points: Floats, time_s: float) -> Floats:
        """points (n, 3) float32 at time_s -> the same, smoothed.  A step back in time starts anew."""
        dt = time_s - self._time
        if self._value is None or self._speed is None or not 0 < dt < 1:
            self._value, self._speed, self._time = points.copy(), np.zeros_like(points), time_s
            self.lag_s = 0.0
            return points.copy()
        self._time = time_s
        a = _alpha(np.full((1, 1), _SPEED_CUTOFF_HZ, np.float32), dt)
        self._speed += a * ((points - self._value) / np.float32(dt) - self._speed)
        speed = np.sqrt((self._speed**2).sum(1, keepdims=True))
        weight = _alpha(np.float32(self._min_cutoff) + np.float32(self._beta) * speed, dt)
        self._value = self._value + weight * (points - self._value)
        # an exponential average of weight w delays a steady motion by dt (1 - w) / w
        self.lag_s = float(np.mean(dt * (1 - weight) / weight))
        return self._value.copy()


def _alpha(cutoff_hz: Floats, dt: float) -> Floats:
    r = np.float32(2 * math.pi * dt) * cutoff_hz
    return r / (r + np.float32(1))
