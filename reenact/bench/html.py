"""Pieces of the benchmarks' pages: one HTML file, without scripts and without anything from elsewhere.

Everything given as text is escaped; parts are put together by `page`.
"""

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Cell = str | tuple[str, str]  # the text, or the text and how it is to look: one of LOOKS
LOOKS = ("good", "bad", "faint", "strong")

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --faint: #888; --good: #2a8a3e; --bad: #c62f2f; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; }
caption { text-align: left; color: var(--faint); caption-side: bottom; padding-top: .3rem; }
th, td { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
.faint { color: var(--faint); } .strong { font-weight: 700; }
img, video, svg { max-width: 100%; height: auto; } figure { margin: .8rem 0; } figcaption { color: var(--faint); }
"""


def text(words: str) -> str:
    """Words as HTML."""
    return html.escape(words)


def heading(words: str, level: int = 2) -> str:
    return f"<h{level}>{text(words)}</h{level}>"


def paragraph(words: str) -> str:
    return f"<p>{text(words)}</p>"


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], caption: str = "") -> str:
    """The first column is to the left, the others, numbers, to the right.  ValueError for a row of another length."""
    lines = []
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row of {len(row)} cells came, expected {len(columns)}")
        lines.append("<tr>" + "".join(map(_cell, row)) + "</tr>")
    head = "".join(f"<th>{text(name)}</th>" for name in columns)
    below = f"<caption>{text(caption)}</caption>" if caption else ""
    return f'<div class="wide"><table>{below}<tr>{head}</tr>{"".join(lines)}</table></div>'


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return f"<td>{text(cell)}</td>"
    words, look = cell
    if look not in LOOKS:
        raise ValueError(f"a cell looks {look!r}: expected one of {', '.join(LOOKS)}")
    return f'<td class="{look}">{text(words)}</td>'


def facts(known: Mapping[str, Any]) -> str:
    """What a result was measured on and with: names and values, lists and mappings in one line."""
    return table(("measured on", ""), [(name.replace("_", " "), _inline(value)) for name, value in known.items()])


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_inline(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_inline, value)) or "none"
    return "none" if value is None else str(value)


def picture(source: str, caption: str = "") -> str:
    """source  an address beside the page, or what `inline` gave."""
    return f'<figure><img src="{html.escape(source)}" alt="{text(caption)}">{_caption(caption)}</figure>'


def video(source: str, caption: str = "") -> str:
    """A video that plays round and round when started."""
    return (
        f'<figure><video src="{html.escape(source)}" controls loop muted playsinline preload="metadata"></video>'
        f"{_caption(caption)}</figure>"
    )


def _caption(words: str) -> str:
    return f"<figcaption>{text(words)}</figcaption>" if words else ""


def inline(data: bytes, kind: str = "image/png") -> str:
    """A file's bytes as an address, so that the page needs no file beside it."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def page(title: str, *parts: str) -> str:
    """The whole document."""
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{_STYLE}</style>\n<h1>{text(title)}</h1>\n"
        + "\n".join(parts)
        + "\n</html>\n"
    )


def write(path: Path, document: str) -> None:
    """Writes a page whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(document, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
