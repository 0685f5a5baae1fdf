"""`reenact bench provenance`: its attacks attack, its table is of what was read, and what it prints is saved."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from marked import scene

from reenact.bench import attacks as way
from reenact.bench import provenance as bench
from reenact.bench import unmarked
from reenact.cli import main
from reenact.errors import InputError

SIZE = (256, 256)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), scene((300, 280)))
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two attacks, one size, no engine."""
    few = [way.Attack("none", list), way.Attack("grey", lambda frames: [np.full_like(f, 128) for f in frames])]
    monkeypatch.setattr(bench, "attacks", lambda size: few)
    monkeypatch.setattr(bench, "_ROUNDS", 3)
    monkeypatch.setattr(bench, "SIZES", (SIZE,))
    monkeypatch.setattr(bench, "COSTS", (SIZE,))
    monkeypatch.setattr(bench, "_share", lambda: {"target": "none", "stages_ms": {"mark": 0.5}, "share": 0.02})


def test_every_attack_changes_pictures_as_it_says() -> None:
    frames = [scene(SIZE, n) for n in range(2)]
    shapes = {"half size": (128, 128), "cut to 90 %": (230, 230), "cut to 50 %": (128, 128)}
    for attack in way.attacks(SIZE):
        arrived = attack.on(frames)
        assert len(arrived) == 2
        height, width = next((s for name, s in shapes.items() if attack.name.startswith(name)), SIZE[::-1])
        assert arrived[0].shape == (height, width, 3)
        assert arrived[0].flags.c_contiguous
        same = arrived[0].shape == frames[0].shape and np.array_equal(arrived[0], frames[0])
        assert same == (attack.name == "none")
    assert cv2.PSNR(frames[1], way.h264(frames, 28)[1]) < cv2.PSNR(frames[1], way.h264(frames, 23)[1]) < 50
    assert np.array_equal(way.mirrored(frames)[0][:, ::-1], frames[0])
    assert way.gamma(frames[0], 1.5).mean() > frames[0].mean() + 5


def test_a_call_s_bit_rate_is_kept() -> None:
    frames = [scene((640, 360), n) for n in range(6)]
    poor, good = (
        np.mean([cv2.PSNR(a, b) for a, b in zip(frames, way.vp8(frames, rate), strict=True)])
        for rate in (100_000, 4_000_000)
    )
    assert poor < good - 2


@pytest.mark.usefixtures("quick")
def test_the_table_tells_what_was_read(media: Path, tmp_path: Path) -> None:
    result = bench.run(bench.find_media(media), [media / "a.png"], pictures=3, sizes=[SIZE], frames=2)
    rows = {row["attack"]: row for row in result["attacks"]}
    assert (rows["none"]["one_frame_read"], rows["none"]["voted_read"], rows["none"]["read_wrong"]) == (1.0, 1.0, 0)
    assert rows["none"]["one_frame_bits"] > 0.9
    assert (rows["grey"]["one_frame_read"], rows["grey"]["voted_read"]) == (0.0, 0.0)
    assert rows["grey"]["one_frame_bits"] == pytest.approx(0.5, abs=0.1)
    for missed in ("one_frame_missed_in", "voted_missed_in"):
        assert (rows["none"][missed], rows["grey"][missed]) == ([], ["a.png"])
    assert 42 < result["visibility"][0]["psnr_min"] < 50
    assert result["cost"][0]["ms_p50"] > 0
    bare = result["unmarked"]
    assert (bare["false_alarms"], bare["pictures"], bare["frames"]) == (0, 3, 1)
    assert bare["views"] == {"as they are": 1, "half size": 1, "cut to 60 %": 1}
    json.dumps(result)


@pytest.mark.usefixtures("quick")
def test_what_is_not_marked_is_not_read(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.Watermarker, "mark", lambda self, pixels, out=None: pixels)
    row = bench.run(bench.find_media(media), sizes=[SIZE], frames=2, loop=False)["attacks"][0]
    assert (row["one_frame_read"], row["voted_read"]) == (0.0, 0.0)
    assert row["one_frame_bits"] < 0.65


@pytest.mark.usefixtures("quick")
def test_a_false_alarm_would_be_counted(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = bench.Watermarker((300, 280), bench.PAYLOAD).mark(scene((300, 280)))
    cv2.imwrite(str(media / "a.png"), marked)
    assert unmarked.measure([media / "a.png"], 1, lambda done, of: None)["false_alarms"] == 1


@pytest.mark.usefixtures("quick")
def test_the_command_prints_and_saves(media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "provenance.json"
    folder = str(media)
    assert (
        main(
            [
                "bench",
                "provenance",
                folder,
                "--unmarked",
                folder,
                "--pictures",
                "2",
                "--frames",
                "2",
                "--json",
                str(out),
            ]
        )
        == 0
    )
    shown = capsys.readouterr().out
    assert "0 false alarms in 2 unmarked pictures of 1 frames" in shown
    assert "marking 256x256" in shown
    assert "2.0 % of all stages" in shown
    saved = json.loads(out.read_text())
    assert {"machine", "attacks", "visibility", "cost", "loop", "unmarked"} <= set(saved)
    assert {"cpu", "cores", "packages"} <= set(saved["machine"])


def test_what_cannot_be_measured_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="no folder"):
        bench.find_media(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no video or picture"):
        bench.find_media(tmp_path)
    assert main(["bench", "provenance", "--no-attacks", "--json", str(tmp_path / "a.json")]) == 2
    assert "--unmarked FOLDER" in capsys.readouterr().err
