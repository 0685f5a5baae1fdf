"""Pictures that are none: black, or the same ones for a second."""

import numpy as np

from reenact.sources.liveliness import Liveliness

# Black and frozen.


def noisy(level: int, spread: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-spread, spread + 1, (120, 160, 3))
    return np.clip(level + noise, 0, 255).astype(np.uint8)


def faults(pictures: list[np.ndarray], period: float = 1 / 30) -> list[str]:
    look = Liveliness(1.0, 16)
    return [look.fault(picture, n * period) for n, picture in enumerate(pictures)]


def test_a_dark_room_is_not_black_and_a_covered_lens_is():
    room = noisy(8, 4, 0)
    room[40:80, 60:100] = 40  # a face by the light of a screen
    assert faults([room]) == [""]
    assert "black" in faults([noisy(5, 5, 1)])[0]
    assert faults([noisy(30, 3, 1)]) == [""]


def test_noise_alone_is_life_and_repeats_for_less_than_a_second_are_none():
    still = [noisy(100, 1, n) for n in range(60)]
    assert set(faults(still)) == {""}
    twice = [noisy(100, 1, n // 3) for n in range(60)]  # a camera slower than it is asked
    assert set(faults(twice)) == {""}
    slow = [noisy(100, 1, 0)] * 4
    assert set(faults(slow, period=0.5)) == {""}  # two pictures a second may well be the same once or twice


def test_the_same_picture_for_a_second_is_frozen_until_it_changes():
    same = [noisy(100, 1, 0)] * 40 + [noisy(100, 1, 1)]
    found = faults(same)
    first = next(n for n, words in enumerate(found) if words)
    assert first == 30
    assert all("again and again" in words for words in found[30:40])
    assert found[40] == ""
