"""The quality bench: its figures on pictures whose error is known, and the whole command on a tiny folder."""

import json
import math
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import tracked

from reenact import assets
from reenact.bench import quality
from reenact.bench.scores import FIGURES, Scores, face_finder, score
from reenact.cli import main
from reenact.errors import InputError, SourceError

EXACT = 10 * math.log10(255**2 / 1e-3)
COUNT = 6


def write(path: Path, shown: list[np.ndarray]) -> None:
    """A nearly lossless video."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"crf": "4", "preset": "ultrafast"})
        stream.height, stream.width = shown[0].shape[:2]
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, 30)
        for i, picture in enumerate(shown):
            frame = av.VideoFrame.from_ndarray(picture, "bgr24")
            frame.pts, frame.time_base = i, Fraction(1, 30)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def small(path: Path, count: int) -> list[np.ndarray]:
    return [np.ascontiguousarray(frame.pixels[:, 280:1000]) for frame in tracked.frames(path, count)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The built-in driver's first pictures, who hardly moves yet; each target is its own truth."""
    place = tmp_path / "pair"
    place.mkdir()
    write(place / "driver.mp4", [frame.pixels for frame in tracked.frames(assets.DRIVER, COUNT)])
    photo = cv2.imread(str(assets.PHOTO))[:, 280:1000]
    cv2.imwrite(str(place / "target.png"), photo)
    write(place / "truth_portrait.mp4", [photo] * COUNT)
    write(place / "target.mp4", small(assets.VIDEO, COUNT))
    (place / "truth_video.mp4").write_bytes((place / "target.mp4").read_bytes())
    return place


def face() -> tuple[np.ndarray, np.ndarray]:
    """A picture with a face and its (478, 2) points, far from the edges."""
    frames, tracks = tracked.driver()
    return frames[0].pixels, np.ascontiguousarray(tracks[0].points[:, :2])


class Known:
    """A finder that knows the points of each picture by its first pixel."""

    def __init__(self, *points: np.ndarray | None) -> None:
        self.points = points

    def __call__(self, pixels: np.ndarray) -> np.ndarray | None:
        return self.points[pixels[0, 0, 0]]


def numbered(pixels: np.ndarray, number: int) -> np.ndarray:
    marked = pixels.copy()
    marked[0, 0] = number
    return marked


def test_an_exact_copy_has_no_error() -> None:
    pixels, points = face()
    got = score([pixels] * 4, {"copy": [pixels.copy() for _ in range(4)]}, lambda _: points)["copy"]
    assert got.psnr_face == pytest.approx(EXACT)
    assert got.ssim_face == pytest.approx(1, abs=1e-5)
    assert [getattr(got, name) for name in FIGURES[2:]] == [0] * 8


def test_a_known_difference_gives_its_psnr() -> None:
    pixels, points = face()
    pixels = np.minimum(pixels, 250)
    got = score([pixels] * 3, {"lighter": [pixels + np.uint8(2)] * 3}, lambda _: points)["lighter"]
    assert got.psnr_face == pytest.approx(20 * math.log10(255 / 2), abs=1e-4)
    assert got.l1_mouth == pytest.approx(2)
    assert got.l1_eyes == pytest.approx(2)
    assert 0.9 < got.ssim_face < 1


def test_only_what_is_near_the_face_lips_and_eyes_counts() -> None:
    pixels, points = face()
    spoilt = pixels.copy()
    spoilt[:, :40] = 255 - spoilt[:, :40]
    got = score([pixels], {"background": [spoilt]}, lambda _: points)["background"]
    assert got.psnr_face == pytest.approx(EXACT)
    spoilt = pixels.copy()
    x, y = points[13].astype(int)
    spoilt[y - 8 : y + 8, x - 8 : x + 8] = 0
    got = score([pixels], {"lips": [spoilt]}, lambda _: points)["lips"]
    assert got.l1_mouth > 1
    assert got.l1_eyes == 0
    assert got.psnr_face < 40


