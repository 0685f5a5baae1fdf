"""What the person before the camera sees while a target is recorded: a window, and a line on the terminal."""

import cv2

from reenact.sinks import has_display
from reenact.targets.coverage import STEPS
from reenact.targets.record import Stand
from reenact.types import FaceTrack, Floats, Frame, Pixels

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE, _AMBER, _GREEN, _GREY = (240, 240, 240), (60, 190, 250), (90, 200, 90), (110, 110, 110)
_TITLE = "reenact: recording a target"


def step_shares(stand: Stand) -> dict[str, float]:
    """How far each step is, 0 to 1, by name."""
    return {s.name: sum(stand.shares[g.name] for g in s.goals) / len(s.goals) for s in STEPS}


def draw_guide(pixels: Pixels, points: Floats | None, stand: Stand) -> Pixels:
    """The camera's picture as in a mirror, (H, W, 3) uint8 BGR, with the prompt above and the bar below.

    points  (478, 2 or 3) of the face that was found, pixels of the picture, or None
    """
    drawn: Pixels = cv2.flip(pixels, 1)
    height, width = drawn.shape[:2]
    scale = max(0.4, min(width / 1280, height / 600))
    thick, line, edge = max(1, round(1.8 * scale)), round(40 * scale), round(16 * scale)
    if points is not None:
        for x, y in points[:468:6, :2]:
            cv2.circle(drawn, (width - 1 - int(x), int(y)), max(1, round(1.5 * scale)), _GREEN, -1, cv2.LINE_AA)
    missing = f"still: {', '.join(stand.missing)}" if stand.missing else ""
    above = [(stand.prompt, _WHITE), (stand.hint or missing, _AMBER if stand.hint else _WHITE)]
    band = drawn[: edge + line * len(above) + edge // 2]
    band[:] = band // 3
    for n, (words, colour) in enumerate(above, 1):
        _write(drawn, words, (edge, n * line), scale, colour, thick, width - 2 * edge)
    _draw_bar(drawn, stand, scale, thick)
    return drawn


def _draw_bar(drawn: Pixels, stand: Stand, scale: float, thick: int) -> None:
    """A part for each step, filled as far as it is covered, its name under it."""
    height, width = drawn.shape[:2]
    edge, bar = round(16 * scale), round(18 * scale)
    top = height - bar - 2 * edge - round(14 * scale)
    band = drawn[top - edge // 2 :]
    band[:] = band // 3
    shares = step_shares(stand)
    wide = (width - 2 * edge) / len(shares)
    for n, (name, share) in enumerate(shares.items()):
        left, right = round(edge + n * wide), round(edge + (n + 1) * wide) - max(2, edge // 4)
        cv2.rectangle(drawn, (left, top), (right, top + bar), _GREY, -1)
        if share > 0:
            cv2.rectangle(drawn, (left, top), (left + round((right - left) * share), top + bar), _GREEN, -1)
        colour = _GREEN if share >= 1 else _WHITE
        _write(drawn, name, (left, top + bar + round(24 * scale)), 0.6 * scale, colour, thick, right - left)


def _write(
    drawn: Pixels, words: str, place: tuple[int, int], scale: float, colour: tuple[int, int, int], thick: int, most: int
) -> None:
    """Text that is made smaller where it would not fit into `most` pixels."""
    shown = words.encode("ascii", "replace").decode()  # the stroke font has no other letters
    wide = cv2.getTextSize(shown, _FONT, scale, thick)[0][0]
    cv2.putText(drawn, shown, place, _FONT, scale * min(1.0, most / max(wide, 1)), colour, thick, cv2.LINE_AA)


class GuideWindow:
    """A window with the camera's own picture, for the person before it alone; `closed` once q, Esc or its cross did it.

    Use it in the thread that made it.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.closed = False
        cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        cv2.resizeWindow(_TITLE, *size)

    def show(self, frame: Frame | None, track: FaceTrack | None, stand: Stand) -> None:
        if self.closed:
            return
        if frame is not None:
            cv2.imshow(_TITLE, draw_guide(frame.pixels, None if track is None else track.points, stand))
        key = cv2.waitKey(1) & 0xFF
        crossed = frame is not None and cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1
        self.closed = key in (ord("q"), 27) or crossed

    def close(self) -> None:
        self.closed = True
        cv2.destroyAllWindows()
        cv2.waitKey(1)


class GuideLine:
    """The prompt, what is missing of it and a bar on the terminal; where there is none, each prompt as a line once."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        from reenact.cli.console import err

        columns = (
            TextColumn("[bold]{task.description}"),
            BarColumn(24),
            TaskProgressColumn(),
            TextColumn("{task.fields[rest]}"),
        )
        self._bar = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
        self._task = self._bar.add_task("", total=1.0, rest="")
        self._bar.start()
        self._told = ""
        self._plain = not err.is_terminal

    def show(self, frame: Frame | None, track: FaceTrack | None, stand: Stand) -> None:
        from reenact.cli.console import tell

        if self._plain and stand.prompt != self._told:
            tell(f"{stand.prompt} ({stand.share:.0%} covered)")
        self._told = stand.prompt
        rest = (
            f"[yellow]{stand.hint}[/]" if stand.hint else f"still: {', '.join(stand.missing)}" if stand.missing else ""
        )
        self._bar.update(self._task, completed=stand.share, description=stand.prompt, rest=rest)

    def close(self) -> None:
        self._bar.stop()


def guides(size: tuple[int, int], window: bool | None) -> list[GuideWindow | GuideLine]:
    """The line, and the window where there is a display, or where it is asked for.

    DeviceError where a window is asked for (True) and cannot be opened; False: none.
    """
    from reenact.errors import DeviceError

    shown: list[GuideWindow | GuideLine] = []
    if window is not False:
        if has_display():
            shown.append(GuideWindow(size))
        elif window:
            raise DeviceError("there is no display to open a window on: leave --preview out, or set DISPLAY")
    return [*shown, GuideLine()]
