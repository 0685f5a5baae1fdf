"""What `reenact live` opens for output, the virtual camera replaced by one that can be missing."""

from pathlib import Path

import numpy as np
import pytest
from made import composite

from reenact.cli import outputs
from reenact.errors import DeviceError
from reenact.sources import VideoFile
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
    opened = outputs.open_outputs((65, 49), "auto", tmp_path / "out.mkv", 30, window=False)
    assert opened.places == f"virtual camera and {tmp_path / 'out.mkv'}"
    assert opened.recording.on
    pixels = np.random.default_rng(0).integers(0, 255, (49, 65, 3), dtype=np.uint8)
    opened.sink.send(Composite(pixels, 7, 0.5, Kind.LIVE))
    opened.close()
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
    assert outputs.open_outputs((64, 48), "auto", None, 30, window=True).places == "the window"
    assert "going on without one" in capsys.readouterr().err


def test_none_asks_for_no_device(camera: type[FakeCamera]) -> None:
    opened = outputs.open_outputs((64, 48), "none", None, 30, window=True)
    assert opened.places == "the window"
    assert camera.made == []
    opened.sink.send(composite())
    opened.close()


def test_the_record_key_records_though_no_file_was_named(
    camera: type[FakeCamera], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    opened = outputs.open_outputs((64, 48), "auto", None, 30, window=False)
    opened.sink.send(composite(0))
    opened.recording.toggle()
    opened.sink.send(composite(1))
    opened.close()
    assert [one.seq for one in camera.made[0].got] == [0, 1]
    with VideoFile(tmp_path / "reenact.mkv") as source:
        assert len(list(iter(source.read, None))) == 1


def test_a_recording_that_fails_is_the_end_only_where_nobody_else_watches(
    camera: type[FakeCamera], tmp_path: Path
) -> None:
    for vcam, alone in (("none", True), ("auto", False)):
        opened = outputs.open_outputs((64, 48), vcam, tmp_path / f"{vcam}.mkv", 30, window=False)
        assert opened.recording._alone is alone
        opened.close()


def test_the_virtual_camera_is_given_back_when_the_recording_cannot_be_opened(
    camera: type[FakeCamera], tmp_path: Path
) -> None:
    with pytest.raises(Exception, match="ending"):
        outputs.open_outputs((64, 48), "auto", tmp_path / "out.txt", 30, window=False)
    assert camera.made[0].closed
