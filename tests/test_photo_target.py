"""A photo whose head moves: exact at rest, still where it should be, and where the landmarks say elsewhere."""

from contextlib import closing

import cv2
import numpy as np
import pytest
from people import face, motion

from reenact.config import TrackingConfig
from reenact.retarget import move_head
from reenact.targets import compose as kernel
from reenact.targets.headfield import HeadField
from reenact.targets.library import add_target, load_target
from reenact.targets.photo import HeadMover, PhotoTarget
from reenact.tracking import FaceMeshTracker
from reenact.types import Frame

MOVES = [
    motion((12, 0, 0)),
    motion((-12, 0, 0)),
    motion((0, 12, 0)),
    motion((0, -12, 0)),
    motion((0, 0, 12)),
    motion(shift=(0.25, -0.15)),
    motion(scale=1.08),
    motion((-8, 6, -8), (-0.1, 0.1), 0.95),
]


def track(pixels: np.ndarray) -> np.ndarray:
    with closing(FaceMeshTracker(TrackingConfig(smooth=False), still=True)) as tracker:
        found = tracker.track(Frame(pixels, 0, 0.0))
    assert found is not None
    return found.points


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> PhotoTarget:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REENACT_HOME", str(home))
        cv2.imwrite(str(home / "a.png"), face())
        add_target(home / "a.png", "a", "synthetic")
        opened = load_target("a")
    assert isinstance(opened, PhotoTarget)
    return opened


def iod(points: np.ndarray) -> float:
    return float(np.linalg.norm(points[33, :2] - points[263, :2]))


def test_rest_is_the_picture_itself(target: PhotoTarget) -> None:
    shot = target.shot(3, None)
    assert np.array_equal(shot.pixels, face())
    assert np.array_equal(shot.texture, face())
    assert np.array_equal(shot.points, shot.texture_points)
    assert (target.kind, target.size, target.rate, shot.index, shot.found) == ("photo", (400, 400), 0.0, 0, True)


def test_a_motion_of_nothing_changes_nothing(target: PhotoTarget) -> None:
    shot = target.shot(0, motion())
    assert np.array_equal(shot.pixels, face())
    assert np.abs(shot.points - target.shot(0, None).points).max() < 1e-3


def test_setting_off_is_no_jump(target: PhotoTarget) -> None:
    moved = target.shot(0, motion(shift=(0.002, 0))).pixels.astype(int)
    assert np.abs(moved - face()).mean() < 0.5
    assert np.abs(moved - face()).max() < 40  # a fifth of a pixel across the sharpest edge


@pytest.mark.parametrize("move", MOVES)
def test_the_face_in_the_picture_is_where_the_shot_says(target: PhotoTarget, move) -> None:
    shot = target.shot(0, move)
    found = track(shot.pixels)
    apart = np.linalg.norm((found - shot.points)[:468, :2], axis=1) / iod(found)
    assert np.median(apart) < 0.025
    unmoved = np.linalg.norm((found - shot.texture_points)[:468, :2], axis=1) / iod(found)
    assert np.median(apart) < 0.5 * np.median(unmoved)


@pytest.mark.parametrize("move", MOVES)
def test_landmarks_go_where_the_head_goes(target: PhotoTarget, move) -> None:
    rest, shot = target.shot(0, None).points, target.shot(0, move)
    wanted = move_head(rest, move)
    front = [1, 4, 6, 13, 14, 33, 133, 362, 263, 61, 291]  # nose, lips, corners of the eyes
    assert np.abs(shot.points - wanted)[front, :2].max() < 0.02 * iod(rest)
    assert np.median(np.abs(shot.points - wanted)[:, :2]) < 0.01 * iod(rest)


@pytest.mark.parametrize("move", MOVES)
def test_background_stays_bit_for_bit(target: PhotoTarget, move) -> None:
    pixels, picture = target.shot(0, move).pixels, face()
    for far in (np.s_[:40, :90], np.s_[:40, -90:], np.s_[60:200, :40], np.s_[60:200, -40:]):
        assert np.array_equal(pixels[far], picture[far])
    assert (pixels != picture).any(-1).mean() > 0.1


def test_the_old_outline_does_not_stay_behind(target: PhotoTarget) -> None:
    """A head gone far to the right leaves wall on the left, none of its own hair and ear."""
    points = target.shot(0, None).points
    shot = target.shot(0, motion(shift=(0.3, 0)))
    y, x = int(points[234, 1]), int(points[234, 0]) - 2  # at the root of the ear
    wall = shot.pixels[y - 6 : y + 6, x - 12 : x + 4].reshape(-1, 3).mean(0)
    outside = face()[y - 6 : y + 6, x - 60 : x - 45].reshape(-1, 3).mean(0)
    skin = face()[y - 6 : y + 6, x + 15 : x + 30].reshape(-1, 3).mean(0)
    assert np.abs(wall - outside).sum() < 0.5 * np.abs(wall - skin).sum()


@pytest.mark.parametrize("pixels", [(0.5, 0.0), (0.25, 0.25), (0.5, 0.5), (0.75, 0.3)])
def test_a_small_motion_does_not_soften(target: PhotoTarget, pixels: tuple[float, float]) -> None:
    rest = target.shot(0, None)
    x0, y0 = rest.points[:468, :2].min(0).astype(int)
    x1, y1 = rest.points[:468, :2].max(0).astype(int)

    def detail(picture: np.ndarray) -> float:
        grey = cv2.cvtColor(picture[y0:y1, x0:x1], cv2.COLOR_BGR2GRAY)
        return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean())

    moved = target.shot(0, motion(shift=tuple(p / iod(rest.points) for p in pixels)))
    assert 0.75 < detail(moved.pixels) / detail(rest.pixels) < 1.1


