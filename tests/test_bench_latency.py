"""The latency bench: what it counts on a virtual clock, what it says, and a short real run with fakes for the slow."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import clips
import numpy as np
import pytest
from fakes import FakeBlender, FakeGenerator, FakeRetargeter, FakeTarget, FakeTracker, slate_pixels

from reenact import assets
from reenact.bench import compare, latency, latency_page, plots
from reenact.bench.latency import Counted, Measured, Memory, Spread, Work
from reenact.bench.machine import facts
from reenact.bench.watch import Arrivals, Converting, Process, slope_per_hour
from reenact.cli import main
from reenact.clock import VirtualClock
from reenact.engine import Engine
from reenact.errors import InputError
from reenact.sources import VideoFile, read_picture
from reenact.stats import LATENCY, Series
from reenact.types import Composite, Kind


@contextmanager
def fake_engine(target: FakeTarget, **_: object) -> Iterator[Engine]:
    yield Engine(FakeTracker(), FakeRetargeter(), target, FakeGenerator(), FakeBlender(), slate=slate_pixels())


def a_run(**changes: object) -> Measured:
    """What a run of ten seconds might have shown."""
    stages = [
        Series("track", 300, 5.0, 7.0, 8.0, 12.0),
        Series("generate", 300, 9.0, 11.0, 13.0, 20.0),
        Series("send", 310, 0.6, 0.8, 1.0, 2.0),
        Series(LATENCY, 298, 25.0, 31.0, 38.0, 60.0),
    ]
    noted = Arrivals(
        np.arange(300) / 30 + 0.025, np.arange(300) / 30, np.arange(300), np.full(300, list(Kind).index(Kind.LIVE))
    )
    memory = np.stack([np.arange(10.0), np.linspace(700, 701, 10), np.full(10, 7), np.full(10, 20)], 1)
    known = {
        "target": "photo (photo)",
        "size": (1280, 720),
        "source_rate": 30.0,
        "provider": "cpu",
        "seconds": 10.0,
        "frames_per_s": 29.8,
        "captured": 300,
        "dropped": {"source": 0, "camera": 1, "tracker": 1, "generator": 0},
        "dropped_percent": 0.67,
        "sent": {"live": 298, "hold": 0, "rest": 12, "slate": 0},
        "again": 12,
        "faults": 0,
        "left_out": "",
        "changes": 0,
        "age": Spread(27.0, 45.0, 60.0, 80.0),
        "interval": Spread(33.3, 36.0, 40.0, 50.0),
        "jitter_ms": 1.5,
        "cpu": 60.0,
        "work": Work(15.0, 4.0, 3.75, 20.0, 4.5, 4.4),
        "memory": Memory(700.0, 701.0, 702.0, 3.0, None, Counted(16, 16, 16, 16), Counted(20, 21, 20, 22)),
        "stages": stages,
        "curves": latency.curves(noted, memory),
    }
    return Measured(**{**known, **changes})  # type: ignore[arg-type]


# What is counted


def test_the_sink_notes_when_each_picture_came_and_how_old_it_was() -> None:
    clock = VirtualClock(10.0)
    sink = Converting(clock, room=5)
    pixels = np.full((48, 64, 3), 90, np.uint8)
    for k, (seq, captured, kind) in enumerate(
        [(0, 9.5, Kind.REST), (1, 10.0, Kind.LIVE), (1, 10.0, Kind.LIVE), (2, 10.1, Kind.SLATE), (3, 10.2, Kind.LIVE)]
    ):
        clock.advance(0.1 if k else 0.0)
        sink.send(Composite(pixels, seq, captured, kind))
    noted = sink.noted
    assert noted.ages == pytest.approx([0.5, 0.1, 0.2, 0.2, 0.2])
    assert noted.intervals == pytest.approx([0.1] * 4)
    assert noted.fresh.tolist() == [True, True, False, True, True]
    assert noted.of(Kind.LIVE).tolist() == [False, True, True, False, True]
    sink.send(Composite(pixels, 4, 10.3, Kind.LIVE))
    assert sink.frames == 6
    assert len(sink.noted.times) == 5  # what is beyond its room is only counted


def test_spread_and_curves() -> None:
    assert Spread.of(np.array([])) is None
    spread = Spread.of(np.arange(101) / 1000)
    assert spread == Spread(*(pytest.approx(v) for v in (50.0, 95.0, 99.0, 100.0)))
    times = np.arange(2000) / 50
    kinds = np.full(2000, list(Kind).index(Kind.LIVE))
    noted = Arrivals(times, times - np.where(times > 20, 0.040, 0.020), np.arange(2000), kinds)
    made = latency.curves(noted, np.zeros((0, 4)))
    line = made["latency"]
    assert len(line["t"]) == len(line["p50"]) == len(line["max"]) == 400
    assert line["p50"][:190] == pytest.approx([20.0] * 190)
    assert line["p50"][210:] == pytest.approx([40.0] * 190)
    assert sum(made["latency_histogram"]["counts"]) == 2000
    assert sum(made["interval_histogram"]["counts"]) == 1999
    assert "memory" not in made
    assert latency.curves(Arrivals(*(np.zeros(0) for _ in range(4))), np.zeros((0, 4))) == {}  # type: ignore[arg-type]


def test_work_is_that_of_new_pictures_over_tracking_alone() -> None:
    stages = [
        Series("track", 100, 5.0, 9, 9, 9),
        Series("send", 200, 1.0, 9, 9, 9),
        Series(LATENCY, 100, 90.0, 9, 9, 9),
    ]
    alone = np.array([[0.002, 0.003], [0.004, 0.006], [0.003, 0.004]])
    work = latency.work_of(stages, 100, 1.6, alone)
    assert work == Work(7.0, pytest.approx(3.0), pytest.approx(7 / 3), 16.0, pytest.approx(4.0), pytest.approx(4.0))
    assert latency.work_of(stages, 0, 1.6, alone) is None
    assert latency.work_of(stages, 100, 1.6, np.zeros((0, 2))) is None


def test_the_slope_of_memory() -> None:
    t = np.arange(0, 1800.0)
    grows = np.stack([t, 500 + np.minimum(t, 600) + 2.0 * np.maximum(t - 600, 0) / 3600], 1)
    assert slope_per_hour(grows, 600) == pytest.approx(2.0, abs=0.01)
    assert slope_per_hour(grows[:700], 600) is None  # less than two minutes
    grows[900:960, 1] += 50  # a minute of something else
    assert slope_per_hour(grows, 600) == pytest.approx(2.0, abs=0.2)


def test_memory_threads_and_handles_are_told_for_the_settled_part() -> None:
    samples = np.stack([np.arange(1800.0), np.full(1800, 700.0), np.full(1800, 16.0), np.full(1800, 11.0)], 1)
    samples[:300, 1:] += 9
    samples[700, 3] = 14
    samples[-1, 2:] = 17, 12
    memory = latency.memory_of(samples)
    assert memory is not None
    assert (memory.settled_s, memory.slope_per_hour) == (pytest.approx(600, abs=1), 0.0)
    assert (memory.threads, memory.handles) == (Counted(16, 17, 16, 17), Counted(11, 12, 11, 14))
    assert memory.largest >= 709
    assert latency.memory_of(samples[:0]) is None


def test_the_process_is_sampled() -> None:
    with Process(0.01) as process:
        pass
    seconds, resident, threads, handles = process.samples[-1]
    assert 0 <= seconds < 60
    assert resident > 10
    assert threads >= 1
    assert handles > 2


# A real run


def test_it_runs_the_loop_and_saves_what_it_saw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "open_engine", fake_engine)
    measured = latency.measure(clips.driver(tmp_path / "driver.mp4", 12), FakeTarget(), 2.0)
    assert measured.source_rate == 30
    assert measured.captured > 0
    assert measured.sent["live"] > 0
    assert set(measured.dropped) == {"source", "camera", "tracker", "generator"}
    aged = measured.latency()
    assert aged is not None
    assert 0 < aged.p50_ms <= aged.p95_ms <= aged.max_ms
    assert measured.work is not None
    assert measured.work.ratio > 0
    assert measured.memory is not None
    assert measured.memory.threads.least >= 5  # capture, track, compose, send and the one that looks on
    path = tmp_path / "latency.json"
    latency.save(measured.as_json(), path)
    saved = compare.load(path)
    assert saved["machine"]["cores"] >= 1
    assert {row["name"] for row in saved["stages"]} >= {"track", "blend", "send", "capture to sink"}
    assert all(c.verdict == "same" for c in compare.compare(saved, saved))
    page = latency_page.document(saved)
    assert page.count("<svg") == 5
    assert "http" not in page  # nothing is fetched


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


# Comparing


def test_what_became_worse_is_told_from_what_became_better_and_from_noise() -> None:
    old = a_run().as_json()
    slower = [replace(row, p50_ms=2 * row.p50_ms) if row.name == "generate" else row for row in a_run().stages]
    new = a_run(
        stages=slower,
        frames_per_s=20.0,
        dropped={"source": 9, "camera": 20, "tracker": 0, "generator": 0},
        jitter_ms=1.7,
        cpu=30.0,
        memory=Memory(700.0, 701.0, 710.0, 3.0, None, Counted(16, 16, 16, 16), Counted(20, 20, 20, 20)),
    ).as_json()
    verdicts = {change.name: change.verdict for change in compare.compare(old, new)}
    assert verdicts["generate p50"] == "worse"
    assert verdicts["new pictures"] == "worse"  # fewer
    assert verdicts["dropped"] == "worse"
    assert verdicts["CPU"] == "better"
    assert verdicts["jitter"] == "same"  # by less than counts
    assert verdicts["largest memory"] == "same"
    assert verdicts[f"{LATENCY} p99"] == verdicts["track p50"] == "same"
    assert {c.verdict for c in compare.compare(old, new, tolerance=10.0)} <= {"same", "worse"}
    change = next(c for c in compare.compare(old, new) if c.name == "generate p50")
    assert (change.old, change.new, change.change) == (9.0, 18.0, 1.0)


def test_runs_of_different_things_are_not_compared() -> None:
    old, new = a_run().as_json(), a_run().as_json()
    assert compare.differing(old, new) == []
    new["machine"] = {**new["machine"], "cpu": "another"}
    assert len(compare.differing(old, new)) == 1
    new["size"] = (640, 480)
    with pytest.raises(InputError, match=r"size is .*1280.*the new one's .*640"):
        compare.differing(old, new)


def test_an_older_result_with_fewer_figures_can_be_compared() -> None:
    old = a_run().as_json()
    for key in ("jitter_ms", "work", "memory", "provider"):
        del old[key]
    old["dropped"] = 2
    compared = compare.compare(old, a_run().as_json())
    assert {c.verdict for c in compared} == {"same"}
    assert "jitter" not in {c.name for c in compared}
    assert "dropped" in {c.name for c in compared}


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), ("{", "is not JSON"), ("[1]", "is no result"), ('{"bench": "blend"}', "is no result")],
)
def test_a_file_that_is_no_result_is_refused(content: str | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=words):
        compare.load(path)


def test_the_command_s_status_tells_of_a_regression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REENACT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("reenact.cli.opening.warm", lambda: None)
    monkeypatch.setattr("reenact.cli.opening.opened_target", lambda *a: nullcontext(FakeTarget()))
    old, new, page = tmp_path / "old.json", tmp_path / "new.json", tmp_path / "page.html"
    latency.save(a_run().as_json(), old)
    command = ["bench", "latency", "--seconds", "1", "--json", str(new), "--html", str(page), "--compare", str(old)]

    monkeypatch.setattr(latency, "measure", lambda *a, **k: a_run())
    assert main(command) == 0
    assert "worse" not in capsys.readouterr().out

    slow = [replace(row, p95_ms=90.0) if row.name == LATENCY else row for row in a_run().stages]
    monkeypatch.setattr(latency, "measure", lambda *a, **k: a_run(stages=slow))
    assert main(command) == 1
    said = capsys.readouterr().out
    assert "worse" in said
    assert "3.8 times the 4.0 ms of tracking alone" in said
    assert json.loads(new.read_text())["bench"] == "latency"
    assert 'class="bad">worse' in page.read_text()
    assert main([*command, "--tolerance", "5"]) == 0


# What is said


def test_the_page_says_what_the_terminal_says() -> None:
    run = a_run(
        changes=3, left_out="slow machine: without network", work=Work(30.0, 4.0, 7.5, 20.0, 4.5, 4.4)
    ).as_json()
    said = latency_page.sentences(run)
    page = latency_page.document(run)
    for words in (
        "2 of 300 dropped, 0.67 % (1 by the camera, 1 by the tracker)",
        "wanted at most 5",
        "without network",
    ):
        assert any(words in sentence for sentence in said), words
        assert words in page


def test_plots_show_their_values() -> None:
    assert plots.nice_ticks(0, 7) == [0, 2, 4, 6]
    assert plots.nice_ticks(12.3, 18.9) == [14, 16, 18]
    assert plots.nice_ticks(5, 5) == [5]
    drawn = plots.histogram("a <b>", "ms", [0, 1, 2], [3, 0], mark=1.5)
    assert "a &lt;b&gt;" in drawn
    assert drawn.count("<rect") == 2
    line = plots.lines("t", "s", "ms", [0, 1, 2], {"one": [0, 5, 10]})
    points = line.split('points="')[1].split('"')[0].split()
    heights = [float(point.split(",")[1]) for point in points]
    assert heights[0] > heights[1] > heights[2]  # up is less
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.2)


def test_the_facts_do_not_name_the_machine() -> None:
    import getpass
    import socket

    text = json.dumps(facts())
    assert socket.gethostname() not in text or len(socket.gethostname()) < 4
    assert getpass.getuser() not in text
    assert facts()["python"].startswith("3.")