def test_points_are_measured_in_percent_of_the_eye_distance() -> None:
    pixels, points = face()
    unit = float(np.linalg.norm(points[33] - points[263])) / 100
    moved = points + np.float32([3 * unit, 4 * unit])
    lids, gaze, lips = points.copy(), points.copy(), points.copy()
    lids[159] += (points[159] - points[145]) * np.float32(0.5)
    gaze[468, 0] += 2 * unit
    lips[13] -= np.float32([0, 6 * unit])
    outputs = {name: [numbered(pixels, i)] * 3 for i, name in enumerate(("moved", "lids", "gaze", "lips"), 1)}
    got = score([numbered(pixels, 0)] * 3, outputs, Known(points, moved, lids, gaze, lips))
    assert got["moved"].akd == pytest.approx(5, abs=1e-3)
    for name in ("lips", "lids", "gaze", "jitter"):
        assert getattr(got["moved"], name) == pytest.approx(0, abs=1e-3)
    opening = float(np.linalg.norm(points[159] - points[145])) / unit
    assert got["lids"].lids == pytest.approx(opening * 0.5 / 2, rel=1e-3)  # one eye of two
    assert got["gaze"].gaze == pytest.approx(1, abs=1e-3)
    assert got["gaze"].akd == 0  # irises are not among the 468
    assert got["lips"].lips == pytest.approx(_lips_after(points, lips, unit), abs=1e-3)
    assert got["lips"].akd == pytest.approx(6 / 468, abs=1e-3)


def _lips_after(before: np.ndarray, after: np.ndarray, unit: float) -> float:
    gap = [float(np.linalg.norm(p[13] - p[14])) / unit for p in (before, after)]
    return abs(gap[1] - gap[0])


def test_jitter_is_the_shake_that_the_truth_has_not() -> None:
    pixels, points = face()
    unit = np.linalg.norm(points[33] - points[263]) / 100
    shaken = points + np.float32([unit, 0])
    shaking = [numbered(pixels, i % 2) for i in range(5)]
    drifting = Known(*(points + np.float32([i * unit, 0]) for i in range(5)))
    still = [numbered(pixels, 0)] * 5
    assert score(still, {"o": shaking}, Known(points, shaken))["o"].jitter == pytest.approx(math.sqrt(2), rel=1e-3)
    steadily = [numbered(pixels, i) for i in range(5)]
    assert score(still, {"o": steadily}, drifting)["o"].jitter == pytest.approx(0, abs=1e-3)


def test_lost_faces_are_counted_and_the_truth_s_own_gaps_are_not() -> None:
    pixels, points = face()
    finder = Known(points, None)
    seen, lost = numbered(pixels, 0), numbered(pixels, 1)
    got = score([seen] * 3 + [lost], {"o": [seen, lost, seen, seen]}, finder)["o"]
    assert got.untracked == pytest.approx(1 / 3)
    assert got.akd == 0
    assert math.isnan(got.jitter)
    none = score([seen] * 2, {"o": [lost] * 2}, finder)["o"]
    assert none.untracked == 1
    assert math.isnan(none.akd)
    assert none.psnr_face > 40
    with pytest.raises(InputError, match="no face in any of its 2"):
        score([lost] * 2, {"o": [seen] * 2}, finder)


def test_pictures_that_do_not_fit_are_refused() -> None:
    pixels, points = face()
    for output, words in (
        ([pixels], "o has 1 pictures, the truth has more"),
        ([pixels] * 3, "o has more pictures than the truth's 2"),
        ([pixels[:100]] * 2, "o is 640x100, the truth is 640x480"),
    ):
        with pytest.raises(InputError, match=words):
            score([pixels] * 2, {"o": output}, lambda _: points)


def test_mediapipe_sees_a_shifted_picture_shifted() -> None:
    pixels, _ = face()
    with face_finder() as find:
        points = find(pixels)
        assert points is not None
        assert points.shape == (478, 2)
        assert find(np.zeros_like(pixels)) is None
        unit = float(np.linalg.norm(points[33] - points[263])) / 100
        got = score([pixels], {"shifted": [np.roll(pixels, 12, axis=1)]}, find)["shifted"]
    assert got.akd == pytest.approx(12 / unit, rel=0.05)
    assert got.lips < 1
    assert got.lids < 1
    assert got.psnr_face < 30


