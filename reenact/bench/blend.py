"""`reenact bench blend`: speed and error of Poisson blending against OpenCV, sparse LU and algebraic multigrid.

Everything runs in one process, one thread, turn by turn, so that a busy machine slows all alike; what to read is the
ratios.  "new mask" plans another mask for every frame, as a moving face needs it.  Errors are in grey levels against
the exact solution of the same equations (reenact.bench.exact), rounding included: 0.25 on average is the floor.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from reenact.bench import exact, machine, roofline
from reenact.bench.pairs import Pair, generated, real
from reenact.blending.poisson import PoissonBlender
from reenact.types import Pixels

SIZES = (128, 256, 512)
_RIM = 6  # pixels
_TURN = 6  # calls in a row, after one that is not counted
_LU_SIZES, _AMG_SIZES = (128, 256), (128, 256)  # larger ones take minutes and teach nothing

Row = dict[str, Any]


def run(
    output: Path | None,
    sizes: tuple[int, ...] = SIZES,
    pairs: Path | None = None,
    rounds: int = 30,
    console: Any = None,
) -> Row:
    """Measures, prints the table with rich, saves JSON to `output` (None: not) and returns what was saved.

    sizes: sides of the square patches, pixels, up to 720; pairs: folder of faces, None for generated pictures;
    rounds: times that every contender runs.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        rows = []
        for size in sizes:
            chosen = generated(size) if pairs is None else real(pairs, size)
            rows += _measure(chosen, size, rounds)
        result: Row = {
            "machine": machine.facts(),
            "opencv": cv2.__version__,
            "pictures": "generated" if pairs is None else "real faces",
            "rows": rows,
            "limits": [roofline.limits(size, rounds) for size in sizes],
        }
    finally:
        cv2.setNumThreads(threads)
    _print(result, console)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        part = output.with_name(output.name + ".part")
        part.write_text(json.dumps(result, indent=1) + "\n")
        part.replace(output)
    return result


def _masks(pair: Pair) -> list[npt.NDArray[np.uint8]]:
    """The pair's mask and three that move by a pixel: no two calls in a row see the same one."""
    m = pair.mask
    moved = [np.roll(m, 1, axis) & m for axis in (0, 1)] + [np.roll(m, -1, 0) & m]
    return [m, *moved]


def _measure(pairs: list[Pair], size: int, rounds: int) -> list[Row]:
    """One row per contender, over all pairs."""
    times: dict[str, list[float]] = {}
    errors: dict[str, list[npt.NDArray[np.float64]]] = {}
    outside: dict[str, int] = {}
    for pair in pairs:
        truth = {mixed: exact.solve(pair.patch, pair.frame, pair.mask, pair.origin, mixed) for mixed in (False, True)}
        inside = np.zeros(pair.frame.shape[:2], bool)
        x, y = pair.origin
        inside[y : y + size, x : x + size] = pair.mask > 0
        contenders = _contenders(pair, size)
        for name, (result, mixed, _) in contenders.items():
            picture = result()
            errors.setdefault(name, []).append(np.abs(picture[inside] - truth[mixed][inside]).ravel())
            outside[name] = outside.get(name, 0) + int((picture != pair.frame).any(2)[~inside].sum())
        _take_turns({name: timed for name, (_, _, timed) in contenders.items()}, rounds, times)
    base = {mixed: float(np.median(times["OpenCV " + ("MIXED" if mixed else "NORMAL")])) for mixed in (False, True)}
    rows = []
    for name, seconds in times.items():
        e = np.concatenate(errors[name]) if name in errors else None
        ms = float(np.median(seconds)) * 1e3
        rows.append(
            {
                "size": size,
                "method": name,
                "ms": round(ms, 4),
                "against_opencv": round(base["mixed" in name.lower()] * 1e3 / ms, 2),
                "mean_error": None if e is None else round(float(e.mean()), 3),
                "p99_error": None if e is None else round(float(np.percentile(e, 99)), 2),
                "max_error": None if e is None else round(float(e.max()), 1),
                "changed_outside": outside.get(name),
                "fill": round(float(np.mean([(p.mask > 0).mean() for p in pairs])), 3),
                "pairs": [p.name for p in pairs],
            }
        )
    return rows


Contender = tuple[Callable[[], Any], bool, Callable[[int], float]]


def _contenders(pair: Pair, size: int) -> dict[str, Contender]:
    """name -> (the result for the pair's own mask, is it mixed, run number n timed in seconds)."""
    masks = _masks(pair)
    out: dict[str, Contender] = {}
    for name, mode, resolution in (
        ("reenact", "membrane", "auto"),
        ("reenact rim", "membrane", "auto"),
        ("reenact full", "membrane", "full"),
        ("reenact mixed", "mixed", "full"),
    ):
        rim = _RIM if name.endswith("rim") else 0
        out[name + ", new mask"] = _ours(pair, masks, mode, resolution, rim)
        out[name + ", same mask"] = _ours(pair, masks[:1], mode, resolution, rim)
    out["OpenCV NORMAL"] = _opencv(pair, masks, cv2.NORMAL_CLONE)
    out["OpenCV MIXED"] = _opencv(pair, masks, cv2.MIXED_CLONE)
    if size in _LU_SIZES:
        out.update(_direct(pair))
    if size in _AMG_SIZES:
        out.update(_algebraic(pair))
    return out


