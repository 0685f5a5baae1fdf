"""Files driving targets into files, with every real part."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import av
import clips
import cv2
import made
import numpy as np
import pytest
from fakes import shows_canary

from reenact import assets
from reenact.cli import main
from reenact.config import GeneratorConfig, RetargetConfig
from reenact.errors import SinkError, SourceError
from reenact.generation.weights import find_model
from reenact.provenance.identity import ensure_identity
from reenact.provenance.reading import read_credentials
from reenact.rendering import Rendered, render
from reenact.sources import VideoFile
from reenact.targets.bundle import sha256
from reenact.targets.library import OpenTarget, open_target


@pytest.fixture(scope="module")
def photo() -> OpenTarget:
    with open_target(assets.PHOTO, "synthetic") as target:
        yield target


@pytest.fixture(scope="module")
def video() -> OpenTarget:
    with open_target(assets.VIDEO, "synthetic") as target:
        yield target


def pixels_of(path: Path) -> list[np.ndarray]:
    with VideoFile(path) as made_video:
        found = []
        while (frame := made_video.read()) is not None:
            found.append(frame.pixels)
    return found


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]


def differs(a: np.ndarray, b: np.ndarray) -> float:
    """Mean difference, grey levels."""
    return float(np.abs(a.astype(np.int16) - b).mean())


def test_one_picture_for_each_of_the_driver_s_at_its_time(photo: OpenTarget, tmp_path: Path) -> None:
    stamps = [0, 1, 2, 5, 6, 9, 10, 20, 21, 22, 30, 31]
    driver = clips.driver(tmp_path / "driver.mp4", pts=stamps)
    reports: list[tuple[int, int | None]] = []
    done = render(driver, photo, tmp_path / "out.mp4", progress=lambda n, total: reports.append((n, total)))
    assert isinstance(done, Rendered)
    assert (done.frames, done.faceless, done.sound) == (12, 0, "none")
    assert times_of(tmp_path / "out.mp4") == pytest.approx([s / 30 for s in stamps], abs=1e-6)
    assert reports[-1] == (12, 12)
    assert {"track", "retarget", "target", "generate", "blend", "write"} <= {row.name for row in done.stats.table()}


def test_what_is_written_is_signed_and_says_who_and_with_what(
    photo: OpenTarget, video: OpenTarget, tmp_path: Path
) -> None:
    driver = clips.driver(tmp_path / "driver.mp4", 3)
    cv2.imwrite(str(tmp_path / "driver.png"), clips.pictures(1)[0])
    signer = f"{ensure_identity()[0].short_id:08x}"
    for target, source, output, action in (
        (photo, driver, tmp_path / "out.mp4", "c2pa.created"),
        (video, driver, tmp_path / "edited.mp4", "c2pa.edited"),
        (photo, tmp_path / "driver.png", tmp_path / "out.png", "c2pa.created"),
    ):
        done = render(source, target, output, RetargetConfig(neutral="first"))
        assert done.signed.by == "reenact user"
        found = read_credentials(output)
        assert found.state == "valid"
        said = found.rendering
        assert said is not None
        assert [shown["sha256"] for shown in said["targets"]] == [target.bundle.source_sha256]
        assert said["targets"][0]["consent"]["kind"] == "synthetic"
        assert said["driver"]["sha256"] == sha256(source)
        assert said["driver"]["shown"] == ("the inside of the mouth" if target is photo else "nothing")
        assert said["generators"][0]["sha256"] == find_model(GeneratorConfig().model).sha256
        assert (said["label"], said["watermark"], said["signer"]) == ("off", True, signer)
        assert action.encode() in output.read_bytes()


def test_a_file_that_cannot_be_signed_is_kept_and_said(
    photo: OpenTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10))
    driver = clips.driver(tmp_path / "driver.mp4", 3)
    arguments = ["render", str(driver), "-t", str(assets.PHOTO), "--consent", "synthetic", "-o"]
    assert main([*arguments, str(tmp_path / "out.mp4")]) == 0
    assert "is kept unsigned" in capsys.readouterr().err
    assert len(times_of(tmp_path / "out.mp4")) == 3
    assert read_credentials(tmp_path / "out.mp4").state == "none"


def test_the_face_moves_and_the_picture_s_edge_stays(photo: OpenTarget, tmp_path: Path) -> None:
    driver = clips.driver(tmp_path / "driver.mp4", 34)
    render(driver, photo, tmp_path / "out.mp4", RetargetConfig(neutral="first"))
    first, *_, last = pixels_of(tmp_path / "out.mp4")
    rest = cv2.imread(str(assets.PHOTO))
    assert differs(first, rest) < 1.5  # the driver's first frame is neutral
    assert differs(last, rest) > 1.0  # in the 34th the mouth is open and the head has moved
    assert differs(last[:100, :200], rest[:100, :200]) < 1.5


def test_a_video_target_s_frame_i_makes_frame_i(video: OpenTarget, tmp_path: Path) -> None:
    render(clips.driver(tmp_path / "driver.mp4", 10), video, tmp_path / "out.mp4")
    own = pixels_of(assets.VIDEO)[:10]
    for got, expected in zip(pixels_of(tmp_path / "out.mp4"), own, strict=True):
        assert got.shape == (720, 1280, 3)
        assert differs(got[:, :300], expected[:, :300]) < 1.5


def test_without_a_face_the_target_comes_to_rest_and_nothing_of_the_driver_is_shown(
    photo: OpenTarget, tmp_path: Path
) -> None:
    driver = clips.driver(tmp_path / "driver.mp4", 75, without=range(20, 75))
    done = render(driver, photo, tmp_path / "out.mp4")
    assert done.faceless == 55
    made_pictures = pixels_of(tmp_path / "out.mp4")
    assert len(made_pictures) == 75
    assert not any(shows_canary(picture) for picture in made_pictures)
    assert differs(made_pictures[-1], cv2.imread(str(assets.PHOTO))) < 1.5


def test_a_driver_without_any_face_is_refused_and_leaves_nothing(photo: OpenTarget, tmp_path: Path) -> None:
    driver = clips.driver(tmp_path / "driver.mp4", 4, without=range(4))
    with pytest.raises(SourceError, match="no face in any of its 4 frames"):
        render(driver, photo, tmp_path / "out.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["driver.mp4"]


def test_a_picture_drives_a_picture(photo: OpenTarget, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "calm.png"), clips.pictures(1)[0])
    cv2.imwrite(str(tmp_path / "open.png"), clips.pictures(28)[-1])
    done = render(tmp_path / "open.png", photo, tmp_path / "out.png", neutral=tmp_path / "calm.png")
    assert done.frames == 1
    shown = cv2.imread(str(tmp_path / "out.png"))
    assert differs(shown[280:480, 500:760], cv2.imread(str(assets.PHOTO))[280:480, 500:760]) > 3  # the mouth opens


def test_a_neutral_picture_without_a_face_is_refused(photo: OpenTarget, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "wall.png"), made.picture(320, 240))
    driver = clips.driver(tmp_path / "driver.mp4", 3)
    with pytest.raises(SourceError, match="shows no face: expected a picture of the driver"):
        render(driver, photo, tmp_path / "out.mp4", neutral=tmp_path / "wall.png")
    assert not list(tmp_path.glob("out*"))


def test_the_driver_s_sound_is_copied(photo: OpenTarget, tmp_path: Path) -> None:
    tone = made.video(tmp_path / "tone.mp4", 12, sound="aac")
    driver = clips.driver(tmp_path / "driver.mp4", 12, sound=tone)
    done = render(driver, photo, tmp_path / "out.mp4", audio=driver)
    assert done.sound == "copied"
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"


def test_the_target_s_sound_is_copied_and_a_photo_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tone = made.video(tmp_path / "tone.mp4", 12, sound="aac")
    talking = clips.driver(tmp_path / "talking.mp4", 14, sound=tone)
    driver = clips.driver(tmp_path / "driver.mp4", 5)
    arguments = ["render", str(driver), "--consent", "synthetic", "--audio", "target", "-o", str(tmp_path / "out.mp4")]
    assert main([*arguments, "-t", str(talking)]) == 0
    assert "sound: copied" in capsys.readouterr().out
    assert main([*arguments, "-t", str(assets.PHOTO)]) == 2
    assert "photo is a photo: choose driver or none" in capsys.readouterr().err


def test_a_truncated_driver_gives_what_there_is_and_a_warning(photo: OpenTarget, tmp_path: Path) -> None:
    whole = tmp_path / "whole.mkv"
    clips.driver(whole, 40)
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.6)])
    done = render(tmp_path / "cut.mkv", photo, tmp_path / "out.mp4")
    assert 1 <= done.frames < 40
    assert len(times_of(tmp_path / "out.mp4")) == done.frames


def test_a_full_disk_ends_it_in_one_sentence_and_leaves_nothing(
    photo: OpenTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = clips.driver(tmp_path / "driver.mp4", 12)
    write = os.write
    (tmp_path / "out").mkdir()

    def full(fd: int, data: bytes) -> int:
        if Path(f"/proc/self/fd/{fd}").readlink().is_relative_to(tmp_path / "out"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(SinkError, match="no space left"):
        render(driver, photo, tmp_path / "out" / "out.mp4")
    assert not list((tmp_path / "out").iterdir())


def test_the_command_says_what_it_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REENACT_HOME", str(tmp_path / "home"))
    driver = clips.driver(tmp_path / "driver.mp4", 6, without=range(4, 6))
    arguments = ["render", str(driver), "-t", str(assets.PHOTO), "--consent", "synthetic"]
    assert main([*arguments, "-o", str(tmp_path / "out.mp4"), "--times"]) == 0
    seen = capsys.readouterr()
    assert "6 frames, 2 without a face, 1280x720, sound: none" in seen.out
    assert "generate" in seen.out
