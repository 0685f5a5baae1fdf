"""Making training data: what is kept of real clips, and people of a renderer."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fakerenderer import write_renderer
from tracked import driver

from reenact.cli import main
from reenact.errors import InputError
from reenact.training.data import count_traits, pack_clips, pack_rendered
from reenact.training.dataclips import Seen, choose, features, see, sharpness
from reenact.training.pack import CROP, Person, cut, list_packs, person_of, read_pack, write_pack
from reenact.training.rendering.people import RenderConfig
from reenact.training.rendering.renderer import load_renderer
from reenact.types import Frame


def seen(repeat: int = 1) -> Seen:
    """The built-in driver as a clip, its first picture `repeat` times."""
    pictures, tracks = driver()
    cuts = [cut(f.pixels, t.points) for f, t in zip(pictures, tracks, strict=True)]
    cuts = [cuts[0]] * (repeat - 1) + cuts
    return Seen(
        [c for c, _ in cuts], [p for _, p in cuts], list(np.arange(len(cuts)) / 30), [sharpness(*c) for c in cuts]
    )


def nobody_hides(crop: np.ndarray, points: np.ndarray) -> bool:
    return False


# What is kept of a clip


def test_the_crops_that_are_kept_differ_most() -> None:
    keep = choose(seen(repeat=31), nobody_hides, least=8, most=12)
    assert len(keep) == 12 == len(set(keep))
    assert keep == sorted(keep)
    assert sum(k <= 30 for k in keep) <= 1  # of 31 that are the same one at most
    shape = features(seen().points)
    spread = np.linalg.norm(shape[:, None] - shape, axis=-1).max()
    kept = features([seen(repeat=31).points[k] for k in keep])
    assert np.linalg.norm(kept[:, None] - kept, axis=-1).max() > 0.95 * spread


def test_no_more_is_kept_than_there_is_to_see() -> None:
    still = seen().points[0]
    clip = Seen([seen().crops[0]] * 20, [still + np.float32(0.001 * k) for k in range(20)], [0.0] * 20, [1.0] * 20)
    assert len(choose(clip, nobody_hides, least=5, most=15)) == 5


def test_blurred_and_hidden_faces_are_left_out() -> None:
    clip = seen()
    widest = int(np.argmax([p[14, 1] - p[13, 1] for p in clip.points]))
    assert widest in choose(clip, nobody_hides, most=20)
    clip.sharp[widest] *= 0.5
    assert widest not in choose(clip, nobody_hides, most=20)
    hidden = {id(clip.crops[k]) for k in range(0, 60, 2)}
    keep = choose(clip, lambda crop, points: id(crop) in hidden, most=20)
    assert len(keep) == 20
    assert all(k % 2 for k in keep)


def test_a_blurred_crop_is_less_sharp() -> None:
    import cv2

    crop, points = seen().crops[0], seen().points[0]
    assert sharpness(cv2.GaussianBlur(crop, (0, 0), 2.0), points) < 0.55 * sharpness(crop, points)


class Told:
    """A tracker that says what it was given."""

    def __init__(self, tracks: list) -> None:
        self.tracks = list(tracks)

    def track(self, frame: Frame):
        return self.tracks.pop(0)


def test_small_faces_are_left_out_and_said() -> None:
    from dataclasses import replace

    pictures, tracks = driver()
    small = [replace(t, points=t.points * np.float32(0.3)) for t in tracks[:2]]
    found = see(pictures[:3], Told([small[0], None, tracks[2]]))
    assert found.times == [pictures[2].t_capture]
    with pytest.raises(
        InputError, match=r"the largest face has \d\d pixels between the outer eye corners, expected 60"
    ):
        see(pictures[:2], Told(small))
    with pytest.raises(InputError, match="no face was found"):
        see(pictures[:1], Told([None]))


# Rendered people, and the command


@pytest.fixture
def renderer(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr("reenact.training.rendering.skin._TEXTURE", 256)  # quicker
    return write_renderer(tmp_path / "renderer")


@pytest.fixture
def tracked(monkeypatch) -> None:
    """A tracker that costs nothing: the face is always in the same place."""
    from contextlib import nullcontext

    from reenact.types import FaceTrack

    def found(config, still: bool):
        points = driver()[1][0].points
        return nullcontext(SimpleNamespace(track=lambda f: FaceTrack(points, 1.0, 0, f.seq, f.t_capture)))

    monkeypatch.setattr("reenact.tracking.FaceMeshTracker", found)


def quiet(what: str, done: int, total: int) -> None: ...


def test_rendered_people_are_the_same_for_the_same_seed_and_stay_when_there(renderer: Path, tmp_path: Path) -> None:
    config = RenderConfig(shots=3)
    for out in ("one", "two"):
        pack_rendered(renderer, 2, 40, config, tmp_path / out, quiet)
    files = list_packs(tmp_path / "one")
    assert [f.name for f in files] == ["r100040.npz", "r100041.npz"]
    for path in files:
        a, b = read_pack(path), read_pack(tmp_path / "two" / path.name)
        assert a.crops.shape == (3, CROP, CROP, 3)
        assert np.array_equal(a.crops, b.crops)
        assert np.array_equal(a.points, b.points)
        assert a.person.kind == "rendered"
    before = files[0].stat().st_mtime_ns
    files[1].unlink()
    pack_rendered(renderer, 2, 40, config, tmp_path / "one", quiet)
    assert files[0].stat().st_mtime_ns == before
    assert files[1].exists()


def test_people_rendered_otherwise_do_not_mix(renderer: Path, tracked: None, tmp_path: Path) -> None:
    pack_rendered(renderer, 1, 0, RenderConfig(shots=2), tmp_path / "out", quiet)
    with pytest.raises(InputError, match=r"was 'rendered, 2 shots', now .* without glasses': use another folder"):
        pack_rendered(renderer, 1, 0, RenderConfig(shots=2).without("glasses"), tmp_path / "out", quiet)


def test_an_interrupted_run_goes_on(renderer: Path, tracked: None, tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    config, out = RenderConfig(shots=2), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        pack_rendered(renderer, 2, 0, config, out, interrupt)
    assert [p.name for p in out.iterdir()] == ["r100000.npz"]
    pack_rendered(renderer, 2, 0, config, out, quiet)
    pack_rendered(renderer, 2, 0, config, tmp_path / "whole", quiet)
    for path in list_packs(out):
        assert path.read_bytes() == (tmp_path / "whole" / path.name).read_bytes()


def test_every_tenth_rendered_person_only_judges_and_all_are_counted(
    renderer: Path, tracked: None, tmp_path: Path
) -> None:
    for k in (8, 9):
        pack_rendered(renderer, 10, 0, RenderConfig(shots=2), tmp_path / "all", quiet, share=(k, 10))
    assert [person_of(p).split for p in list_packs(tmp_path / "all")] == ["train", "held"]
    clip, (light, dark) = seen(), ({"skin": "light", "beard": "no"}, {"skin": "dark", "glasses": "yes"})
    for file, name, traits in (("c1", "ann", light), ("c2", "ann", light), ("c3", "bob", dark)):
        person = Person(name, "real", "train", traits=traits)
        write_pack(tmp_path / "all" / f"{file}.npz", person, clip.crops[:2], clip.points[:2], [0.0, 1.0])
    counts = count_traits([tmp_path / "all"])
    assert counts["kind"] == {"rendered": 2, "real": 2}  # two clips of Ann are one person
    assert counts["split"] == {"rendered train": 1, "rendered held": 1, "real train": 2}
    assert counts["skin"] == {"rendered: light": 1, "rendered: dark": 1, "real: light": 1, "real: dark": 1}
    assert counts["glasses"]["real: yes"] == 1
    assert counts["beard"]["real: no"] == 1


def test_a_folder_that_holds_no_renderer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no renderer: expected a folder with synth\.py"):
        load_renderer(tmp_path)
    (tmp_path / "synth.py").write_text("x = 1\n")
    with pytest.raises(InputError, match="it lacks HeadModel, Person"):
        load_renderer(tmp_path)
    (tmp_path / "synth.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(InputError, match=r"cannot be used as a renderer \(ModuleNotFoundError"):
        load_renderer(tmp_path)


def test_nothing_is_written_into_the_renderers_folder(renderer: Path, tmp_path: Path, monkeypatch) -> None:
    """Numba would: under the name by which the module is called here, and no one else could load it then."""
    from numba.core import config

    monkeypatch.setenv("REENACT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    source = renderer / "synth.py"
    compiled = "import numba\n@numba.njit(cache=True)\ndef twice(x): return 2 * x\nassert twice(2) == 4\n"
    source.write_text(source.read_text() + compiled)
    before = config.CACHE_DIR
    assert load_renderer(renderer).twice(3) == 6
    assert list(renderer.iterdir()) == [source]
    assert list((tmp_path / "home").rglob("*.nbi"))
    assert before == config.CACHE_DIR


def test_clips_are_packed_with_what_is_known_of_them(tmp_path: Path) -> None:
    from clips import driver as short

    clips = tmp_path / "clips"
    clips.mkdir()
    short(clips / "a.mp4", 16)
    short(clips / "c.mp4", 4)
    (clips / "b.mp4").write_bytes(b"no video")
    table = tmp_path / "m.csv"
    table.write_text(
        "id,identity,split,grade,licence,apparent_skin,glasses\n"
        "a,ann,train,A documented,MIT,dark,no\nb,bob,train,,,,\nc,ann,train,,,,\nd,dan,eval,,,,\n"
    )
    short(clips / "d.mp4", 9)
    left = pack_clips(clips, table, ["ann"], tmp_path / "out", quiet)
    assert [reason.split(":")[0] for reason in left] == ["b.mp4", "c.mp4"]
    assert left[1].endswith("is in 4 pictures, expected 8")
    made = read_pack(tmp_path / "out" / "a.npz")
    assert (made.person.name, made.person.split, made.person.licence) == ("ann", "held", "MIT")
    assert made.person.traits == {"skin": "dark", "glasses": "no", "origin": "A documented"}
    assert len(made.crops) == 16
    assert person_of(tmp_path / "out" / "d.npz").split == "held"  # what is not for training is not trained on
    before = (tmp_path / "out" / "a.npz").stat().st_mtime_ns
    pack_clips(clips, table, ["ann"], tmp_path / "out", quiet)
    assert (tmp_path / "out" / "a.npz").stat().st_mtime_ns == before


def test_an_interrupt_leaves_whole_files_only(tmp_path: Path, monkeypatch) -> None:
    def interrupted(file, **arrays) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    clip = seen()
    monkeypatch.setattr(np, "savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_pack(tmp_path / "a.npz", Person("a", "real", "train"), clip.crops[:1], clip.points[:1], [0.0])
    assert not list(tmp_path.iterdir())


def test_the_command_asks_for_something_to_pack(tmp_path: Path, capsys) -> None:
    assert main(["train", "data", str(tmp_path / "out")]) == 2
    assert "give --clips FOLDER, --renderer FOLDER, or both" in capsys.readouterr().err
    assert main(["train", "data", str(tmp_path / "out"), "--clips", str(tmp_path)]) == 2
    assert "holds no clips" in capsys.readouterr().err
    assert main(["train", "data", str(tmp_path / "out"), "--renderer", str(tmp_path), "--without", "hats"]) == 2
    assert "'hats' cannot be left out: expected some of pores, wrinkles" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_it_made(renderer: Path, tracked: None, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    asked = ["train", "data", str(out), "--renderer", str(renderer), "--people", "2", "--without", "pores,glasses"]
    assert main(asked) == 0
    size = sum(p.stat().st_size for p in list_packs(out)) / 1e6
    assert f"2 people in 2 files, {size:.1f} MB" in capsys.readouterr().out
    assert person_of(out / "r100001.npz").source == "rendered, 12 shots, without pores, glasses"
