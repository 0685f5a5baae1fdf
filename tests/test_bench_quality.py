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
from reenact.bench.cases import CLIPS, OF_CLIPS, SELF, SELF_VIDEO, Case, Cut, check_folder, clip_kinds, find_cases
from reenact.bench.regions import REGIONS, Face, psnr
from reenact.bench.scenes import LAG_S, Thinned, face_moved, fitted, opened
from reenact.bench.scores import FIGURES, Scorer, Scores, face_finder, score
from reenact.bench.variants import NAMES, choose
from reenact.cli import main
from reenact.errors import InputError, SourceError
from reenact.types import Frame, Shot

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


def talking() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Four pictures of an open mouth, and their points."""
    frames, tracks = tracked.driver()
    gaps = [float(np.linalg.norm(t.points[13] - t.points[14])) for t in tracks]
    first = int(np.argmax(np.convolve(gaps, np.ones(4), "valid")))
    chosen = range(first, first + 4)
    return [frames[i].pixels for i in chosen], [np.ascontiguousarray(tracks[i].points[:, :2]) for i in chosen]


class Following:
    """A finder that knows the points of each of the truth's pictures, and finds them in every output of the moment."""

    def __init__(self, truth: list[np.ndarray], points: list[np.ndarray]) -> None:
        self.truth, self.points, self.now = truth, points, 0

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        self.now = next((i for i, true in enumerate(self.truth) if true is pixels), self.now)
        return self.points[self.now]


def test_an_exact_copy_has_no_error() -> None:
    pixels, points = face()
    got = score([pixels] * 4, {"copy": [pixels.copy() for _ in range(4)]}, lambda _: points)["copy"]
    assert got.psnr_face == pytest.approx(EXACT)
    assert got.ssim_face == pytest.approx(1, abs=1e-5)
    assert [getattr(got, name) for name in ("l1_mouth", "l1_eyes", "akd", "lips", "lids", "gaze")] == [0] * 6
    assert (got.jitter, got.untracked) == (0, 0)
    for region in REGIONS:
        if region != "inner_mouth":
            assert got.region(region) == pytest.approx(EXACT)
    assert (got.sharp_face, got.sharp_mouth) == (1, 1)
    assert math.isnan(got.flicker_face)  # the truth does not change


def test_an_exact_copy_of_what_moves_flickers_as_it_does() -> None:
    shown, points = talking()
    got = score(shown, {"copy": [p.copy() for p in shown], "still": [shown[0]] * len(shown)}, Following(shown, points))
    assert (got["copy"].flicker_face, got["copy"].flicker_mouth) == (1, 1)
    assert (got["still"].flicker_face, got["still"].flicker_mouth) == (0, 0)
    assert got["copy"].db_inner_mouth == pytest.approx(EXACT)  # these mouths are open
    assert got["still"].db_inner_mouth < got["still"].db_face


def test_blur_takes_sharpness_and_noise_brings_flicker() -> None:
    shown, points = talking()
    rng = np.random.default_rng(0)

    def noisy(picture: np.ndarray, sigma: float) -> np.ndarray:
        grain = rng.normal(0, sigma, picture.shape)
        return (picture + grain).clip(0, 255).astype(np.uint8)

    outputs = {
        "little": [cv2.GaussianBlur(p, (0, 0), 0.7) for p in shown],
        "much": [cv2.GaussianBlur(p, (0, 0), 2.0) for p in shown],
        "grain": [noisy(p, 3) for p in shown],
        "more": [noisy(p, 8) for p in shown],
        "fixed": [p.copy() for p in shown],
    }
    for picture in outputs["fixed"]:  # a mark that stays where it is
        picture[200:204, 300:340] = 255
    got = score(shown, outputs, Following(shown, points))
    for place in ("face", "mouth"):
        sharp = {name: getattr(scores, f"sharp_{place}") for name, scores in got.items()}
        flicker = {name: getattr(scores, f"flicker_{place}") for name, scores in got.items()}
        assert sharp["much"] < 0.1 < sharp["little"] < 0.5
        assert 1.1 < sharp["grain"] < sharp["more"]
        assert flicker["much"] < 1
        assert 1.2 < flicker["grain"] < flicker["more"]
    assert got["fixed"].flicker_face < 1.2
    assert got["little"].db_face > got["much"].db_face


