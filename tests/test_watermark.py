"""Marking: what it does to a picture, and what it leaves alone."""

import tracemalloc

import cv2
import numpy as np
import pytest
from marked import PAYLOAD, scene

from reenact.config import WatermarkConfig
from reenact.errors import InputError
from reenact.provenance import Watermarker
from reenact.provenance import watermark as constants
from reenact.provenance.watermark_code import encode
from reenact.provenance.watermark_kernel import BENDS, HIGH, LIMIT, SHIFT, UNIT, WIDE, add_tile
from reenact.provenance.watermark_tile import tile, tile_side

SIZE = (320, 240)


def naive_add(
    picture: np.ndarray, wave: np.ndarray, weakest: int, strongest: int, smooth: int, gain: int
) -> np.ndarray:
    """reenact.provenance.watermark_kernel.add_tile, block by block, in Python's own integers; picture (H, W, 3)."""
    out = picture.astype(int)
    height, width = picture.shape[:2]
    for top in range(0, height, HIGH):
        for left in range(0, width, WIDE):
            block = picture[top : top + HIGH, left : left + WIDE].astype(int)
            busy = 0
            if block.shape[1] == WIDE:
                for y in (1, 5):
                    row = block[min(y, len(block) - 1)]
                    busy += int(np.minimum(np.abs(row[:-2] - 2 * row[1:-1] + row[2:]), LIMIT).sum())
            strength = min(strongest, weakest + (max(0, busy - smooth) * gain >> 8))
            for y in range(block.shape[0]):
                for x in range(block.shape[1]):
                    step = wave[(top + y) % len(wave), (left + x) % len(wave)] * strength
                    out[top + y, left + x] += (int(step) + (1 << SHIFT - 1)) >> SHIFT
    return np.clip(out, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [(64, 48), (37, 29), (16, 8), (15, 3), (1, 1), (130, 70)])
