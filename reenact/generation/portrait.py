"""The default generator: the target's own texture under the driver's motion, then the network over it.

A patch is made at the target's own resolution, whole pixels from the output's corner, so that what does not
move is not resampled.  With a video target only what differs from its own expression moves.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from reenact.config import GeneratorConfig, RetargetConfig
from reenact.generation.eyes import draw_eye
from reenact.generation.meshwarp import MeshWarp
from reenact.generation.mouth import paste_mouth
from reenact.generation.network import Network
from reenact.generation.over import lay_over
from reenact.generation.plan import DrivenTarget, FacePlan, FacePlanner, region
from reenact.generation.session import Runs, Session
from reenact.generation.weights import find_model
from reenact.tracking.topology import INNER_LIPS
from reenact.types import InnerMouth, Motion, Patch, Pixels, Shot

Mask = npt.NDArray[np.uint8]
Opens = Callable[..., Runs]


class PortraitGenerator:
    """A `Generator` (reenact.stages) for one target.

    models    the folder of the target's own models, None for the shipped ones
    opens     opens the model: Session, or WorkerSession for a process of its own
    provider  where the network runs: cpu, cuda, ...
    mouth     the way the inner mouth is made, `auto` resolved: bank, driver or generated
    """

    def __init__(
        self,
        target: DrivenTarget,
        config: GeneratorConfig | None = None,
        gains: RetargetConfig | None = None,
        models: Path | None = None,
        opens: Opens = Session,
    ) -> None:
        config = config or GeneratorConfig()
        self._planner = FacePlanner(target, config.mouth, gains)
        self.mouth = self._planner.mouth
        self._network: Network | None = None
        self.provider = "cpu"
        if config.network:
            entry = find_model(config.model, models)
            session = opens(entry, config.provider, allow_cpu=config.allow_cpu, threads=config.threads)
            self._network, self.provider = Network(session), session.provider
        self._left_out: frozenset[str] = frozenset()
        self._warp: MeshWarp | None = None
        self._warp_size = (0, 0)

    @property
    def extras(self) -> tuple[str, ...]:
        """What can be left out on a slow machine, see reenact.playing.Thrifty."""
        return () if self._network is None else ("network",)

    def leave_out(self, extras: frozenset[str]) -> None:
        self._left_out = extras

    def generate(self, shot: Shot, motion: Motion, mouth: InnerMouth | None) -> Patch:
        plan = self._planner.plan(shot, motion, mouth)
        (x, y), (width, height) = plan.origin, plan.size
        base = self._warped(shot, plan, shot.pixels[y : y + height, x : x + width])
        eyes = np.zeros((height, width, 4), np.uint8)
        for stroke in plan.eyes:
            eye, ball = stroke.eye, stroke.ball
            draw_eye(eyes, plan.seen, eye, ball, stroke.place, plan.origin, stroke.weight, stroke.own, stroke.full)
        lay_over(base, eyes)
        mouth_layer = np.zeros((height, width, 4), np.uint8)
        _draw_mouths(mouth_layer, plan)
        if self._network is not None and "network" not in self._left_out:
            meshes, alpha = (plan.source, plan.target), np.ascontiguousarray(mouth_layer[..., 3])
            base = self._network.improve(base, alpha, shot.texture_points, plan.points, meshes, plan.origin)
        lay_over(base, mouth_layer)
        mask = region(plan.points, shot.points, plan.origin, plan.size)
        mask = cv2.max(cv2.max(mask, eyes[..., 3]), mouth_layer[..., 3])
        matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
        return Patch(base, mask, matrix, motion.seq, motion.t_capture, matched=True)

    def close(self) -> None:
        """Nothing is held beyond memory."""

    def _warped(self, shot: Shot, plan: FacePlan, under: Pixels) -> Pixels:
        if self._warp is None or self._warp_size != plan.size:
            self._warp, self._warp_size = MeshWarp(plan.size), plan.size
        return self._warp(shot.texture, plan.source, plan.target, plan.origin, under)


def _draw_mouths(layer: Mask, plan: FacePlan) -> None:
    """The mouth, and where two share it their mean where both are drawn."""
    lips = plan.points[INNER_LIPS, :2]
    for i, (picture, share) in enumerate(plan.mouths):
        if i == 0:
            paste_mouth(layer, lips, picture, plan.origin, plan.mouth_weight)
            continue
        other = np.zeros_like(layer)
        paste_mouth(other, lips, picture, plan.origin, plan.mouth_weight)
        both = (other[..., 3] > 0) & (layer[..., 3] > 0)
        layer[both, :3] = (layer[both, :3] * (1 - share) + other[both, :3] * share + 0.5).astype(np.uint8)
