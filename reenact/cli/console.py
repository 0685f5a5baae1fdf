"""What the user sees: plain sentences, Rich tables and progress bars.  Results go to stdout, the rest to stderr."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from reenact.stats import LATENCY, Stats


class Report(Protocol):
    """What a progress bar is told: how many are done, of how many where that is known."""

    def __call__(self, done: int, total: int | None, description: str = ...) -> None: ...


out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def tell(sentence: str) -> None:
    """One sentence on stderr, unwrapped."""
    print(f"reenact: {sentence}", file=sys.stderr, flush=True)


@contextmanager
def progress(description: str) -> Iterator["Report"]:
    """A progress bar while the block runs, on a terminal only; yields report(done, total, description)."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(description, total=None)

        def report(done: int, total: int | None, description: str = description) -> None:
            total = None if total is None else max(done, total)
            bar.update(task, completed=done, total=total, description=description)

        yield report


@contextmanager
def preparing(description: str) -> Iterator[Callable[[str, int, int], None]]:
    """The same for work in several steps; yields report(what is being done, done, total or 0)."""
    with progress(description) as report:

        def step(what: str, done: int, total: int) -> None:
            report(done, total or None, f"{description}: {what}")

        yield step


def stage_table(stats: Stats, title: str) -> Table:
    """Milliseconds by stage, median and 95th percentile."""
    table = Table(title=title, title_justify="left")
    table.add_column("stage")
    for name in ("median ms", "p95 ms", "max ms", "times"):
        table.add_column(name, justify="right")
    for row in stats.table():
        style = "bold" if row.name == LATENCY else ""
        numbers = (f"{row.p50_ms:.2f}", f"{row.p95_ms:.2f}", f"{row.max_ms:.2f}", str(row.count))
        table.add_row(row.name, *numbers, style=style)
    return table


def quieten() -> None:
    """Keeps the chatter of MediaPipe's and TensorFlow's C++ parts off the user's terminal.

    They write to file descriptor 2 itself, some of it before any setting of theirs is read.  Python's
    sys.stderr moves to a copy of it and the descriptor is pointed at nothing.  REENACT_VERBOSE=1 leaves all as is.
    """
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    plain = sys.stderr
    if os.environ.get("REENACT_VERBOSE") or plain is not sys.__stderr__ or plain is None:
        return
    try:
        if plain.fileno() != 2:
            return
        plain.flush()
        copy = os.dup(2)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 2)
        os.close(nothing)
    except (OSError, ValueError):
        return
    sys.stderr = os.fdopen(copy, "w", buffering=1, encoding=plain.encoding, errors="backslashreplace")
