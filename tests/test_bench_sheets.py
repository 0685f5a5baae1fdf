"""Contact sheets, clips side by side and the page around them."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import tracked
from test_bench_html import Reader

from reenact.bench import report
from reenact.bench.cases import SELF, Case
from reenact.bench.quality import Measured, Row
from reenact.bench.regions import Face
from reenact.bench.runs import Moment
from reenact.bench.scores import FIGURES, Scores
from reenact.bench.sheets import TILE, Gallery, gallery_beside, telling
from reenact.sources import VideoFile

COUNT = 30


@lru_cache(maxsize=1)
def moments() -> list[tuple[Moment, Face]]:
    """The built-in driver from rest to a wide mouth; one output is its truth, the other is grey from picture 20 on."""
    made = []
    for i, (frame, track) in enumerate(zip(*(each[:COUNT] for each in tracked.driver()), strict=True)):
        grey = frame.pixels if i < 20 else np.full_like(frame.pixels, 90 + i)
        outputs = {"exact": frame.pixels, "grey": grey}
        face = Face(frame.pixels, np.ascontiguousarray(track.points[:, :2]))
        made.append((Moment(frame, track, frame.pixels, outputs), face))
    return made


def scores(value: float) -> Scores:
    return Scores(**dict.fromkeys(FIGURES, value))


def test_a_gallery_makes_a_sheet_and_a_clip_of_every_case(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    cases = [Case(tmp_path / "a clip.mp4", SELF, COUNT), Case(tmp_path / "pair", "photo", COUNT)]
    rows = [Row(case.name, case.kind, COUNT, 0, {"exact": scores(1.0), "grey": scores(2.0)}) for case in cases]
    with gallery_beside(page) as gallery:
        for case, row in zip(cases, rows, strict=True):
            for moment, face in moments():
                gallery.see(case, moment, face)
            gallery.end(case, row)
    folder = tmp_path / "page_media"
    assert [p.name for p in tmp_path.iterdir()] == ["page_media"]
    names = ["01-a-clip-self.jpg", "01-a-clip-self.mp4", "02-pair-photo.jpg", "02-pair-photo.mp4"]
    assert sorted(p.name for p in folder.iterdir()) == names
    for columns, stem in ((3, "01-a-clip-self"), (4, "02-pair-photo")):  # a clip's driver is its truth
        sheet = cv2.imread(str(folder / f"{stem}.jpg"))
        assert sheet.shape[1] == columns * TILE
        with VideoFile(folder / f"{stem}.mp4") as video:
            read = [video.read() for _ in range(COUNT)]
            assert video.read() is None
        assert video.size[0] == columns * TILE
        last = read[-1]
        assert last is not None
        assert last.t_capture == pytest.approx((COUNT - 1) / 30, abs=0.01)
        tiles = np.split(last.pixels[-TILE:].astype(int), columns, axis=1)
        assert np.abs(tiles[-3] - tiles[-2]).mean() < 2  # truth and its copy
        assert np.abs(tiles[-1] - (90 + COUNT - 1)).mean() < 2
    measured = Measured(("exact", "grey"), {"every": 1}, tuple(rows))
    report.write(measured, {"cores": 2}, gallery.media, page)
    seen = Reader(page.read_text())
    sources = [a["src"] for _, a in seen.tags if "src" in a]
    assert sorted(str(s) for s in sources) == [f"page_media/{name}" for name in names]


def test_a_sheet_shows_the_moments_that_tell_most(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    for moment, face in moments():
        gallery.see(Case(tmp_path / "c.mp4", SELF, COUNT), moment, face)
    chosen = dict(telling(gallery._kept))
    _, tracks = tracked.driver()
    gaps = [float(np.linalg.norm(t.points[13, :2] - t.points[14, :2])) for t in tracks[:COUNT]]
    assert chosen["first"] == 0
    assert gaps[chosen["open mouth"]] > 0.95 * max(gaps)
    assert chosen["worst"] >= 20
    assert len(set(chosen.values())) == len(chosen) == 7


def test_what_is_half_made_does_not_stay_and_what_was_there_does(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    (tmp_path / "page_media").mkdir()
    (tmp_path / "page_media" / "old.jpg").write_bytes(b"old")

    def fails() -> None:
        with gallery_beside(page) as gallery:
            (gallery.folder / "new.jpg").write_bytes(b"new")
            raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        fails()
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")) == ["page_media", "page_media/old.jpg"]


def test_the_page_shows_gains_and_marks_losses() -> None:
    base, better, worse = scores(30.0), scores(30.5), scores(29.8)
    rows = (
        Row("ada", SELF, 9, 2, {"base": base, "network": better}),
        Row("bob", SELF, 9, 0, {"base": base, "network": worse}),
    )
    document = report.build(Measured(("base", "network"), {"neutral": "first"}, rows), {"cores": 2}, [], "x")
    seen = Reader(document)
    shown = " ".join(seen.texts)
    for words in ("network over base", "ada self", "+0.50", "-0.20", "neutral first", "2 of them without", "cores"):
        assert words in shown
    assert sum(a.get("class") == "bad" for _, a in seen.tags) == 5  # each region of bob
