"""The crop that the network sees: the face upright, its size and place fixed by the eyes.

In a crop of 256 pixels the outer eye corners are 96 pixels apart and 88 pixels below the upper edge, so that
forehead, jaw and the widest mouth are inside.  A turned head's eyes are nearer to each other in the picture: the
distance is taken in space, and the size stays.
"""

import numpy as np
import numpy.typing as npt

from reenact.types import Floats

SIZE = 256
IOD = 96.0  # pixels between the outer eye corners
EYES_Y = 88.0  # their line below the upper edge
_MOST_TURN = 0.5  # the distance in space is at most that in the picture over this: z of the mesh is the least sure

Matrix = npt.NDArray[np.float64]


def canonical_matrix(points: Floats, size: int = SIZE, margin: int = 0) -> Matrix:
    """(2, 3) float64: pixels of the picture with the face points (478, 3) to pixels of its crop.

    size    of the crop without margin: the scale grows with it
    margin  pixels kept around it
    """
    a, b = points[33].astype(np.float64), points[263].astype(np.float64)
    across = b[:2] - a[:2]
    flat = max(float(np.hypot(*across)), 1e-6)
    distance = min(float(np.linalg.norm(b - a)), flat / _MOST_TURN)
    scale = IOD * size / SIZE / distance
    cosine, sine = across / flat
    rotation = scale * np.array([[cosine, sine], [-sine, cosine]])
    place = np.array([size / 2, EYES_Y * size / SIZE]) + margin
    return np.concatenate([rotation, (place - rotation @ (a[:2] + b[:2]) / 2)[:, None]], axis=1)


def to_crop(points: Floats, matrix: Matrix) -> Floats:
    """Points (n, 3) taken into a crop by its matrix; z is scaled with them."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    moved: Floats = np.concatenate(
        [points[:, :2] @ matrix[:, :2].T + matrix[:, 2], points[:, 2:] * scale], axis=1
    ).astype(np.float32)
    return moved
