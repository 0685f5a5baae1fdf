"""Checksum and error-correcting code of the watermark: 64 bits of payload become 576 signs.

The payload and a CRC of 32 bits (96 bits in all) go through the convolutional code of constraint length
15 and rate 1/6 that was made for links with next to no power (Cassini, Mars Pathfinder: Massey-optimal generators
46321, 51271, 70535, 63667, 73277, 76513 octal; Dolinar, TDA Progress Report 42-95, 1988).  Tail-biting, so that no
bits are spent on a known end: the encoder starts in the state in which it ends.  The decoder is Viterbi's, which
goes on around the circle before and behind the bits that it decides.

The CRC is taken over the payload and the side of the tile that carries it, which is not sent: the reader tries those
that there may be, and so learns by how much the picture was scaled.
"""

import zlib
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from reenact.provenance.watermark_payload import BITS

CHECK_BITS = 32
INFORMATION = BITS + CHECK_BITS
_GENERATORS = (0o46321, 0o51271, 0o70535, 0o63667, 0o73277, 0o76513)
RATE = len(_GENERATORS)  # signs a bit
SIGNS = INFORMATION * RATE
_MEMORY = 14
_STATES = 1 << _MEMORY
_BEFORE, _BEHIND = 84, 84  # six times the memory around the circle, until start and end are certain

Signs = npt.NDArray[np.int8]
Soft = npt.NDArray[np.float32]


def encode(packed: int, side: int) -> Signs:
    """(576,) int8, +1 and -1, for a payload of 64 bits in a tile of `side` pixels."""
    message = packed << CHECK_BITS | _check(packed, side)
    bits = [message >> (INFORMATION - 1 - i) & 1 for i in range(INFORMATION)]
    register = 0
    for bit in bits[-_MEMORY:]:
        register = register << 1 | bit
    out = []
    for bit in bits:
        register = (register << 1 | bit) & (2 * _STATES - 1)
        out += [1 - 2 * ((register & generator).bit_count() & 1) for generator in _GENERATORS]
    return np.array(out, np.int8)


def decode(soft: Soft, sides: Iterable[int]) -> tuple[int, int] | None:
    """The payload whose signs agree best with `soft`, and the side; None where the checksum holds for none of `sides`.

    soft  (576,) float32: what was measured of each sign; its size says how far it is to be believed
    """
    message = 0
    for bit in _viterbi(np.ascontiguousarray(soft, np.float32).reshape(INFORMATION, RATE)):
        message = message << 1 | int(bit)
    packed, check = message >> CHECK_BITS, message & (1 << CHECK_BITS) - 1
    return next(((packed, side) for side in sides if _check(packed, side) == check), None)


def _check(packed: int, side: int) -> int:
    return zlib.crc32(packed.to_bytes(BITS // 8, "big") + side.to_bytes(4, "big"))


@lru_cache(maxsize=1)
def _symbols() -> npt.NDArray[np.uint8]:
    """(32768,) the six output bits of every content of the shift register, as a number."""
    registers = np.arange(2 * _STATES, dtype=np.uint32)
    symbols = np.zeros(2 * _STATES, np.uint8)
    for generator in _GENERATORS:
        parity = registers & np.uint32(generator)
        for shift in (8, 4, 2, 1):
            parity ^= parity >> np.uint32(shift)
        symbols = (symbols << 1 | (parity & 1)).astype(np.uint8)
    return symbols


def _viterbi(soft: Soft) -> npt.NDArray[np.uint8]:
    """(96,) bits of the best path around the circle, for soft (96, 6)."""
    symbols = _symbols()
    numbers = np.arange(1 << RATE)
    signs = 1.0 - 2.0 * (numbers[:, None] >> np.arange(RATE - 1, -1, -1) & 1)
    gains = (soft @ signs.T.astype(np.float32)).astype(np.float32)  # (96, 64)
    metric = np.zeros(_STATES, np.float32)
    steps = _BEFORE + INFORMATION + _BEHIND
    upper = np.zeros((steps, _STATES), np.bool_)  # whether the better way came from a register with its top bit set
    half = _STATES // 2
    for step in range(steps):
        gain = gains[(step - _BEFORE) % INFORMATION][symbols]
        low = np.repeat(metric[:half], 2) + gain[:_STATES]
        high = np.repeat(metric[half:], 2) + gain[_STATES:]
        np.greater(high, low, out=upper[step])
        metric = np.maximum(low, high)
    state = int(metric.argmax())
    bits = np.zeros(steps, np.uint8)
    for step in range(steps - 1, -1, -1):
        bits[step] = state & 1
        state = (state | int(upper[step, state]) << _MEMORY) >> 1
    return bits[_BEFORE : _BEFORE + INFORMATION]
