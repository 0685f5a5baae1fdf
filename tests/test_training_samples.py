"""Training data: what is packed comes back, and a sample shows the network what it will see at work."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from tracked import driver

from reenact.cli import main
from reenact.errors import InputError
from reenact.generation.canonical import EYES_Y, IOD, SIZE, canonical_matrix, to_crop
from reenact.generation.guides import GATE, GRID, guides, openings
from reenact.generation.meshwarp import with_rings
from reenact.training.data import count_traits, pack_clips, pack_rendered, varied
from reenact.training.pack import CROP, MARGIN, Pack, Person, cut, list_packs, person_of, read_pack, write_pack
from reenact.training.pairs import Pairs
from reenact.training.rendered import RenderConfig, load_renderer

SOMEBODY = Person("nobody", "rendered", "train", "tests", "MIT", {"skin": "light"})


@lru_cache(maxsize=1)
def pack() -> Pack:
    """The built-in driver, every third frame."""
    pictures, tracks = driver()
    cuts = [cut(f.pixels, t.points) for f, t in list(zip(pictures, tracks, strict=True))[::3]]
    return Pack(
        SOMEBODY, np.stack([c for c, _ in cuts]), np.stack([p for _, p in cuts]), np.arange(20) / np.float32(10)
    )


@lru_cache(maxsize=1)
def pairs() -> Pairs:
    return Pairs(pack())


def psnr(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> float:
    square = (a.astype(float) - b) ** 2 * (weight > 128)[..., None]
    return float(10 * np.log10(255**2 / max(square.sum() / (3 * (weight > 128).sum()), 1e-9)))


# The crop


def test_in_the_crop_the_eyes_lie_where_they_shall() -> None:
    _, tracks = driver()
    points = tracks[30].points
    placed = to_crop(points, canonical_matrix(points))
    corners = placed[[33, 263], :2]
    assert corners.mean(0) == pytest.approx([SIZE / 2, EYES_Y], abs=0.01)
    assert corners[0, 1] == pytest.approx(corners[1, 1], abs=0.01)
    assert 0.9 * IOD < corners[1, 0] - corners[0, 0] <= IOD


def test_a_turned_head_keeps_its_size() -> None:
    _, tracks = driver()
    points = tracks[0].points.astype(np.float64)
    centre, angle = points.mean(0), np.deg2rad(35)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    turned = ((points - centre) @ turn.T + centre).astype(np.float32)
    sizes = [np.sqrt(np.linalg.det(canonical_matrix(p)[:, :2])) for p in (tracks[0].points, turned)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)


def test_cutting_moves_picture_and_landmarks_alike() -> None:
    """A dot on the nose's tip is where the crop's landmark says."""
    pictures, tracks = driver()
    picture = np.zeros_like(pictures[0].pixels)
    nose = tracks[0].points[4, :2]
    cv2.circle(picture, tuple(int(v) for v in np.round(nose)), 3, (255, 255, 255), -1)
    crop, points = cut(picture, tracks[0].points)
    y, x = np.nonzero(crop[..., 0] > 100)
    assert np.hypot(x.mean() - points[4, 0], y.mean() - points[4, 1]) < 1.0


# Packs


def test_a_pack_comes_back(tmp_path: Path) -> None:
    given = pack()
    size = write_pack(tmp_path / "a.npz", SOMEBODY, list(given.crops), list(given.points), list(given.times))
    assert size == (tmp_path / "a.npz").stat().st_size < 25_000 * len(given.crops)
    back = read_pack(tmp_path / "a.npz")
    assert back.person == person_of(tmp_path / "a.npz") == SOMEBODY
    assert np.abs(back.points - given.points).max() <= 1 / 64
    assert np.abs(back.crops.astype(int) - given.crops).mean() < 2
    assert back.times == pytest.approx(given.times, abs=1e-6)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"PK\3\4" + b[9:]])
def test_a_damaged_pack_is_refused(tmp_path: Path, damage) -> None:
    given = pack()
    path = tmp_path / "a.npz"
    write_pack(path, SOMEBODY, list(given.crops[:2]), list(given.points[:2]), [0.0, 1.0])
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"a\.npz is not a packed person"):
        read_pack(path)


def test_a_folder_without_packs_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no packed people: make a data set with `reenact train data"):
        list_packs(tmp_path)


def test_the_crops_that_are_kept_differ_most() -> None:
    points = [p.points for p in driver()[1]] + [driver()[1][0].points] * 30
    keep = varied(points, 12)
    assert len(keep) == 12 == len(set(keep))
    assert sum(k >= 60 for k in keep) <= 1  # of thirty that are the same one at most


# Samples


def test_a_face_that_does_not_move_is_let_alone() -> None:
    sample = pairs().sample(3, 3, True)
    assert sample.guides[GATE].max() < 0.02
    base = sample.picture[:3].transpose(1, 2, 0)
    assert psnr(base, sample.truth.transpose(1, 2, 0), sample.weight) > 30


def test_a_sample_is_nearer_the_truth_than_the_picture_it_came_from() -> None:
    p = pairs()
    wide = int(p.gap.argmax())
    reference = p.references()[0]
    assert p.gap[reference] < 0.08
    sample = p.sample(reference, wide, True)
    truth, base = (x[:3].transpose(1, 2, 0) for x in (sample.truth, sample.picture))
    still = p.pack.crops[reference][MARGIN : MARGIN + SIZE, MARGIN : MARGIN + SIZE]
    assert psnr(base, truth, sample.weight) > psnr(still, truth, sample.weight) + 0.5
    assert sample.guides.shape == (7, GRID, GRID)
    assert sample.guides[GATE].max() > 0.9
    assert sample.picture[5].max() == 255  # a mouth will be laid over
    assert sample.weight[sample.picture[5] == 255].max() == 0
    assert p.sample(reference, wide, False).picture[5].max() == 0


def test_the_gate_opens_nowhere_off_the_face() -> None:
    p = pairs()
    sample = p.sample(p.references()[0], int(p.gap.argmax()), True)
    face = cv2.resize(sample.weight, (GRID, GRID), interpolation=cv2.INTER_AREA)
    open_mouth = cv2.resize(sample.picture[5], (GRID, GRID), interpolation=cv2.INTER_AREA)
    assert sample.guides[GATE][(face == 0) & (open_mouth == 0)].max() == 0


def test_guides_mirrored_are_those_of_the_mirrored_face() -> None:
    torch = pytest.importorskip("torch")
    assert torch
    from reenact.tracking.topology import face_model
    from reenact.training.samples import _MIRRORED

    source, target = (pack().points[i] - np.array([MARGIN, MARGIN, 0], np.float32) for i in (0, 12))

    def told(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return guides(a, b, with_rings(a, a), with_rings(b, a))

    def mirrored(points: np.ndarray) -> np.ndarray:
        swapped = points[face_model().mirror].copy()
        swapped[:, 0] = SIZE - 1 - swapped[:, 0]
        return swapped

    flipped = told(source, target)[..., ::-1] * _MIRRORED[:, None, None]
    away = np.abs(flipped - told(mirrored(source), mirrored(target)))
    assert np.median(away, axis=(1, 2)).max() < 0.02
    assert away[3:6].max() < 0.02


def test_openings_are_where_lids_and_lips_are_apart() -> None:
    p = pairs()
    wide = p.pack.points[int(p.gap.argmax())] - np.array([MARGIN, MARGIN, 0], np.float32)
    eyes, mouth = openings(wide)
    assert mouth[round(wide[13:15, 1].mean()), round(wide[13:15, 0].mean())] == 255
    assert eyes[round(wide[468, 1]), round(wide[468, 0])] == 255
    assert eyes[round(wide[4, 1]), round(wide[4, 0])] == mouth[round(wide[4, 1]), round(wide[4, 0])] == 0
    assert openings(wide, 512).shape == (2, 512, 512)


# Making a data set

RENDERER = """
import numpy as np, cv2
class HeadModel:
    names = ["jawOpen", "mouthSmile_L", "mouthSmile_R", "eyeBlink_L", "eyeBlink_R"] + [
        n + s for n in ("eyeLookOut", "eyeLookIn", "eyeLookUp", "eyeLookDown") for s in ("_L", "_R")] + [
        "mouthFunnel", "mouthPucker", "mouthStretch", "mouthLowerDown", "mouthUpperUp", "mouthRollLower", "browInnerUp",
        "browOuterUp", "browDown", "mouthFrown", "noseSneer", "cheekPuff", "mouthPress", "jawLeft", "jawRight",
        "eyeSquint", "eyeWide"]
    landmarks = np.arange(68)
    vertex_uv = np.random.default_rng(0).uniform(0.2, 0.8, (68, 2))
    def index(self, name):
        return [i for i, n in enumerate(self.names) if n == name or n[:-2] == name]
    def shape(self, identity, expression):
        return np.random.default_rng(1).normal(0, 3, (68, 3))