def test_a_shot_is_memory_of_its_own(target: PhotoTarget) -> None:
    first = target.shot(0, MOVES[0]).pixels
    kept = first.copy()
    target.shot(0, MOVES[1])
    assert np.array_equal(first, kept)
    first[:] = 0
    assert np.array_equal(target.shot(0, None).pixels, face())


def test_large_turns_do_not_fold_the_picture(target: PhotoTarget) -> None:
    points = target.shot(0, None).points
    field = HeadField(points, (400, 400), layered=True)
    for turn in ((40, 0, 0), (-40, 0, 0), (0, 35, 0), (0, -35, 0)):
        moved = field(move_head(points, motion(turn)))
        across = 1 + np.diff(moved[..., 0], axis=1) / field.step
        down = 1 + np.diff(moved[..., 1], axis=0) / field.step
        assert across.min() > 0
        assert down.min() > 0


def test_inverse_undoes_the_field(target: PhotoTarget) -> None:
    points = target.shot(0, None).points
    field = HeadField(points, (400, 400), layered=True)
    forward = field(move_head(points, MOVES[-1]))
    back = field.inverse(forward)
    rows, columns = field.shape
    for i in range(0, rows, 3):
        for j in range(0, columns, 3):
            x = np.clip(j - back[i, j, 0] / field.step, 0, columns - 1.001)
            y = np.clip(i - back[i, j, 1] / field.step, 0, rows - 1.001)
            x0, y0 = int(x), int(y)
            cell = forward[y0 : y0 + 2, x0 : x0 + 2].astype(float)
            upper, lower = cell[:, 0] + (x - x0) * (cell[:, 1] - cell[:, 0])
            assert np.abs(upper + (y - y0) * (lower - upper) - back[i, j]).max() < 0.02


def test_without_layers_the_picture_rests_at_its_edges() -> None:
    picture = face()
    points = track(picture)
    mover = HeadMover(picture, points)
    moved = mover(move_head(points, motion((8, 0, 5), (0.2, 0.1))))
    assert (moved != picture).any(-1).mean() > 0.2
    rim = np.concatenate([moved[0], moved[:, 0], moved[:, -1]]).astype(int)
    still = np.concatenate([picture[0], picture[:, 0], picture[:, -1]])
    assert np.abs(rim - still).max() <= 2
    assert np.array_equal(mover(points), picture)


def naive_compose(layer, pad, background, remainder, back, step, reach, picture):
    """What compose does, pixel by pixel in float64, without a cell skipped."""
    height, width = picture.shape[:2]
    out = picture.astype(float)
    halves = layer[..., None].view(np.uint8).astype(float)  # BGR times opacity, opacity; the same sharpened

    def bilinear(plane, y, x):
        y, x = min(max(y, 0), plane.shape[0] - 1.001), min(max(x, 0), plane.shape[1] - 1.001)
        i, j = int(y), int(x)
        fy, fx = y - i, x - j
        return (plane[i, j] * (1 - fx) + plane[i, j + 1] * fx) * (1 - fy) + (
            plane[i + 1, j] * (1 - fx) + plane[i + 1, j + 1] * fx
        ) * fy

    for y in range(height):
        for x in range(width):
            dx, dy = (bilinear(back[..., c], y / step, x / step) for c in range(2))
            at = y + pad - dy, x + pad - dx
            fy, fx = at[0] % 1, at[1] % 1
            between = 2 * (fx * (1 - fx) + fy * (1 - fy))
            b, g, r, opacity = (
                (1 - between) * bilinear(halves[..., c], *at) + between * bilinear(halves[..., 4 + c], *at)
                for c in range(4)
            )
            share = max(0.0, 1 - np.hypot(dx, dy) / reach)
            value = np.array([b, g, r]) + (1 - opacity / 255) * background[y, x] + share * remainder[y, x]
            out[y, x] = np.clip(value, 0, 255)
    return out


def test_compose_agrees_with_its_naive_twin() -> None:
    random = np.random.default_rng(3)
    height, width, pad, step = 37, 50, 8, 5
    picture = random.integers(0, 256, (height, width, 3), np.uint8)
    background = picture.copy()
    background[8:30, 10:40] = random.integers(0, 256, (22, 30, 3), np.uint8)
    matte = np.zeros((height, width), np.uint8)
    matte[10:28, 12:38] = 130
    matte[13:25, 15:35] = 255
    behind = (background.astype(int) * (255 - matte[..., None].astype(int)) + 127) // 255
    person = np.clip(picture - behind, 0, matte[..., None])
    remainder = (picture - (person + behind)).astype(np.int16)
    padded = np.zeros((height + 2 * pad, width + 2 * pad, 4), np.uint8)
    padded[pad:-pad, pad:-pad] = np.concatenate([person, matte[..., None]], -1)
    layer = kernel.pack(padded)
    rows, columns = -(-height // step) + 1, -(-width // step) + 1
    back = cv2.GaussianBlur(random.normal(0, 8, (rows, columns, 2)).astype(np.float32), (0, 0), 1.5)
    back[:, :2] = 0
    out = picture.copy()
    hides = kernel.hidden_cells(picture, background, step)
    occupied = kernel.occupancy(layer, step)
    assert set(np.unique(occupied)) == {0, 1, 2}
    kernel.compose(layer, occupied, pad, background, remainder, hides, back, step, 2.0, out)
    twin = naive_compose(layer, pad, background, remainder, back, step, 2.0, picture)
    assert np.abs(out - twin).max() <= 2.5  # rounding of each lerp
    assert np.abs(out - twin).mean() < 0.6
