"""The camera pulled out and put back a hundred times while the loop runs in its real threads, into a real camera host.

Its threads and open handles are counted each time.  The states on a virtual clock: test_sequences.py.
"""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakecamera import NAMES, FakeCapture, camera_tree, plug_in, unplug
from fakedevice import FolderCamera, folder_camera
from fakes import FakeBlender, FakeGenerator, FakeRetargeter, FakeTarget, FakeTracker, slate_pixels

from reenact.bench.watch import handles, threads
from reenact.config import CameraConfig, GateConfig, LiveConfig
from reenact.engine import Engine
from reenact.live import Live
from reenact.sources import LastingCamera
from reenact.types import Kind

QUICK = CameraConfig(wait_s=0.05, retry_s=0.01, retry_most_s=0.01, read_timeout_s=60, open_timeout_s=60, silent_s=60)
HASTY = GateConfig(hold_s=0.02, ease_s=0.02, ease_in_s=0.02, stale_s=0.5)  # late is not gone on a busy machine


class FaceCapture(FakeCapture):
    """Fifty pictures a second at most, in each of which a FakeTracker sees a face."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args, period_s=0.02)

    def read(self) -> tuple[bool, np.ndarray | None]:
        ok, pixels = super().read()
        if pixels is not None:
            pixels[0, 0] = 255
        return ok, pixels


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cv2, "VideoCapture", FaceCapture)
    return camera_tree(tmp_path, monkeypatch)


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Iterator[FolderCamera]:
    with folder_camera(monkeypatch) as made:
        yield made


def until(seen: Callable[[], object], live: Live) -> None:
    """Waits for something to be seen; a slow machine only takes longer."""
    end = time.monotonic() + 120
    while not seen():
        assert time.monotonic() < end, "it never happened"
        assert not live.ending, live._error
        time.sleep(0.002)


@pytest.mark.parametrize("times", [2, pytest.param(100, marks=[pytest.mark.release, pytest.mark.timeout(600)])])
def test_the_running_loop_keeps_its_threads_and_handles(dev: Path, camera: FolderCamera, times: int) -> None:
    def shows(kind: Kind) -> bool:
        return live.last is not None and live.last.kind is kind

    stages = FakeTracker(), FakeRetargeter(), FakeTarget(), FakeGenerator(), FakeBlender()
    engine = Engine(*stages, slate=slate_pixels(), gate=HASTY)
    with LastingCamera(2, QUICK) as source, camera.opened() as sink:
        live = Live(source, engine, sink, LiveConfig(rate=50, adapt=False))
        loop = threading.Thread(target=live.run)
        loop.start()
        try:
            until(lambda: shows(Kind.LIVE), live)
            counts = set()
            for n in range(times):
                unplug(dev, 2 if n == 0 else 4 + (n - 1) % 2)
                until(lambda: "unplugged" in live.trouble and shows(Kind.REST), live)
                plug_in(dev, 4 + n % 2, NAMES[2])  # at another number each time
                until(lambda: live.trouble == "" and shows(Kind.LIVE), live)
                counts.add((threads(), handles()))
        finally:
            live.stop()
            loop.join(60)
    assert len(counts) == 1, counts
    assert engine.stats.counted("faults") == 0
    assert len(camera.hosts()) == 1  # one process held the device all the time
