"""A target at half its size is the same picture, smaller; and its pictures fit the output again."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from people import face, motion, moving_face, write_video

from reenact.fitting import fitted
from reenact.stages import Target
from reenact.targets.library import OpenTarget, open_target
from reenact.targets.smaller import SmallerTarget

TURNED = motion((12, 4, 5), (0.15, 0.1), 1.08)


@pytest.fixture(scope="module", params=["photo", "video"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenTarget]:
    path: Path = tmp_path_factory.mktemp("target") / ("a.png" if request.param == "photo" else "a.mp4")
    if request.param == "photo":
        cv2.imwrite(str(path), face(400))
    else:
        write_video(path, moving_face(6, 320))
    with open_target(path, consent="synthetic") as target:
        yield target


@pytest.mark.parametrize("wanted", [None, TURNED])
def test_it_shows_the_same_moment_smaller(whole: OpenTarget, wanted) -> None:  # type: ignore[no-untyped-def]
    half = SmallerTarget(whole)
    assert isinstance(half, Target)
    assert half.size == (whole.size[0] // 2, whole.size[1] // 2)
    assert (half.name, half.kind, half.rate, half.bank) == (whole.name, whole.kind, whole.rate, whole.bank)
    for n in (0, 3):
        large, small = whole.shot(n, wanted), half.shot(n, wanted)
        expected = cv2.resize(large.pixels, half.size, interpolation=cv2.INTER_AREA)
        assert np.abs(small.pixels.astype(int) - expected).mean() < 1.5
        assert np.abs(small.points[:, :2] - (large.points[:, :2] - 0.5) / 2).max() < 0.35
        assert (small.index, small.found) == (large.index, large.found)
    half.close()


@pytest.mark.parametrize("part", [0.0, 1.0, 1.5])
def test_only_a_part_of_the_size_can_be_asked_for(whole: OpenTarget, part: float) -> None:
    with pytest.raises(ValueError, match="expected between 0 and 1"):
        SmallerTarget(whole, part)


# Fitting


def test_a_picture_that_has_the_size_is_handed_on_as_it_is() -> None:
    pixels = face(64)
    assert fitted(pixels, (64, 64)) is pixels


@pytest.mark.parametrize("size", [(32, 32), (128, 128), (100, 99)])
def test_equal_proportions_fill_the_output(size: tuple[int, int]) -> None:
    done = fitted(face(64), size, (0, 0, 0))
    assert done.shape == (size[1], size[0], 3)
    back = cv2.resize(done, (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(back.astype(int) - face(64)).mean() < 8


def test_others_are_shown_whole_between_bars() -> None:
    pixels = np.full((40, 100, 3), 200, np.uint8)
    done = fitted(pixels, (60, 60), (10, 20, 30))
    assert (done[18:42] == 200).all()  # 60 wide, 24 high, in the middle
    assert (done[:17] == (10, 20, 30)).all()
    assert (done[43:] == (10, 20, 30)).all()
    assert fitted(np.full((90, 30, 3), 200, np.uint8), (60, 60))[:, 20:40].min() == 200