def test_sharpness_is_told_apart_by_place() -> None:
    shown, points = talking()
    soft = [cv2.GaussianBlur(p, (0, 0), 2.0) for p in shown]
    brow, mouth = [p.copy() for p in shown], [p.copy() for p in shown]
    for i, at in enumerate(points):
        line = int(at[2, 1])  # under the nose
        brow[i][:line], mouth[i][line:] = soft[i][:line], soft[i][line:]
    got = score(shown, {"brow": brow, "mouth": mouth}, Following(shown, points))
    assert got["brow"].sharp_mouth > 0.9
    assert got["brow"].sharp_face < 0.6
    assert got["mouth"].sharp_mouth < 0.2
    assert got["mouth"].sharp_face > 0.3


def test_motion_is_no_flicker_but_a_changing_light_is() -> None:
    pixels, points = face()
    wide = cv2.copyMakeBorder(pixels, 40, 40, 40, 40, cv2.BORDER_REPLICATE)
    sliding = [np.ascontiguousarray(wide[40:520, 40 - 3 * i : 680 - 3 * i]) for i in range(5)]
    places = [points + np.float32([3 * i, 0]) for i in range(5)]
    rng = np.random.default_rng(1)
    grain = [np.clip(p + rng.normal(0, 2, p.shape), 0, 255).astype(np.uint8) for p in sliding]
    blinking = [cv2.convertScaleAbs(p, alpha=1.0, beta=20 * (i % 2)) for i, p in enumerate(sliding)]
    got = score(grain, {"clean": sliding, "light": blinking}, Following(grain, places))
    assert got["clean"].flicker_face < 0.5  # 3 pixels of motion weigh less than 2 grey levels of grain
    assert got["light"].flicker_face > 4


def test_regions_are_pooled_over_all_pictures() -> None:
    pixels, points = face()
    pixels = np.minimum(pixels, 200)
    exact, off = numbered(pixels, 0), numbered(pixels, 0)
    off[1:] += np.uint8(10)
    got = score([exact] * 4, {"half": [exact, off, exact, off]}, lambda _: points)["half"]
    assert got.db_face == pytest.approx(10 * math.log10(255**2 / 50), abs=1e-3)
    assert got.psnr_face == pytest.approx((EXACT + 20 * math.log10(25.5)) / 2, abs=1e-3)
    assert got.db_outside == pytest.approx(got.db_face, abs=0.05)
    assert math.isnan(got.db_inner_mouth)  # his lips are shut


def test_each_region_sees_its_own_place() -> None:
    shown, points = talking()
    centres = {"eyes": points[0][159], "inner_mouth": (points[0][13] + points[0][14]) / 2, "outside": (20.0, 20.0)}
    seen = {"eyes": {"face", "eyes"}, "inner_mouth": {"face", "mouth", "inner_mouth"}, "outside": {"outside"}}
    for place, (x, y) in centres.items():
        spoilt = shown[0].copy()
        spoilt[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3] ^= 128
        got = score(shown[:1], {"o": [spoilt]}, Following(shown, points))["o"]
        assert {region for region in REGIONS if got.region(region) < 70} == seen[place]


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
    variants = ["--variant", "still", "--variant", "base"]
    page = folder.parent / "page.html"
    outputs = ["--json", str(saved), "--html", str(page)]
    status = main(["bench", "quality", str(folder), "--mouth", "driver", *variants, *outputs])
    shown = capsys.readouterr()
    assert status == 0, shown.err
    for word in ("photo, exact truth", "video, exact truth", "still", "base", *FIGURES):
        assert word in shown.out
    assert page.read_text().count("<video") == 2
    assert len(list((folder.parent / "page_media").iterdir())) == 4
    result = json.loads(saved.read_text())
    assert (result["bench"], result["neutral"], result["mouth"]) == ("quality", "first", "driver")
    assert result["machine"]["cores"] >= 1
    assert [(row["name"], row["kind"], row["frames"], row["faceless"]) for row in result["rows"]] == [
        ("pair", "photo", COUNT, 0),
        ("pair", "video", COUNT, 0),
    ]
    photo, video = (row["scores"] for row in result["rows"])
    assert video["still"]["psnr_face"] == pytest.approx(EXACT)  # the very file
    assert video["still"]["akd"] == 0
    assert photo["still"]["psnr_face"] > 40  # but for the video's compression
    for kind, row in (("photo", photo), ("video", video)):  # a driver near his neutral leaves the target nearly as is
        assert row["base"]["untracked"] == 0
        assert 0 < row["base"]["akd"] < 3
        assert 25 < row["base"]["psnr_face"] < EXACT - 1
        assert result["mean"][kind]["base"] == row["base"]
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        ["driver.mp4", "target.png", "target.mp4", "truth_portrait.mp4", "truth_video.mp4"]
    )


