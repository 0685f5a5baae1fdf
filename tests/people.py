"""People who do not exist, for the tests of targets: their pictures, small videos of them, and motions."""

from pathlib import Path

import av
import cv2
import numpy as np

from reenact.types import Motion

DATA = Path(__file__).parent / "data"
FACE_A, FACE_B = DATA / "face_a.jpg", DATA / "face_b.jpg"


def face(size: int = 400, file: Path = FACE_A) -> np.ndarray:
    """(size, size, 3) uint8 BGR."""
    return cv2.resize(cv2.imread(str(file)), (size, size), interpolation=cv2.INTER_AREA)


def rotation(yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> np.ndarray:
    """(3, 3) float32."""
    turns = [np.deg2rad([0, yaw_deg, 0]), np.deg2rad([pitch_deg, 0, 0]), np.deg2rad([0, 0, roll_deg])]
    return np.linalg.multi_dot([cv2.Rodrigues(t)[0] for t in reversed(turns)]).astype(np.float32)


def motion(
    turn: tuple[float, float, float] = (0, 0, 0), shift: tuple[float, float] = (0, 0), scale: float = 1.0
) -> Motion:
    """A head's motion without expression; turn is yaw, pitch and roll in degrees."""
    still = np.zeros((478, 3), np.float32), np.zeros((2, 2), np.float32), np.ones(2, np.float32)
    return Motion(rotation(*turn), np.array(shift, np.float32), scale, *still, 0, 0.0)


def two_faces(smaller: float = 1.0) -> np.ndarray:
    """Both people side by side, the second one's picture scaled by `smaller`; (400, 800, 3) uint8 BGR."""
    wide = np.full((400, 800, 3), 120, np.uint8)
    wide[:, :400] = face()
    side = round(400 * smaller)
    wide[400 - side :, 400 : 400 + side] = face(side, FACE_B)
    return wide


def moving_face(frames: int = 16, size: int = 256, without: range = range(0)) -> list[np.ndarray]:
    """Pictures of person A wandering to and fro, a plain wall where the face is `without`."""
    still, pictures = face(size), []
    for i in range(frames):
        move = np.float32([[1, 0, 6 * np.sin(i / 3)], [0, 1, 3 * np.cos(i / 4)]])
        picture = cv2.warpAffine(still, move, (size, size), borderMode=cv2.BORDER_REPLICATE)
        pictures.append(np.full_like(picture, 128) if i in without else picture)
    return pictures


def write_video(path: Path, pictures: list[np.ndarray], rate: int = 25) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=rate)
        stream.height, stream.width, stream.pix_fmt = *pictures[0].shape[:2], "yuv420p"
        stream.options = {"crf": "8", "preset": "ultrafast"}
        for picture in pictures:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        out.mux(stream.encode(None))
    return path
