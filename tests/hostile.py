"""Files made to trip whoever examines them: damaged, lying, cut off, of the wrong kind; the same in every run."""

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from signed import KINDS, signed, unsigned

from reenact.provenance.credentials import sidecar

Change = Callable[[random.Random, bytearray], bytearray]


def _cut(rng: random.Random, data: bytearray) -> bytearray:
    return data[: rng.randrange(1, len(data))]


def _flip(rng: random.Random, data: bytearray) -> bytearray:
    for _ in range(rng.choice((1, 1, 3, 30))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def _flip_manifest(rng: random.Random, data: bytearray) -> bytearray:
    """Within the manifest alone, which is a few kilobytes from where it begins."""
    start = max(0, data.find(b"jumb"))
    for _ in range(rng.choice((1, 2, 10))):
        data[min(len(data) - 1, start + rng.randrange(5000))] = rng.randrange(256)
    return data


def _lengths(rng: random.Random, data: bytearray) -> bytearray:
    """The length before a box's name becomes one of the values that programs stumble over."""
    names = (b"jumb", b"jumd", b"cbor", b"json", b"uuid", b"moov", b"mdat", b"moof", b"free", b"caBX", b"IDAT", b"c2pa")
    places = [at for name in names if (at := data.find(name, rng.randrange(max(1, len(data) // 2)))) >= 4]
    if places:
        value = rng.choice((0, 1, 7, 8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(data), len(data) + 1))
        struct.pack_into(">I", data, rng.choice(places) - 4, value)
    return data


def _repeat(rng: random.Random, data: bytearray) -> bytearray:
    """A part of the manifest inside itself, up to a thousand times: boxes in boxes."""
    start = max(0, data.find(b"jumb") - 4)
    part = data[start : start + rng.randrange(8, 200)]
    return data[: start + 30] + part * rng.choice((1, 10, 1000)) + data[start + 30 :]


def _hole(rng: random.Random, data: bytearray) -> bytearray:
    at = rng.randrange(len(data))
    data[at : at + rng.randrange(1, 2000)] = bytes(rng.randrange(0, 3000))
    return data


def _noise(rng: random.Random, data: bytearray) -> bytearray:
    return data[: rng.choice((0, 4, 12, 40, 200))] + bytearray(rng.randbytes(rng.randrange(1, 20_000)))


def _swap(rng: random.Random, data: bytearray) -> bytearray:
    a, b = sorted(rng.randrange(len(data)) for _ in range(2))
    return data[b:] + data[a:b] + data[:a]


CHANGES: tuple[Change, ...] = (_cut, _flip, _flip_manifest, _flip_manifest, _lengths, _repeat, _hole, _noise, _swap)


def hostile_files(folder: Path, count: int, seed: int = 6) -> Iterator[Path]:
    """`count` files, one at a time in the same place: each is gone when the next is asked for."""
    rng = random.Random(seed)
    begun = folder / "begun"
    begun.mkdir()
    whole = [(ending, signed(begun / f"signed{ending}")) for ending in KINDS]
    whole += [(ending, unsigned(begun / f"plain{ending}")) for ending in (".mp4", ".jpg")]
    contents = [(ending, path.read_bytes(), sidecar(path) if ending == ".mkv" else None) for ending, path in whole]
    for n in range(count):
        ending, data, beside = contents[n % len(contents)]
        change = CHANGES[n // len(contents) % len(CHANGES)]
        if rng.random() < 0.1:
            ending = rng.choice((".mp4", ".png", ".jpg", ".mkv", ".webp", ".pdf", ""))  # the wrong kind
        path = folder / f"hostile{ending}"
        if beside is not None and rng.random() < 0.5:  # the manifest beside it is what is damaged
            path.write_bytes(data)
            sidecar(path).write_bytes(change(rng, bytearray(beside.read_bytes())))
        else:
            path.write_bytes(change(rng, bytearray(data)))
            if beside is not None:
                sidecar(path).write_bytes(beside.read_bytes())
        yield path
        path.unlink()
        sidecar(path).unlink(missing_ok=True)
