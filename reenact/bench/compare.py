"""Two runs of `reenact bench latency` side by side: what became worse?"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reenact.errors import InputError
from reenact.stats import LATENCY

TOLERANCE = 0.15  # of the old value; what varies between two runs of the same code on a shared machine
_SAME = ("target", "size", "source_rate", "provider")  # or the two runs are of different things
_TELLING = ("cpu", "cores", "gpus")  # of the machine
_LEAST = {"ms": 0.3, "%": 0.5, "MB": 20.0, "/s": 0.3, "x": 0.1}  # differences that mean nothing, by unit


@dataclass(frozen=True, slots=True)
class Change:
    """One figure in both runs; worse and better only beyond the tolerance.

    change  relative to the old value, None where that is 0
    """

    name: str
    unit: str
    old: float
    new: float
    change: float | None
    verdict: str  # "worse", "better" or "same"


def load(path: Path) -> dict[str, Any]:
    """A result that `reenact bench latency` saved; InputError for anything else."""
    try:
        result = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}): expected a result of reenact bench latency") from error
    if not isinstance(result, dict) or result.get("bench") != "latency" or not isinstance(result.get("stages"), list):
        raise InputError(f"{path} is no result of reenact bench latency")
    return result


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Sentences on what differs of the machines: the figures then say more about those than about the code.

    InputError where the two runs measured different things.
    """
    for key in _SAME:
        if key in old and key in new and _plain(old[key]) != _plain(new[key]):
            raise InputError(
                f"the old run's {key.replace('_', ' ')} is {old[key]}, the new one's {new[key]}: "
                "only runs of the same thing can be compared"
            )
    machines = [run.get("machine", {}) for run in (old, new)]
    return [
        f"{key}: {machines[0].get(key)} then, {machines[1].get(key)} now"
        for key in _TELLING
        if machines[0].get(key) != machines[1].get(key)
    ]


def compare(old: Mapping[str, Any], new: Mapping[str, Any], tolerance: float = TOLERANCE) -> list[Change]:
    """Every figure that both runs have; tolerance is relative."""
    before, after = dict(_figures(old)), dict(_figures(new))
    return [
        _change(name, unit, before[name, unit, more], value, more, tolerance)
        for (name, unit, more), value in after.items()
        if (name, unit, more) in before
    ]


def _figures(run: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, bool], float]]:
    """((name, unit, whether more is better), value)"""
    for row in run["stages"]:
        for key in ("p50_ms", "p95_ms", "p99_ms") if row["name"] == LATENCY else ("p50_ms", "p95_ms"):
            yield (f"{row['name']} {key[:3]}", "ms", False), float(row[key])
    yield ("new pictures", "/s", True), float(run["frames_per_s"])
    dropped = run["dropped"] if isinstance(run["dropped"], Mapping) else {"source": run["dropped"]}
    yield ("dropped", "%", False), lost_percent(run["captured"], dropped)
    if "jitter_ms" in run:
        yield ("jitter", "ms", False), float(run["jitter_ms"])
    yield ("CPU", "%", False), float(run["cpu"])
    if run.get("work"):
        yield ("work over tracking", "x", False), float(run["work"]["ratio"])
    memory = run.get("memory")
    if memory:
        yield ("largest memory", "MB", False), float(memory["largest"])


def lost_percent(captured: int, dropped: Mapping[str, int]) -> float:
    """Pictures replaced before they were used, of all that the source had; those that nobody read are `source`'s."""
    return 100.0 * sum(dropped.values()) / max(captured + dropped.get("source", 0), 1)


def _change(name: str, unit: str, old: float, new: float, more_is_better: bool, tolerance: float) -> Change:
    difference = new - old
    verdict = "same"
    if abs(difference) > max(tolerance * abs(old), _LEAST[unit]):
        verdict = "better" if (difference > 0) == more_is_better else "worse"
    return Change(name, unit, old, new, None if old == 0 else difference / old, verdict)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