def test_the_kernel_equals_its_naive_twin(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(size[0])
    picture = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    picture[: size[1] // 2] = picture[: size[1] // 2] // 50 + 100  # less busy
    picture[:, : size[0] // 3] = (0, 255, 128)  # both ends of the range
    wave = np.clip(np.rint(UNIT * rng.standard_normal((32, 32))), -127, 127).astype(np.int8)
    want = naive_add(picture, wave, 19, 61, BENDS, 80)
    got = picture.copy()
    add_tile(got.reshape(size[1], -1), np.repeat(wave, 3, axis=1), 19, 61, BENDS, 80)
    assert np.array_equal(got, want)
    assert size == (1, 1) or not np.array_equal(got, picture)


def test_it_marks_in_place_or_into_another_picture() -> None:
    bare = scene(SIZE)
    marker = Watermarker(SIZE, PAYLOAD)
    out = np.empty_like(bare)
    kept = bare.copy()
    assert marker.mark(bare, out) is out
    assert np.array_equal(bare, kept)
    assert marker.mark(bare) is bare
    assert np.array_equal(bare, out)
    assert not np.array_equal(bare, kept)


def test_nothing_is_allocated_for_a_picture() -> None:
    marker, picture = Watermarker((1280, 720), PAYLOAD), scene((1280, 720))
    out = picture.copy()
    marker.mark(picture, out)
    tracemalloc.start()
    for _ in range(3):
        marker.mark(picture, out)
        marker.mark(out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4000  # bytes: Python's own small objects; the picture has 2.8 million


@pytest.mark.parametrize("busy", ["noise", "cloth", "stripes"])
def test_42_db_wherever_a_picture_is_busy_all_over(busy: str) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(40, 216, (480, 640, 3), dtype=np.uint8)
    cloth = np.repeat(np.clip(rng.normal(128, 20, (480, 640, 1)), 0, 255).astype(np.uint8), 3, axis=2)
    stripes = np.tile(np.array([60, 190], np.uint8).repeat(3).reshape(1, 2, 3), (480, 320, 1))
    picture = {"noise": noise, "cloth": cloth, "stripes": stripes}[busy]
    marked = Watermarker((640, 480), PAYLOAD).mark(picture.copy())
    assert 42.0 < cv2.PSNR(picture, marked) < 44.0


def steps(picture: np.ndarray) -> np.ndarray:
    """By how much each pixel is changed; all three channels alike."""
    height, width = picture.shape[:2]
    change = Watermarker((width, height), PAYLOAD).mark(picture.copy()).astype(int) - picture
    assert (change == change[:, :, :1]).all()
    return change[:, :, 0]


def test_flat_and_shaded_places_get_next_to_nothing_and_cloth_more() -> None:
    flat = np.full((240, 320, 3), 128, np.uint8)
    shaded = np.repeat(np.tile(np.linspace(20, 235, 320), (240, 1))[:, :, None], 3, axis=2).round().astype(np.uint8)
    for smooth in (flat, shaded):
        change = steps(smooth)
        assert np.abs(change).max() <= 3
        assert 0.55 < change.std() < 0.75
        assert (change != 0).mean() < 0.45
    cloth = np.random.default_rng(0).normal(128, 6, (240, 320)).clip(0, 255).astype(np.uint8)
    assert steps(np.repeat(cloth[:, :, None], 3, axis=2)).std() > 1.6


def test_one_hard_edge_does_not_light_up_the_wall_beside_it() -> None:
    edge = np.full((240, 320, 3), 60, np.uint8)
    edge[:, 168:] = 200
    change = steps(edge)
    assert change[:, 160:176].std() < 1.15 * change[:, :160].std()


def test_the_whole_range_is_kept() -> None:
    for value in (0, 255):
        marked = Watermarker(SIZE, PAYLOAD).mark(np.full((240, 320, 3), value, np.uint8))
        assert np.abs(marked.astype(int) - value).max() <= 3


def test_half_the_strength_is_six_db_less() -> None:
    bare = scene((640, 480))
    full, half = (
        cv2.PSNR(bare, Watermarker((640, 480), PAYLOAD, WatermarkConfig(strength)).mark(bare.copy()))
        for strength in (1.0, 0.5)
    )
    assert half - full == pytest.approx(5.5, abs=1.0)  # rounding to whole grey levels costs the rest
    with pytest.raises(InputError, match="watermark strength"):
        WatermarkConfig(2.0)


def test_every_picture_of_a_run_gets_the_same_pattern() -> None:
    """What is still between two pictures stays still: the mark adds no flicker of its own."""
    marker = Watermarker(SIZE, PAYLOAD)
    bare = scene(SIZE)
    first, second = marker.mark(bare.copy()), marker.mark(bare.copy())
    assert np.array_equal(first, second)
    other = bare.copy()
    other[:120] = scene(SIZE, 1)[:120]  # the lower half stands still
    assert np.array_equal(marker.mark(other)[120:], first[120:])


def test_the_change_is_the_tile() -> None:
    change = steps(np.full((720, 1280, 3), 128, np.uint8)).astype(float)
    side = tile_side((1280, 720))
    wanted = np.tile(tile(side, encode(PAYLOAD.pack(), side)), (4, 6))[:720, :1280]
    assert np.corrcoef(change.ravel(), wanted.ravel())[0, 1] > 0.9


@pytest.mark.parametrize(
    ("pixels", "error", "words"),
    [
        (np.zeros((240, 321, 3), np.uint8), ValueError, "321x240, expected 320x240"),
        (np.zeros((240, 320, 4), np.uint8), ValueError, "shape"),
        (np.zeros((240, 320, 3), np.float32), TypeError, "dtype"),
        (np.zeros((240, 640, 3), np.uint8)[:, ::2], ValueError, "contiguous"),
    ],
)
def test_what_is_no_picture_of_its_size_is_refused(pixels: np.ndarray, error: type, words: str) -> None:
    marker = Watermarker(SIZE, PAYLOAD)
    with pytest.raises(error, match=words):
        marker.mark(pixels)
    good = scene(SIZE)
    with pytest.raises((TypeError, ValueError)):
        marker.mark(good, pixels)


def test_constants_keep_the_promise_of_42_db() -> None:
    assert constants._STRONGEST**2 + 1 / 12 < 255**2 / 10**4.2
