"""What the person at the keyboard sees while it runs: a window with keys, or a line on the terminal."""

from typing import TYPE_CHECKING

from reenact.sinks import HudStats, Preview
from reenact.stats import LATENCY
from reenact.types import Kind

if TYPE_CHECKING:
    from reenact.live import Live

KEYS = "q quit  c recalibrate  m mirror  d driver  space slate"


class Screen:
    """The preview window; `tick` goes to reenact.live.Live and is called in the thread that made this."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._driver = False
        self._preview = Preview(size)
        self._rate = Rate()

    def tick(self, loop: "Live") -> None:
        if loop.last is not None:
            latency = loop.stats.series(LATENCY)
            self._preview.stats = HudStats(
                kind=loop.last.kind,
                rate=self._rate.of(loop),
                latency_ms=0.0 if latency is None else latency.p50_ms,
                drops=loop.drops,
                note=KEYS,
            )
            self._preview.driver = loop.view if self._driver else None
            self._preview.send(loop.last)
        self._act(self._preview.poll_key(), loop)
        if self._preview.closed:
            loop.stop()

    def _act(self, key: str, loop: "Live") -> None:
        if key in ("q", "esc"):
            loop.stop()
        elif key == "c":
            loop.recalibrate()
        elif key == "m":
            self._preview.mirror = not self._preview.mirror
        elif key == "d":
            self._driver = not self._driver
        elif key == " ":
            loop.toggle_slate()

    def close(self) -> None:
        self._preview.close()


class StatusLine:
    """One line on the terminal, renewed once a second; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        from reenact.cli.console import err

        self._status = err.status("starting") if err.is_terminal else None
        self._rate = Rate()
        self._told = 0.0
        if self._status is not None:
            self._status.start()

    def tick(self, loop: "Live") -> None:
        if self._status is None or loop.seconds - self._told < 1.0:
            return
        self._told = loop.seconds
        kind = Kind.REST if loop.last is None else loop.last.kind
        latency = loop.stats.series(LATENCY)
        aged = "" if latency is None else f"  {latency.p50_ms:.0f} ms (p95 {latency.p95_ms:.0f})"
        self._status.update(f"{kind.name}  {self._rate.of(loop):.1f}/s{aged}  {loop.drops} dropped")

    def close(self) -> None:
        if self._status is not None:
            self._status.stop()


class Rate:
    """Pictures a second over about the last second."""

    def __init__(self) -> None:
        self._at, self._sent, self._rate = 0.0, 0, 0.0

    def of(self, loop: "Live") -> float:
        now, sent = loop.seconds, loop.stats.counted("sent")
        if now - self._at >= 1.0:
            self._rate = (sent - self._sent) / (now - self._at)
            self._at, self._sent = now, sent
        return self._rate
