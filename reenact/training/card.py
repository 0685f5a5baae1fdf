"""The model card's measured part: whom the network learnt from, how it serves people it never saw, what it took."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reenact.training.data import count_traits
from reenact.training.judge import Score, judge
from reenact.training.network import Portrait
from reenact.training.pack import Person, list_packs, person_of
from reenact.training.samples import People

_WATTS = 12.0  # of one busy core with its share of memory and cooling: an estimate, not measured
_GROUPS = ("skin", "age", "glasses", "beard")
_SHOWN = ("face", "mouth", "eyes")


def measured(network: Portrait, data: Sequence[Path], facts: dict[str, Any], threads: int) -> str:
    """Markdown: people by kind and trait, sources with licences, dB on held-out people by group, time and energy."""
    people = {person_of(p).name: person_of(p) for folder in data for p in list_packs(folder)}
    lines = ["### Whom it learnt from", "", *_counted(count_traits(data)), "", *_sources(people.values()), ""]
    lines += ["### People it never saw", "", *_served(network, data, people), ""]
    hours = facts["seconds"] / 3600
    lines += [
        "### What it took",
        "",
        f"{facts['step']} steps in {hours:.1f} hours on {threads} CPU core(s), about {hours * threads * _WATTS:.0f} Wh "
        f"(estimated at {_WATTS:.0f} W a core). {facts['parameters']:,} weights, {facts['multiply_adds'] / 1e9:.2f} "
        "GMAC a picture.",
        "",
        "| form | bytes | finished picture against PyTorch | flow, px | colour, levels | detail, levels |",
        "|---|---|---|---|---|---|",
    ]
    for row in facts["compared"]:
        most = " | ".join(f"{v:.3g}" for v in row["most"])
        psnr = "equal" if row["psnr_db"] > 100 else f"{row['psnr_db']:.1f} dB"
        lines.append(f"| {row['form']} | {row['bytes']:,} | {psnr} | {most} |")
    return "\n".join(lines) + "\n"


def put(path: Path, name: str, text: str) -> None:
    """Writes the measured part into a model card between its two marks, or at its end."""
    begin, end = f"<!-- measured: {name} -->", f"<!-- end of {name} -->"
    card = path.read_text("utf-8") if path.is_file() else f"# Models\n\n## {name}\n"
    block = f"{begin}\n{text}{end}"
    if begin in card and end in card:
        before, _, rest = card.partition(begin)
        card = before + block + rest.partition(end)[2]
    else:
        card = card.rstrip() + "\n\n" + block + "\n"
    path.write_text(card, "utf-8")


def _counted(counts: dict[str, "Counter[str]"]) -> list[str]:
    lines = ["| | people |", "|---|---|"]
    for trait, values in counts.items():
        for value, count in sorted(values.items()):
            lines.append(f"| {'' if trait in ('kind', 'split') else trait + ', '}{value} | {count} |")
    return lines


def _sources(people: "Any") -> list[str]:
    said = sorted({(p.source, p.licence) for p in people if p.kind == "real" and (p.source or p.licence)})
    return [
        "Real clips, by source and licence: " + "; ".join(f"{s or 'own'} ({lic or 'none'})" for s, lic in said) + "."
    ]


def _served(network: Portrait, data: Sequence[Path], people: dict[str, Person]) -> list[str]:
    judges = People(data, "held").judges(12)
    scores = {name: (judge(None, s), judge(network, s)) for name, s in judges.items()}
    lines = [
        "PSNR in dB, base and with the network, and the sharpness of face and mouth (Laplacian energy, truth 1). "
        "Twelve moments of each person, from the calmest picture, the true landmarks given, the inner mouth left out.",
        "",
        "| | people | face | mouth | eyes | sharpness, base | sharpness, network |",
        "|---|---|---|---|---|---|---|",
    ]
    groups: dict[str, list[str]] = {}
    for name in scores:
        kind, _, who = name.partition(" ")
        groups.setdefault(kind, []).append(name)
        for trait in _GROUPS:
            if value := people[who].traits.get(trait):
                groups.setdefault(f"{kind}, {trait} {value}", []).append(name)
    lines += [_row(group, [scores[n] for n in names]) for group, names in sorted(groups.items())]
    worst = min((s[1].psnr[r] - s[0].psnr[r], r, n) for n, s in scores.items() for r in _SHOWN if r in s[0].psnr)
    lines += [
        "",
        f"Served worst: {worst[2].split(' ')[0]} person {worst[2].split(' ')[1]}, {worst[1]}, {worst[0]:+.2f} dB.",
    ]
    return lines


def _row(group: str, rows: list[tuple[Score, Score]]) -> str:
    def mean(index: int, table: str, region: str) -> float:
        return float(np.mean([getattr(r[index], table)[region] for r in rows if region in getattr(r[index], table)]))

    psnr = " | ".join(f"{mean(0, 'psnr', r):.2f} → {mean(1, 'psnr', r):.2f}" for r in _SHOWN)
    sharp = [f"{mean(k, 'sharp', 'face'):.2f} / {mean(k, 'sharp', 'mouth'):.2f}" for k in (0, 1)]
    return f"| {group} | {len(rows)} | {psnr} | {sharp[0]} | {sharp[1]} |"
