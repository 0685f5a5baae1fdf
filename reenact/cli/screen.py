"""What the person at the keyboard sees while it runs: a window with keys, or a line on the terminal with keys."""

from typing import TYPE_CHECKING

from reenact.cli.controls import KEYS, WINDOW_KEYS, Controls, keys_text
from reenact.sinks import HudStats, Preview
from reenact.stats import LATENCY
from reenact.types import Kind

if TYPE_CHECKING:
    from reenact.cli.keyboard import Keyboard
    from reenact.live import Live


class Screen:
    """The preview window; `tick` goes to reenact.live.Live and is called in the thread that made this.

    device  what is driven and where to, for the HUD
    """

    def __init__(self, size: tuple[int, int], controls: Controls, device: str = "") -> None:
        self._driver = False
        self._controls, self._device = controls, device
        self._preview = Preview(size)
        self._rate = Rate()

    def tick(self, loop: "Live") -> None:
        if loop.last is not None:
            self._preview.stats = facts(loop, self._rate, self._controls, self._device)
            self._preview.driver = loop.view if self._driver else None
            self._preview.send(loop.last)
        key = self._preview.poll_key()
        if key == "m":
            self._preview.mirror = not self._preview.mirror
        elif key == "d":
            self._driver = not self._driver
        else:
            self._controls.press(key, loop)
        if self._preview.closed:
            loop.stop()

    def close(self) -> None:
        self._preview.close()


class StatusLine:
    """One line on the terminal, renewed twice a second, where stderr is one; keys where stdin is one."""

    def __init__(self, controls: Controls, keyboard: "Keyboard", device: str = "") -> None:
        from reenact.cli.console import err

        self._controls, self._keyboard, self._device = controls, keyboard, device
        self._console = err
        self._status = err.status("starting") if err.is_terminal else None
        self._rate = Rate()
        self._told = 0.0
        if self._status is not None:
            self._status.start()

    def tick(self, loop: "Live") -> None:
        key = self._keyboard.poll_key()
        self._controls.press(key, loop)
        if key == "h" and self._status is not None:
            self._console.print(keys_text(KEYS))
        if self._status is None or (loop.seconds - self._told < 0.5 and not key):
            return
        self._told = loop.seconds
        self._status.update(line(facts(loop, self._rate, self._controls, self._device), self._keyboard.listens))

    def close(self) -> None:
        if self._status is not None:
            self._status.stop()
        self._keyboard.close()


def facts(loop: "Live", rate: "Rate", controls: Controls, device: str) -> HudStats:
    """How it is just now."""
    latency = loop.stats.series(LATENCY)
    notes = [loop.trouble, controls.stopped, loop.slow, controls.notice(loop)]
    if controls.helping:
        notes += [keys_text(KEYS[:4]), keys_text((*KEYS[4:], *WINDOW_KEYS))]
    elif not any(notes):
        notes = ["h keys"]
    return HudStats(
        kind=Kind.REST if loop.last is None else loop.last.kind,
        rate=rate.of(loop),
        latency_ms=0.0 if latency is None else latency.p50_ms,
        drops=loop.drops,
        device=device,
        note="\n".join(note for note in notes if note),
        p95_ms=0.0 if latency is None else latency.p95_ms,
        recording=controls.recording,
    )


def line(stats: HudStats, keys: bool) -> str:
    """The same as one line of Rich's markup."""
    from rich.markup import escape

    colour = {Kind.LIVE: "green", Kind.HOLD: "yellow", Kind.REST: "blue", Kind.SLATE: "red"}[stats.kind]
    aged = f"{stats.latency_ms:.0f} ms (p95 {stats.p95_ms:.0f})" if stats.latency_ms else ""
    parts = [f"[bold {colour}]{stats.kind.name}[/]", f"{stats.rate:.1f}/s", aged, f"{stats.drops} dropped"]
    parts += ["[red]REC[/]" if stats.recording else "", escape(stats.device)]
    notes = [note for note in stats.note.split("\n") if note != "h keys"]
    parts += [f"[yellow]{escape(note)}[/]" for note in notes if note]
    parts.append("[dim]h keys[/]" if keys else "")
    return "  ".join(part for part in parts if part)


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
