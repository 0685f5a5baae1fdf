"""The face mesh's own anatomy: which of the 478 points is what, the triangles, and a mean face.

"Right" and "left" are the person's own.  Triangles and mean face are in facemodel.npz: the 852
triangles of MediaPipe's tessellation (Apache-2.0; eyes and mouth are holes), and the mean of the
tracked neutral faces of rendered and real people, made symmetric, in IOD units about the mean of
the `RIGID` points, forehead and chin (10, 152) in one vertical line.
"""

from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

# points that the skull carries: brows, lips, lids, cheeks and chin left out
RIGID = np.array(
    [10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 67, 109, 338, 297, 103, 332, 54, 284, 21, 251, 162, 389, 127, 356]
    + [234, 454, 33, 133, 362, 263, 98, 327, 2, 94, 108, 337, 69, 299, 104, 333]
)
OVAL = np.array(
    [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377]
    + [152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]
)
# rings run round from the right mouth corner over the upper lip, back under the lower one
INNER_LIPS = np.array([78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95])
OUTER_LIPS = np.array([61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146])
# rings run round from the outer corner over the upper lid, back under the lower one
RIGHT_EYE = np.array([33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7])
LEFT_EYE = np.array([263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249])
RIGHT_IRIS = np.array([468, 469, 470, 471, 472])  # centre, then right, top, left, bottom in the picture
LEFT_IRIS = np.array([473, 474, 475, 476, 477])
BROWS = np.array([46, 53, 52, 65, 55, 70, 63, 105, 66, 107, 276, 283, 282, 295, 285, 300, 293, 334, 296, 336])


class FaceModel(NamedTuple):
    mean: npt.NDArray[np.float32]  # (478, 3)
    mirror: npt.NDArray[np.int64]  # (478,): index of the same place on the other side
    triangles: npt.NDArray[np.int64]  # (852, 3)


@lru_cache(maxsize=1)
def face_model() -> FaceModel:
    with resources.as_file(resources.files("reenact.tracking") / "facemodel.npz") as path:
        data = np.load(path, allow_pickle=False)
        return FaceModel(data["mean"], data["mirror"].astype(np.int64), data["triangles"].astype(np.int64))
