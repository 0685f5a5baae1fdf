"""The page of `reenact bench quality`: tables, contact sheets, clips side by side."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from reenact.bench import html
from reenact.bench.quality import LOSS, Measured, Row
from reenact.bench.regions import REGIONS
from reenact.bench.scores import FIGURES, HIGHER_IS_BETTER, LIKE_TRUTH, Scores
from reenact.bench.sheets import Media
from reenact.bench.variants import BASE, built_on_base

TITLES = {
    "photo": "photo, exact truth",
    "video": "video, exact truth",
    "self": "clips as photos, driven by themselves",
    "self-video": "clips as videos, driven by themselves",
}
MARKS = "+ higher is better, = 1 is like the truth, else lower is better"
_MEANINGS = (
    ("psnr_face", "mean PSNR of the pictures inside the truth's face, dB"),
    ("ssim_face", "mean structural similarity there"),
    ("l1_mouth, l1_eyes", "mean difference in boxes about lips and eyes, grey levels"),
    ("akd", "mean distance of 468 landmarks, percent of the distance between the outer eye corners"),
    ("lips, lids, gaze", "error of the opening of lips and lids and of the irises' place, same percent"),
    ("jitter", "shake of the landmarks that the truth has not, same percent"),
    ("untracked", "share of pictures in which no face was found"),
    ("db_*", "PSNR of the mean square error over all pictures, by region"),
    ("sharp_*", "energy of the Laplacian over the truth's; below 1 is softer"),
    ("flicker_*", "change from picture to picture beyond motion over the truth's; 0 is frozen"),
)


def build(measured: Measured, machine: dict[str, object], media: Sequence[Media], folder: str) -> str:
    """The document.  media: of the gallery, in the order of the rows; folder: their address beside the page."""
    parts = [html.paragraph(_asked(measured))]
    for kind in measured.kinds:
        rows = [row for row in measured.rows if row.kind == kind]
        means = {name: measured.mean(kind, name) for name in measured.variants}
        title = TITLES[kind] + (f", mean of {len(rows)}" if len(rows) > 1 else "")
        parts += [html.heading(title), _scores(means)]
    if BASE in measured.variants:
        for variant in built_on_base(measured.variants):
            parts += [html.heading(f"{variant} over {BASE}"), _gains(measured, variant)]
    made = {(m.name, m.kind): m for m in media}
    for row in measured.rows:
        parts += _case(row, made.get((row.name, row.kind)), folder)
    parts += [
        html.heading("What the figures say"),
        html.table(("figure", "meaning"), [(name, meaning) for name, meaning in _MEANINGS]),
        html.heading("Machine"),
        html.facts(machine),
    ]
    return html.page("reenact: quality", *parts)


def _asked(measured: Measured) -> str:
    asked = ", ".join(f"{name} {value}" for name, value in measured.asked.items() if value is not None)
    return f"{len(measured.rows)} cases; {asked}."


def _case(row: Row, media: Media | None, folder: str) -> Iterator[str]:
    yield html.heading(f"{row.name}: {TITLES[row.kind]}")
    faceless = f", {row.faceless} of them without a driver's face" if row.faceless else ""
    yield html.paragraph(f"{row.frames} pictures{faceless}.")
    if media is not None:
        yield html.video(f"{folder}/{media.clip.name}")
        yield html.picture(
            f"{folder}/{media.sheet.name}", "moments chosen by what the truth does; the worst is the last"
        )
    yield _scores(dict(row.scores))


def _scores(scores: dict[str, Scores]) -> str:
    rows = []
    for figure in FIGURES:
        mark = " +" if figure in HIGHER_IS_BETTER else " =" if figure in LIKE_TRUTH else ""
        digits = 2 if figure.startswith("db_") or figure == "psnr_face" else 3
        rows.append((figure + mark, *(number(getattr(each, figure), digits) for each in scores.values())))
    return html.table(("figure", *scores), rows, MARKS)


def _gains(measured: Measured, variant: str) -> str:
    rows: list[list[html.Cell]] = []
    for row in measured.rows:
        gained = row.gain(variant, BASE).values()
        cells: list[html.Cell] = [f"{row.name} {row.kind}"]
        cells += [(number(g, 2, "+"), "bad") if g < -LOSS else number(g, 2, "+") for g in gained]
        cells += [number(getattr(row.scores[variant], figure), 2) for figure in LIKE_TRUTH]
        rows.append(cells)
    caption = (
        f"dB by region over the {BASE}; sharpness and flicker of the {variant} itself; marked: worse by over {LOSS} dB"
    )
    return html.table(("case", *REGIONS, *LIKE_TRUTH), rows, caption)


def number(value: float, digits: int, sign: str = "") -> str:
    """A figure as it is shown; one that was not measured is a dash."""
    return "-" if math.isnan(value) else f"{value:{sign}.{digits}f}"


def write(measured: Measured, machine: dict[str, object], media: Sequence[Media], page: Path) -> None:
    """Writes the page; its media lie in the folder of reenact.bench.sheets.gallery_beside."""
    html.write(page, build(measured, machine, media, f"{page.stem}_media"))
