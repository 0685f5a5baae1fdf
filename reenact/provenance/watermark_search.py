"""Finding the watermark in pictures that were compressed, scaled, cropped or mirrored on their way."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from reenact.errors import InputError
from reenact.provenance.watermark_code import CHECK_BITS, SIGNS, decode
from reenact.provenance.watermark_evidence import Evidence
from reenact.provenance.watermark_payload import Payload
from reenact.provenance.watermark_spectrum import Complexes, Spectrum
from reenact.provenance.watermark_tile import HIGHEST, tile_sides, waves
from reenact.types import Floats, Pixels, check_pixels

Sides = npt.NDArray[np.float64]

_LOOKS = (1, 4, 12, 30)  # pictures after which an answer is tried for
_SHORTEST, _LONGEST = 64.0, 128.0  # pixels of a tile, at the reduction that is looked at
_FIRST = 46.0  # at full size
_SCALED = 4.0  # times larger or smaller than marked
_TYPICAL = 17.0  # cycles a tile, of the waves
_STEP = 0.6  # from one side to the next such a wave moves by 0.3 of its length at the borders
_REACHES = (1.0, 0.35)  # of that step, to both sides, in a closer look
_GRID, _FINE_GRID = 72, 384  # places along a tile's side
_ENOUGH = 4.6  # standard deviations of the pilot waves, for a closer look
_CERTAIN = 5.6  # for an attempt to read
_CANDIDATES = 4  # of a reduction that get a closer look
_MOST_CHECKS = 4000  # checksums compared for one answer: 4000 / 2 ** 32 is a false alarm in a million
_LEAST_GAIN = 0.05
_CHUNK = 64  # sides at a time


@dataclass(frozen=True, slots=True)
class Found:
    """A watermark that was read.

    payload      what it says; its checksum holds
    false_alarm  upper bound of the probability that pictures without a mark give any answer at all: how many
                 checksums were compared, over 2 ** 32
    frames       how many pictures were looked at until it could be read
    scale        size of the pictures over that when they were marked: 0.5 for half size; cutting does not change it
    mirrored     whether left and right are exchanged
    pilot        how far the pattern's fixed part stands out, standard deviations
    """

    payload: Payload
    false_alarm: float
    frames: int
    scale: float
    mirrored: bool
    pilot: float


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a pattern may be: the reduction, the tile's sides there, pixels, and how far it stands out."""

    level: int
    across: float
    down: float
    mirrored: bool
    pilot: float


def find_watermark(frames: Iterable[Pixels]) -> Found | None:
    """Reads the mark from pictures of one video, or from a single one; None where none can be read.

    frames  each (H, W, 3) uint8 BGR, all of one size (another size starts anew); as many are taken as are needed
            for an answer, all of them where there is none.  30 of one scene are plenty
    A second or so for the pictures that answer at once, some seconds for those that do not.
    Raises TypeError or ValueError for what is no picture.
    """
    search = Search()
    for pixels in frames:
        search.add(pixels)
        if search.frames in _LOOKS and (found := search.look()) is not None:
            return found
    return search.look()


class Search:
    """Pictures are added one by one; `look` tries for an answer from those so far.

    checks  how many checksums were compared
    pilot   how far a pattern's fixed part stood out at the last look, standard deviations; 0.0 where nothing did
    signs   (576,) float32: what was measured there of the code's signs; all 0 where nothing stood out
    """

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = ()
        self._evidence = Evidence()
        self._looked = 0
        self.checks = 0
        self.pilot, self.signs = 0.0, np.zeros(SIGNS, np.float32)

    @property
    def frames(self) -> int:
        return self._evidence.frames

    def add(self, pixels: Pixels) -> None:
        """(H, W, 3) uint8 BGR; one of another size than those before starts anew."""
        check_pixels("frames", pixels)
        if pixels.shape != self._shape:
            self._shape, self._evidence, self._looked = pixels.shape, Evidence(), 0
        self._evidence.add(pixels)

    def look(self) -> Found | None:
        """What the pictures so far say; None where they say nothing, or were asked already."""
        if self._looked == self.frames:
            return None
        self._looked = self.frames
        self.pilot, self.signs = 0.0, np.zeros(SIGNS, np.float32)
        for level, picture in sorted(self._evidence.levels.items(), reverse=True):  # the small ones take no time
            spectrum = Spectrum(picture)
            for candidate in _candidates(spectrum, level):
                place, signs = _closer(spectrum, candidate)
                found = self._read(place, signs)
                if found is not None or place.pilot > self.pilot:
                    self.pilot, self.signs = place.pilot, signs
                if found is not None:
                    return found
        return None

    def _read(self, place: "_Place", soft: Floats) -> Found | None:
        if place.pilot < _CERTAIN:
            return None
        side = (place.across * place.down) ** 0.5 * 2**place.level
        sides = [s for s in tile_sides() if 1 / _SCALED <= side / s <= _SCALED]
        if self.checks + len(sides) > _MOST_CHECKS:
            return None
        self.checks += len(sides)
        decoded = decode(soft, sides)
        if decoded is None:
            return None
        try:
            payload = Payload.unpack(decoded[0])
        except InputError:
            return None
        false_alarm = self.checks * 2.0**-CHECK_BITS
        return Found(payload, false_alarm, self.frames, side / decoded[1], place.mirrored, place.pilot)


