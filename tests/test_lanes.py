"""Small vectors in kernels: what they give is what a loop over the channels gives, to the bit."""

import numba
import numpy as np

from reenact.lanes import between_words, bilinear3, bilinear4, cubic3, nearest, over_pixel

_three = numba.njit(lambda flat, a, b, fx, fy: bilinear3(flat, a, b, fx, fy))
_four = numba.njit(lambda flat, a, b, fx, fy: bilinear4(flat, a, b, fx, fy))
_cubic = numba.njit(lambda flat, a, row, weights, at: cubic3(flat, a, row, weights, at))
_words = numba.njit(lambda flat, a, b, fx, fy: between_words(flat, a, b, fx, fy))
_over = numba.njit(lambda pixel, behind: over_pixel(pixel, behind))
_nearest = numba.njit(lambda value: nearest(value))


def channels(pixel: int, count: int) -> list[int]:
    return [(int(pixel) >> 8 * c) & 255 for c in range(count)]


def test_bilinear_sampling_is_a_loop_over_the_channels() -> None:
    rng = np.random.default_rng(0)
    flat = rng.integers(0, 256, 1000).astype(np.uint8)
    for _ in range(200):
        a, b, fx, fy = *rng.integers(0, 900, 2), *rng.integers(0, 33, 2)
        for sample, step in ((_three, 3), (_four, 4)):
            wanted = []
            for c in range(step):
                above = int(flat[a + c]) * (32 - fx) + int(flat[a + step + c]) * fx
                below = int(flat[b + c]) * (32 - fx) + int(flat[b + step + c]) * fx
                wanted.append((above * (32 - fy) + below * fy + 512) >> 10)
            assert channels(sample(flat, a, b, fx, fy), step) == wanted


def test_cubic_sampling_is_a_loop_over_pixels_and_channels() -> None:
    rng = np.random.default_rng(1)
    flat = rng.integers(0, 256, 1000).astype(np.uint8)
    weights = rng.integers(-8000, 16000, 1600).astype(np.int16)
    clipped = 0
    for _ in range(200):
        a, row, at = int(rng.integers(0, 100)), int(rng.integers(12, 200)), int(rng.integers(0, 1500))
        for c, value in enumerate(channels(_cubic(flat, a, row, weights, at), 3)):
            total = 16384
            for k in range(16):
                total += int(weights[at + k]) * int(flat[a + row * (k // 4) + 3 * (k % 4) + c])
            assert value == min(max(total >> 15, 0), 255)
            clipped += not 0 <= total >> 15 <= 255
    assert clipped > 10


def test_words_are_sampled_plain_and_sharpened_and_mixed() -> None:
    rng = np.random.default_rng(2)
    flat = rng.integers(0, 256, (40, 8)).astype(np.uint8).view(np.uint64)[:, 0]
    flat[:2] = np.uint64(2**64 - 1)
    for k in range(200):
        (a, b), (fx, fy) = (0, 0) if k == 0 else rng.integers(0, 39, 2), rng.integers(0, 256, 2)
        w = (fx * fy + 128) >> 8
        shares = (256 + w - fx - fy, fx - w, fy - w, w)
        words = [[(int(flat[i]) >> 8 * c) & 255 for c in range(8)] for i in (a, a + 1, b, b + 1)]
        both = [(sum(s * word[c] for s, word in zip(shares, words, strict=True)) + 128) >> 8 for c in range(8)]
        sharp = (fx * (256 - fx) + fy * (256 - fy)) >> 7
        wanted = [(both[c] * (256 - sharp) + both[c + 4] * sharp + 128) >> 8 for c in range(4)]
        assert channels(_words(flat, a, b, fx, fy), 4) == wanted


def test_a_pixel_lies_over_another_by_its_opacity() -> None:
    for opacity in range(256):
        for behind in (0, 1, 77, 128, 254, 255):
            pixel = opacity << 24 | min(opacity, 40) << 8
            wanted = [
                (behind * (255 - opacity) + 127) // 255,
                min(opacity, 40) + (behind * (255 - opacity) + 127) // 255,
            ]
            assert channels(_over(np.uint32(pixel), np.uint32(behind * 0x010101)), 2) == wanted
    assert channels(_over(np.uint32(0x01FFFFFF), np.uint32(0xFFFFFF)), 3) == [255] * 3


def test_halves_go_to_the_even_number() -> None:
    for value in (0.5, 1.5, 2.5, -0.5, -1.5, 3.49):
        assert _nearest(np.float32(value)) == np.rint(np.float32(value))
