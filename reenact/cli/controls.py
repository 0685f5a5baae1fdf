"""What a key does while it runs, the same in the window and on the terminal."""

from dataclasses import replace
from typing import TYPE_CHECKING

from reenact.gains import MOST

if TYPE_CHECKING:
    from reenact.live import Live
    from reenact.sinks.recording import Recording
    from reenact.switching import Switcher

KEYS = (
    ("q", "quit"),
    ("c", "recalibrate"),
    ("space", "slate at once"),
    ("n p", "next, previous target"),
    ("+ -", "expression"),
    ("] [", "head motion"),
    ("r", "record"),
    ("h", "keys"),
)
WINDOW_KEYS = (("m", "mirror"), ("d", "driver"))
_STEP = 0.1  # of a gain
_TOLD_S = 4.0  # how long a notice stays


class Controls:
    """Acts on the loop, the recording and the target.

    recording, targets   None where there is nothing to record into, or nothing to choose from
    helping              whether the keys are shown
    """

    def __init__(self, recording: "Recording | None" = None, targets: "Switcher | None" = None) -> None:
        self._recording, self._targets = recording, targets
        self.helping = False
        self._notice, self._told = "", 0.0
        self._seen = ""  # the last notice about targets

    def press(self, key: str, loop: "Live") -> None:
        """Does what the key stands for; nothing for "" and for any other."""
        if key in ("q", "esc"):
            loop.stop()
        elif key == "c":
            loop.recalibrate()
            self._tell("look at the camera with a calm face", loop)
        elif key == " ":
            loop.toggle_slate()
        elif key in ("n", "p") and self._targets is not None:
            self._targets.step(1 if key == "n" else -1, loop.show)
        elif key in ("+", "=", "-"):
            self._turn("expression", -_STEP if key == "-" else _STEP, loop)
        elif key in ("]", "["):
            self._turn("head", -_STEP if key == "[" else _STEP, loop)
        elif key == "r" and self._recording is not None:
            self._recording.toggle()
            self._tell(self._of_recording(self._recording), loop)
        elif key == "h":
            self.helping = not self.helping

    def _turn(self, gain: str, by: float, loop: "Live") -> None:
        gains = loop.engine.gains
        value = round(min(MOST, max(0.0, getattr(gains, gain) + by)), 2)
        loop.engine.gains = replace(gains, **{gain: value})
        self._tell(f"{'head motion' if gain == 'head' else gain} {value:.1f}", loop)

    def _of_recording(self, recording: "Recording") -> str:
        if recording.on:
            return f"recording to {recording.path}"
        return recording.stopped or f"recorded {recording.path}"

    def _tell(self, notice: str, loop: "Live") -> None:
        self._notice, self._told = notice, loop.seconds

    def notice(self, loop: "Live") -> str:
        """What was done last, for a few seconds."""
        if self._targets is not None and self._targets.notice != self._seen:
            self._seen = self._targets.notice
            self._tell(self._seen, loop)
        return self._notice if loop.seconds - self._told < _TOLD_S else ""

    @property
    def recording(self) -> bool:
        return self._recording is not None and self._recording.on

    @property
    def stopped(self) -> str:
        """Why the recording ended on its own, until the next one."""
        return "" if self._recording is None else self._recording.stopped


def keys_text(keys: tuple[tuple[str, str], ...]) -> str:
    """The keys and what they do, in one line."""
    return "   ".join(f"{key} {what}" for key, what in keys)
