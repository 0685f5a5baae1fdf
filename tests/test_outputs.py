"""What `reenact live` opens for output, the virtual camera replaced by one that can be missing."""

from pathlib import Path

import numpy as np
import pytest

from reenact.cli import outputs
from reenact.errors import DeviceError
from reenact.sinks import Fanout, NullSink
from reenact.types import Composite, Kind


class FakeCamera:
    made: list["FakeCamera"] = []  # noqa: RUF012
    missing = False

    def __init__(self, size: tuple[int, int], rate: float, device: str) -> None:
        if self.missing:
            raise DeviceError("no virtual camera can be opened")
        self.size, self.got, self.closed = size, [], False  # type: ignore[var-annotated]
        self.made.append(self)

    def send(self, composite: Composite) -> None:
        assert composite.pixels.shape == (self.size[1], self.size[0], 3)
        self.got.append(composite)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> type[FakeCamera]:
    monkeypatch.setattr(outputs, "VirtualCamera", FakeCamera)
    monkeypatch.setattr(FakeCamera, "made", [])
    monkeypatch.setattr(FakeCamera, "missing", False)
    return FakeCamera


def test_both_at_once_and_an_odd_size_for_the_virtual_camera(camera: type[FakeCamera], tmp_path: Path) -> None:
    sink = outputs.open_outputs((65, 49), "auto", tmp_path / "out.mkv", 30, window=False)
    assert isinstance(sink, Fanout)
    assert outputs.names(sink) == f"virtual camera and {tmp_path / 'out.mkv'}"
    pixels = np.random.default_rng(0).integers(0, 255, (49, 65, 3), dtype=np.uint8)
    sink.send(Composite(pixels, 7, 0.5, Kind.LIVE))
    sink.close()
    (made,) = camera.made
    assert made.size == (64, 48)
    assert np.array_equal(made.got[0].pixels, pixels[:48, :64])
    assert (made.got[0].seq, made.closed) == (7, True)
    assert (tmp_path / "out.mkv").stat().st_size > 0


def test_a_missing_virtual_camera_is_an_error_only_where_there_is_nothing_else(
    camera: type[FakeCamera], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera, "missing", True)
    with pytest.raises(DeviceError):
        outputs.open_outputs((64, 48), "auto", None, 30, window=False)
    with pytest.raises(DeviceError):
        outputs.open_outputs((64, 48), "/dev/video10", tmp_path / "out.mkv", 30, window=True)
    assert isinstance(outputs.open_outputs((64, 48), "auto", None, 30, window=True), NullSink)
    assert "going on without one" in capsys.readouterr().err


def test_none_asks_for_no_device(camera: type[FakeCamera]) -> None:
    sink = outputs.open_outputs((64, 48), "none", None, 30, window=True)
    assert isinstance(sink, NullSink)
    assert outputs.names(sink) == "the window"
    assert camera.made == []


def test_the_virtual_camera_is_given_back_when_the_recording_cannot_be_opened(
    camera: type[FakeCamera], tmp_path: Path
) -> None:
    with pytest.raises(Exception, match="ending"):
        outputs.open_outputs((64, 48), "auto", tmp_path / "out.txt", 30, window=False)
    assert camera.made[0].closed
