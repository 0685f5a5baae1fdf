"""The engine's blending stage, face masks and colour transfer."""

import inspect

import numpy as np
import pytest
from test_blending_poisson import Image, scene

from reenact.blending import AlphaCompositor, PoissonCompositor
from reenact.blending.colour import mean_shift, transport
from reenact.blending.compositor import place
from reenact.blending.feather import feather
from reenact.blending.mask import OVAL, face_hull, face_mask, feathered, keep_to_skin, without
from reenact.config import BlendConfig
from reenact.stages import Blender
from reenact.types import Kind, Patch, Shot

KINDS = [PoissonCompositor, AlphaCompositor]


def shot(frame: Image) -> Shot:
    points = np.zeros((478, 3), np.float32)
    return Shot(frame, points, frame, points, 0)


def at(x: float, y: float, scale: float = 1.0) -> np.ndarray:
    return np.array([[scale, 0, x], [0, scale, y]], np.float64)


@pytest.fixture(params=KINDS)
def blender(request: pytest.FixtureRequest) -> Blender:
    made: Blender = request.param()
    return made


class TestStage:
    def test_it_is_a_blender(self, blender: Blender) -> None:
        assert isinstance(blender, Blender)
        assert list(inspect.signature(blender.blend).parameters) == ["patch", "shot"]

    def test_the_composite_is_live_and_owns_its_memory(self, blender: Blender) -> None:
        pixels, frame, mask = scene(64)
        before = frame.copy()
        made = blender.blend(Patch(pixels, mask, at(30, 20), 7, 1.5), shot(frame))
        assert (made.kind, made.seq, made.t_capture) == (Kind.LIVE, 7, 1.5)
        assert not np.may_share_memory(made.pixels, frame)
        assert np.array_equal(frame, before)
        kept = made.pixels.copy()
        blender.blend(Patch(255 - pixels, mask, at(20, 20), 8, 1.6), shot(frame))
        assert np.array_equal(made.pixels, kept)

    @pytest.mark.parametrize(
        "matrix", [at(30, 20), at(-20, 10), at(100, 80), at(30.4, 20.7, 0.8), at(-10.5, 60.2, 1.3), at(500, 0)]
    )
    def test_outside_the_mask_not_one_pixel_changes(self, blender: Blender, matrix: np.ndarray) -> None:
        import cv2

        pixels, frame, mask = scene(64)
        made = blender.blend(Patch(pixels, mask, matrix, 0, 0.0), shot(frame)).pixels
        inside = cv2.warpAffine(mask, matrix, frame.shape[1::-1], flags=cv2.INTER_LINEAR) > 0
        grown = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        assert np.array_equal(made[~grown], frame[~grown])
        if inside.sum() > 50:
            assert (made != frame).any(2)[inside].mean() > 0.5

    def test_a_patch_that_fits_costs_nothing(self, blender: Blender) -> None:
        _, frame, mask = scene(64)
        own = np.ascontiguousarray(frame[20:84, 30:94])
        soft = feathered(mask, 6)
        made = blender.blend(Patch(own, soft, at(30, 20), 0, 0.0), shot(frame)).pixels
        assert np.array_equal(made, frame)

    def test_the_feather_fades(self, blender: Blender) -> None:
        frame = np.full((80, 80, 3), 100, np.uint8)
        pixels = np.full((40, 40, 3), 100, np.uint8)
        pixels[8:32, 8:32] = 200
        mask = np.full((40, 40), 64, np.uint8)
        made = blender.blend(Patch(pixels, mask, at(20, 20), 0, 0.0), shot(frame)).pixels
        assert abs(int(made[40, 40, 0]) - 125) <= 1

    def test_an_empty_mask_gives_the_shot(self, blender: Blender) -> None:
        pixels, frame, mask = scene(64)
        made = blender.blend(Patch(pixels, mask * 0, at(30, 20), 0, 0.0), shot(frame))
        assert np.array_equal(made.pixels, frame)

    def test_a_matrix_that_is_not_finite_is_refused(self, blender: Blender) -> None:
        pixels, frame, mask = scene(64)
        with pytest.raises(ValueError, match="not finite"):
            blender.blend(Patch(pixels, mask, at(np.nan, 0), 0, 0.0), shot(frame))


