"""One upload a picture: everything that the device needs to be told, packed in pinned memory with a twin there."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import cuda

from reenact.errors import ModelError

_ALIGNED = 16  # bytes on which every part begins
Field = tuple[type, tuple[int, ...]]  # dtype and shape


class Staging:
    """Named arrays of fixed place, then a blob of bytes filled anew for each picture.

    host, device  the arrays by name, here and there; what is written to the former is in the latter after `upload`
    blob          the device's blob, flat uint8
    Addresses never change: what was bound to them stays bound.
    """

    def __init__(self, fields: Mapping[str, Field], blob_bytes: int) -> None:
        places, at = {}, 0
        for name, (dtype, shape) in fields.items():
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            places[name] = at, size
            at += -(-size // _ALIGNED) * _ALIGNED
        self._blob_at, self._end = at, at + blob_bytes
        self._pinned: npt.NDArray[np.uint8] = cuda.pinned_array(self._end, np.uint8)
        self._pinned[:] = 0
        self._twin = cuda.device_array(self._end, np.uint8)
        self.host: dict[str, npt.NDArray[Any]] = {}
        self.device: dict[str, Any] = {}
        for name, (dtype, shape) in fields.items():
            first, size = places[name]
            self.host[name] = self._pinned[first : first + size].view(dtype).reshape(shape)
            self.device[name] = self._twin[first : first + size].view(dtype).reshape(shape)
        self.blob = self._twin[at:]
        self._cursor = 0

    def clear(self) -> None:
        """Empties the blob, for the next picture."""
        self._cursor = 0

    def put(self, values: npt.NDArray[np.uint8]) -> int:
        """Adds bytes to the blob; the place of the first.  ModelError where they do not fit."""
        first = self._cursor
        at = self._blob_at + first
        if at + values.size > self._end:
            raise ModelError(
                f"{values.size} bytes more do not fit into the {self._end - self._blob_at} that go to the GPU for a "
                "picture: the face is too large in it, take a larger output or a smaller face"
            )
        self._pinned[at : at + values.size] = values.reshape(-1)
        self._cursor = first + values.size
        return first

    def upload(self, stream: Any) -> int:
        """Starts the copy to the device; how many bytes it is."""
        used = self._blob_at + self._cursor
        self._twin[:used].copy_to_device(self._pinned[:used], stream=stream)
        return used


def address(array: Any) -> int:
    """Where a device array begins; in numba's simulator, where its stand-in does."""
    interface = getattr(array, "__cuda_array_interface__", None) or array.__array_interface__
    return int(interface["data"][0])
