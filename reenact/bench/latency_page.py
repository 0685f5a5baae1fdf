"""The page of `reenact bench latency`: what it measured in one HTML file, made from what it saves as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reenact.bench import html, plots
from reenact.bench.compare import Change
from reenact.stats import LATENCY

_WANTED = 5.0  # whole-loop work over tracking alone, at most


def document(result: Mapping[str, Any], changes: Sequence[Change] = (), notes: Sequence[str] = ()) -> str:
    """The page; changes and notes are of a comparison with an older run."""
    width, height = result["size"]
    title = f"Live loop: {result['target']} at {width}x{height}, {result['source_rate']:g} pictures a second"
    return html.page(
        title, *_summary(result), *_compared(changes, notes), *_plots(result), html.facts(result["machine"])
    )


def sentences(result: Mapping[str, Any]) -> list[str]:
    """What the run showed, in words; the same on page and terminal."""
    lost = sum(result["dropped"].values())
    total = result["captured"] + result["dropped"].get("source", 0)
    where = ", ".join(f"{n} by the {name}" for name, n in result["dropped"].items() if n)
    said = [
        f"{result['frames_per_s']:.1f} new pictures a second from {result['source_rate']:g}, for "
        f"{result['seconds']:.0f} s; {lost} of {total} dropped, {result['dropped_percent']:.2f} %"
        + (f" ({where})" if where else "")
        + f", {result['again']} sent again, {result['faults']} faults",
    ]
    if result["interval"]:
        said.append(
            f"between pictures at the sink {result['interval']['p50']:.1f} ms, jitter {result['jitter_ms']:.1f} ms, "
            f"at worst {result['interval']['max']:.0f} ms"
        )
    work = result["work"]
    if work:
        verdict = "" if work["ratio"] <= _WANTED else f", wanted at most {_WANTED:g}"
        said.append(
            f"work for a picture {work['stages_ms']:.1f} ms, {work['ratio']:.1f} times the "
            f"{work['tracking_ms']:.1f} ms of tracking alone{verdict}; CPU time {work['cpu_ms']:.1f} ms, "
            f"{work['cpu_ratio']:.1f} times {work['tracking_cpu_ms']:.1f}"
        )
    if result["memory"]:
        said.append(f"{result['cpu']:.0f} % of a core, " + _memory(result["memory"]))
    if result["changes"]:
        said.append(
            f"the machine was too slow: settings changed {result['changes']} times"
            + (f", at the end {result['left_out']}" if result["left_out"] else "")
        )
    return said


def _memory(memory: Mapping[str, Any]) -> str:
    slope = memory["slope_per_hour"]
    since = f"after the first {memory['settled_s'] / 60:.0f} minutes"
    grows = "" if slope is None else f", growing by {slope:+.2f} MB an hour {since}"
    parts = [f"{memory['largest']:.0f} MB{grows}"]
    for name in ("threads", "handles"):
        count = memory[name]
        between = "" if count["least"] == count["most"] else f" ({count['least']} to {count['most']})"
        change = "" if count["first"] == count["last"] else f"{count['first']}, at the end "
        parts.append(f"{change}{count['last']} {name}{between}")
    return ", ".join(parts)


def _summary(result: Mapping[str, Any]) -> Iterator[str]:
    for sentence in sentences(result):
        yield html.paragraph(sentence[0].upper() + sentence[1:] + ".")
    rows = []
    for row in result["stages"]:
        look = "strong" if row["name"] == LATENCY else "faint" if row["p99_ms"] < 0.5 else ""
        cells = [row["name"], *(f"{row[k]:.2f}" for k in ("p50_ms", "p95_ms", "p99_ms", "max_ms")), str(row["count"])]
        rows.append([(cell, look) if look else cell for cell in cells])
    for name, key in (("age at the sink", "age"), ("between pictures", "interval")):
        spread = result[key]
        if spread:
            rows.append([name, *(f"{spread[k]:.2f}" for k in ("p50", "p95", "p99", "max")), ""])
    yield html.heading("Milliseconds")
    yield html.table(("stage", "p50", "p95", "p99", "worst", "times"), rows)


def _compared(changes: Sequence[Change], notes: Sequence[str]) -> Iterator[str]:
    if not changes:
        return
    yield html.heading("Against the older run")
    for note in notes:
        yield html.paragraph(note)
    looks = {"worse": "bad", "better": "good", "same": "faint"}
    yield html.table(
        ("figure", "then", "now", "change", ""),
        [
            (
                f"{c.name}, {c.unit}",
                f"{c.old:.2f}",
                f"{c.new:.2f}",
                "" if c.change is None else f"{100 * c.change:+.0f} %",
                (c.verdict, looks[c.verdict]),
            )
            for c in changes
        ],
    )


def _plots(result: Mapping[str, Any]) -> Iterator[str]:
    curves = result["curves"]
    rows = [(row["name"], row["p50_ms"], row["p95_ms"], row["p99_ms"]) for row in result["stages"]]
    yield _figure(plots.bars("Stages: median, 95th percentile, 99th", "ms", rows))
    if "latency" in curves:
        line = curves["latency"]
        named = {"median": line["p50"], "worst": line["max"]}
        yield _figure(plots.lines("Capture to sink over the run", "s", "ms", line["t"], named))
    if "latency_histogram" in curves:
        spread = curves["latency_histogram"]
        yield _figure(plots.histogram("Capture to sink", "ms", spread["edges"], spread["counts"]))
    if "interval_histogram" in curves:
        spread = curves["interval_histogram"]
        period = 1000.0 / result["source_rate"]
        yield _figure(
            plots.histogram(
                "Between one picture and the next; the stroke is the period",
                "ms",
                spread["edges"],
                spread["counts"],
                period,
            )
        )
    if "memory" in curves:
        line = curves["memory"]
        yield _figure(plots.lines("Memory", "s", "MB", line["t"], {"resident": line["mb"]}, y_from=None))


def _figure(drawing: str) -> str:
    return f"<figure>{drawing}</figure>"