def test_a_folder_is_rendered_and_scored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = folder.parent / "quality.json"
    status = main(["bench", "quality", str(folder), "--mouth", "driver", "--json", str(saved)])
    shown = capsys.readouterr()
    assert status == 0, shown.err
    for word in ("photo", "video", "baseline", "engine", "mean over 1 folder", *FIGURES):
        assert word in shown.out
    result = json.loads(saved.read_text())
    assert (result["bench"], result["neutral"], result["mouth"]) == ("quality", "first", "driver")
    assert result["machine"]["cores"] >= 1
    assert [(row["folder"], row["kind"], row["frames"]) for row in result["rows"]] == [
        ("pair", "photo", COUNT),
        ("pair", "video", COUNT),
    ]
    photo, video = result["rows"]
    assert video["baseline"]["psnr_face"] == pytest.approx(EXACT)  # the very file
    assert video["baseline"]["akd"] == 0
    assert photo["baseline"]["psnr_face"] > 40  # but for the video's compression
    for row in (photo, video):  # a driver near his neutral leaves the target nearly as it is
        assert row["engine"]["untracked"] == 0
        assert 0 < row["engine"]["akd"] < 3
        assert 25 < row["engine"]["psnr_face"] < EXACT - 1
        assert result["mean"][row["kind"]]["engine"] == row["engine"]
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        ["driver.mp4", "target.png", "target.mp4", "truth_portrait.mp4", "truth_video.mp4"]
    )


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["bench", "quality", *(str(a) for a in arguments)]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_folders_that_cannot_be_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "does not exist" in refused(capsys, folder / "none")
    assert "is no folder" in refused(capsys, folder / "driver.mp4")
    assert "there is no folder" in refused(capsys, folder, "--json", folder / "none" / "q.json")
    assert "'last'" in refused(capsys, folder, "--neutral", "last")
    short = [frame.pixels for frame in tracked.frames(assets.DRIVER, COUNT - 2)]
    write(folder / "driver.mp4", short)
    said = refused(capsys, folder)
    assert f"driver.mp4 {COUNT - 2}" in said
    assert f"truth_video.mp4 {COUNT}" in said
    (folder / "truth_video.mp4").unlink()
    assert "lacks truth_video.mp4" in refused(capsys, folder)
    (folder / "truth_video.mp4").write_text("no video")
    assert "truth_video.mp4 cannot be decoded" in refused(capsys, folder)


def test_sizes_and_pictures_are_checked_before_anything_is_rendered(folder: Path) -> None:
    assert quality.check_folder(folder) == COUNT
    cv2.imwrite(str(folder / "target.png"), np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(InputError, match=r"target\.png is 64x64, truth_portrait\.mp4 is 720x720"):
        quality.check_folder(folder)
    (folder / "target.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"target\.png cannot be decoded"):
        quality.check_folder(folder)


def test_means_leave_out_what_was_not_measured_and_json_has_null_for_it(tmp_path: Path) -> None:
    def all_of(value: float, akd: float) -> Scores:
        return Scores(**(dict.fromkeys(FIGURES, value) | {"akd": akd}))

    one, two, lost = all_of(1.0, 2.0), all_of(3.0, 4.0), all_of(5.0, math.nan)
    rows = (
        quality.Row("a", "photo", 9, 0, one, two),
        quality.Row("b", "photo", 9, 1, two, lost),
        quality.Row("b", "video", 9, 1, lost, lost),
    )
    measured = quality.Measured("first", "auto", "auto", rows)
    assert measured.mean("photo", "baseline") == all_of(2.0, 3.0)
    assert measured.mean("photo", "engine") == all_of(4.0, 4.0)
    quality.save(measured, tmp_path / "quality.json")
    saved = json.loads((tmp_path / "quality.json").read_text())
    assert saved["mean"]["video"]["engine"]["akd"] is None
    assert saved["rows"][1]["faceless"] == 1
