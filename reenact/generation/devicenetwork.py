"""The network on the device: its view of the patch is made there and its answer is laid there, in one stream."""

from typing import Any

import numpy as np
from numba import cuda

from reenact.generation import cudanetwork as k
from reenact.generation.binding import Bound
from reenact.generation.guides import CHANNELS, GATE
from reenact.generation.laying import cubic_weights
from reenact.generation.network import Seen, inverse, seen
from reenact.generation.plan import FacePlan
from reenact.generation.session import Session
from reenact.generation.staging import Field, Staging, address
from reenact.tracking.canonical import Matrix
from reenact.types import Shot


class DeviceNetwork:
    """Improves a base picture that is on the device; see reenact.generation.network for what and why.

    session  of a model of kind `portrait`, opened on the caller's stream
    fields   what it adds to a picture's one upload; `begin` binds to where they lie
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        size = session.entry.inputs[0].shape[-1]
        assert size is not None
        self.size, self.grid = size, size // 4
        n = self.grid
        self.fields: dict[str, Field] = {"guides": (np.float32, (CHANNELS, n, n))}
        self._planes = cuda.device_array(6 * size * size, np.uint8)
        self._flow = cuda.device_array(2 * n * n, np.float32)
        self._colour = cuda.device_array(3 * n * n, np.float32)
        self._detail = cuda.device_array(3 * size * size, np.float32)
        self._added = cuda.device_array(3 * size * size, np.uint8)
        self._shift = cuda.device_array(2 * size * size, np.float32)
        self._cubic = cuda.to_device(cubic_weights().astype(np.int32))
        self._seen: Seen | None = None
        self._openings = 0
        self._bound: Bound | None = None
        self._gate: Any = None

    def begin(self, staging: Staging, device: str) -> None:
        """Binds the model to its places; device: "cuda", or "cpu" in numba's simulator."""
        guides = staging.device["guides"]
        self._gate = guides[GATE].reshape(self.grid * self.grid)
        places = {"picture": self._planes, "guides": guides}
        places |= {"flow": self._flow, "colour": self._colour, "detail": self._detail}
        self._bound = Bound(self.session, {name: address(place) for name, place in places.items()}, device)

    def stage(self, plan: FacePlan, shot: Shot, staging: Staging) -> bool:
        """Puts what the network is told into the upload; False where it has nothing to do."""
        meshes = plan.source, plan.target
        self._seen = seen(shot.texture_points, plan.points, meshes, plan.origin, self.size)
        if self._seen is None:
            return False
        staging.host["guides"][:] = self._seen.grid
        self._openings = staging.put(self._seen.openings)
        return True

    def draw(
        self, plan: FacePlan, staging: Staging, base: Any, pasted: Any, patch: Any, tile: tuple[int, int], stream: Any
    ) -> None:
        """patch (h, w, 3) flat: base improved; pasted (h, w) flat is the alpha of a mouth that will be laid over it."""
        assert self._seen is not None
        assert self._bound is not None
        (w, h), size, device = plan.size, self.size, staging.device
        here = (-(-size // tile[0]), -(-size // tile[1])), tile, stream
        there = (-(-w // tile[0]), -(-h // tile[1])), tile, stream
        crop = self._seen.crop
        k.crop[here](base, pasted, w, h, *_six(inverse(crop)), size, staging.blob, self._openings, self._planes)
        self._bound.run()
        back = np.linalg.inv(crop[:, :2]).astype(np.float32)
        k.answer[here](
            self._planes, self._gate, self.grid, self._flow, self._colour, self._detail, size,
            *(float(v) for v in back.reshape(-1)), self._added, self._shift, device["most"], device["status"],
        )  # fmt: skip
        k.lay[there](
            base, w, h, *_six(crop), size, self._added, self._shift, device["most"], self._cubic, patch
        )  # fmt: skip


def _six(matrix: Matrix) -> tuple[float, ...]:
    return tuple(float(v) for v in matrix.reshape(-1))
