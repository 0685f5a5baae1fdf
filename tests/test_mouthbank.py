"""The bank of a video's own open mouths: what is kept, what is found, what a damaged file gives."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from people import FACE_A, face
from tracked import average_face, driver, moved

from reenact.errors import TargetError
from reenact.retarget.neutral import head_shape, mouth_gap
from reenact.targets.mouthbank import ENOUGH, OPEN, WIDE, BankMouth, MouthBank, head_turn, lip_shape
from reenact.tracking.topology import INNER_LIPS, LEFT_EYE, RIGHT_EYE

COUNT = len(INNER_LIPS)


@pytest.fixture(scope="module")
def bank() -> MouthBank:
    pictures, tracks = driver()
    return MouthBank.build([f.pixels for f in pictures], np.array([t.points for t in tracks]))


def invented(count: int, seed: int = 0) -> MouthBank:
    """Entries whose lips are open by 0, 1, 2, ... hundredths."""
    rng = np.random.default_rng(seed)
    ring = lip_shape(head_shape(average_face()))
    shapes = np.repeat(ring[None], count, 0)
    shapes[:, COUNT // 2 + 1 :, 1] += np.arange(count, dtype=np.float32)[:, None] / 100
    mouths = [
        BankMouth(rng.integers(0, 255, (5 + i % 3, 9, 3), dtype=np.uint8), ring * np.float32(9)) for i in range(count)
    ]
    return MouthBank(mouths, shapes, np.zeros((count, 2), np.float32), None)


def test_it_keeps_the_open_mouths_and_their_lips(bank: MouthBank) -> None:
    pictures, tracks = driver()
    wide = [i for i, t in enumerate(tracks) if mouth_gap(t.points) >= OPEN]
    assert len(bank.mouths) == len(wide) > ENOUGH
    assert bank.has_open_mouths
    for entry, i in enumerate(wide):
        points = tracks[i].points
        mouth = bank.mouths[entry]
        corner = np.round(points[INNER_LIPS[0], :2] - mouth.ring[0]).astype(int)
        assert np.allclose(mouth.ring + corner, points[INNER_LIPS, :2], atol=1e-3)
        height, width = mouth.pixels.shape[:2]
        cut = pictures[i].pixels[corner[1] : corner[1] + height, corner[0] : corner[0] + width]
        assert np.array_equal(mouth.pixels, cut)
        assert np.allclose(bank.shapes[entry], lip_shape(head_shape(points)))
        assert np.allclose(bank.turns[entry], head_turn(points))


def test_its_eyes_are_the_most_open_ones(bank: MouthBank) -> None:
    assert bank.eyes is not None
    points, pixels = bank.eyes.points, bank.eyes.pixels
    rings = points[np.concatenate([RIGHT_EYE, LEFT_EYE]), :2]
    assert (rings > 0).all()
    assert (rings < pixels.shape[1::-1]).all()
    pictures, tracks = driver()
    same = [i for i, t in enumerate(tracks) if np.allclose(t.points - t.points[0], points - points[0], atol=1e-3)]
    assert len(same) == 1
    corner = np.round(tracks[same[0]].points[0, :2] - points[0, :2]).astype(int)
    height, width = pixels.shape[:2]
    cut = pictures[same[0]].pixels[corner[1] : corner[1] + height, corner[0] : corner[0] + width]
    assert np.array_equal(pixels, cut)


def test_a_mouth_is_found_by_its_own_shape(bank: MouthBank) -> None:
    for i in range(len(bank.mouths)):
        assert bank.nearest(bank.shapes[i], bank.turns[i], None) == i


def test_a_head_turned_the_same_way_is_preferred() -> None:
    one = invented(2)
    one.shapes[1] = one.shapes[0]
    one.turns[:] = [[0.3, 0], [-0.3, 0]]
    assert one.nearest(one.shapes[0], np.float32([0.2, 0]), None) == 0
    assert one.nearest(one.shapes[0], np.float32([-0.2, 0]), None) == 1


def test_a_mouth_stays_until_another_is_clearly_better() -> None:
    bank = invented(11)
    front = np.zeros(2, np.float32)

    def between(a: float) -> np.ndarray:
        return bank.shapes[4] + np.float32(a) * (bank.shapes[5] - bank.shapes[4])

    assert bank.nearest(between(0.52), front, None) == 5
    assert bank.nearest(between(0.52), front, 4) == 4
    assert bank.nearest(between(0.48), front, 5) == 5
    assert bank.nearest(between(0.9), front, 4) == 5
    assert bank.nearest(bank.shapes[9], front, 4) == 9
    # lips that tremble about the middle change the picture not once
    rng, shown = np.random.default_rng(0), 4
    changes = 0
    for _ in range(50):
        now = bank.nearest(between(0.5 + rng.uniform(-0.04, 0.04)), front, shown)
        changes, shown = changes + (now != shown), now
    assert changes == 0


def open_by(gap: float) -> np.ndarray:
    """The mean face at a place in the picture of FACE_A, its inner lips apart by so much of the IOD."""
    points = average_face(100, (200, 200))
    half = COUNT // 2
    middle = (points[INNER_LIPS[1:half]] + points[INNER_LIPS[:half:-1]]) / 2
    for side, ring in ((-1, INNER_LIPS[1:half]), (1, INNER_LIPS[:half:-1])):
        points[ring] = middle
        points[ring, 1] += side * gap / 2 * 100
    return points


def test_it_keeps_at_most_160_that_are_far_from_each_other() -> None:
    rng = np.random.default_rng(0)
    gaps = np.concatenate([0.06 + rng.uniform(0, 0.001, 300), np.linspace(0.06, 0.3, 60)])
    points = np.array([open_by(g) for g in gaps])
    bank = MouthBank.build([face(file=FACE_A)] * len(points), points)
    assert len(bank.mouths) == len(bank.shapes) == len(bank.turns) == 160
    kept = np.linalg.norm(bank.shapes[:, 5] - bank.shapes[:, 15], axis=1)
    assert kept.max() == pytest.approx(0.3, abs=0.01)
    for gap in np.linspace(0.06, 0.3, 60):
        assert np.abs(kept - gap).min() < 0.003  # every one of the rare mouths has a near one in the bank


def test_closed_and_cut_mouths_are_left_out() -> None:
    away = open_by(0.2)
    away[:, 0] += 180
    bank = MouthBank.build([face(), face()], np.array([open_by(0.01), away]))
    assert (len(bank.mouths), bank.shapes.shape, bank.turns.shape) == (0, (0, COUNT, 2), (0, 2))
    assert bank.eyes is not None
    assert not bank.has_open_mouths


def test_it_can_stand_for_a_mouth_with_enough_entries_and_one_wide() -> None:
    assert invented(40).has_open_mouths
    assert not invented(ENOUGH - 1).has_open_mouths
    few = invented(ENOUGH)
    gap = np.linalg.norm(few.shapes[:, 5] - few.shapes[:, 15], axis=1).max()
    assert few.has_open_mouths == (gap >= WIDE)


def test_it_is_saved_and_loaded_whole(bank: MouthBank, tmp_path: Path) -> None:
    for name, one in (("real", bank), ("no eyes", invented(12)), ("empty", MouthBank.build([], np.zeros((0, 478, 3))))):
        path = tmp_path / f"{name}.npz"
        one.save(path)
        back = MouthBank.load(path)
        assert np.array_equal(back.shapes, one.shapes)
        assert np.array_equal(back.turns, one.turns)
        assert len(back.mouths) == len(one.mouths)
        for a, b in zip(back.mouths, one.mouths, strict=True):
            assert np.array_equal(a.pixels, b.pixels)
            assert np.array_equal(a.ring, b.ring)
            assert a.pixels.flags.c_contiguous
        assert (back.eyes is None) == (one.eyes is None)
        if back.eyes is not None:
            assert one.eyes is not None
            assert np.array_equal(back.eyes.pixels, one.eyes.pixels)
            assert np.array_equal(back.eyes.points, one.eyes.points)


@pytest.mark.parametrize("keep", [0, 10, 200, 0.5, -1])
def test_a_cut_off_file_is_a_target_error(bank: MouthBank, tmp_path: Path, keep: float) -> None:
    path = tmp_path / "bank.npz"
    bank.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(TargetError, match=r"bank\.npz is not a mouth bank.*add it again"):
        MouthBank.load(path)


def test_a_damaged_file_is_a_target_error_or_the_same_bank(tmp_path: Path) -> None:
    path = tmp_path / "bank.npz"
    invented(12).save(path)
    content, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for place in [*rng.integers(len(content), size=150), *range(100), *range(len(content) - 400, len(content))]:
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        try:
            loaded = MouthBank.load(path)
        except TargetError:
            refused += 1
        else:
            assert len(loaded.mouths) == 12
    assert refused > 300  # the archive has a checksum of what it holds


def arrays(count: int = 3) -> dict[str, np.ndarray]:
    return {
        "shapes": np.zeros((count, COUNT, 2), np.float32),
        "turns": np.zeros((count, 2), np.float32),
        "rings": np.zeros((count, COUNT, 2), np.float32),
        "sizes": np.full((count, 2), 4, np.int32),
        "pixels": np.zeros(count * 48, np.uint8),
    }


WRONG = {
    "an array missing": lambda a: a.pop("turns"),
    "turns too few": lambda a: a.update(turns=a["turns"][:2]),
    "rings of other points": lambda a: a.update(rings=a["rings"][:, :5]),
    "shapes of other points": lambda a: a.update(shapes=np.zeros((3, 478, 2), np.float32)),
    "too few pixels": lambda a: a.update(pixels=a["pixels"][:-1]),
    "too many pixels": lambda a: a.update(pixels=np.zeros(999, np.uint8)),
    "pixels of another type": lambda a: a.update(pixels=a["pixels"].astype(np.float32)),
    "a size of nothing": lambda a: a.update(sizes=np.zeros((3, 2), np.int32)),
    "a size below nothing": lambda a: a.update(sizes=np.int32([[4, 4], [-4, -4], [4, 4]])),
    "a huge size": lambda a: a.update(sizes=np.int32([[2**30, 2**30], [4, 4], [4, 4]])),
    "sizes of one number": lambda a: a.update(sizes=np.full((3, 1), 4, np.int32)),
    "sizes of fractions": lambda a: a.update(sizes=np.full((3, 2), 4.0, np.float32)),
    "eyes without points": lambda a: a.update(eyes=np.zeros((5, 5, 3), np.uint8)),
    "eyes of another shape": lambda a: a.update(
        eyes=np.zeros((5, 5), np.uint8), eye_points=np.zeros((478, 3), np.float32)
    ),
    "eyes of another type": lambda a: a.update(
        eyes=np.zeros((5, 5, 3), np.float64), eye_points=np.zeros((478, 3), np.float32)
    ),
    "eyes of four colours": lambda a: a.update(
        eyes=np.zeros((5, 5, 4), np.uint8), eye_points=np.zeros((478, 3), np.float32)
    ),
    "shapes that are not numbers": lambda a: a.update(shapes=np.full((3, COUNT, 2), np.nan, np.float32)),
    "pickled objects": lambda a: a.update(turns=np.array([[{}, {}]] * 3, object)),
    "names for numbers": lambda a: a.update(turns=np.array([["a", "b"]] * 3)),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_arrays_that_are_no_bank_are_a_target_error(tmp_path: Path, wrong: str) -> None:
    path, given = tmp_path / "bank.npz", arrays()
    np.savez(path, **given)
    assert len(MouthBank.load(path).mouths) == 3
    WRONG[wrong](given)
    np.savez(path, **given)
    with pytest.raises(TargetError, match="is not a mouth bank"):
        MouthBank.load(path)


def test_another_file_and_none_are_a_target_error(tmp_path: Path) -> None:
    picture = tmp_path / "bank.npz"
    picture.write_bytes(cv2.imencode(".png", face())[1].tobytes())
    for path in (picture, tmp_path / "none.npz"):
        with pytest.raises(TargetError, match="is not a mouth bank"):
            MouthBank.load(path)


def test_lists_of_different_length_make_no_bank() -> None:
    with pytest.raises(ValueError, match="1 mouths, 0 shapes, 0 turns"):
        MouthBank([BankMouth(np.zeros((2, 2, 3), np.uint8), np.zeros((COUNT, 2), np.float32))], [], [], None)


def test_a_heads_turn_is_told_by_the_sines() -> None:
    ahead = average_face()
    assert head_turn(ahead) == pytest.approx([0, 0], abs=0.01)
    aside = head_turn(moved(ahead, np.array([0, 0.3, 0]), (0, 0), 1.0))
    assert aside == pytest.approx([np.sin(0.3), 0], abs=0.01)
    nodding = head_turn(moved(ahead, np.array([0.3, 0, 0]), (0, 0), 1.0))
    assert nodding == pytest.approx([0, -np.sin(0.3)], abs=0.01)