def _ours(pair: Pair, masks: list[npt.NDArray[np.uint8]], mode: str, resolution: str, rim: int) -> Contender:
    blender = PoissonBlender((pair.mask.shape[0], pair.mask.shape[1]), mode=mode, resolution=resolution, rim=rim)
    scratch = pair.frame.copy()

    def result() -> Pixels:
        blender.set_mask(pair.mask, pair.origin)
        return blender.blend(pair.patch, pair.frame)

    def timed(n: int) -> float:
        if mode == "mixed":
            np.copyto(scratch, pair.frame)
        mask = masks[n % len(masks)]
        begin = time.perf_counter()
        blender.set_mask(mask, pair.origin)
        blender.blend(pair.patch, scratch, scratch)
        return time.perf_counter() - begin

    return result, mode == "mixed", timed


def _opencv(pair: Pair, masks: list[npt.NDArray[np.uint8]], flag: int) -> Contender:
    def once(mask: npt.NDArray[np.uint8]) -> tuple[float, Pixels]:
        # it centres the mask's bounding box on the point, and some versions overwrite the mask
        x, y, w, h = cv2.boundingRect(mask)
        point = (pair.origin[0] + x + w // 2, pair.origin[1] + y + h // 2)
        copy = mask.copy()
        begin = time.perf_counter()
        blended = cv2.seamlessClone(pair.patch, pair.frame, copy, point, flag)
        return time.perf_counter() - begin, blended

    return lambda: once(pair.mask)[1], flag == cv2.MIXED_CLONE, lambda n: once(masks[n % len(masks)])[0]


def _direct(pair: Pair) -> dict[str, Contender]:
    from scipy.sparse.linalg import splu

    equations = exact.system(pair.patch, pair.frame, pair.mask, pair.origin)
    factors = splu(equations.matrix)

    def timed(n: int) -> float:
        begin = time.perf_counter()
        factors.solve(equations.rhs)
        return time.perf_counter() - begin

    def whole(n: int) -> float:
        begin = time.perf_counter()
        splu(equations.matrix).solve(equations.rhs)
        return time.perf_counter() - begin

    def result() -> Any:
        return equations.paste(factors.solve(equations.rhs), pair.frame, pair.origin).round()

    return {"sparse LU, reused": (result, False, timed), "sparse LU, new mask": (result, False, whole)}


def _algebraic(pair: Pair) -> dict[str, Contender]:
    import pyamg

    equations = exact.system(pair.patch, pair.frame, pair.mask, pair.origin)
    matrix = equations.matrix.tocsr()

    def solve() -> Any:
        hierarchy = pyamg.ruge_stuben_solver(matrix)
        return np.stack([hierarchy.solve(equations.rhs[:, c], tol=1e-3) for c in range(3)], 1)

    def timed(n: int) -> float:
        begin = time.perf_counter()
        solve()
        return time.perf_counter() - begin

    def result() -> Any:
        return equations.paste(solve(), pair.frame, pair.origin).round()

    return {"pyamg, new mask": (result, False, timed)}


def _take_turns(timed: dict[str, Callable[[int], float]], rounds: int, times: dict[str, list[float]]) -> None:
    """Turns of `_TURN` calls, so that no contender owns a quiet minute and none starts from another's cold caches."""
    for turn in range(max(1, round(rounds / _TURN))):
        for name, once in timed.items():
            slow = name.startswith(("sparse LU, new", "pyamg"))
            if slow and turn > 0:
                continue
            seconds = [once(n) for n in range(3 if slow else _TURN + 1)]
            times.setdefault(name, []).extend(seconds[1:])


def _print(result: Row, console: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    console = console or Console()
    table = Table(title=f"Poisson blending, {result['pictures']}, one thread", title_justify="left")
    for name in ("size", "method"):
        table.add_column(name, no_wrap=True)
    for name in ("ms", "speed", "error", "99 %", "max", "outside"):
        table.add_column(name, justify="right")
    table.caption = (
        "speed: against OpenCV; error: grey levels against the exact solution; outside: pixels changed there"
    )
    size = None
    for row in result["rows"]:
        if size not in (None, row["size"]):
            table.add_section()
        size = row["size"]
        table.add_row(
            str(size),
            row["method"],
            f"{row['ms']:.3f}",
            f"{row['against_opencv']:.1f}x",
            f"{row['mean_error']:.2f}",
            f"{row['p99_error']:.1f}",
            f"{row['max_error']:.0f}",
            str(row["changed_outside"]),
        )
    console.print(table)
    for limit in result["limits"]:
        console.print(roofline.sentence(limit), soft_wrap=True)