def test_a_clip_drives_its_own_first_frame(tmp_path: Path) -> None:
    frames, _ = tracked.driver()
    pictures = [f.pixels for f in frames[14:26]]  # the lips open
    blank = [np.full_like(pictures[0], 90)] * 2
    write(tmp_path / "clip.mp4", blank + pictures)
    measured = quality.measure([tmp_path], variants=choose(["still", "warp", "base"]), cut=Cut(every=2))
    (row,) = measured.rows
    assert (row.name, row.kind, row.frames, row.faceless) == ("clip", SELF, 6, 0)  # from the first face on
    still, warp, base = (row.scores[name] for name in ("still", "warp", "base"))
    assert base.db_mouth > warp.db_mouth > still.db_mouth
    assert base.db_inner_mouth > warp.db_inner_mouth + 3  # the warp only stretches shut lips
    assert still.flicker_face == 0
    assert base.flicker_face > 0
    assert row.gain("base", "warp")["mouth"] == pytest.approx(base.db_mouth - warp.db_mouth)
    assert "mouth" in {region for _, region, _ in measured.losses("still", "warp")}
    assert measured.losses("base", "base") == []


def test_a_clip_as_video_is_driven_by_its_past(tmp_path: Path) -> None:
    frames, _ = tracked.driver()
    write(tmp_path / "clip.mp4", [f.pixels for f in frames[10:52]])
    (case,) = find_cases([tmp_path], (SELF_VIDEO,))
    assert case.kind == SELF_VIDEO
    with opened(case, Cut()) as scene:
        lag = round(LAG_S * 30)
        assert (scene.target.kind, scene.coded) == ("video", False)
        assert scene.rest is not None
        whole = [scene.target.shot(n, None).pixels for n in range(42)]
        frame = scene.source.read()
        assert frame is not None
        assert np.array_equal(frame.pixels, whole[21])  # the second half
        assert scene.number(frame) == 21 + lag
        assert scene.still(frame) is whole[21 + lag]
        truth = scene.truth(frame)
        count = 1
        while scene.source.read() is not None:
            count += 1
        assert count == 21 - lag
    assert (truth[:40] == whole[21 + lag][:40]).all()  # away from the face it is the later picture
    measured = quality.measure([case], variants=choose(["still", "base"]))
    (row,) = measured.rows
    assert (row.name, row.kind, row.frames, row.faceless) == ("clip", SELF_VIDEO, 21 - lag, 0)
    assert row.scores["base"].lips < 0.6 * row.scores["still"].lips
    assert row.scores["still"].db_outside > 45
    (tmp_path / "short").mkdir()
    write(tmp_path / "short" / "clip.mp4", [f.pixels for f in frames[:14]])
    with pytest.raises(InputError, match="too few to drive its second half"):
        quality.measure(find_cases([tmp_path / "short"], (SELF_VIDEO,)), variants=choose(["still"]))