def _periods(shape: tuple[int, ...], level: int) -> Sides:
    """Sides of the tile to be tried, pixels: even steps of frequency."""
    step = _STEP / (_TYPICAL * max(shape))
    shortest = _FIRST if level == 0 else _SHORTEST
    return 1.0 / np.arange(1.0 / shortest, 1.0 / min(_LONGEST, 1.2 * min(shape)), -step)


def _read(spectrum: Spectrum, across: Sides, down: Sides, mirrored: bool, chosen: npt.NDArray[np.int64]) -> Complexes:
    """(n, m): the chosen waves of n tiles of these sides, turned so that a mark's are all real at its place."""
    every = waves()
    x, y = every.x[chosen] / across[:, None], every.y[chosen] / down[:, None]
    values = np.conj(spectrum.at(x, -y)) if mirrored else spectrum.at(x, y)
    turned: Complexes = values * np.conj(every.turned[chosen])
    return turned


def _standing_out(spectrum: Spectrum, across: Sides, down: Sides, mirrored: bool) -> Floats:
    """(n, _GRID * _GRID): the pilot waves' sum for n tiles of these sides at each place, in standard deviations."""
    read = _read(spectrum, across, down, mirrored, waves().pilot)
    heights: Floats = np.concatenate([read.real, read.imag], 1) @ _places()
    return heights


@lru_cache(maxsize=1)
def _places() -> Floats:
    """(2 * pilots, _GRID * _GRID) float32: the pilots, real and imaginary, at each place, as parts of their sum.

    One product with it is quicker than Fourier transforms of so few waves.
    """
    x, y = waves().x[waves().pilot], waves().y[waves().pilot]
    v, u = np.divmod(np.arange(_GRID * _GRID), _GRID)
    turned = np.exp(2j * np.pi * (x[:, None] * u + y[:, None] * v) / _GRID) * np.sqrt(2.0 / len(x))
    return np.asarray(np.concatenate([turned.real, -turned.imag]), np.float32)


def _finest(read: Complexes) -> tuple[float, int, int]:
    """How far one tile's pilot waves stand out where they do so most, and row and column of that in _FINE_GRID."""
    pilot = waves().pilot
    placed = np.zeros((_FINE_GRID, HIGHEST + 1), np.complex64)
    placed[waves().y[pilot] % _FINE_GRID, waves().x[pilot]] = read
    heights = np.fft.irfft(np.fft.ifft(placed, axis=0), _FINE_GRID, axis=1)  # irfft2, without columns that are empty
    v, u = divmod(int(heights.argmax()), _FINE_GRID)
    return float(heights[v, u] * (_FINE_GRID**2 / np.sqrt(2.0 * len(pilot)))), u, v


def _candidates(spectrum: Spectrum, level: int) -> list[_Place]:
    """The sides at which the pilot waves stand out most."""
    periods = _periods(spectrum.shape, level)
    places = []
    for mirrored in (False, True):
        chunks = [periods[start : start + _CHUNK] for start in range(0, len(periods), _CHUNK)]
        heights = [_standing_out(spectrum, chunk, chunk, mirrored).max(1) for chunk in chunks]
        height = np.concatenate([*heights, np.zeros(0, np.float32)])
        for i in np.argsort(-height)[: 2 * _CANDIDATES]:
            if height[i] >= _ENOUGH and height[i] == height[max(0, i - 2) : i + 3].max():
                places.append(_Place(level, periods[i], periods[i], mirrored, float(height[i])))
    return sorted(places, key=lambda place: -place.pilot)[:_CANDIDATES]


def _closer(spectrum: Spectrum, place: _Place) -> tuple[_Place, Floats]:
    """The same place with its sides fitted, each by itself, and what is measured of the 576 signs there."""
    every = waves()
    height, width = spectrum.shape
    across, down = place.across, place.down
    for reach in _REACHES:
        tried = np.linspace(-reach, reach, 7) * _STEP / _TYPICAL
        x, y = (grid.ravel() for grid in np.meshgrid(1 / (1 / across + tried / width), 1 / (1 / down + tried / height)))
        best = int(_standing_out(spectrum, x, y, place.mirrored).max(1).argmax())
        across, down = float(x[best]), float(y[best])
    sides = np.array([across]), np.array([down])
    values = _read(spectrum, *sides, place.mirrored, np.arange(len(every.x)))[0]
    pilot, u, v = _finest(values[every.pilot])
    there = np.exp(2j * np.pi * (every.x * u + every.y * v) / _FINE_GRID)
    signs = (values * there).real.astype(np.float32)
    return _Place(place.level, across, down, place.mirrored, pilot), _weighted(signs)


def _weighted(signs: Floats) -> Floats:
    """The data's signs, each by how well the pilots of about its frequency came through."""
    every = waves()
    radius = np.hypot(every.x, every.y)
    ring = np.searchsorted(np.quantile(radius[every.pilot], (0.25, 0.5, 0.75)), radius)
    gains = np.array([max(_LEAST_GAIN, signs[every.pilot][ring[every.pilot] == r].mean()) for r in range(4)])
    return np.asarray((signs * gains[ring])[every.data], np.float32)
