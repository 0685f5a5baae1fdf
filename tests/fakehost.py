"""The real camera host over a device that is a folder: run as `python fakehost.py SETTINGS`.

In the folder $FAKE_DEVICE: `written` gets a line for each picture (time, first pixel, whether all of it is that
pixel); while `gone` is there the device cannot be opened or written to; while `stuck` is there a write does not return.
"""

import os
import time
from pathlib import Path

import numpy as np

from reenact.errors import DeviceError
from reenact.sinks import camerahost
from reenact.sinks.hostlink import Lock, file_name, folder

FOLDER = Path(os.environ["FAKE_DEVICE"])


class FolderDevice:
    """An Output; the name is the one asked for, or that of the folder."""

    backend, label = "fake", ""

    def __init__(self, size: tuple[int, int], rate: float, device: str) -> None:
        self.name = FOLDER.name if device == "auto" else device
        self._lock = Lock(folder() / f"{file_name(self.name)}.lock")
        if not self._lock.take():
            raise DeviceError(f"{self.name}: another reenact sends to it")
        self.size = size
        self.check()
        with (FOLDER / "opened").open("a") as log:
            log.write(f"{size[0]}x{size[1]} {os.getpid()}\n")

    def check(self) -> None:
        if (FOLDER / "gone").exists():
            self._lock.close()
            raise DeviceError(f"the virtual camera {self.name} is gone")

    def write(self, pixels: np.ndarray) -> None:
        self.check()
        while (FOLDER / "stuck").exists():
            time.sleep(0.01)
        assert pixels.shape == (self.size[1], self.size[0], 3)
        first = pixels[0, 0]
        with (FOLDER / "written").open("a") as log:
            log.write(f"{time.monotonic()} {first[0]} {first[1]} {first[2]} {int((pixels == first).all())}\n")

    def close(self) -> None:
        self._lock.close()


if __name__ == "__main__":
    camerahost.main(FolderDevice)
