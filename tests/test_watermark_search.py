"""Reading the watermark back, after all that happens to pictures on their way."""

from collections.abc import Iterator

import numpy as np
import pytest
from marked import PAYLOAD, scene

from reenact.bench import attacks as way
from reenact.provenance import Found, Watermarker, find_watermark
from reenact.provenance import watermark_search as searching
from reenact.provenance.watermark_code import CHECK_BITS, encode
from reenact.provenance.watermark_search import Search
from reenact.provenance.watermark_tile import tile_side

WIDE = (1280, 720)


def marked(size: tuple[int, int], frames: int = 1, first: int = 0) -> list[np.ndarray]:
    marker = Watermarker(size, PAYLOAD)
    return [marker.mark(scene(size, n)) for n in range(first, first + frames)]


@pytest.fixture(scope="module")
def wide() -> list[np.ndarray]:
    return marked(WIDE, 3)


def check(found: Found | None, scale: float = 1.0, mirrored: bool = False) -> None:
    assert found is not None
    assert found.payload == PAYLOAD
    assert found.scale == pytest.approx(scale, rel=0.01)
    assert found.mirrored == mirrored
    assert 0 < found.false_alarm < 1e-6


@pytest.mark.parametrize(
    ("attack", "scale", "mirrored"),
    [
        (lambda frames: frames, 1.0, False),
        (lambda frames: way.h264(frames, 28), 1.0, False),
        (lambda frames: way.scaled(frames, 0.5), 0.5, False),
        (lambda frames: way.scaled(frames, 0.713), 0.713, False),
        (lambda frames: way.cut(frames, 0.9), 1.0, False),
        (lambda frames: way.h264(way.cut(frames, 0.5), 28), 1.0, False),
        (lambda frames: way.vp8(frames, 1_000_000), 1.0, False),
        (lambda frames: way.vp8(way.scaled(frames, 0.5), 500_000), 0.5, False),
        (lambda frames: way.h264(way.mirrored(frames), 28), 1.0, True),
        (lambda frames: [way.jpeg(frame, 50) for frame in frames], 1.0, False),
        (lambda frames: [way.gamma(frame, 1.5) for frame in frames], 1.0, False),
    ],
    ids=[
        "none",
        "h264",
        "half",
        "odd scale",
        "cut",
        "half of each side, h264",
        "vp8",
        "half, vp8",
        "mirrored",
        "jpeg",
        "gamma",
    ],
)
def test_one_picture_of_1280x720_is_enough(attack, scale: float, mirrored: bool, wide: list[np.ndarray]) -> None:  # type: ignore[no-untyped-def]
    found = find_watermark(attack(wide)[-1:])
    check(found, scale, mirrored)
    assert found.frames == 1


@pytest.mark.parametrize("size", [(512, 512), (256, 256), (640, 360), (320, 568)])
def test_small_pictures_are_read_after_coding(size: tuple[int, int]) -> None:
    check(find_watermark(way.h264(marked(size, 4), 23)))


def test_pictures_vote_where_one_is_too_little() -> None:
    """Strong grain, another in each picture: one says nothing, twelve together do."""
    size = (256, 256)
    rng = np.random.default_rng(3)
    grain = [rng.normal(0, 60, (*size, 1)) for _ in range(12)]
    grainy = [np.clip(a + b, 0, 255).astype(np.uint8) for a, b in zip(marked(size, 12), grain, strict=True)]
    assert find_watermark(grainy[:1]) is None
    found = find_watermark(grainy)
    check(found)
    assert found.frames > 1


def test_no_more_pictures_are_taken_than_are_needed(wide: list[np.ndarray]) -> None:
    taken = []

    def frames() -> Iterator[np.ndarray]:
        for frame in wide:
            taken.append(frame)
            yield frame

    check(find_watermark(frames()))
    assert len(taken) == 1


def test_another_size_starts_anew() -> None:
    found = find_watermark([scene((300, 200), n) for n in range(3)] + marked((512, 512)))
    check(found)
    assert found.frames == 1


def test_pictures_without_a_mark_say_nothing() -> None:
    rng = np.random.default_rng(0)
    for bare in (
        [scene(WIDE)],
        [scene((512, 512), n) for n in range(5)],
        [rng.integers(0, 256, (360, 640, 3), dtype=np.uint8)],
        [np.full((256, 256, 3), 77, np.uint8)],
        [np.tile(rng.integers(0, 256, (112, 112, 3), dtype=np.uint8), (4, 5, 1))],  # a tile of the right size, no mark
    ):
        assert find_watermark(bare) is None
    assert find_watermark([]) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (16, 16), (47, 90), (2600, 60)])
def test_pictures_of_any_shape_are_looked_at(shape: tuple[int, int]) -> None:
    assert find_watermark([np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)]) is None


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(TypeError, match="dtype"):
        find_watermark([np.zeros((64, 64, 3))])
    with pytest.raises(ValueError, match="shape"):
        find_watermark([np.zeros((64, 64), np.uint8)])


def test_a_mark_of_another_payload_is_read_as_that(wide: list[np.ndarray]) -> None:
    other = type(PAYLOAD)(2, (1, 5), PAYLOAD.day, 0)
    found = find_watermark([Watermarker((512, 512), other).mark(scene((512, 512)))])
    assert found is not None
    assert found.payload == other


def test_a_mark_inside_a_larger_picture_is_read() -> None:
    """A call's window on a screen: 512x512 pixels of 1280x720."""
    screen = scene(WIDE, seed=9)
    screen[60:572, 333:845] = marked((512, 512))[0]
    check(find_watermark([screen]))


def test_false_alarms_are_bounded_by_the_checksums_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_CERTAIN", "_ENOUGH"):
        monkeypatch.setattr(searching, name, 0.0)  # everything is tried
    monkeypatch.setattr(searching, "_MOST_CHECKS", 60)
    search = Search()
    search.add(scene((256, 256)))
    assert search.look() is None
    assert 0 < search.checks <= 60
    monkeypatch.undo()
    assert searching._MOST_CHECKS * 2.0**-CHECK_BITS < 1e-6


def test_a_search_tells_what_it_measured() -> None:
    size = (256, 256)
    search = Search()
    search.add(marked(size)[0])
    assert search.look() is not None
    right = np.sign(search.signs) == encode(PAYLOAD.pack(), tile_side(size))
    assert right.mean() > 0.9
    assert search.look() is None  # nothing new since
