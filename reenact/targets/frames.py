"""The frames of a target video, any one at any time, in bounded memory.

A target plays forward and backward, and a compressed video can only be decoded forward.  Short videos
are decoded once and kept; of long ones every frame is stored as a JPEG of its own when the target is
prepared, so that each is one read and one decode away.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import cv2
import numpy as np

from reenact.errors import TargetError
from reenact.types import Pixels

KEPT_BYTES = 1_500_000_000  # decoded frames that are kept in memory: 540 frames of 720p, 1900 of 512 x 512
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 95]  # rms error about 1.2 grey levels


class Frames(Protocol):
    """Must give the same (H, W, 3) uint8 BGR picture whenever it is asked for frame i, 0 <= i < len."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Pixels: ...

    def close(self) -> None: ...


class DecodedFrames:
    """Frames kept in memory.  The pictures are the target's: a caller must not write into them."""

    def __init__(self, pictures: Sequence[Pixels]) -> None:
        self._pictures = list(pictures)

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Pixels:
        return self._pictures[index]

    def close(self) -> None:
        self._pictures = []


class FrameWriter:
    """Stores frames one after the other: JPEGs back to back, and the place where each ends."""

    def __init__(self, data: Path, ends: Path) -> None:
        self._file: BinaryIO = data.open("wb")
        self._ends_path = ends
        self._ends: list[int] = []

    def add(self, picture: Pixels) -> None:
        ok, data = cv2.imencode(".jpg", picture, _JPEG)
        if not ok:
            raise OSError("a frame cannot be encoded as JPEG")
        self._file.write(data.tobytes())
        self._ends.append(self._file.tell())

    def close(self) -> None:
        if not self._file.closed:
            self._file.close()
            np.save(self._ends_path, np.array(self._ends, np.int64))


class StoredFrames:
    """Frames read from what FrameWriter wrote.  The one that playing on will ask for next is decoded ahead, by
    a thread of its own."""

    def __init__(self, data: Path, ends: Path, size: tuple[int, int]) -> None:
        try:
            self._ends: np.ndarray[Any, np.dtype[np.int64]] = np.load(ends, allow_pickle=False)
            self._file: BinaryIO = data.open("rb")
        except (OSError, ValueError, EOFError) as error:
            raise TargetError(
                f"the frames stored in {data} cannot be read ({error}): prepare the target again"
            ) from None
        self._path, self._size = data, size
        self._worker = ThreadPoolExecutor(1, "target-frames")
        self._ahead: tuple[int, Future[Pixels]] | None = None
        self._last = -1

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> Pixels:
        if self._ahead is not None and self._ahead[0] == index:
            future = self._ahead[1]
        else:
            future = self._worker.submit(self._decode, index)
        following = index + (1 if index >= self._last else -1)
        if not 0 <= following < len(self):  # it turns round
            following = min(max(2 * index - following, 0), len(self) - 1)
        self._ahead, self._last = (following, self._worker.submit(self._decode, following)), index
        return future.result()

    def _decode(self, index: int) -> Pixels:
        start = int(self._ends[index - 1]) if index > 0 else 0
        self._file.seek(start)
        data = np.frombuffer(self._file.read(int(self._ends[index]) - start), np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        if picture is None or picture.shape[1::-1] != self._size:
            raise TargetError(f"frame {index} of {self._path} is damaged: prepare the target again")
        return np.asarray(picture, np.uint8)

    def close(self) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)
        self._file.close()
