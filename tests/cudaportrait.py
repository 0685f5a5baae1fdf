"""The portrait generator on numba's simulated GPU against the CPU; run by test_cuda_portrait.py in its own process,
because the simulator is chosen when numba is imported.  Prints a line for each check."""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import smallnet
from numba import cuda
from people import face, motion
from tracked import driver

from reenact.blending import PoissonCompositor
from reenact.config import BlendConfig, GeneratorConfig
from reenact.generation import cudanetwork, gpu
from reenact.generation.membrane import Membrane
from reenact.generation.portrait import PortraitGenerator
from reenact.retarget import Retarget, move_head, neutral_shape
from reenact.retarget.neutral import mouth_gap
from reenact.targets.photo import HeadMover
from reenact.tracking.facemesh import FaceMeshTracker
from reenact.tracking.innermouth import cut_inner_mouth
from reenact.types import POINTS, Composite, Frame, InnerMouth, Motion, Patch, Shot

sys.setswitchinterval(0.0005)  # the simulator's threads wait for each other by polling
SIDE = 40


class SmallPhoto:
    """A photo target of SIDE x SIDE without a bundle on disk."""

    kind, rate, bank, name, size = "photo", 0.0, None, "small", (SIDE, SIDE)

    def __init__(self) -> None:
        whole = face(400)
        with FaceMeshTracker(still=True) as tracker:
            found = tracker.track(Frame(whole, 0, 0.0))
        assert found is not None
        self.neutral = neutral_shape(found.points[None])
        self._points = (found.points * np.float32(SIDE / 400)).astype(np.float32)
        self._picture = cv2.resize(whole, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        matte = np.zeros((SIDE, SIDE), np.uint8)
        cv2.ellipse(matte, (SIDE // 2, SIDE // 2), (SIDE // 3, SIDE // 2 - 4), 0, 0, 360, 255, -1)
        background = np.full_like(self._picture, (90, 120, 60))
        self.mover = HeadMover(self._picture, self._points, cv2.blur(matte, (5, 5)), background)

    def shot(self, n: int, wanted: Motion | None) -> Shot:
        if wanted is None:
            return Shot(self._picture, self._points, self._picture, self._points, 0)
        moved = move_head(self._points, wanted)
        return Shot(self.mover(moved), self.mover.landmarks(moved), self._picture, self._points, 0)

    def close(self) -> None: ...


class SmallVideo(SmallPhoto):
    """The same picture as a video of one frame, in which nobody is found at moment 1."""

    kind = "video"
    mover = None

    def __init__(self) -> None:
        super().__init__()
        self.mover = None

    def shot(self, n: int, wanted: Motion | None) -> Shot:
        return Shot(self._picture, self._points, self._picture, self._points, 0, found=n != 1)


def talking() -> tuple[Motion, InnerMouth]:
    """A turned head with a wide open mouth, looking aside, and the driver's inner mouth."""
    pictures, tracks = driver()
    order = sorted(range(len(tracks)), key=lambda i: mouth_gap(tracks[i].points))
    retarget = Retarget()
    retarget.calibrate(tracks[order[0]])
    made = retarget.retarget(tracks[order[-1]])
    assert made is not None
    turned = motion((9.0, -4.0, 3.0), (0.05, 0.02), 1.03)
    gaze = np.array([[0.12, 0.02], [0.12, 0.02]], np.float32)
    mouth = cut_inner_mouth(pictures[order[-1]], tracks[order[-1]], np.float32([180, 190, 200]))
    assert mouth is not None
    return replace(turned, expression=made.expression, gaze=gaze, seq=2**33 + 7, t_capture=0.25), mouth


def on_cpu(target: SmallPhoto, config: GeneratorConfig, models: Path, wanted: Motion, mouth: InnerMouth) -> Composite:
    generator = PortraitGenerator(target, config, models=models)
    shot = target.shot(0, wanted)
    return PoissonCompositor().blend(generator.generate(shot, wanted, mouth), shot)


def compare(name: str, got: np.ndarray, wanted: np.ndarray, rest: np.ndarray, moved: float = 0.1) -> None:
    """At most one pixel of 100 may be off, by no more than the rounding of a flow, and the face must have changed."""
    error = np.abs(got.astype(int) - wanted).max(2)
    changed = np.abs(wanted.astype(int) - rest).max(2)
    print(name, error.max(), f"{(error > 0).mean():.4f}", f"changed {(changed > 8).mean():.2f}", flush=True)
    assert (error > 0).mean() <= 0.01, name
    assert error.max() <= 4, name
    assert (changed > 8).mean() > moved, "the picture hardly changed: nothing was compared"


def main() -> None:
    wanted, mouth = talking()
    with tempfile.TemporaryDirectory() as folder:
        models = smallnet.write(Path(folder), 16)
        photo, video = SmallPhoto(), SmallVideo()
        config = GeneratorConfig(model=smallnet.NAME, mouth="driver")
        painter = gpu.CudaPortrait(photo, config, models=models)
        painted = painter.paint(0, wanted, mouth)
        assert painted is not None
        patch, composite = painted
        assert (composite.seq, composite.t_capture, patch.seq) == (wanted.seq, wanted.t_capture, wanted.seq)
        x, y = patch.matrix[:, 2].astype(int)
        h, w = patch.mask.shape
        assert np.array_equal(patch.pixels, composite.pixels[y : y + h, x : x + w])
        rest = photo.shot(0, None).pixels
        expected = on_cpu(photo, config, models, wanted, mouth)
        compare("photo with network", composite.pixels, expected.pixels, rest)
        plain = on_cpu(photo, replace(config, network=False), models, wanted, mouth)
        share = (np.abs(plain.pixels.astype(int) - expected.pixels).max(2) > 3).mean()
        assert share > 0.05, f"the network changed {share:.3f} of the picture: it was not compared"

        config = replace(config, network=False)
        painter = gpu.CudaPortrait(video, config, models=models)
        assert painter.paint(1, wanted, None) is None
        shot = video.shot(0, wanted)
        generated = painter.generate(shot, wanted, mouth)
        assert isinstance(generated, Patch)
        blended = PoissonCompositor().blend(generated, shot)
        compare("video", blended.pixels, on_cpu(video, config, models, wanted, mouth).pixels, rest, 0.01)
    check_membrane()


def check_membrane() -> None:
    """A patch of another tint, in a soft mask: the seam is mended, and as the CPU mends it."""
    rng = np.random.default_rng(3)
    frame = cv2.resize(rng.integers(60, 200, (4, 5, 3), dtype=np.uint8), (26, 22), interpolation=cv2.INTER_CUBIC)
    (x, y), (w, h) = (5, 4), (16, 14)
    patch = (frame[y : y + h, x : x + w].astype(int) + (30, -20, 25)).clip(0, 255).astype(np.uint8)
    mask = np.zeros((h, w), np.uint8)
    cv2.ellipse(mask, (w // 2, h // 2), (6, 5), 0, 0, 360, 255, -1)
    mask = cv2.blur(mask, (3, 3))
    points = np.zeros((POINTS, 3), np.float32)
    whole = Patch(patch, mask, np.array([[1, 0, x], [0, 1, y]], np.float64), 0, 0.0)
    config = BlendConfig(clamp=None, resolution="full", boundary_memory=0.0)
    wanted = PoissonCompositor(config).blend(whole, Shot(frame, points, frame, points, 0)).pixels

    on_device = cuda.to_device(frame.reshape(-1).copy())
    membrane = Membrane(config, (26, 22), threads=4)
    flat = (cuda.to_device(np.ascontiguousarray(a).reshape(-1)) for a in (patch, mask))
    given, covered = flat
    out, first, row = membrane.correct(given, covered, (x, y), (w, h), on_device, cuda.stream())
    told = cuda.to_device(np.zeros(4, np.int32))
    cudanetwork.feather[(1, 2), (16, 8)](out, first, row, covered, w, h, x, y, on_device, 26, told, told)
    got = on_device.copy_to_host().reshape(frame.shape)
    error = np.abs(got.astype(int) - wanted).max(2)
    unmended = np.abs(patch.astype(int) - wanted[y : y + h, x : x + w]).max(2)[mask > 250].mean()
    print("membrane", error.max(), f"unmended {unmended:.1f}")
    assert error.max() <= 2
    assert unmended > 10, "there was no seam to mend"


if __name__ == "__main__":
    main()
