"""The demonstration with the real parts, a few frames of it."""

from pathlib import Path

import av
import numpy as np
import pytest

from reenact import assets, demonstration
from reenact.cli import main
from reenact.provenance.reading import read_credentials
from reenact.sources import VideoFile


def test_the_built_in_media_are_small_and_what_they_should_be() -> None:
    files = (assets.DRIVER, assets.PHOTO, assets.VIDEO)
    assert sum(path.stat().st_size for path in files) < 5_000_000
    with VideoFile(assets.DRIVER) as driver:
        assert (driver.size, driver.frames, driver.rate) == ((640, 480), 240, 30)
    with VideoFile(assets.VIDEO) as video:
        assert (video.size, video.frames) == ((1280, 720), 135)


def test_panels_are_labelled_and_hold_the_middle_of_each_picture() -> None:
    pictures = [
        np.full((h, w, 3), v, np.uint8) for (w, h), v in (((640, 480), 50), ((1280, 720), 100), ((99, 99), 150))
    ]
    sheet = demonstration.side_by_side(*pictures)
    assert sheet.shape == (demonstration.SIZE[1], demonstration.SIZE[0], 3)
    p = demonstration.PANEL
    assert [int(sheet[p // 2, p // 2 + i * p, 0]) for i in range(3)] == [50, 100, 150]
    assert all(sheet[p:, i * p : (i + 1) * p].max() > 200 for i in range(3))


def test_it_writes_the_video_and_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--frames", "16", "--no-preview"]) == 0
    out = capsys.readouterr().out
    assert all(
        word in out for word in ("track", "generate", "blend", "photo target", "video target", "demo.mp4: driver")
    )
    with av.open(str(tmp_path / "demo.mp4")) as made:
        pictures = [frame.to_ndarray(format="bgr24") for frame in made.decode(video=0)]
    assert len(pictures) == 16
    assert pictures[0].shape == (demonstration.SIZE[1], demonstration.SIZE[0], 3)
    p = demonstration.PANEL
    for i in range(3):
        assert pictures[-1][:p, i * p : (i + 1) * p].std() > 20
    said = read_credentials(tmp_path / "demo.mp4").rendering
    assert said is not None
    assert [shown["kind"] for shown in said["targets"]] == ["photo", "video"]
    assert (said["command"], said["driver"]["shown"]) == ("demo", "the picture")