def test_the_membrane_takes_the_light_of_the_target() -> None:
    pixels, frame, mask = scene(64)
    darker = (pixels * 0.6).astype(np.uint8)
    made = [
        blender.blend(Patch(darker, mask, at(30, 20), 0, 0.0), shot(frame)).pixels[20:84, 30:94]
        for blender in (kind() for kind in KINDS)
    ]
    border = (mask > 0) & ~(np.roll(mask, 2, 0) > 0)
    target = frame[20:84, 30:94].astype(int)
    poisson, alpha = (np.abs(m - target)[border].mean() for m in made)
    assert poisson < 0.35 * alpha


def test_colour_in_the_stage_moves_the_patch_towards_the_targets_contrast() -> None:
    pixels, frame, mask = scene(64)
    flat = (128 + (pixels.astype(int) - 128) // 4).astype(np.uint8)
    plain, matched = (
        PoissonCompositor(BlendConfig(colour=colour)).blend(Patch(flat, mask, at(30, 20), 0, 0.0), shot(frame)).pixels
        for colour in (0.0, 1.0)
    )
    grain = [np.diff(m[30:74, 40:84].astype(int), axis=1).std() for m in (plain, matched)]
    assert grain[1] > 1.25 * grain[0]


def test_place_crops_to_the_mask_and_the_frame() -> None:
    pixels, _, mask = scene(64)
    mask[:] = 0
    mask[10:20, 30:50] = 255
    placed = place(Patch(pixels, mask, at(-35, 5), 0, 0.0), (100, 100))
    assert placed is not None
    cut, m, origin = placed
    assert origin == (0, 14)
    assert m.shape == (12, 16)
    assert (m > 0).sum() == 10 * 15
    assert np.array_equal(cut, pixels[9:21, 35:51])


def test_feather_equals_its_naive_twin() -> None:
    rng = np.random.default_rng(0)
    out, frame = (rng.integers(0, 256, (20, 30, 3), dtype=np.uint8) for _ in range(2))
    mask = rng.integers(0, 256, (8, 9), dtype=np.uint8)
    want = out.copy()
    for y in range(8):
        for x in range(9):
            if 0 < mask[y, x] < 255:
                b, v = frame[5 + y, 7 + x].astype(float), out[5 + y, 7 + x].astype(float)
                want[5 + y, 7 + x] = np.floor(b + (v - b) * mask[y, x] / 255 + 0.5 - 1e-9)
    feather(out.reshape(-1), frame.reshape(-1), mask, 30, 5, 7)
    assert np.abs(out.astype(int) - want).max() == 0


# Masks


def face(size: int = 200) -> tuple[Image, np.ndarray]:
    """A plain head: an oval of skin, hair above the brow and down one side, a blue wall behind; landmarks on it."""
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    points = np.zeros((478, 3), np.float32)
    turn = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    points[list(OVAL), 0] = size * (0.5 + 0.36 * np.sin(turn))
    points[list(OVAL), 1] = size * (0.5 - 0.45 * np.cos(turn))
    points[33, :2], points[263, :2] = (0.3 * size, 0.45 * size), (0.7 * size, 0.45 * size)
    for k, (px, py) in {
        50: (0.33, 0.6),
        280: (0.67, 0.6),
        205: (0.36, 0.65),
        425: (0.64, 0.65),
        4: (0.5, 0.58),
        195: (0.5, 0.52),
        117: (0.35, 0.55),
        346: (0.65, 0.55),
        101: (0.4, 0.6),
        330: (0.6, 0.6),
    }.items():
        points[k, :2] = px * size, py * size  # fmt: skip
    picture = np.full((size, size, 3), (150, 90, 60), np.uint8)
    skin = (x / 0.36) ** 2 + (y / 0.45) ** 2 < 1
    picture[skin] = (120, 150, 205)
    picture[skin & (x > 0.24)] = (20, 25, 30)
    noise = np.random.default_rng(0).normal(0, 2, picture.shape)
    return (picture + noise).clip(0, 255).astype(np.uint8), points


def test_the_hull_follows_the_oval_drawn_in() -> None:
    _, points = face()
    full = face_hull(points, (200, 200), 0, 0)
    drawn = face_hull(points, (200, 200))
    assert abs((full > 0).mean() - np.pi * 0.36 * 0.45) < 0.01
    assert ((drawn > 0) <= (full > 0)).all()
    assert 0.6 < (drawn > 0).sum() / (full > 0).sum() < 0.95
    top = [np.nonzero(m.any(1))[0][0] for m in (full, drawn)]
    assert top[1] - top[0] > 5  # the forehead gives way most


def test_hair_inside_the_hull_is_left_out() -> None:
    picture, points = face()
    hull = face_hull(points, (200, 200))
    kept = keep_to_skin(hull, picture, points)
    assert (hull[:, 152:] > 0).any()
    assert (kept[:, 152:] > 0).mean() < 0.1 * (hull[:, 152:] > 0).mean()
    left = hull[:, :140] > 0
    assert (kept[:, :140] > 0)[left].mean() > 0.95


def test_the_feather_stays_inside_and_reaches_full_strength() -> None:
    mask = face_hull(face()[1], (200, 200))
    soft = feathered(mask, 8)
    assert ((soft > 0) == (mask > 0)).all()
    assert soft.max() == 255
    assert (np.diff(soft[100, :60].astype(int)) >= 0).all()
    assert np.array_equal(feathered(mask, 0), mask)


def test_an_occluder_cuts_a_hole() -> None:
    picture, points = face()

    def hand(pixels: Image, marks: np.ndarray) -> Image:
        assert pixels is picture
        hidden = np.zeros(pixels.shape[:2], np.uint8)
        hidden[120:150, 60:100] = 255
        return hidden

    mask = face_mask(picture, points, occluder=hand)
    assert (mask[118:152, 58:102] == 0).all()
    assert (face_mask(picture, points)[118:152, 58:102] > 0).all()
    with pytest.raises(ValueError, match=r"\(3, 3\)"):
        without(mask, np.zeros((3, 3), np.uint8))


@pytest.mark.parametrize("points", [np.zeros((468, 3), np.float32), np.full((478, 3), np.nan, np.float32), None])
def test_bad_points_are_refused(points: object) -> None:
    with pytest.raises(ValueError, match="points"):
        face_hull(points, (20, 20))  # type: ignore[arg-type]


# Colour


def test_transport_gives_mean_and_covariance() -> None:
    rng = np.random.default_rng(0)
    mix = np.array([[1, 0.6, 0.3], [0, 0.8, 0.5], [0, 0, 0.7]])
    patch = (120 + 15 * rng.normal(size=(60, 60, 3))).clip(0, 255).astype(np.uint8)
    target = (140 + 15 * rng.normal(size=(60, 60, 3)) @ mix).clip(0, 255).astype(np.uint8)
    mask = np.ones((60, 60), np.uint8)
    made = transport(patch, target, mask, most=4.0).apply(patch).reshape(-1, 3)
    want = target.reshape(-1, 3)
    assert np.abs(made.mean(0) - want.mean(0)).max() < 1
    assert np.abs(np.cov(made.T) - np.cov(want.T)).max() < 0.12 * np.cov(want.T).max()
    before = np.abs(np.cov(patch.reshape(-1, 3).T) - np.cov(want.T)).max()
    assert np.abs(np.cov(made.T) - np.cov(want.T)).max() < 0.3 * before


def test_strength_0_and_equal_pictures_change_nothing() -> None:
    patch, frame, mask = scene(64)
    target = np.ascontiguousarray(frame[:64, :64])
    assert np.array_equal(transport(patch, target, mask, 0.0).apply(patch), patch)
    assert np.abs(transport(patch, patch, mask).apply(patch).astype(int) - patch).max() <= 1
    assert np.array_equal(mean_shift(patch, target, mask * 0).apply(patch), patch)


def test_a_flat_patch_is_not_blown_up() -> None:
    patch = np.full((32, 32, 3), 128, np.uint8)
    patch[0, 0] = 131
    target = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert np.linalg.norm(transport(patch, target, np.ones((32, 32), np.uint8)).matrix, 2) <= 2.001


def test_mean_shift_matches_means_inside_the_mask_alone() -> None:
    patch, frame, mask = scene(64)
    target = np.ascontiguousarray(frame[:64, :64])
    made = mean_shift(patch, target, mask).apply(patch)
    inside = mask > 0
    assert np.abs(made[inside].mean(0) - target[inside].mean(0)).max() < 0.6


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(4, 4, 3\)"):
        transport(np.zeros((4, 4, 3), np.uint8), np.zeros((5, 4, 3), np.uint8), np.ones((4, 4)))
    with pytest.raises(ValueError, match="strength"):
        transport(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8), np.ones((4, 4)), 2.0)
