"""Training data: what is packed comes back, and a sample shows the network what it will see at work."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from tracked import driver

from reenact.errors import InputError
from reenact.generation.guides import GATE, GRID, guides, openings
from reenact.generation.meshwarp import with_rings
from reenact.tracking.canonical import EYES_Y, IOD, SIZE, canonical_matrix, to_crop
from reenact.training.pack import MARGIN, Pack, Person, cut, list_packs, person_of, read_pack, write_pack
from reenact.training.pairs import Pairs

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
