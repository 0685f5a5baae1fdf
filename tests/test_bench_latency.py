"""The latency bench, with fakes for what is slow; and the facts of the machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import clips
import pytest
from fakes import FakeBlender, FakeGenerator, FakeRetargeter, FakeTarget, FakeTracker, slate_pixels

from reenact import assets
from reenact.bench import latency
from reenact.bench.machine import facts
from reenact.engine import Engine
from reenact.errors import InputError
from reenact.sources import VideoFile, read_picture


@contextmanager
def fake_engine(target: FakeTarget, **_: object) -> Iterator[Engine]:
    yield Engine(FakeTracker(), FakeRetargeter(), target, FakeGenerator(), FakeBlender(), slate=slate_pixels())


def test_it_counts_times_and_saves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "open_engine", fake_engine)
    driver = clips.driver(tmp_path / "driver.mp4", 12)
    measured = latency.measure(driver, FakeTarget(), 2.0)
    assert measured.source_rate == 30
    assert 1.9 < measured.seconds < 3
    assert 15 < measured.frames_per_s < 36
    assert 30 < measured.captured < 70
    assert measured.sent["live"] > 30
    aged = measured.latency()
    assert aged is not None
    assert 0 < aged.p50_ms <= aged.p95_ms <= aged.max_ms
    latency.save(measured, tmp_path / "latency.json")
    saved = json.loads((tmp_path / "latency.json").read_text())
    assert saved["bench"] == "latency"
    assert saved["machine"]["cores"] >= 1
    assert {row["name"] for row in saved["stages"]} >= {"track", "blend", "send", "capture to sink"}


def test_another_rate_plays_the_same_pictures_faster(tmp_path: Path) -> None:
    source = latency.AtRate(VideoFile(clips.driver(tmp_path / "driver.mp4", 5)), 60.0)
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    source.close()
    assert source.rate == 60
    assert [frame.t_capture for frame in frames] == pytest.approx([i / 60 for i in range(5)])


def test_a_picture_is_laid_on_a_canvas_of_the_size_asked_for() -> None:
    with latency.on_canvas(assets.PHOTO, (640, 640)) as path:
        pixels = read_picture(path)
        assert pixels.shape == (640, 640, 3)
        assert pixels[320, 320].std() < 60
    assert not path.exists()
    with pytest.raises(InputError, match="641x640"), latency.on_canvas(assets.PHOTO, (641, 640)):
        pass


def test_the_facts_do_not_name_the_machine() -> None:
    import getpass
    import socket

    text = json.dumps(facts())
    assert socket.gethostname() not in text or len(socket.gethostname()) < 4
    assert getpass.getuser() not in text
    assert facts()["python"].startswith("3.")
