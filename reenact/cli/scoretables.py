"""What `reenact bench quality` prints."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from reenact.bench.quality import LOSS
from reenact.bench.regions import REGIONS
from reenact.bench.scores import FIGURES, HIGHER_IS_BETTER, LIKE_TRUTH
from reenact.bench.variants import BASE, built_on_base

if TYPE_CHECKING:
    from reenact.bench.quality import Measured

_TITLES = {"photo": "photo, exact truth", "video": "video, exact truth", "self": "clips driven by themselves"}


def tables(measured: "Measured") -> Iterator[Table]:
    """The means of each kind, then what a network adds to the base, case by case."""
    for kind in measured.kinds:
        yield _means(measured, kind)
    if BASE in measured.variants:
        for variant in built_on_base(measured.variants):
            yield _gains(measured, variant)


def _means(measured: "Measured", kind: str) -> Table:
    count = sum(row.kind == kind for row in measured.rows)
    of = f", mean of {count}" if count > 1 else ""
    table = Table(title=f"{_TITLES[kind]}{of}", title_justify="left")
    table.caption = "+ higher is better, = 1 is like the truth, else lower is better"
    table.add_column("figure")
    for name in measured.variants:
        table.add_column(name, justify="right")
    means = [measured.mean(kind, name) for name in measured.variants]
    for figure in FIGURES:
        mark = " +" if figure in HIGHER_IS_BETTER else " =" if figure in LIKE_TRUTH else ""
        digits = 2 if figure.startswith("db_") or figure == "psnr_face" else 3
        table.add_row(figure + mark, *(_number(getattr(scores, figure), digits) for scores in means))
    return table


def _gains(measured: "Measured", variant: str) -> Table:
    table = Table(title=f"{variant} over {BASE}, dB; sharpness and flicker of {variant}", title_justify="left")
    table.add_column("case", no_wrap=True)
    for figure in (*REGIONS, *LIKE_TRUTH):
        table.add_column(figure.replace("_", "\n"), justify="right", no_wrap=True)
    for row in measured.rows:
        gained = row.gain(variant, BASE).values()
        cells = [Text(_number(g, 2, "+"), style="bold red" if g < -LOSS else "") for g in gained]
        rest = [_number(getattr(row.scores[variant], figure), 2) for figure in LIKE_TRUTH]
        table.add_row(f"{row.name} {row.kind}", *cells, *rest)
    lost = measured.losses(variant, BASE)
    table.caption = (
        f"worse by more than {LOSS} dB: "
        + ", ".join(f"{row.name} {row.kind} {region} {gained:+.2f}" for row, region, gained in lost)
        if lost
        else f"nowhere worse by more than {LOSS} dB"
    )
    return table


def _number(value: float, digits: int, sign: str = "") -> str:
    return "-" if math.isnan(value) else f"{value:{sign}.{digits}f}"
