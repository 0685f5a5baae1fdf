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
from reenact.bench.scenes import LAG_S, Thinned, fitted, opened
from reenact.bench.scores import FIGURES, Scores
from reenact.bench.variants import NAMES, choose
from reenact.cli import main
from reenact.errors import InputError, SourceError
from reenact.types import Frame

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
