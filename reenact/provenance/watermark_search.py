"""Finding the watermark in pictures that were compressed, scaled, cropped or mirrored on their way."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reenact.errors import InputError
from reenact.provenance.watermark_code import CHECK_BITS, decode
from reenact.provenance.watermark_evidence import Evidence
from reenact.provenance.watermark_payload import Payload
from reenact.provenance.watermark_spectrum import Spectrum
from reenact.provenance.watermark_tile import tile_sides, waves
from reenact.types import Floats, Pixels, check_pixels

_LOOKS = (1, 4, 12, 30)  # pictures after which an answer is tried for
_SHORTEST, _LONGEST = 64.0, 128.0  # pixels of a tile, at the reduction that is looked at
_FIRST = 46.0  # at full size
_SCALED = 4.0  # times larger or smaller than marked
_STEP = 0.6  # of the change that shifts the waves at the picture's border by a quarter
_GRID = 96  # places along a tile's side
_ENOUGH = 4.6  # standard deviations of the pilot waves, for a closer look
_CERTAIN = 5.6  # for an attempt to read
_CANDIDATES = 12  # that get a closer look
_CHUNK = 64


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
    """Pictures are added one by one; `look` tries for an answer from those so far."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = ()
        self._evidence = Evidence()
        self._looked = 0
        self.checks = 0  # how many checksums were compared

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
        spectra = [Spectrum(picture) for picture in self._evidence.levels]
        shapes = [picture.shape for picture in self._evidence.levels]
        places = [p for level, each in enumerate(spectra) for p in _candidates(each, level, shapes[level])]
        for place in sorted(places, key=lambda place: -place.pilot)[:_CANDIDATES]:
            found = self._read(*_closer(spectra[place.level], place, shapes[place.level]))
            if found is not None:
                return found
        return None

    def _read(self, place: "_Place", soft: Floats) -> Found | None:
        if place.pilot < _CERTAIN:
            return None
        side = (place.across * place.down) ** 0.5 * 2**place.level
        sides = [s for s in tile_sides() if 1 / _SCALED <= side / s <= _SCALED]
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


def _periods(shape: tuple[int, ...], level: int) -> npt.NDArray[np.float64]:
    """Sides of the tile to be tried, pixels: even steps of frequency."""
    step = _STEP / (17.0 * max(shape))  # at 17 cycles a tile: a quarter wave at half the longer side
    shortest = _FIRST if level == 0 else _SHORTEST
    return 1.0 / np.arange(1.0 / shortest, 1.0 / min(_LONGEST, 1.2 * min(shape)), -step)


def _correlated(
    spectrum: Spectrum, across: npt.NDArray[np.float64], down: npt.NDArray[np.float64], mirrored: bool, grid: int
) -> Floats:
    """(n, grid, grid): how far the pilot waves stand out for n tiles of these sides, at each place of the tile."""
    every = waves()
    x, y, turned = every.x[every.pilot], every.y[every.pilot], every.turned[every.pilot]
    values = _read(spectrum, across, down, mirrored, every.pilot)
    map_ = np.zeros((len(across), grid, grid // 2 + 1), np.complex64)
    map_[:, y % grid, x] = values * np.conj(turned)
    out = np.fft.irfft2(map_, (grid, grid)) * (grid * grid / 2 / np.sqrt(len(x) / 2))
    return out.astype(np.float32)


def _read(spectrum, across, down, mirrored, chosen):
    every = waves()
    x = every.x[chosen] / across[:, None]
    y = every.y[chosen] / down[:, None]
    return np.conj(spectrum.at(x, -y)) if mirrored else spectrum.at(x, y)


def _candidates(spectrum: Spectrum, level: int, shape: tuple[int, ...]) -> list[_Place]:
    places = []
    periods = _periods(shape, level)
    for mirrored in (False, True):
        heights = []
        for start in range(0, len(periods), _CHUNK):
            part = periods[start : start + _CHUNK]
            heights.append(_correlated(spectrum, part, part, mirrored, _GRID).max((1, 2)))
        if not heights:
            continue
        height = np.concatenate(heights)
        for i in np.argsort(-height)[: 2 * _CANDIDATES]:
            if height[i] >= _ENOUGH and height[i] == height[max(0, i - 2) : i + 3].max():
                places.append(_Place(level, periods[i], periods[i], mirrored, float(height[i])))
    return places


def _closer(spectrum: Spectrum, place: _Place, shape: tuple[int, ...]) -> tuple[_Place, Floats]:
    """The same place with its sides fitted, each by itself, and what is measured of the 576 signs there."""
    every = waves()
    across, down = place.across, place.down
    for width in (1.0, 0.35):
        tried = np.linspace(-width, width, 7) * _STEP / 17.0
        x, y = np.meshgrid(1 / (1 / across + tried / shape[1]), 1 / (1 / down + tried / shape[0]))
        heights = _correlated(spectrum, x.ravel(), y.ravel(), place.mirrored, _GRID).max((1, 2))
        best = int(heights.argmax())
        across, down = float(x.ravel()[best]), float(y.ravel()[best])
    sides = np.array([across]), np.array([down])
    fine = _correlated(spectrum, *sides, place.mirrored, 4 * _GRID)[0]
    top = int(fine.argmax())
    v, u = divmod(top, 4 * _GRID)
    values = _read(spectrum, *sides, place.mirrored, slice(None))[0]
    phase = np.exp(2j * np.pi * (every.x * u + every.y * v) / (4 * _GRID))
    signs = (values * np.conj(every.turned) * phase).real.astype(np.float32)
    found = _Place(place.level, across, down, place.mirrored, float(fine.ravel()[top]))
    return found, _weighted(signs)


def _weighted(signs: Floats) -> Floats:
    """The data's signs, each by how well the pilots near its frequency came through."""
    every = waves()
    radius = np.hypot(every.x, every.y)
    edges = np.quantile(radius[every.pilot], (0.25, 0.5, 0.75))
    ring = np.searchsorted(edges, radius)
    gains = np.array([max(0.05, float(signs[every.pilot][ring[every.pilot] == r].mean())) for r in range(4)])
    return (signs * gains[ring])[every.data].astype(np.float32)
