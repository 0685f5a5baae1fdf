"""Colour transfer for patches whose light differs much from the target's.

The membrane carries the boundary's differences inwards; it cannot know that the whole patch was lit by another lamp.
An affine map of colours, fitted over the whole face, takes that out first, and the membrane has less to do (and less
to bleed).  The map is the optimal transport between two normal distributions of colour (Pitie, Kokaram, The linear
Monge-Kantorovitch linear colour mapping for example-based colour transfer, CVMP 2007, eq. 19): unlike a mean and
deviation per channel (Reinhard 2001) it also turns a tint that runs across channels.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from reenact.types import Pixels

_FLOOR = 4.0  # variance in grey levels squared added to each channel: grain and rounding carry no colour


@dataclass(frozen=True, slots=True, eq=False)
class ColourMap:
    """colour -> matrix @ colour + shift; matrix (3, 3), shift (3,) float64, BGR in grey levels."""

    matrix: npt.NDArray[np.float64]
    shift: npt.NDArray[np.float64]

    def apply(self, pixels: Pixels) -> Pixels:
        """pixels (h, w, 3) uint8 BGR, mapped, rounded and clipped."""
        mapped: Pixels = cv2.transform(pixels, np.hstack([self.matrix, self.shift[:, None]]))
        return mapped


def mean_shift(patch: Pixels, target: Pixels, mask: npt.NDArray[Any]) -> ColourMap:
    """The shift that gives the patch the target's mean colour over mask > 0; nothing for an empty mask."""
    ours, theirs = _colours(patch, target, mask)
    shift = theirs.mean(0) - ours.mean(0) if len(ours) else np.zeros(3)
    return ColourMap(np.eye(3), shift)


def transport(
    patch: Pixels, target: Pixels, mask: npt.NDArray[Any], strength: float = 1.0, most: float = 2.0
) -> ColourMap:
    """The map that gives the patch the target's mean and covariance of colour over mask > 0.

    patch, target (h, w, 3) uint8 BGR, pixel on pixel; mask (h, w).  strength 0 (nothing) to 1.  most: the factor by
    which any direction of colour may be stretched or shrunk, so that a flat patch is not blown up into noise.
    """
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f"strength is {strength}, expected 0 to 1")
    ours, theirs = _colours(patch, target, mask)
    if len(ours) < 2:
        return ColourMap(np.eye(3), np.zeros(3))
    a = np.cov(ours.T) + _FLOOR * np.eye(3)
    b = np.cov(theirs.T) + _FLOOR * np.eye(3)
    root = _power(a, 0.5)
    inverse = _power(a, -0.5)
    values, axes = np.linalg.eigh(inverse @ _power(root @ b @ root, 0.5) @ inverse)
    full = (axes * values.clip(1.0 / most, most)) @ axes.T
    matrix = (1.0 - strength) * np.eye(3) + strength * full
    centre = (1.0 - strength) * ours.mean(0) + strength * theirs.mean(0)
    return ColourMap(matrix, centre - matrix @ ours.mean(0))


def recoloured(patch: Pixels, target: Pixels, mask: npt.NDArray[Any], strength: float) -> Pixels:
    """The patch in the target's colours, see `transport`."""
    return transport(patch, target, mask, strength).apply(patch)


def _colours(
    patch: Pixels, target: Pixels, mask: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if patch.shape != target.shape or patch.shape[:2] != mask.shape or patch.ndim != 3:
        raise ValueError(
            f"patch {patch.shape}, target {target.shape} and mask {mask.shape}: expected (h, w, 3) twice and (h, w)"
        )
    inside = mask > 0
    return patch[inside].astype(np.float64), target[inside].astype(np.float64)


def _power(a: npt.NDArray[np.float64], p: float) -> npt.NDArray[np.float64]:
    values, axes = np.linalg.eigh(a)
    result: npt.NDArray[np.float64] = (axes * np.maximum(values, 1e-9) ** p) @ axes.T
    return result
