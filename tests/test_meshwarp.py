"""The mesh warp: exact where nothing changes, true to its slow twin everywhere."""

import cv2
import naive
import numpy as np
import pytest
from made import picture
from tracked import average_face, driver, moved

from reenact.generation.meshwarp import (
    NOWHERE,
    RINGS,
    SPARE,
    VERTICES,
    MeshWarp,
    _rasterise,
    _sample,
    strips,
    triangles,
    with_rings,
)
from reenact.geometry import eye_distance
from reenact.tracking.topology import INNER_LIPS, LEFT_EYE, OVAL, RIGHT_EYE

SIZE, ORIGIN = (384, 384), (130, 40)
CANARY = (255, 0, 255)


def under() -> np.ndarray:
    out = np.empty((SIZE[1], SIZE[0], 3), np.uint8)
    out[:] = CANARY
    return out


def hull(points: np.ndarray, shrink: float) -> np.ndarray:
    """(h, w) bool: the patch's pixels inside the outermost ring of points, `shrink` pixels in."""
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    ring = cv2.convexHull(points[468 + len(OVAL) :, :2].astype(np.float32)) - np.float32(ORIGIN)
    cv2.fillConvexPoly(mask, np.round(ring).astype(np.int32), 1)
    size = 2 * int(shrink) + 1
    return cv2.erode(mask, np.ones((size, size), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0


def textured() -> np.ndarray:
    """A picture with detail in every pixel and no canary, (480, 640, 3)."""
    noise = np.random.default_rng(0).integers(-20, 20, (480, 640, 3))
    return np.clip(picture(640, 480) + noise, 0, 250).astype(np.uint8)


def mesh() -> np.ndarray:
    points = average_face(110, (320, 230))
    return with_rings(points, points)


def test_a_mesh_that_does_not_move_gives_the_texture_bit_for_bit() -> None:
    for texture, points in (
        (textured(), average_face(110, (320, 230))),
        (driver()[0][30].pixels, driver()[1][30].points),
    ):
        full = with_rings(points, points)
        got = MeshWarp(SIZE)(texture, full, full, ORIGIN, under())
        cut = texture[ORIGIN[1] : ORIGIN[1] + SIZE[1], ORIGIN[0] : ORIGIN[0] + SIZE[0]]
        inside = hull(full, 2)
        assert inside.mean() > 0.2
        assert np.array_equal(got[inside], cut[inside])  # so there is no hole in it either


@pytest.mark.parametrize("shift", [(3, 0), (0, -5), (-17, 12)])
def test_a_whole_shift_gives_the_texture_shifted(shift: tuple[int, int]) -> None:
    texture, full = textured(), mesh()
    there = full + np.float32([*shift, 0])
    got = MeshWarp(SIZE)(texture, full, there, ORIGIN, under())
    x, y = ORIGIN[0] - shift[0], ORIGIN[1] - shift[1]
    inside = hull(there, 2)
    assert np.array_equal(got[inside], texture[y : y + SIZE[1], x : x + SIZE[0]][inside])


def test_where_the_mesh_does_not_reach_shows_what_is_under() -> None:
    full = mesh()
    got = MeshWarp(SIZE)(textured(), full, full, ORIGIN, under())
    around = cv2.dilate(hull(full, 0).astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
    assert around.mean() > 0.2
    assert (got[around] == CANARY).all()
    far = MeshWarp(SIZE)(textured(), full, full + np.float32([5000, 0, 0]), ORIGIN, under())
    assert np.array_equal(far, under())


def test_a_warp_leaves_nothing_behind_for_the_next() -> None:
    texture, full, warp = textured(), mesh(), MeshWarp(SIZE)
    before = texture.copy()
    first = warp(texture, full, full, ORIGIN, under())
    warp(texture, full, full + np.float32([40, 30, 0]), ORIGIN, under())
    assert np.array_equal(warp(texture, full, full, ORIGIN, under()), first)
    assert np.array_equal(texture, before)


@pytest.mark.parametrize("turn", [(0, 0.35, 0), (0.25, 0, 0), (0, -0.3, 0.4)])
def test_a_turned_face_has_no_holes(turn: tuple[float, float, float]) -> None:
    rest = average_face(110, (320, 230))
    points = moved(rest, np.array(turn), (0, 0), 1.0)
    got = MeshWarp(SIZE)(textured(), mesh(), with_rings(points, points), ORIGIN, under())
    face = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    cv2.fillPoly(face, [np.round(points[OVAL, :2] - ORIGIN).astype(np.int32)], 1)
    face = cv2.erode(face, np.ones((3, 3), np.uint8)) > 0
    assert face.sum() > 15000
    assert not (got[face] == CANARY).all(1).any()


@pytest.mark.parametrize("seed", range(12))
def test_the_rasteriser_does_what_its_slow_twin_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, origin = (int(rng.integers(8, 24)), int(rng.integers(8, 24))), (int(rng.integers(-5, 5)), 7)
    target = rng.uniform(-6, 30, (7, 3)).astype(np.float32)
    source = rng.uniform(0, 100, (7, 3)).astype(np.float32)
    tri = np.array([rng.choice(7, 3, replace=False) for _ in range(6)] + [[2, 2, 5]], np.int32)
    whole = [np.zeros((size[1], size[0] + SPARE), np.float32) for _ in range(3)]
    _rasterise(target, source, tri, np.float32(origin[0]), np.float32(origin[1]), *whole)
    map_x, map_y, depth = (plane[:, : size[0]] for plane in whole)
    place, seen, doubtful = naive.mesh_map(target, source, tri, origin, size)
    sure = ~doubtful
    assert sure.mean() > 0.7
    assert np.array_equal((depth < 1e8)[sure], np.isfinite(seen)[sure])
    hit = sure & np.isfinite(seen)
    assert np.allclose(depth[hit], seen[hit], atol=0.02)
    assert np.allclose(np.stack([map_x, map_y], -1)[hit], place[hit], atol=0.05)


def test_the_texture_is_sampled_as_opencv_does() -> None:
    rng = np.random.default_rng(5)
    texture = rng.integers(0, 256, (37, 53, 3), dtype=np.uint8)
    height, width = 50, 61
    map_x, map_y, depth = (np.zeros((height, width + SPARE), np.float32) for _ in range(3))
    map_x[:] = rng.uniform(-9, 62, map_x.shape)
    map_y[:] = rng.uniform(-9, 46, map_y.shape)
    map_x[0, :4], map_y[0, :4] = [51.5, 52, 51.99, 52], [35.5, 36, 36, 35.99]  # the very last pixels
    depth[rng.uniform(size=depth.shape) < 0.1] = NOWHERE
    under_all = rng.integers(0, 256, (height + 4, width + 6, 3), dtype=np.uint8)
    below = under_all[2:-2, 3:-3]
    got = np.empty((height, width, 3), np.uint8)
    _sample(texture, map_x, map_y, depth, below, got)
    places = map_x[:, :width].copy(), map_y[:, :width].copy()
    wanted = cv2.remap(texture, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    nowhere = depth[:, :width] == NOWHERE
    assert np.array_equal(got[~nowhere], wanted[~nowhere])
    assert np.array_equal(got[nowhere], below[nowhere])
    assert 0.02 < nowhere.mean() < 0.3


def test_the_mesh_is_closed() -> None:
    rows = triangles()
    assert rows.min() == 0
    assert rows.max() == VERTICES - 1
    assert (np.sort(rows, axis=1)[:, :-1] != np.sort(rows, axis=1)[:, 1:]).all()  # three corners each
    edges = np.sort(np.concatenate([rows[:, [0, 1]], rows[:, [1, 2]], rows[:, [2, 0]]]), axis=1)
    named, count = np.unique(edges, axis=0, return_counts=True)
    rim = named[count == 1]
    assert count.max() == 2
    assert len(rim) == len(OVAL)  # the only edges with one side are those of the outermost ring
    assert rim.min() >= 468 + (len(RINGS) - 1) * len(OVAL)


def area(points: np.ndarray, corners: np.ndarray) -> float:
    a, b, c = (points[corners[:, i], :2].astype(float) for i in range(3))
    return float(np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]).sum() / 2)


def test_strips_fill_a_hole_once() -> None:
    points = max(driver()[1], key=lambda t: np.linalg.norm(t.points[13] - t.points[14])).points
    for ring in (RIGHT_EYE, LEFT_EYE, INNER_LIPS):
        assert len(strips(len(ring))) == len(ring) - 2
        whole = cv2.contourArea(points[ring, :2].astype(np.float32))
        assert area(points, ring[strips(len(ring))]) == pytest.approx(whole, rel=0.01)


def test_the_outermost_ring_does_not_move_with_the_expression() -> None:
    rest = average_face()
    talking = rest.copy()
    talking[152, 1] += 20  # the chin
    still, now = with_rings(rest, rest), with_rings(talking, rest)
    assert np.array_equal(still[-len(OVAL) :], now[-len(OVAL) :])
    inner = np.linalg.norm(now - still, axis=1)[468 : 468 + len(OVAL)]
    assert inner.max() == pytest.approx(20 * RINGS[0][1], rel=1e-3)
    around = np.linalg.norm(still[468:, :2].reshape(2, -1, 2) - rest[OVAL, :2].mean(0), axis=2)
    assert (around[1] > around[0]).all()
    assert eye_distance(still) == eye_distance(rest)
