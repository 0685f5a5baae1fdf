"""Plots as SVG inside a page: no scripts, nothing fetched, the colours of the page about them."""

import math
from collections.abc import Sequence

from reenact.bench.html import text

WIDTH, HEIGHT = 760, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 22, 34
_COLOURS = ("#3b78c4", "#d08a2e", "#4b9a57")


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers from low to high, about `count` of them."""
    span = max(high - low, 1e-9)
    step = 10.0 ** math.floor(math.log10(span / count))
    step *= next((m for m in (1, 2, 5) if span / (step * m) <= count), 10)
    first = -(-low // step)
    return [round((first + k) * step, 9) for k in range(int((high - first * step) / step + 1e-9) + 1)]


class Axes:
    """Maps values to the drawing, and draws what is about it."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], title: str, x_name: str, y_name: str) -> None:
        self._x, self._y = x, y
        self._parts = [
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(title)}" font-size="11" '
            'fill="currentColor" font-family="system-ui, sans-serif">',
            f'<text x="{_LEFT}" y="13" font-size="13" font-weight="600">{text(title)}</text>',
            f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 4}" text-anchor="end" opacity=".7">{text(x_name)}</text>',
            f'<text x="4" y="13" opacity=".7">{text(y_name)}</text>',
        ]
        for value in nice_ticks(*y):
            at = self.y(value)
            self._parts.append(
                f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="currentColor" '
                f'stroke-opacity=".15"/><text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{value:g}</text>'
            )
        for value in nice_ticks(*x, count=8):
            self._parts.append(
                f'<text x="{self.x(value):.1f}" y="{HEIGHT - _BOTTOM + 15}" text-anchor="middle">{value:g}</text>'
            )

    def x(self, value: float) -> float:
        return _scaled(value, self._x, _LEFT, WIDTH - _RIGHT)

    def y(self, value: float) -> float:
        return _scaled(value, self._y, HEIGHT - _BOTTOM, _TOP)

    def add(self, part: str) -> None:
        self._parts.append(part)

    def done(self) -> str:
        return "".join((*self._parts, "</svg>"))


def _scaled(value: float, within: tuple[float, float], low: float, high: float) -> float:
    share = (value - within[0]) / max(within[1] - within[0], 1e-9)
    return low + min(max(share, 0.0), 1.0) * (high - low)


def lines(
    title: str,
    x_name: str,
    y_name: str,
    t: Sequence[float],
    curves: dict[str, Sequence[float]],
    y_from: float | None = 0.0,
) -> str:
    """One line for each curve over the same t, named at the upper right; y_from None: from the least value."""
    values = [v for curve in curves.values() for v in curve]
    low = min(values) if y_from is None else y_from
    axes = Axes((t[0], max(t[-1], t[0] + 1e-6)), (low, max(max(values), low + 1e-6)), title, x_name, y_name)
    for k, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[k % len(_COLOURS)]
        points = " ".join(f"{axes.x(a):.1f},{axes.y(b):.1f}" for a, b in zip(t, curve, strict=True))
        axes.add(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        axes.add(
            f'<text x="{WIDTH - _RIGHT - 90 * (len(curves) - 1 - k)}" y="13" text-anchor="end" '
            f'fill="{colour}">{text(name)}</text>'
        )
    return axes.done()


def histogram(title: str, x_name: str, edges: Sequence[float], counts: Sequence[int], mark: float | None = None) -> str:
    """Counts between edges; mark: a value to be pointed at, such as the period wanted."""
    axes = Axes((edges[0], edges[-1]), (0.0, float(max(max(counts), 1))), title, x_name, "pictures")
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        left, right, top = axes.x(low), axes.x(high), axes.y(count)
        axes.add(
            f'<rect x="{left + 0.5:.1f}" width="{max(right - left - 1, 0.5):.1f}" y="{top:.1f}" '
            f'height="{axes.y(0) - top:.1f}" fill="{_COLOURS[0]}"/>'
        )
    if mark is not None and edges[0] <= mark <= edges[-1]:
        at = axes.x(mark)
        axes.add(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}" stroke="{_COLOURS[1]}"/>')
    return axes.done()


def bars(title: str, x_name: str, rows: Sequence[tuple[str, float, float, float]]) -> str:
    """A row for each name: a bar to its median, a fainter one on to its 95th percentile and a stroke at its 99th."""
    row_height, left = 24, 130
    height = _TOP + row_height * len(rows) + _BOTTOM
    most = max((row[3] for row in rows), default=1.0) or 1.0
    right = WIDTH - 60

    def x(value: float) -> float:
        return _scaled(value, (0.0, most), left, right)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{text(title)}" font-size="12" '
        'fill="currentColor" font-family="system-ui, sans-serif">',
        f'<text x="{left}" y="13" font-size="13" font-weight="600">{text(title)}</text>',
    ]
    for k, (name, p50, p95, p99) in enumerate(rows):
        y = _TOP + row_height * k
        parts.append(f'<text x="{left - 8}" y="{y + 16}" text-anchor="end">{text(name)}</text>')
        for value, opacity in ((p95, 0.35), (p50, 1.0)):
            parts.append(
                f'<rect x="{left}" y="{y + 5}" width="{max(x(value) - left, 0.5):.1f}" height="14" '
                f'fill="{_COLOURS[0]}" fill-opacity="{opacity}"/>'
            )
        parts.append(
            f'<line x1="{x(p99):.1f}" x2="{x(p99):.1f}" y1="{y + 3}" y2="{y + 21}" stroke="{_COLOURS[1]}" '
            f'stroke-width="2"/><text x="{x(p99) + 5:.1f}" y="{y + 16}">{p50:.1f}</text>'
        )
    for value in nice_ticks(0.0, most, 8):
        parts.append(f'<text x="{x(value):.1f}" y="{height - _BOTTOM + 16}" text-anchor="middle">{value:g}</text>')
    parts.append(f'<text x="{right}" y="{height - 4}" text-anchor="end" opacity=".7">{text(x_name)}</text></svg>')
    return "".join(parts)
