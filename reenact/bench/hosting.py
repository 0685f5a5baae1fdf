"""What the camera host costs: pictures sent through it, against the same device written to by this process."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reenact.bench.machine import facts
from reenact.config import VirtualCameraConfig
from reenact.sinks import VirtualCamera, camerahost
from reenact.sinks.hostduty import Output
from reenact.stats import Series, Stats
from reenact.types import Composite, Kind, Pixels

CONVERTING = "converting"  # the device that is none
DIRECT, HOSTED, WRITTEN, HEARD = "written directly", "sent to the host", "until written", "until heard of"


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds a picture, by way.

    written directly  the device's own write, in this process
    sent to the host  `VirtualCamera.send`, which ends when the host has written the picture and this is known: of that
                      "until written" is the part before the device had it, "until heard of" the rest
    ratio             of the medians: sent to the host over written directly
    cpu, memory_mb    of a core, percent, what the host used while pictures came, and its resident memory, of a real
                      device's only: the converting one's has OpenCV in it.  Linux only
    """

    device: str
    size: tuple[int, int]
    rate: float
    pictures: int
    ratio: float
    memory_mb: float | None
    cpu: float | None
    series: list[Series]

    def as_json(self) -> dict[str, Any]:
        return {"bench": "camera host", "machine": facts(), **asdict(self)}


class ConvertingDevice:
    """An Output that does what a virtual camera's does before it writes: BGR to I420."""

    name, backend, label = CONVERTING, CONVERTING, ""

    def __init__(self, size: tuple[int, int]) -> None:
        self._planes: Pixels = np.empty((size[1] * 3 // 2, size[0]), np.uint8)
        cv2.setNumThreads(1)

    def write(self, pixels: Pixels) -> None:
        cv2.cvtColor(pixels, cv2.COLOR_BGR2YUV_I420, dst=self._planes)

    def check(self) -> None:
        """It is never lost."""

    def close(self) -> None:
        """It holds nothing."""


def measure(
    device: str = CONVERTING, size: tuple[int, int] = (1280, 720), rate: float = 30.0, rounds: int = 10
) -> Measured:
    """A second of pictures at `rate` each way, in turn, so many rounds.

    device  "converting", or a virtual camera as VirtualCamera takes it
    """
    stats = Stats()
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8) for _ in range(4)]
    count = max(1, round(rate))
    memory = cpu = None
    name = device
    for _ in range(rounds):
        with ExitStack() as stack:
            direct = _direct(device, size, rate)
            stack.callback(direct.close)
            for n in _paced(count, rate):
                with stats.stage(DIRECT):
                    direct.write(pictures[n % 4])
        with _hosted(device, size, rate) as camera:
            name = camera.name
            camera.send(Composite(pictures[-1], 0, 0.0, Kind.LIVE))
            before, began = _cpu_s(camera.host), time.monotonic()
            for n in _paced(count, rate):
                one = Composite(pictures[n % 4], n, time.monotonic(), Kind.LIVE)
                with stats.stage(HOSTED):
                    camera.send(one)
                shown = camera.shown
                assert shown is not None
                assert shown.seq == n
                stats.add(WRITTEN, shown.written - shown.sent)
                stats.add(HEARD, shown.known - shown.written)
            memory, used = None if device == CONVERTING else _memory_mb(camera.host), _cpu_s(camera.host)
            if used is not None and before is not None:
                cpu = 100 * (used - before) / (time.monotonic() - began)
    table = {row.name: row for row in stats.table()}
    ratio = table[HOSTED].p50_ms / table[DIRECT].p50_ms
    return Measured(name, size, rate, count * rounds, ratio, memory, cpu, list(table.values()))


def _direct(device: str, size: tuple[int, int], rate: float) -> Output:
    if device == CONVERTING:
        return ConvertingDevice(size)
    from reenact.sinks.cameradevice import CameraDevice

    end = time.monotonic() + 10
    while True:  # the host before gives it back a second after its engine
        try:
            return CameraDevice(size, rate, device)
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _hosted(device: str, size: tuple[int, int], rate: float) -> VirtualCamera:
    config = VirtualCameraConfig(leave_s=0.0, answer_s=5.0, stuck_s=30.0)  # a slow answer is to be seen, not given up
    if device != CONVERTING:
        return VirtualCamera(size, rate, device, config=config)
    return VirtualCamera(size, rate, CONVERTING, config=config, command=(sys.executable, "-m", __name__))


def _paced(count: int, rate: float) -> Iterator[int]:
    """0, 1, ... at the rate; as in a call, whoever sends has done something else meanwhile."""
    start = time.monotonic()
    for n in range(count):
        time.sleep(max(0.0, start + n / rate - time.monotonic()))
        yield n


def _memory_mb(pid: int) -> float | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return round(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024, 1)
    except (OSError, StopIteration):
        return None


def _cpu_s(pid: int) -> float | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError):
        return None


def save(measured: Measured, path: Path) -> None:
    """Writes the result as JSON, with the facts of the machine."""
    path.write_text(json.dumps(measured.as_json(), indent=1) + "\n")


if __name__ == "__main__":
    camerahost.main(lambda size, rate, device: ConvertingDevice(size))
