"""Pairs of pictures to measure blending on: generated ones, or real faces out of a folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from reenact.blending.mask import OVAL
from reenact.errors import InputError
from reenact.types import Pixels

WIDTH, HEIGHT = 1280, 720
_VIDEO = {".mp4", ".mkv", ".avi", ".mov", ".mpg", ".mpeg", ".webm"}
_PICTURE = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """patch (size, size, 3), frame (720, 1280, 3), mask (size, size) uint8 of 0 and 255, origin (x, y)."""

    name: str
    patch: Pixels
    frame: Pixels
    mask: npt.NDArray[np.uint8]
    origin: tuple[int, int]


def generated(size: int, count: int = 3) -> list[Pair]:
    """Heads out of sums of waves: shaded skin, hair-like streaks about it, grain; the patch in another light."""
    pairs = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        origin = (WIDTH - size) // 2, (HEIGHT - size) // 2
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        y, x = (y - HEIGHT / 2) / size, (x - WIDTH / 2) / size
        frame = _head(rng, y, x, np.array([95, 125, 175]), 0.9)
        box = slice(origin[1], origin[1] + size), slice(origin[0], origin[0] + size)
        patch = _head(rng, y[box], x[box], np.array([110, 120, 150]), 1.1)
        pairs.append(Pair(f"generated {seed + 1}", patch, frame, _hull(rng, size), origin))
    return pairs


def _head(rng: np.random.Generator, y: Any, x: Any, skin: Any, contrast: float) -> Pixels:
    light = rng.uniform(-25, 25, 2)
    shade = light[0] * x + light[1] * y - 60 * contrast * (x * x + y * y)
    for k in range(10):
        a, f = rng.uniform(0, 2 * np.pi), 2.0 * 1.5**k
        shade += 22 / (k + 1.5) * np.sin(f * (np.cos(a) * x + np.sin(a) * y) * np.pi + rng.uniform(0, 6.3))
    picture = skin + shade[..., None] * np.array([0.9, 1.0, 1.1])
    hair = 1 / (1 + np.exp(-(np.hypot(x, y * 0.9) - 0.52) * 40))[..., None]
    streaks = 45 + 20 * np.sin(90 * np.arctan2(y, x) + 12 * y)[..., None] * np.ones(3)
    picture = picture * (1 - hair) + streaks * hair
    pixels: Pixels = (picture + rng.normal(0, 2.5, picture.shape)).clip(0, 255).astype(np.uint8)
    return pixels


def _hull(rng: np.random.Generator, size: int) -> npt.NDArray[np.uint8]:
    """A convex polygon of 24 to 36 corners that fills about 74 % of its square."""
    n = int(rng.integers(24, 37))
    angle = np.sort(np.linspace(0, 2 * np.pi, n, endpoint=False) + rng.uniform(-0.08, 0.08, n))
    radius = 0.5 * size * (0.985 - 0.03 * rng.uniform(0, 1, n))
    corners = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1) + (size - 1) / 2
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(corners.round().astype(np.int32)), 255)
    return mask


def real(folder: Path, size: int, count: int = 3) -> list[Pair]:
    """Faces of `folder` (pictures, videos) two by two: the first one's, turned and scaled onto the second's, is the
    patch.  The second is scaled so that its face's oval fills size x size of a 1280 x 720 frame.

    Raises InputError where the folder holds fewer than two faces.
    """
    if not folder.is_dir():
        raise InputError(f"--pairs {folder} is no folder: expected one with pictures or videos of faces")
    faces = []
    for name, picture, points in _faces(folder):
        faces.append((name, picture, points))
        if len(faces) == 2 * count:
            break
    if len(faces) < 2:
        raise InputError(f"{folder} holds {len(faces)} readable faces: expected at least 2")
    return [_pair(faces[k], faces[k + 1], size) for k in range(0, len(faces) - 1, 2)]


def _faces(folder: Path) -> Iterator[tuple[str, Pixels, npt.NDArray[np.float64]]]:
    import mediapipe as mp

    with mp.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True) as mesh:
        for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in _VIDEO | _PICTURE):
            picture = _first_picture(path)
            if picture is None:
                continue
            found = mesh.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)).multi_face_landmarks
            if found:
                scale = picture.shape[1], picture.shape[0]
                yield path.stem, picture, np.array([(p.x, p.y) for p in found[0].landmark], np.float64) * scale


def _first_picture(path: Path) -> Pixels | None:
    if path.suffix.lower() in _PICTURE:
        still: Pixels | None = cv2.imread(str(path))
        return still
    video = cv2.VideoCapture(str(path))
    try:
        ok, moving = video.read()
        first: Pixels | None = moving if ok else None
        return first
    finally:
        video.release()


def _pair(patch_face: Any, frame_face: Any, size: int) -> Pair:
    (name_a, a, points_a), (name_b, b, points_b) = patch_face, frame_face
    oval = points_b[list(OVAL)]
    low, high = oval.min(0), oval.max(0)
    scale = (size - 1) / (high - low)
    origin = (WIDTH - size) // 2, (HEIGHT - size) // 2
    to_frame = np.array([[scale[0], 0, origin[0] - scale[0] * low[0]], [0, scale[1], origin[1] - scale[1] * low[1]]])
    frame = cv2.warpAffine(b, to_frame, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    in_box = points_b @ to_frame[:, :2].T + to_frame[:, 2] - origin
    onto, _ = cv2.estimateAffine2D(points_a, in_box, method=cv2.LMEDS)
    patch = cv2.warpAffine(a, onto, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [in_box[list(OVAL)].round().astype(np.int32)], 255)
    return Pair(f"{name_a} in {name_b}", patch, np.ascontiguousarray(frame), mask, origin)
