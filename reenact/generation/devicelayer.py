"""Eyes and mouth of a FacePlan, staged for the device and drawn there."""

from typing import Any

import numpy as np
from numba import cuda

from reenact.generation import cudaover as k
from reenact.generation.eyes import Eyeball, eye_alpha
from reenact.generation.mouth import STRIPS, between_lips, filled_in
from reenact.generation.plan import FacePlan, coarse_region
from reenact.generation.staging import Field, Staging
from reenact.tracking.topology import INNER_LIPS
from reenact.types import Floats

_LIPS = len(INNER_LIPS)


class DeviceLayer:
    """Draws over a base picture on the device what reenact.generation.portrait draws on the CPU.

    The eyeballs, completed on the CPU once for a target, are kept on the device.
    """

    fields: dict[str, Field] = {  # noqa: RUF012 (never changed)
        "eye_numbers": (np.float32, (2 * k.EYE_NUMBERS,)),
        "eye_places": (np.int32, (2 * k.EYE_PLACES,)),
        "mouth_numbers": (np.float32, (k.PICK_NUMBERS + 2 * k.MOUTH_NUMBERS,)),
        "mouth_places": (np.int32, (k.PICK_PLACES + 2 * k.MOUTH_PLACES,)),
        "lips": (np.float32, (_LIPS, 2)),
        "rings": (np.float32, (2, _LIPS, 2)),
    }

    def __init__(self) -> None:
        self._strips = cuda.to_device(STRIPS)
        self._kept: list[Eyeball | None] = [None, None]
        self._size = (1, 1)
        self._balls: Any = cuda.to_device(np.zeros(12, np.float32))
        self._region = (0, 1, 1)

    def stage(self, plan: FacePlan, own: Floats, staging: Staging) -> None:
        """Puts what `draw` needs into the upload; own (478, 3) are the shot's points."""
        region = coarse_region(plan.points, own, plan.origin, plan.size)
        self._region = staging.put(region), region.shape[1], region.shape[0]
        self._stage_eyes(plan, staging)
        self._stage_mouth(plan, staging)

    def _stage_eyes(self, plan: FacePlan, staging: Staging) -> None:
        numbers, places = staging.host["eye_numbers"], staging.host["eye_places"]
        places[:] = 0
        for stroke in plan.eyes:
            ball = stroke.ball
            opening = eye_alpha(
                plan.seen, stroke.eye, ball, stroke.place, plan.origin, plan.size, stroke.own, stroke.full
            )
            if opening is None:
                continue
            alpha, corner, to_uv = opening
            n, p = stroke.eye * k.EYE_NUMBERS, stroke.eye * k.EYE_PLACES
            numbers[n : n + 6] = to_uv.reshape(-1)
            numbers[n + 6 : n + 8], numbers[n + 8 : n + 10] = stroke.place, ball.place
            numbers[n + 10 : n + 12] = ball.radius, stroke.weight
            places[p : p + 6] = 1, staging.put(alpha), *corner, alpha.shape[1], alpha.shape[0]
            self._keep(stroke.eye, ball)

    def _keep(self, eye: int, ball: Eyeball) -> None:
        if self._kept[eye] is ball:
            return
        size = ball.white.shape[0], ball.white.shape[1]
        if size != self._size:
            self._size, self._kept = size, [None, None]
            self._balls = cuda.to_device(np.zeros(2 * 2 * size[0] * size[1] * 3, np.float32))
        self._kept[eye] = ball
        count = ball.white.size
        for i, texture in enumerate((ball.white, ball.iris)):
            first = (2 * eye + i) * count
            self._balls[first : first + count].copy_to_device(np.ascontiguousarray(texture, np.float32).reshape(-1))

    def _stage_mouth(self, plan: FacePlan, staging: Staging) -> None:
        numbers, places = staging.host["mouth_numbers"], staging.host["mouth_places"]
        places[:] = 0
        opening = between_lips(plan.points[INNER_LIPS, :2], plan.origin, plan.size)
        if not plan.mouths or opening is None:
            return
        alpha, corner, ring = opening
        numbers[0] = plan.mouth_weight
        places[: k.PICK_PLACES] = len(plan.mouths), staging.put(alpha), *corner, alpha.shape[1], alpha.shape[0]
        staging.host["lips"][:] = ring
        for m, (mouth, share) in enumerate(plan.mouths):
            n, p = k.PICK_NUMBERS + m * k.MOUTH_NUMBERS, k.PICK_PLACES + m * k.MOUTH_PLACES
            pixels = filled_in(mouth)
            numbers[n : n + 3], numbers[n + 3] = mouth.gain, share
            places[p : p + 3] = staging.put(pixels), pixels.shape[1], pixels.shape[0]
            staging.host["rings"][m] = mouth.ring

    def draw(
        self,
        plan: FacePlan,
        staging: Staging,
        base: Any,
        mouth: Any,
        pasted: Any,
        mask: Any,
        tile: tuple[int, int],
        stream: Any,
    ) -> None:
        """Eyes over base, the mouth and its alpha apart, and the mask; (h, w, 3) or (h, w) flat uint8 on the device."""
        (w, h), d = plan.size, staging.device
        first, wide, tall = self._region
        k.over[(-(-w // tile[0]), -(-h // tile[1])), tile, stream](
            staging.blob, d["eye_numbers"], d["eye_places"], self._balls, self._size[1], self._size[0],
            d["mouth_numbers"], d["mouth_places"], d["lips"], d["rings"], self._strips, first, wide, tall, w, h,
            base, mouth, pasted, mask,
        )  # fmt: skip
