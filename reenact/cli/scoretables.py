"""What `reenact bench quality` prints."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from reenact.bench.quality import LOSS
from reenact.bench.regions import REGIONS
from reenact.bench.report import MARKS, TITLES, number
from reenact.bench.scores import FIGURES, HIGHER_IS_BETTER, LIKE_TRUTH
from reenact.bench.variants import BASE, built_on_base

_SHORT = {
    "inner_mouth": "inner\nmouth",
    "outside": "out",
    **{figure: figure.replace("sharp_", "sharp\n").replace("flicker_", "flick\n") for figure in LIKE_TRUTH},
}

if TYPE_CHECKING:
    from reenact.bench.quality import Measured


def tables(measured: "Measured") -> Iterator["Table | str"]:
    """The means of each kind, then what a network adds to the base, case by case, and where it takes away."""
    for kind in measured.kinds:
        yield _means(measured, kind)
    yield MARKS
    if BASE in measured.variants:
        for variant in built_on_base(measured.variants):
            yield _gains(measured, variant)
            yield losses(measured, variant)


def _means(measured: "Measured", kind: str) -> Table:
    count = sum(row.kind == kind for row in measured.rows)
    of = f", mean of {count}" if count > 1 else ""
    table = Table(title=f"{TITLES[kind]}{of}", title_justify="left")
    table.add_column("figure")
    for name in measured.variants:
        table.add_column(name, justify="right")
    means = [measured.mean(kind, name) for name in measured.variants]
    for figure in FIGURES:
        mark = " +" if figure in HIGHER_IS_BETTER else " =" if figure in LIKE_TRUTH else ""
        digits = 2 if figure.startswith("db_") or figure == "psnr_face" else 3
        table.add_row(figure + mark, *(number(getattr(scores, figure), digits) for scores in means))
    return table


def _gains(measured: "Measured", variant: str) -> Table:
    title = f"{variant} over {BASE}, dB; then sharpness and flicker of the {variant} itself"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("case", overflow="ellipsis", no_wrap=True)
    for figure in (*REGIONS, *LIKE_TRUTH):
        table.add_column(_SHORT.get(figure, figure), justify="right", no_wrap=True)
    for row in measured.rows:
        gained = row.gain(variant, BASE).values()
        cells = [Text(number(g, 2, "+"), style="bold red" if g < -LOSS else "") for g in gained]
        rest = [number(getattr(row.scores[variant], figure), 2) for figure in LIKE_TRUTH]
        table.add_row(f"{row.name} {row.kind}", *cells, *rest)
    return table


def losses(measured: "Measured", variant: str) -> str:
    """Where a variant takes away from the base, as a sentence."""
    lost = measured.losses(variant, BASE)
    if not lost:
        return f"{variant} is nowhere worse than the {BASE} by more than {LOSS} dB"
    places = ", ".join(f"{row.name} {row.kind} {region} {gained:+.2f}" for row, region, gained in lost)
    return f"{variant} is worse than the {BASE} by more than {LOSS} dB: {places}"
