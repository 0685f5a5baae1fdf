"""A generator that is made anew when its device fails: out of memory, lost, reset.

as asked, twice  ->  the network in a process of its own  ->  where the user allows it, on the CPU
"""

import gc
import logging
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from reenact.clock import Clock, MonotonicClock
from reenact.config import GeneratorConfig
from reenact.errors import ModelError
from reenact.stages import Generator, Painter
from reenact.types import Composite, InnerMouth, Motion, Patch, Shot

log = logging.getLogger(__name__)

_TRIES = 2  # of each way
_CALM_S = 10.0  # after so long without a fault the next one is a first one
T = TypeVar("T")


class Placed(Generator, Protocol):
    """A generator that says how it makes the inner mouth, and where it runs."""

    mouth: str
    provider: str

    @property
    def extras(self) -> tuple[str, ...]: ...

    def leave_out(self, extras: frozenset[str]) -> None: ...


class MendingGenerator:
    """A `Generator`, and a `Painter` for as long as it is made of one.

    ways   makes the generator; the second way when the first has failed twice in a row, and so on, and never back
    made   how often it was made anew

    The call in which the device fails raises ModelError, so that the gate shows the slate; later calls make the
    generator anew, no sooner than config.retry_s after the fault, then twice as long, up to config.retry_most_s.
    Other errors than a device's are passed on and change nothing.
    """

    def __init__(
        self,
        ways: Sequence[Callable[[], Placed]],
        config: GeneratorConfig | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._ways, self._way = ways, 0
        self._config, self._clock = config or GeneratorConfig(), clock or MonotonicClock()
        self._now: Placed | None = ways[0]()
        self.mouth, self.provider = self._now.mouth, self._now.provider
        self.made = 0
        self._left_out: frozenset[str] = frozenset()
        self._extras = self._now.extras
        self._failures = 0  # without ten calm seconds between
        self._tries = 0  # of the present way
        self._failed_at = self._retry_at = self._clock.now()
        self._wait_s = self._config.retry_s
        self._why = ""

    @property
    def extras(self) -> tuple[str, ...]:
        """See reenact.playing.Thrifty."""
        return self._extras

    def leave_out(self, extras: frozenset[str]) -> None:
        self._left_out = extras
        made = self._now
        if made is not None:
            made.leave_out(extras)

    def generate(self, shot: Shot, motion: Motion, mouth: InnerMouth | None) -> Patch:
        return self._with(lambda made: made.generate(shot, motion, mouth))

    def paint(self, n: int, motion: Motion, mouth: InnerMouth | None) -> tuple[Patch, Composite] | None:
        """None also where it is made of no painter: it is then asked to generate."""
        return self._with(lambda made: made.paint(n, motion, mouth) if isinstance(made, Painter) else None)

    def close(self) -> None:
        made, self._now = self._now, None
        if made is not None:
            made.close()

    def _with(self, work: Callable[[Placed], T]) -> T:
        made = self._now or self._made_anew()
        try:
            return work(made)
        except Exception as error:
            if not is_device_fault(error):
                raise
            self._lose(error)
            raise ModelError(f"{self._why}: it is opened anew") from error

    def _made_anew(self) -> Placed:
        if self._clock.now() < self._retry_at:
            raise ModelError(f"{self._why}: it is opened anew")
        gc.collect()  # the memory of the one before goes with its last reference, which the error held
        try:
            made = self._ways[self._way]()
        except Exception as error:
            if not is_device_fault(error):
                raise
            self._lose(error)
            raise ModelError(f"{self._why}: it is opened anew") from error
        made.leave_out(self._left_out)
        self.made += 1
        log.warning("the generator was made anew on %s", made.provider)
        self._now, self.provider, self._extras = made, made.provider, made.extras
        return made

    def _lose(self, error: Exception) -> None:
        made, self._now = self._now, None
        now = self._clock.now()
        if now - self._failed_at > _CALM_S:
            self._tries, self._wait_s = 0, self._config.retry_s
        self._tries += 1
        if self._tries > _TRIES and self._way + 1 < len(self._ways):
            self._way, self._tries = self._way + 1, 1
        self._why = f"{self.provider} failed ({_first_line(error)})"
        self._failed_at, self._retry_at = now, now + self._wait_s
        self._wait_s = min(2 * self._wait_s, self._config.retry_most_s)
        if made is not None:
            try:
                made.close()
            except Exception as later:
                log.warning("the generator could not be closed: %s", later)


def is_device_fault(error: BaseException | None) -> bool:
    """Whether a device, or memory, is to blame: MemoryError, ModelError, whatever numba's CUDA driver raises."""
    while error is not None:
        if isinstance(error, MemoryError | ModelError):
            return True
        if type(error).__module__.startswith(("numba.cuda", "numba_cuda")):
            return True
        error = error.__cause__ or error.__context__
    return False


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]
