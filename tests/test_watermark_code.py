"""The watermark's payload, checksum, error-correcting code and tile."""

import datetime
import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marked import PAYLOAD

from reenact.errors import InputError
from reenact.provenance import Payload, payload_today
from reenact.provenance.watermark_code import INFORMATION, RATE, SIGNS, decode, encode
from reenact.provenance.watermark_payload import FIRST_DAY
from reenact.provenance.watermark_tile import HIGHEST, LOWEST, ROUND, tile, tile_side, tile_sides, waves
from reenact.version import __version__

SIDE = 224
payloads = st.builds(
    Payload,
    st.integers(1, 15),
    st.tuples(st.integers(0, 31), st.integers(0, 127)),
    st.dates(FIRST_DAY, FIRST_DAY + datetime.timedelta(65535)),
    st.integers(0, 2**32 - 1),
)


@given(payloads)
def test_a_payload_is_64_bits_and_back(payload: Payload) -> None:
    packed = payload.pack()
    assert 0 < packed < 1 << 64
    assert Payload.unpack(packed) == payload


@pytest.mark.parametrize(
    "wrong",
    [
        {"product": 0},
        {"product": 16},
        {"version": (32, 0)},
        {"version": (0, 128)},
        {"day": datetime.date(2019, 12, 31)},
        {"day": datetime.date(2200, 1, 1)},
        {"signer": 1 << 32},
        {"signer": -1},
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict) -> None:
    fields = {"product": 1, "version": (0, 1), "day": datetime.date(2026, 5, 3), "signer": 7}
    with pytest.raises(InputError, match="expected"):
        Payload(**{**fields, **wrong})


def test_bits_that_no_payload_has_are_refused() -> None:
    with pytest.raises(InputError, match="product is 0"):
        Payload.unpack(7)


def test_today_s_payload_says_this_version_and_day() -> None:
    payload = payload_today(9, datetime.date(2026, 5, 3))
    assert ".".join(map(str, payload.version)) == ".".join(__version__.split(".")[:2])
    assert (payload.day, payload.signer) == (datetime.date(2026, 5, 3), 9)


def received(packed: int, wrong: float, seed: int) -> np.ndarray:
    """The code's signs of which a part has turned."""
    rng = np.random.default_rng(seed)
    return encode(packed, SIDE) * np.where(rng.random(SIGNS) < wrong, -1, 1).astype(np.float32)


@settings(max_examples=6)
@given(payloads, st.integers(0, 1000))
def test_the_code_mends_a_fifth_of_its_signs(payload: Payload, seed: int) -> None:
    assert decode(received(payload.pack(), 0.2, seed), [SIDE]) == (payload.pack(), SIDE)


def test_weak_signs_are_read_and_wrong_ones_never() -> None:
    """At an energy of 2.4 a bit, 3.8 dB over the noise of 0 dB: what a picture barely holds."""
    packed, read = PAYLOAD.pack(), 0
    for seed in range(8):
        noise = np.random.default_rng(seed).standard_normal(SIGNS)
        found = decode((np.sqrt(240 / SIGNS) * encode(packed, SIDE) + noise).astype(np.float32), [SIDE])
        assert found in (None, (packed, SIDE))
        read += found is not None
    assert read >= 7


def test_noise_says_nothing() -> None:
    for seed in range(6):
        noise = np.random.default_rng(seed).standard_normal(SIGNS).astype(np.float32)
        assert decode(noise, tile_sides()) is None
    assert decode(np.zeros(SIGNS, np.float32), tile_sides()) is None
    assert decode(np.ones(SIGNS, np.float32), tile_sides()) is None


def test_the_checksum_covers_the_side_of_the_tile() -> None:
    soft = encode(PAYLOAD.pack(), SIDE).astype(np.float32)
    assert decode(soft, [112, SIDE, 96]) == (PAYLOAD.pack(), SIDE)
    assert decode(soft, [112, 96]) is None


def test_the_encoder_equals_its_naive_twin() -> None:
    """Polynomial by polynomial, as the textbook has it: each output is a parity of the last 15 bits."""
    signs = encode(PAYLOAD.pack(), SIDE).reshape(INFORMATION, RATE)
    bits = [int(b) for b in f"{PAYLOAD.pack():064b}"]
    for g, octal in enumerate((0o46321, 0o51271, 0o70535, 0o63667, 0o73277, 0o76513)):
        taps = [int(b) for b in f"{octal:015b}"]  # the oldest bit first
        for i in range(20, 64):
            parity = sum(tap * bits[i - 14 + k] for k, tap in enumerate(taps)) % 2
            assert signs[i, g] == 1 - 2 * parity


def test_the_pattern_never_changes() -> None:
    """Marks that are out in the world are read with it: a change needs another name, and a reader for both."""
    every = waves()
    said = [every.x.tolist(), every.y.tolist(), every.data.tolist(), encode(PAYLOAD.pack(), SIDE).tolist()]
    assert hashlib.sha256(repr(said).encode()).hexdigest() == GOLDEN
    assert np.angle(every.turned[[0, 100, 400, 657]]) == pytest.approx([-0.7739, -0.3102, 1.7902, -1.6289], abs=1e-3)
    assert [tile_side(size) for size in ((256, 256), (640, 480), (1280, 720), (1920, 1080))] == [112, 160, 224, 304]


GOLDEN = "51f838384cf2a7d1504a83aaf92eca092d87a9c7a818288032b254cf7af2291d"


def test_the_waves_are_each_there_once() -> None:
    every = waves()
    assert len(set(zip(every.x.tolist(), every.y.tolist(), strict=True))) == len(every.x)
    assert (every.x > 0).all()
    radius = np.hypot(every.x, every.y)
    assert radius.min() >= LOWEST
    assert radius.max() <= HIGHEST
    assert np.array_equal(np.sort(np.concatenate([every.data, every.pilot])), np.arange(len(every.x)))
    assert len(every.data) == SIGNS


@pytest.mark.parametrize("side", [64, 112, 224])
def test_a_tile_has_nothing_but_its_waves_and_fits_to_itself(side: int) -> None:
    signs = encode(PAYLOAD.pack(), side)
    made = tile(side, signs)
    assert made.dtype == np.float32
    assert abs(made.mean()) < 1e-6
    assert made.std() == pytest.approx(1, abs=1e-5)
    spectrum = np.fft.rfft2(np.tile(made, (2, 2)))[::2, ::2]  # of two by two: still all of it at whole cycles a tile
    every = waves()
    there = spectrum[every.y % side, every.x]
    assert np.count_nonzero(np.abs(spectrum) > 0.01 * np.abs(there).max()) == len(every.x)
    turned = (there * np.conj(every.turned)).real
    assert np.array_equal(np.sign(turned[every.data]), signs)
    assert (turned[every.pilot] > 0).all()


def test_sides_are_whole_steps_and_grow_with_the_picture() -> None:
    sides = [tile_side((size, size)) for size in range(16, 4096, 16)]
    assert sides == sorted(sides)
    assert all(side % ROUND == 0 and side in tile_sides() for side in sides)
