"""Pictures to be watermarked in tests: drawn, busy in some places and smooth in others, and moving a little."""

import datetime

import cv2
import numpy as np

from reenact.provenance import Payload

PAYLOAD = Payload(1, (0, 1), datetime.date(2026, 5, 3), 0xA1B2C3D4)


def scene(size: tuple[int, int], n: int = 0, seed: int = 5) -> np.ndarray:
    """(H, W, 3) uint8 BGR: a smooth wall, a woven cloth, hair-like strokes; frame n is shifted by 2 n pixels."""
    width, height = size
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x = x + 2 * n
    wall = 120 + 40 * np.sin(x / width * 2) + 30 * np.cos(y / height * 3)
    picture = np.stack([wall * shade for shade in (0.8, 0.9, 1.0)], 2)
    weave = rng.normal(0, 1, (height, width + 256))[:, (2 * n) % 256 :][:, :width]
    cloth = cv2.GaussianBlur(weave.astype(np.float32), (0, 0), 1.2) * 60
    lower = (y > 0.55 * height + 12 * np.sin(x / 40))[:, :, None]
    picture = np.where(lower, 90 + cloth[:, :, None] * np.float32([0.9, 1.0, 1.1]), picture)
    canvas = np.clip(picture, 0, 255).astype(np.uint8)
    for _ in range(60):
        start = rng.uniform((0, 0), (width, 0.5 * height))
        end = start + rng.normal(0, 0.08, 2) * (width, height)
        colour = tuple(int(v) for v in rng.uniform(20, 200, 3))
        shift = np.array([2 * n, 0])
        cv2.line(canvas, *(tuple(int(v) for v in at - shift) for at in (start, end)), colour, 2, cv2.LINE_AA)
    noise = np.random.default_rng(100 + n).normal(0, 1.2, canvas.shape)
    return np.clip(canvas + noise, 0, 255).astype(np.uint8)
