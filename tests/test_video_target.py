"""A video target plays to and fro, knows its face in each frame, and stays within its memory."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from people import motion, moving_face, write_video

from reenact.config import MediaConfig
from reenact.errors import SourceError, TargetError
from reenact.sources import VideoFile
from reenact.targets import bundle as bundle_files
from reenact.targets import prepare
from reenact.targets.bundle import MANIFEST, read_bundle, read_tracks, sha256
from reenact.targets.library import add_target, load_target, open_target
from reenact.targets.steady import fill_gaps, steady
from reenact.targets.video import VideoTarget, there_and_back

FRAMES = 40
GONE = range(20, 34)  # too long a gap to be bridged at 25 frames/s


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory):
    place = tmp_path_factory.mktemp("videos")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REENACT_HOME", str(place))
        yield place


@pytest.fixture(scope="module")
def file(home: Path) -> Path:
    return write_video(home / "wander.mp4", moving_face(FRAMES, without=GONE))


@pytest.fixture(scope="module")
def target(home: Path, file: Path) -> VideoTarget:
    bundle = add_target(file, "wander", "synthetic")
    assert (bundle.kind, bundle.size, bundle.rate, bundle.frames) == ("video", (256, 256), 25.0, FRAMES)
    opened = load_target("wander")
    assert isinstance(opened, VideoTarget)
    return opened


def decoded(file: Path) -> list[np.ndarray]:
    with VideoFile(file, MediaConfig()) as source:
        return [source.read().pixels for _ in range(FRAMES)]


def test_there_and_back() -> None:
    assert [there_and_back(n, 4) for n in range(14)] == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]
    assert [there_and_back(n, 1) for n in range(4)] == [0, 0, 0, 0]
    assert [there_and_back(n, 2) for n in range(5)] == [0, 1, 0, 1, 0]
    assert there_and_back(10**12, 250) < 250


def test_it_plays_the_files_own_frames_forward_and_backward(target: VideoTarget, file: Path) -> None:
    truth = decoded(file)
    order = [*range(FRAMES), *range(FRAMES - 2, -1, -1), 1, 2]
    for n, index in enumerate(order):
        shot = target.shot(n, motion((10, 0, 0)) if n % 2 else None)
        assert shot.index == index
        assert np.array_equal(shot.pixels, truth[index])
        assert shot.texture is shot.pixels
        assert np.array_equal(shot.points, shot.texture_points)
    with pytest.raises(ValueError, match="-1"):
        target.shot(-1, None)


def test_its_points_follow_the_face(target: VideoTarget) -> None:
    nose = np.array([target.shot(n, None).points[1, :2] for n in range(GONE.start)])
    truth = np.array([[6 * np.sin(i / 3), 3 * np.cos(i / 4)] for i in range(GONE.start)])
    assert np.abs((nose - nose.mean(0)) - (truth - truth.mean(0))).max() < 1.0


def test_its_frames_tell_their_own_expression_where_it_was_measured(target: VideoTarget) -> None:
    """The face only wanders about in this video: it makes next to no expression."""
    own = [target.shot(n, None).expression for n in range(GONE.start)]
    assert all(e is not None and e.shape == (478, 3) for e in own)
    assert np.abs(np.array(own)[:, :468]).mean() < 0.012
    tracks = read_tracks(target.bundle)
    np.savez(target.bundle.folder / "old.npz", points=tracks.points, found=tracks.found, neutral=tracks.neutral)
    older = replace(target.bundle)
    with pytest.MonkeyPatch.context() as patch:  # a bundle made before anybody measured
        patch.setattr(bundle_files, "TRACKS", "old.npz")
        assert read_tracks(older).weights is None


def test_it_says_where_no_face_is(target: VideoTarget) -> None:
    found = [target.shot(n, None).found for n in range(FRAMES)]
    assert not any(found[i] for i in GONE)
    assert all(found[: GONE.start])
    assert all(found[GONE.stop + 2 :])  # the tracker may need a moment to find it again
    assert np.array_equal(target.shot(21, None).points, target.shot(19, None).points)
    assert any("play as they are" in note for note in target.bundle.notes)


def test_the_bundle_holds_the_file_itself(target: VideoTarget, file: Path) -> None:
    bundle = read_bundle(target.bundle.folder)
    assert bundle.video.read_bytes() == file.read_bytes()
    assert bundle.source_sha256 == sha256(file) == bundle.files["video.mp4"]
    assert target.neutral.shape == (478, 3)
    assert target.bank is not None


def test_long_videos_are_read_frame_by_frame(home: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "KEPT_BYTES", 1000)
    truth = decoded(file)
    with open_target(file, "synthetic") as target:
        assert {"frames.bin", "frames.npy"} <= set(target.bundle.files)
        monkeypatch.setattr("reenact.sources.VideoFile.read", lambda _: pytest.fail("the video itself was decoded"))
        for n in (0, 1, 2, 17, 39, 40, 41, 77, 78, 79, 5):
            shot = target.shot(n, None)
            error = shot.pixels.astype(float) - truth[shot.index]
            assert np.sqrt((error**2).mean()) < 2.0
            again = target.shot(n, None)
            assert np.array_equal(again.pixels, shot.pixels)
        folder = target.bundle.folder
    assert not folder.exists()


def test_damaged_frames_are_told(home: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "KEPT_BYTES", 1000)
    folder = add_target(file, "damaged", "synthetic").folder
    data = bytearray((folder / "frames.bin").read_bytes())
    data[:2000] = bytes(2000)
    old = sha256(folder / "frames.bin")
    (folder / "frames.bin").write_bytes(data)
    with pytest.raises(TargetError, match=r"frames\.bin is not the file"):
        load_target("damaged")
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace(old, sha256(folder / "frames.bin")))
    with load_target("damaged") as target, pytest.raises(TargetError, match=r"frame 0 .* is damaged"):
        target.shot(0, None)


def test_another_video_in_its_place_is_told(home: Path, file: Path, tmp_path: Path) -> None:
    folder = add_target(file, "swapped", "synthetic").folder
    old = sha256(file)
    other = write_video(folder / "video.mp4", moving_face(7))
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace(f'"video.mp4" = "{old}"', f'"video.mp4" = "{sha256(other)}"'))
    with pytest.raises(TargetError, match="holds 7 frames, expected 40"):
        load_target("swapped")


def test_videos_that_cannot_be_used(home: Path, tmp_path: Path) -> None:
    wall = [np.full((128, 128, 3), v, np.uint8) for v in range(100, 112)]
    with pytest.raises(SourceError, match="no face that can be found"):
        open_target(write_video(tmp_path / "wall.mp4", wall), "synthetic")
    rare = moving_face(40, without=range(3, 40))
    with pytest.raises(SourceError, match=r"in only [1-3] of 40 frames, expected 10%"):
        open_target(write_video(tmp_path / "rare.mp4", rare), "synthetic")
    with pytest.raises(TargetError, match="consent"):
        open_target(tmp_path / "wall.mp4")


def test_progress_is_told(home: Path, file: Path) -> None:
    told: list[tuple[str, int, int]] = []
    open_target(file, "synthetic", progress=lambda *step: told.append(step)).close()
    assert {what for what, _, _ in told} == {"tracking the face", "gathering mouths", "done"}
    assert all(done <= total for _, done, total in told)


def path_of_points(frames: int) -> np.ndarray:
    points = np.random.default_rng(1).uniform(50, 150, (478, 3)).astype(np.float32)
    points[33, :2], points[263, :2] = (60, 100), (140, 100)
    return np.repeat(points[None], frames, 0)


def test_short_gaps_are_bridged_and_long_ones_are_not() -> None:
    points = path_of_points(60)
    points += np.arange(60, dtype=np.float32)[:, None, None]
    found = np.ones(60, bool)
    found[[0, 1, *range(10, 14), *range(30, 45)]] = False
    broken = points.copy()
    broken[~found] = 0
    filled, usable = fill_gaps(broken, found, 25.0)
    assert usable[10:14].all()
    assert np.allclose(filled[10:14], points[10:14], atol=1e-3)
    assert not usable[30:45].any()
    assert not usable[:2].any()
    assert np.array_equal(filled[0], points[2])
    assert np.array_equal(filled[31], points[29])
    assert np.array_equal(filled[44], points[45])
    far = points.copy()
    far[14:] += 500  # a cut to another place
    assert not fill_gaps(far, found, 25.0)[1][10:14].any()
    with pytest.raises(ValueError, match="in one frame at least"):
        fill_gaps(points, np.zeros(60, bool), 25.0)


def test_jitter_is_calmed_and_nothing_comes_late() -> None:
    clean = path_of_points(80)
    clean[:, :, 0] += 15 * np.sin(np.arange(80) / 12)[:, None]  # a head swaying
    clean[40:43, 145, 1] -= 6  # a blink of three frames
    noisy = clean + np.random.default_rng(2).normal(0, 0.25, clean.shape).astype(np.float32)
    calm = steady(noisy, np.ones(80, bool))
    assert calm.dtype == np.float32
    inside = slice(5, -5)
    assert np.std((calm - clean)[inside]) < 0.6 * np.std((noisy - clean)[inside])
    assert np.abs((calm - clean)[38:45, 145, 1]).max() < 1.2
    found = np.ones(80, bool)
    found[50] = False
    noisy[50] += 300
    assert np.array_equal(steady(noisy, found)[50], steady(noisy, found)[49])
    assert np.abs(steady(noisy, found)[51] - clean[51]).max() < 3


def test_one_frame_is_a_video_too(home: Path, tmp_path: Path) -> None:
    file = write_video(tmp_path / "one.mp4", moving_face(1))
    with open_target(file, "synthetic") as target:
        assert [target.shot(n, None).index for n in range(3)] == [0, 0, 0]