class Person:
    def __init__(self, model, seed):
        self.skin, self.hair = np.array([200.0, 160, 140]), np.array([30.0, 20, 20])
        self.texture, self.shape, self.seed = np.full((64, 64, 3), 150, np.float32), np.zeros(1), seed
        self.hairline, self.bald = 7.0, False
class Light:
    def __init__(self, *a): self.a = a
def light(seed): return Light()
def background(seed): return None
def rotation(*pose): return np.eye(3)
def render(model, person, expression, turned, shift, size, **scene):
    face = cv2.resize(cv2.imread(FACE), (size, size))
    move = np.float32([[1, 0, 10 * shift[0]], [0, 1, 10 * shift[1] + person.seed % 7]])
    return cv2.warpAffine(face, move, (size, size), borderMode=cv2.BORDER_REPLICATE), None
"""


@pytest.fixture
def renderer(tmp_path: Path) -> Path:
    from people import FACE_A

    folder = tmp_path / "renderer"
    folder.mkdir()
    (folder / "synth.py").write_text(f"FACE = {str(FACE_A)!r}\n{RENDERER}")
    return folder


def quiet(what: str, done: int, total: int) -> None: ...


def test_rendered_people_are_the_same_for_the_same_seed_and_stay_when_there(renderer: Path, tmp_path: Path) -> None:
    config = RenderConfig(shots=3)
    for out in ("one", "two"):
        pack_rendered(renderer, 2, 40, config, tmp_path / out, quiet)
    files = list_packs(tmp_path / "one")
    assert [f.name for f in files] == ["r000040.npz", "r000041.npz"]
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


def test_every_tenth_rendered_person_only_judges(renderer: Path, tmp_path: Path) -> None:
    pack_rendered(renderer, 10, 0, RenderConfig(shots=2), tmp_path / "all", quiet, share=(9, 10))
    pack_rendered(renderer, 10, 0, RenderConfig(shots=2), tmp_path / "all", quiet, share=(0, 10))
    assert [person_of(p).split for p in list_packs(tmp_path / "all")] == ["train", "held"]
    counts = count_traits([tmp_path / "all"])
    assert counts["kind"] == {"rendered": 2}
    assert counts["split"] == {"rendered train": 1, "rendered held": 1}
    assert sum(counts["skin"].values()) == 2


def test_a_part_can_be_left_out_and_a_wrong_one_is_told() -> None:
    plain = RenderConfig().without("glasses, beards")
    assert (plain.glasses, plain.beards, plain.light, plain.shots) == (False, False, True, 12)
    with pytest.raises(InputError, match="'hats' cannot be left out: expected some of wrinkles, beards"):
        RenderConfig().without("hats")


def test_a_folder_that_holds_no_renderer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no renderer: expected a folder with synth\.py"):
        load_renderer(tmp_path)
    (tmp_path / "synth.py").write_text("x = 1\n")
    with pytest.raises(InputError, match="it lacks HeadModel, Person"):
        load_renderer(tmp_path)


def test_clips_are_packed_with_what_is_known_of_them(tmp_path: Path) -> None:
    from reenact import assets

    clips = tmp_path / "clips"
    clips.mkdir()
    (clips / "a.mp4").write_bytes(assets.DRIVER.read_bytes())
    (clips / "b.mp4").write_bytes(b"no video")
    table = tmp_path / "m.csv"
    table.write_text("id,identity,licence,apparent_skin,glasses\na,ann,MIT,dark,no\n")
    left = pack_clips(clips, table, ["ann"], tmp_path / "out", quiet)
    assert len(left) == 1
    assert left[0].startswith("b.mp4: ")
    made = read_pack(tmp_path / "out" / "a.npz")
    assert (made.person.name, made.person.split, made.person.licence) == ("ann", "held", "MIT")
    assert made.person.traits == {"skin": "dark", "glasses": "no"}
    assert 8 <= len(made.crops) <= 60


def test_the_command_asks_for_something_to_pack(tmp_path: Path, capsys) -> None:
    assert main(["train", "data", str(tmp_path / "out")]) == 2
    assert "give --clips FOLDER, --renderer FOLDER, or both" in capsys.readouterr().err
    assert main(["train", "data", str(tmp_path / "out"), "--clips", str(tmp_path)]) == 2
    assert "holds no clips" in capsys.readouterr().err
