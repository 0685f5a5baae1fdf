"""Glass to glass: how long from light on the camera to the picture in the call, every buffer between included.

    player --coded pictures--> camera --> engine --> virtual camera --> reader

What was played and what was seen is put together here; reenact.bench.glassrun runs it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from reenact.bench import code
from reenact.bench.latency import Spread
from reenact.bench.machine import facts

Notes = Sequence[tuple[int, float]]  # number (-1: none) and seconds of the monotonic clock


@dataclass(frozen=True, slots=True)
class Glass:
    """What a measurement showed.

    latency   from a picture's being played to its first sight in the reader; milliseconds
    played    pictures with a number, after the engine was live; seen: numbers the reader saw; lost_percent of played
    repeated  pictures the reader saw that showed a number it had seen before
    rate      pictures a second that the reader got;  coding_ms: what reading and writing the code took, median each
    """

    play: str
    read: str
    size: tuple[int, int]
    source_rate: float
    seconds: float
    latency: Spread | None
    played: int
    seen: int
    lost_percent: float
    repeated: int
    rate: float
    coding_ms: tuple[float, float] | None
    ages: list[tuple[float, float]]  # seconds since the first sight, milliseconds

    def as_json(self) -> dict[str, Any]:
        return {"bench": "glass", "machine": facts(), **asdict(self)}


def match(played: Notes, seen: Notes, count: int = code.COUNT) -> list[tuple[int, float, float]]:
    """(number, seconds when played, seconds until first seen) of each played picture that was seen.

    Numbers come back after `count`: of those the last one played before the sight is meant.
    """
    by_code: dict[int, list[tuple[float, int]]] = {}
    for number, at in played:
        by_code.setdefault(number % count, []).append((at, number))
    first: dict[int, tuple[float, float]] = {}
    for value, at in seen:
        before = [(shown, number) for shown, number in by_code.get(value, ()) if shown <= at]
        if before:
            shown, number = max(before)
            first.setdefault(number, (shown, at - shown))
    return [(number, shown, took) for number, (shown, took) in sorted(first.items())]


def judge(played: Notes, seen: Notes, settle_s: float = 1.0) -> tuple[list[tuple[int, float, float]], int, int]:
    """Matches after the first `settle_s` of sight; how many numbers were played meanwhile; how many sights were
    repeated."""
    matched = match(played, seen)
    if not matched:
        return [], 0, 0
    begin, end = matched[0][1] + settle_s, matched[-1][1]
    kept = [row for row in matched if row[1] >= begin]
    meant = sum(begin <= at <= end for _, at in played)
    codes = [value for value, at in seen if value >= 0 and at >= begin]
    repeated = sum(a == b for a, b in zip(codes[1:], codes[:-1], strict=False))
    return kept, meant, repeated


def result(
    play: str,
    read: str,
    size: tuple[int, int],
    rate: float,
    played: Notes,
    seen: Notes,
    coding_ms: tuple[float, float] | None,
) -> Glass | None:
    """The measurement of what was noted; None where no number came through."""
    kept, meant, repeated = judge(played, seen)
    if not kept:
        return None
    begin, span = kept[0][1], seen[-1][1] - seen[0][1]
    return Glass(
        play,
        read,
        size,
        rate,
        kept[-1][1] - begin,
        Spread.of(np.array([row[2] for row in kept])),
        meant,
        len(kept),
        100.0 * (1 - len(kept) / max(meant, 1)),
        repeated,
        (len(seen) - 1) / span if span > 0 else 0.0,
        coding_ms,
        [(round(at - begin, 4), round(1000 * late, 3)) for _, at, late in kept],
    )