def test_a_face_that_was_moved_lies_where_the_other_is() -> None:
    frames, tracks = tracked.driver()
    turn = cv2.getRotationMatrix2D((320.0, 240.0), 6.0, 1.05)
    pixels = cv2.warpAffine(frames[0].pixels, turn, (640, 480))
    points = tracks[0].points.copy()
    points[:, :2] = points[:, :2] @ turn[:, :2].T + turn[:, 2]
    here = Shot(frames[0].pixels, tracks[0].points, frames[0].pixels, tracks[0].points, 0)
    there = Shot(pixels, points.astype(np.float32), pixels, points.astype(np.float32), 1)
    made = face_moved(here, there)
    face = Face(pixels, np.ascontiguousarray(there.points[:, :2]))
    seen = face.compare(made)
    assert psnr(seen.squares["face"], seen.counts["face"]) > 38  # but for sampling it twice
    assert (made[:20] == pixels[:20]).all()


def test_a_clip_is_a_photo_a_video_or_both() -> None:
    assert clip_kinds("photo") == (SELF,)
    assert clip_kinds("both") == OF_CLIPS
    with pytest.raises(InputError, match="a clip as 'film': expected one of photo, video, both"):
        clip_kinds("film")


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["bench", "quality", *(str(a) for a in arguments)]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_folders_that_cannot_be_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "does not exist" in refused(capsys, folder / "none")
    assert "'best'" in refused(capsys, folder, "--variant", "best")
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
    assert check_folder(folder) == COUNT
    cv2.imwrite(str(folder / "target.png"), np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(InputError, match=r"target\.png is 64x64, truth_portrait\.mp4 is 720x720"):
        check_folder(folder)
    (folder / "target.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"target\.png cannot be decoded"):
        check_folder(folder)


def test_means_leave_out_what_was_not_measured_and_json_has_null_for_it(tmp_path: Path) -> None:
    def all_of(value: float, akd: float) -> Scores:
        return Scores(**(dict.fromkeys(FIGURES, value) | {"akd": akd}))

    one, two, lost = all_of(1.0, 2.0), all_of(3.0, 4.0), all_of(5.0, math.nan)
    rows = (
        quality.Row("a", "photo", 9, 0, {"still": one, "base": two}),
        quality.Row("b", "photo", 9, 1, {"still": two, "base": lost}),
        quality.Row("b", "video", 9, 1, {"still": lost, "base": lost}),
    )
    measured = quality.Measured(("still", "base"), {"neutral": "first"}, rows)
    assert measured.kinds == ("photo", "video")
    assert measured.mean("photo", "still") == all_of(2.0, 3.0)
    assert measured.mean("photo", "base") == all_of(4.0, 4.0)
    quality.save(measured, tmp_path / "quality.json")
    saved = json.loads((tmp_path / "quality.json").read_text())
    assert saved["mean"]["video"]["still"]["akd"] is None
    assert (saved["rows"][1]["faceless"], saved["neutral"]) == (1, "first")


class Counted:
    """A video of `count` numbered pictures, 25 a second."""

    size, rate, live = (64, 48), 25.0, False

    def __init__(self, count: int) -> None:
        self.left = list(range(count))
        self.closed = 0

    def read(self) -> Frame | None:
        if not self.left:
            return None
        n = self.left.pop(0)
        return Frame(np.full((48, 64, 3), n, np.uint8), n, n / 25)

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("cut", "numbers"),
    [
        (Cut(), list(range(11))),
        (Cut(every=3), [0, 3, 6, 9]),
        (Cut(seconds=0.2), [0, 1, 2, 3, 4]),
        (Cut(every=2, seconds=0.2), [0, 2, 4]),
    ],
)
def test_a_cut_takes_each_nth_frame_of_the_first_seconds(cut: Cut, numbers: list[int]) -> None:
    source = Thinned(Counted(11), cut)
    assert source.rate == 25 / cut.every
    read = [source.read() for _ in numbers]
    assert [int(f.pixels[0, 0, 0]) for f in read if f is not None] == numbers
    assert [f.seq for f in read if f is not None] == list(range(len(numbers)))
    assert [f.t_capture for f in read if f is not None] == pytest.approx([n / 25 for n in numbers])
    assert source.read() is None
    for bad in ({"every": 0}, {"seconds": 0.0}):
        with pytest.raises(InputError, match="expected"):
            Cut(**bad)


def test_cases_are_found_in_folders_of_either(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "b.mp4", [np.zeros((48, 64, 3), np.uint8)] * 5)
    (tmp_path / "notes.txt").write_text("no clip")
    found = find_cases([tmp_path])
    assert [(c.name, c.kind, c.frames) for c in found] == [
        ("pair", "photo", COUNT),
        ("pair", "video", COUNT),
        ("b", SELF, 5),
    ]
    assert find_cases([tmp_path / "b.mp4"]) == [Case(tmp_path / "b.mp4", SELF, 5)]
    assert ".mp4" in CLIPS
    (tmp_path / "empty").mkdir()
    for path, words in ((tmp_path / "empty", "neither driver.mp4"), (tmp_path / "notes.txt", "notes.txt")):
        with pytest.raises(InputError, match=words):
            find_cases([path])
    with pytest.raises(InputError, match="shows no face in its first 90 frames"):
        quality.measure([tmp_path / "b.mp4"], variants=choose(["still"]))


def test_variants_are_chosen_by_name_and_candidates_by_folder(tmp_path: Path) -> None:
    assert tuple(choose()) == NAMES
    assert tuple(choose(["base", "still"])) == ("still", "base")
    assert choose(["still"]) == {"still": None}
    with pytest.raises(InputError, match="no variant is called 'best': expected some of still, warp, base, network"):
        choose(["best"])
    with pytest.raises(InputError, match=r"holds no manifest\.toml"):
        choose(candidates=[tmp_path])
    (tmp_path / "manifest.toml").write_text("")
    assert tuple(choose([], [tmp_path])) == (tmp_path.name,)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "manifest.toml").write_text("")
    with pytest.raises(InputError, match="two variants would be called 'base'"):
        choose(candidates=[tmp_path / "base"])


