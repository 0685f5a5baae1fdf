"""The pattern that is added: a square tile, repeated over the picture, made in the frequency domain.

A tile's Fourier coefficients between LOWEST and HIGHEST cycles a tile each carry one sign: 576 of them those of the
payload's code, the others always the same ones, by which the tile is found again.  Every phase is drawn once and for
all from a hash, so that the pattern looks like noise of one grain size.  A repeated tile survives any cut (a cut is a
shift, a shift is a phase), and a scaled one still has all its coefficients, at other frequencies.

Wavelengths: T / 24 to T / 10 pixels for a tile of T.  Measured on five clips of 1280x720 with T = 224 to 256: after
x264 at CRF 28 and VP8 at 500 kbit/s these carry more than shorter waves, which the quantiser removes, and than longer
ones, where the picture itself is strong; see docs/watermark.md.
"""

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from reenact.provenance.watermark_code import SIGNS, Signs
from reenact.types import Floats

LOWEST, HIGHEST = 10, 24  # cycles a tile
_OFF_AXIS = 2  # upright and level edges, and the borders of coded blocks, lie on the axes
_BORN = b"reenact watermark, pattern 1"  # another text is another pattern: no mark made before could be read
ROUND = 16  # tiles are whole steps of the kernel's blocks
_LEAST, _PER_PIXEL = 64.0, 0.166
_PILOT = 1.4  # how much stronger these are: where the signs can just be read, the place must be certain


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """The tile's waves, in one half of the frequency plane; the other half mirrors them.

    x, y    (n,) int64, cycles a tile; x >= 0
    turned  (n,) complex64, of size 1: the coefficient of a wave whose sign is +
    data    (576,) int64: which waves carry the signs of the code, in their order
    pilot   (n - 576,) int64: which are always +
    """

    x: npt.NDArray[np.int64]
    y: npt.NDArray[np.int64]
    turned: npt.NDArray[np.complex64]
    data: npt.NDArray[np.int64]
    pilot: npt.NDArray[np.int64]


@lru_cache(maxsize=1)
def waves() -> Waves:
    """The waves of the one pattern there is."""
    across = np.arange(_OFF_AXIS, HIGHEST + 1)
    both = np.concatenate([-across[::-1], across])
    y, x = (grid.ravel() for grid in np.meshgrid(both, across, indexing="ij"))
    ring = (np.hypot(y, x) >= LOWEST) & (np.hypot(y, x) <= HIGHEST)
    y, x = y[ring], x[ring]
    drawn = np.frombuffer(hashlib.shake_256(_BORN).digest(8 * len(x)), ">u4").reshape(2, len(x))
    turned = np.exp(2j * np.pi * drawn[0] / 2.0**32).astype(np.complex64)
    order = np.argsort(drawn[1], kind="stable")
    return Waves(x.astype(np.int64), y.astype(np.int64), turned, order[:SIGNS], np.sort(order[SIGNS:]))


def tile_side(size: tuple[int, int]) -> int:
    """Side of the tile, pixels, for pictures of size (width, height): coarser for larger pictures, which are shown
    smaller and compressed more."""
    side = _LEAST + _PER_PIXEL * math.sqrt(size[0] * size[1])
    return ROUND * round(side / ROUND)


def tile_sides() -> range:
    """The sides there are, up to those of pictures of 8192x8192."""
    return range(tile_side((1, 1)), tile_side((8192, 8192)) + 1, ROUND)


def tile(side: int, signs: Signs) -> Floats:
    """(side, side) float32 of mean 0 and standard deviation 1, for the 576 signs of a payload."""
    every = waves()
    carried = np.full(len(every.x), _PILOT)
    carried[every.data] = signs
    spectrum = np.zeros((side, side // 2 + 1), np.complex128)
    spectrum[every.y % side, every.x] = every.turned * carried
    made = np.fft.irfft2(spectrum, (side, side))
    return np.asarray(made / made.std(), np.float32)
