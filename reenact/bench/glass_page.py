"""What a glass-to-glass measurement showed, in words and as a page."""

from collections.abc import Mapping
from typing import Any

from reenact.bench import html, plots
from reenact.bench.latency import histogram_of


def sentences(result: Mapping[str, Any]) -> list[str]:
    late = result["latency"]
    alone = result["play"] == result["read"]
    what = f"{result['read']} alone, without an engine" if alone else f"from {result['play']} to {result['read']}"
    width, height = result["size"]
    said = [
        f"glass to glass {what}: p50 {late['p50']:.1f} ms, p95 {late['p95']:.1f}, p99 {late['p99']:.1f}, worst "
        f"{late['max']:.1f}, over {result['seconds']:.1f} s",
        f"{result['seen']} of {result['played']} pictures of {width}x{height} at {result['source_rate']:g} a second "
        f"were seen ({result['lost_percent']:.1f} % lost); the reader got {result['rate']:.1f} a second, "
        f"{result['repeated']} of them a second time",
    ]
    if result["coding_ms"]:
        reading, writing = result["coding_ms"]
        said.append(f"of that, reading the number took {reading:.2f} ms and writing it {writing:.2f}")
    return said


def document(result: Mapping[str, Any]) -> str:
    """The page, made from what is saved as JSON."""
    t, late = ([row[k] for row in result["ages"]] for k in (0, 1))
    spread = histogram_of(late)
    drawn = [
        plots.lines("Glass to glass over the run", "s", "ms", t, {"picture by picture": late}),
        plots.histogram("Glass to glass", "ms", spread["edges"], spread["counts"]),
    ]
    said = [html.paragraph(sentence[0].upper() + sentence[1:] + ".") for sentence in sentences(result)]
    figures = [f"<figure>{drawing}</figure>" for drawing in drawn]
    return html.page("Glass to glass", *said, *figures, html.facts(result["machine"]))