def test_a_large_photo_s_truth_is_brought_to_its_size() -> None:
    picture = np.full((48, 64, 3), 7, np.uint8)
    assert fitted(picture, (64, 48)) is picture
    assert fitted(picture, (32, 24)).shape == (24, 32, 3)


def test_a_face_is_looked_for_where_it_is_said_to_be() -> None:
    pixels, points = face()
    large = np.zeros((1440, 1920, 3), np.uint8)
    large[900:1380, 1200:1840] = pixels
    asked: list[tuple[int, ...]] = []

    def find(crop: np.ndarray) -> np.ndarray:
        asked.append(crop.shape)
        at = np.argwhere(np.abs(crop.astype(int) - pixels[200, 320]).max(2) == 0)
        assert len(at)
        return points if crop.shape == large.shape else points + np.float32([1200, 900]) - corner

    unit = float(np.linalg.norm(points[33] - points[263]))
    middle = (points[:468] + np.float32([1200, 900])).mean(0)
    corner = np.floor(middle - 2.2 * unit).astype(np.float32)
    scorer = Scorer(["o"], find)
    scorer.add(large, {"o": large.copy()}, near=points + np.float32([1200, 900]))
    assert scorer.face is not None
    assert np.abs(scorer.face.points - points - np.float32([1200, 900])).max() < 1e-3
    assert all(max(shape) < 4.6 * unit for shape in asked)
    assert scorer.scores()["o"].akd == 0
    scorer.skip()
    assert scorer.face is None
    assert scorer.count == 2


def test_a_scorer_counts_and_shows_the_face_of_the_moment() -> None:
    pixels, points = face()
    scorer, seen = Scorer(["o"], Known(points, None)), numbered(pixels, 0)
    scorer.add(seen, {"o": seen})
    assert scorer.face is not None
    scorer.add(numbered(pixels, 1), {"o": seen})
    assert scorer.face is None
    assert scorer.count == 2
