#!/usr/bin/env python3
"""Makes the built-in driver and targets of `reenact demo`: three rendered people who do not exist.

    make_demo_media.py SYNTH OUT

SYNTH is a folder with `synth.py`, a small renderer of talking heads over the ICT-FaceKit morphable model
(MIT licence, see NOTICE), and its `headmodel.npz`; neither is part of this repository.  OUT gets
driver.mp4 (8 s, 640x480), photo.jpg and video.mp4 (4.5 s), both 1280x720.  Takes about ten minutes.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

RATE = 30
REST_CM = np.array([0.0, -1.5, -14.0])  # hair and shoulders inside the picture
DRIVER = {"seed": 57, "act": 17, "frames": 240, "pose": 0.9, "size": (640, 480), "wall": (120, 130, 125)}
PHOTO = {"seed": 60, "size": (1280, 720), "wall": (140, 110, 85)}
VIDEO = {"seed": 8, "act": 13, "frames": 135, "pose": 0.6, "size": (1280, 720), "wall": (90, 125, 150)}


def wall(colour: tuple[int, int, int], width: int, height: int) -> np.ndarray:
    """A lit wall with a few soft spots, (height, width, 3) uint8 BGR."""
    rng = np.random.default_rng(sum(colour))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    glow = np.exp(-(((x - width * 0.3) / (width * 0.5)) ** 2) - ((y - height * 0.3) / (height * 0.7)) ** 2)
    picture = np.float32(colour) * (0.75 + 0.35 * glow[..., None])
    for _ in range(14):
        radius = int(rng.uniform(0.04, 0.12) * height)
        spot = np.zeros((height, width), np.float32)
        cv2.circle(spot, (int(rng.uniform(0, width)), int(rng.uniform(0, 0.8 * height))), radius, 0.25, -1)
        spot = cv2.GaussianBlur(spot, (0, 0), radius * 0.5)[..., None]
        picture = picture * (1 - spot) + spot * np.clip(np.float32(colour) * 1.6 + 40, 0, 255)
    return np.clip(picture, 0, 255).astype(np.uint8)


class Studio:
    """One person before one wall."""

    def __init__(self, synth: Any, model: Any, seed: int, size: tuple[int, int], wall_colour: tuple[int, int, int]):
        self.synth, self.model, self.size = synth, model, size
        self.person = synth.Person(model, seed)
        self.light = synth.Light(np.array([0.5, 0.5, 1.0]), 0.75, 0.5, np.array([1.02, 1.0, 0.97]))
        self.wall = wall(wall_colour, size[0], size[0])

    def picture(self, expression: np.ndarray, pose_deg: np.ndarray, shift_cm: np.ndarray) -> np.ndarray:
        """One picture, the head as large as in a square picture of that height."""
        width, height = self.size
        square, _ = self.synth.render(
            self.model,
            self.person,
            expression,
            self.synth.rotation(*pose_deg),
            REST_CM + shift_cm,
            size=width,
            focal=3.3 * height / width,
            light=self.light,
            background=self.wall,
        )
        top = (width - height) // 2
        return np.ascontiguousarray(square[top : top + height])

    def perform(self, act: int, frames: int, pose: float) -> Iterator[np.ndarray]:
        """A performance of that seed; it starts neutral."""
        motion = self.synth.performance(self.model, act, frames, RATE, pose)
        for moment in zip(motion.expression, motion.pose_deg, motion.shift_cm, strict=True):
            yield self.picture(*moment)


def write(path: Path, pictures: Iterator[np.ndarray]) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "slow"})
        stream.pix_fmt = "yuv420p"
        for i, bgr in enumerate(pictures):
            if i == 0:
                stream.height, stream.width = bgr.shape[:2]
            out.mux(stream.encode(av.VideoFrame.from_ndarray(bgr, "bgr24")))
        out.mux(stream.encode(None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("synth", type=Path)
    parser.add_argument("out", type=Path)
    chosen = parser.parse_args()
    sys.path.insert(0, str(chosen.synth))
    import synth  # type: ignore[import-not-found]

    chosen.out.mkdir(parents=True, exist_ok=True)
    model = synth.HeadModel()
    still = Studio(synth, model, PHOTO["seed"], PHOTO["size"], PHOTO["wall"])
    rest = np.zeros(len(model.names), np.float32)
    photo = still.picture(rest, np.array([3.0, 0.0, 0.0]), np.zeros(3))
    cv2.imwrite(str(chosen.out / "photo.jpg"), photo, [cv2.IMWRITE_JPEG_QUALITY, 95])
    for name, who in (("driver", DRIVER), ("video", VIDEO)):
        studio = Studio(synth, model, who["seed"], who["size"], who["wall"])
        write(chosen.out / f"{name}.mp4", studio.perform(who["act"], who["frames"], who["pose"]))


if __name__ == "__main__":
    main()
