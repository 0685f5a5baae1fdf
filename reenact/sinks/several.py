"""Several sinks as one."""

import logging
from collections.abc import Mapping

from reenact.errors import ReenactError, SinkError
from reenact.stages import Acknowledging, SelfMending, Sink
from reenact.types import Composite

log = logging.getLogger(__name__)


class Fanout:
    """A Sink that sends each picture to all of its sinks, in order.

    One that fails does not keep the picture from the others.  By default it is then closed and left out, with a
    warning, its error kept in `failures` under its name, and SinkError is raised only when none is left; with
    `strict` its error is raised, after the others had the picture.  `close` closes all, then raises the first error.
    """

    def __init__(self, sinks: Mapping[str, Sink], *, strict: bool = False) -> None:
        if not sinks:
            raise ValueError("no sink was given: expected one or more")
        self._sinks = dict(sinks)
        self._strict = strict
        self.failures: dict[str, ReenactError] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Those that still take pictures."""
        return tuple(self._sinks)

    @property
    def trouble(self) -> str:
        """What is wrong with those that mend themselves, "" while all is well."""
        wrong = [sink.trouble for sink in list(self._sinks.values()) if isinstance(sink, SelfMending) and sink.trouble]
        return "; ".join(wrong)

    @property
    def written_at(self) -> float | None:
        """When the first of those that know it had written the picture."""
        times = [sink.written_at for sink in list(self._sinks.values()) if isinstance(sink, Acknowledging)]
        return times[0] if times else None

    def send(self, composite: Composite) -> None:
        if not isinstance(composite, Composite):
            raise TypeError(f"a Fanout takes a Composite, not {type(composite).__name__}")
        first: ReenactError | None = None
        for name, sink in list(self._sinks.items()):
            try:
                sink.send(composite)
            except ReenactError as error:
                first = first or error
                if not self._strict:
                    self._drop(name, error)
        if self._strict and first is not None:
            raise first
        if not self._sinks:
            reasons = "; ".join(f"{name}: {error}" for name, error in self.failures.items()) or "it is closed"
            raise SinkError(f"no output is left ({reasons})")

    def _drop(self, name: str, error: ReenactError) -> None:
        self.failures[name] = error
        log.warning("%s gets no more pictures: %s", name, error)
        try:
            self._sinks.pop(name).close()
        except ReenactError as later:
            log.warning("%s could not be closed: %s", name, later)

    def close(self) -> None:
        first: ReenactError | None = None
        for name, sink in self._sinks.items():
            try:
                sink.close()
            except ReenactError as error:
                self.failures[name] = error
                first = first or error
        self._sinks = {}
        if first is not None:
            raise first

    def __enter__(self) -> "Fanout":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
