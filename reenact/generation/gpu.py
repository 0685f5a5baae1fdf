"""The portrait generator on an NVIDIA GPU: target, warp, network and blend in one stream, one copy up, one copy down.

    up: landmarks, displacements, outlines of eyes and mouth, the inner mouth's pixels (about 0.3 MB)
        head over background  ->  mesh warp  ->  eyes  ->  network  ->  inner mouth  ->  (membrane)  ->  feather
    down: the finished picture and its number

The CPU keeps what is a few hundred numbers a picture (reenact.generation.plan, the network's guides on a 64 x 64 grid)
and the completion of the eyeballs, once for a target.  Everything else is reenact.generation.portrait's arithmetic in
CUDA kernels; `benchmarks/gpu_check.py` compares the two and times them.

Needs the extra `cuda`; with NUMBA_ENABLE_CUDASIM=1 it runs, slowly, without a GPU, the network on the CPU.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numba import cuda

from reenact.config import BlendConfig, GeneratorConfig, RetargetConfig
from reenact.easing import rest_motion
from reenact.errors import ModelError, ReenactError
from reenact.gate import Untrusted
from reenact.generation import cudanetwork, cudaover, cudawarp
from reenact.generation.devicelayer import DeviceLayer
from reenact.generation.devicenetwork import DeviceNetwork
from reenact.generation.membrane import Membrane
from reenact.generation.meshwarp import VERTICES, triangles
from reenact.generation.plan import DrivenTarget, FacePlan, FacePlanner
from reenact.generation.scene import PhotoScene, PlayedScene, Scene, Tile, has_mover
from reenact.generation.session import Session
from reenact.generation.staging import Field, Staging
from reenact.generation.weights import find_model
from reenact.geometry import rotation_matrix
from reenact.stages import Target
from reenact.tracking.topology import OUTER_LIPS, OVAL
from reenact.types import Composite, InnerMouth, Kind, Motion, Patch, Pixels, Shot

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
_BLOB = 2_000_000  # bytes for what has no fixed size, and at least two for each pixel of the output
_TILE: Tile = (32, 8)
_DRIVERS = ("numba.cuda", "numba_cuda", "cuda.")  # where the errors of a device come from
_WARM_UPS = 4  # pictures; a CUDA graph is recorded within three
_SHOWN = 0.5  # of the face's oval, each way: the part that is shown to the gate as the patch


class PlayableTarget(Target, DrivenTarget, Protocol):
    """What is needed of a target: it can be shown, and driven."""


class CudaPortrait:
    """A `Painter` and a `Generator` (reenact.stages) for one target.

    target    a photo's head is moved on the device; any other target's pictures go up when first shown
    provider  cuda or tensorrt: where the network runs (the CPU in numba's simulator)
    blend     None: the patch's colours are the target's own and it is only feathered in, as
              reenact.blending.PoissonCompositor does with matched patches; else the membrane is solved first
    models    the folder of the target's own models, None for the shipped ones
    Raises ModelError where there is no GPU that numba can use, or the network cannot run as asked.
    """

    def __init__(
        self,
        target: PlayableTarget,
        config: GeneratorConfig | None = None,
        gains: RetargetConfig | None = None,
        models: Path | None = None,
        blend: BlendConfig | None = None,
    ) -> None:
        config = config or GeneratorConfig()
        if reason := absence():
            raise ModelError(f"the generator cannot run on a GPU: {reason}")
        self._planner = FacePlanner(target, config.mouth, gains)
        self.mouth = self._planner.mouth
        self._tile = _TILE
        self._stream = cuda.stream()
        self._size = width, height = target.size
        self._scene: Scene = PhotoScene(target) if has_mover(target) else PlayedScene(target)
        self._given = PlayedScene(target, kept_bytes=0)  # for shots that come from elsewhere
        self._layer = DeviceLayer()
        self._network = self._open_network(config, models) if config.network else None
        self.provider = "cuda" if self._network is None else self._network.session.provider
        fields: dict[str, Field] = {"status": (np.int32, (cudanetwork.STATUS,)), "most": (np.float32, (1,))}
        fields |= dict.fromkeys(("source", "target"), (np.float32, (VERTICES, 3)))
        fields |= DeviceLayer.fields | self._scene.fields
        fields |= {} if self._network is None else self._network.fields
        self._staging = Staging(fields, max(_BLOB, 2 * width * height))
        if self._network is not None:
            self._network.begin(self._staging, "cpu" if SIMULATED else "cuda")
        self._allocate(width * height)
        self._membrane = None if blend is None else Membrane(blend, self._size, threads=32 if SIMULATED else 512)
        self.bytes_up = 0  # of the last picture's upload
        self._left_out: frozenset[str] = frozenset()
        self.on_step: Callable[[str], None] | None = None  # told after each step is put on the stream: for timing
        if not SIMULATED:
            self._warm()

    def _open_network(self, config: GeneratorConfig, models: Path | None) -> DeviceNetwork:
        entry = find_model(config.model, models)
        if SIMULATED:
            return DeviceNetwork(Session(entry, "cpu", threads=config.threads))
        provider = "cuda" if config.provider == "auto" else config.provider
        return DeviceNetwork(Session(entry, provider, threads=config.threads, stream=_handle(self._stream)))

    def _allocate(self, pixels: int) -> None:
        """Buffers for a patch as large as the picture, at addresses that never change."""
        self._triangles = cuda.to_device(triangles())
        self._ready = cuda.device_array((self._triangles.shape[0], cudawarp.FIELDS), np.float32)
        self._base, self._patch, self._mouth = (cuda.device_array(3 * pixels, np.uint8) for _ in range(3))
        self._pasted, self._mask = (cuda.device_array(pixels, np.uint8) for _ in range(2))
        bytes_down = -(-3 * pixels // 16) * 16 + 4 * cudanetwork.STATUS
        self._down = cuda.device_array(bytes_down, np.uint8)
        self._pinned = cuda.pinned_array(bytes_down, np.uint8)
        self._frame = self._down[: 3 * pixels]
        self._told = self._down[bytes_down - 4 * cudanetwork.STATUS :].view(np.int32)

    @property
    def extras(self) -> tuple[str, ...]:
        """What can be left out on a slow machine, see reenact.playing.Thrifty."""
        return () if self._network is None else ("network",)

    def leave_out(self, extras: frozenset[str]) -> None:
        self._left_out = extras

    def _warm(self) -> None:
        """Compiles every kernel and lets the network's graph be recorded, before anybody waits."""
        moved = rest_motion(0, 0.0)
        expression = moved.expression.copy()
        expression[OUTER_LIPS[11:], 1] += np.float32(0.2)  # the lower lip, down: network and mouth have something to do
        turn = rotation_matrix(np.array([0, 0.3, 0])).astype(np.float32)
        moved = replace(moved, expression=expression, rotation=turn)
        for n in range(_WARM_UPS):
            self.paint(n, moved, None)
        tile = self._tile
        cudaover.lay_mouth[(1, 1), tile, self._stream](self._patch, self._mouth, self._pasted, 0, 0)
        self._stream.synchronize()

    def paint(self, n: int, motion: Motion, mouth: InnerMouth | None) -> tuple[Patch, Composite] | None:
        """The n-th moment of the target under the motion, finished; None where it shows no face just now.

        The patch is what the middle of the face became, for who wants to verify it.
        """
        shot = self._scene.shot(n, motion, self._staging)
        if not shot.found:
            return None
        plan = self._planner.plan(shot, motion, mouth)
        picture = self._run(self._scene, shot, plan, motion.seq)
        return self._middle(picture, plan, motion), Composite(picture, motion.seq, motion.t_capture, Kind.LIVE)

    def generate(self, shot: Shot, motion: Motion, mouth: InnerMouth | None) -> Patch:
        """As the stage's contract has it, for any blender: the shot goes up as well, the patch is finished."""
        plan = self._planner.plan(shot, motion, mouth)
        picture = self._run(self._given, shot, plan, motion.seq)
        (x, y), (w, h) = plan.origin, plan.size
        pixels = np.ascontiguousarray(picture[y : y + h, x : x + w])
        matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
        return Patch(pixels, np.full((h, w), 255, np.uint8), matrix, motion.seq, motion.t_capture, matched=True)

    def close(self) -> None:
        """Nothing is held beyond memory."""

    def _run(self, scene: Scene, shot: Shot, plan: FacePlan, seq: int) -> Pixels:
        """The finished picture (H, W, 3), in memory of its own."""
        try:
            self._on_stream(scene, shot, plan, seq)
        except Exception as error:
            if isinstance(error, ReenactError) or not type(error).__module__.startswith(_DRIVERS):
                raise
            told = str(error).splitlines() or [type(error).__name__]
            raise ModelError(f"the GPU failed: {told[0]}") from error
        numbers = self._pinned[-4 * cudanetwork.STATUS :].view(np.int32)
        if (int(numbers[0]), int(numbers[1])) != (seq & 0x7FFFFFFF, seq >> 31):
            raise ModelError(f"the GPU gave another picture than that of frame {seq}")
        if numbers[2] != 0:
            raise Untrusted(f"the network's numbers for frame {seq} are not finite")
        width, height = self._size
        picture: Pixels = self._pinned[: 3 * width * height].reshape(height, width, 3).copy()
        return picture

    def _on_stream(self, scene: Scene, shot: Shot, plan: FacePlan, seq: int) -> None:
        """Stages, draws and waits until the picture is in the pinned memory."""
        staging, stream = self._staging, self._stream
        staging.clear()
        host = staging.host
        host["status"][:] = seq & 0x7FFFFFFF, seq >> 31, 0, 0
        host["most"][0] = 0
        host["source"][:], host["target"][:] = plan.source, plan.target
        self._layer.stage(plan, shot.points, staging)
        network = None if "network" in self._left_out else self._network
        asked = network is not None and network.stage(plan, shot, staging)
        self._step("plan")
        self.bytes_up = staging.upload(stream)
        self._step("up")
        self._draw(scene, shot, plan, asked)
        self._down.copy_to_host(self._pinned, stream=stream)
        self._step("down")
        stream.synchronize()

    def _draw(self, scene: Scene, shot: Shot, plan: FacePlan, asked: bool) -> None:
        """Everything between the two copies; nothing of it is waited for."""
        staging, stream, tile = self._staging, self._stream, self._tile
        (x0, y0), (w, h), width, device = plan.origin, plan.size, self._size[0], staging.device
        texture, texture_width, texture_height = scene.draw(shot, staging, self._frame, tile, stream)
        self._step("target")
        blocks = (-(-w // tile[0]), -(-h // tile[1]))
        threads = tile[0] * tile[1]
        count = self._triangles.shape[0]
        cudawarp.set_up[-(-count // threads), threads, stream](device["target"], self._triangles, x0, y0, self._ready)
        cudawarp.warp[blocks, tile, stream](
            texture, texture_width, texture_height, device["source"], self._triangles, self._ready, x0, y0,
            self._frame, width, w, h, self._base,
        )  # fmt: skip
        self._step("warp")
        self._layer.draw(plan, staging, self._base, self._mouth, self._pasted, self._mask, tile, stream)
        self._step("eyes and mouth")
        patch = self._base
        if asked:
            assert self._network is not None
            patch = self._patch
            self._network.draw(plan, staging, self._base, self._pasted, patch, tile, stream)
            self._step("network")
        if plan.mouths:
            cudaover.lay_mouth[blocks, tile, stream](patch, self._mouth, self._pasted, w, h)
        first, row = 0, w
        if self._membrane is not None:
            patch, first, row = self._membrane.correct(patch, self._mask, plan.origin, plan.size, self._frame, stream)
        cudanetwork.feather[blocks, tile, stream](
            patch, first, row, self._mask, w, h, x0, y0, self._frame, width, device["status"], self._told
        )
        self._step("blend")

    def _step(self, name: str) -> None:
        if self.on_step is not None:
            self.on_step(name)

    @property
    def stream(self) -> Any:
        """The stream, numba's, on which everything runs."""
        return self._stream

    def _middle(self, picture: Any, plan: FacePlan, motion: Motion) -> Patch:
        oval = plan.points[OVAL, :2]
        centre, half = oval.mean(0), np.ptp(oval, axis=0) * _SHOWN / 2
        low = np.maximum(np.floor(centre - half).astype(int), 0)
        high = np.minimum(np.ceil(centre + half).astype(int) + 1, self._size)
        if (high <= low).any():  # the face has left the picture: nothing of it is shown
            low, high = np.zeros(2, int), np.array(self._size)
        pixels = np.ascontiguousarray(picture[low[1] : high[1], low[0] : high[0]])
        matrix = np.array([[1, 0, low[0]], [0, 1, low[1]]], np.float64)
        mask = np.full(pixels.shape[:2], 255, np.uint8)
        return Patch(pixels, mask, matrix, motion.seq, motion.t_capture, matched=True)


def absence() -> str:
    """Why nothing can run on a GPU here; "" where it can."""
    try:
        if cuda.is_available():
            return ""
        reason = "no NVIDIA GPU, or no driver that numba can use"
    except Exception as error:  # a broken driver raises what it likes
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"{reason}; see nvidia-smi"


def _handle(stream: Any) -> int:
    """The CUDA stream's handle as a number; numba's versions differ in how they give it."""
    try:
        return int(stream)
    except TypeError:
        return int(stream.handle.value)
