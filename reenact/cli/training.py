"""`reenact train generator`, `reenact train export` and `reenact target train`: what teaches the network."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reenact.cli.interruption import interruptible

if TYPE_CHECKING:
    from reenact.training.fit import Report
    from reenact.training.judge import Score

Data = Annotated[list[Path], typer.Argument(metavar="DATA...", help="Packed people, made by `reenact train data`.")]
Threads = Annotated[int, typer.Option(min=1, max=64, help="Processor cores that the training takes.")]


def generator(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="A folder for checkpoints, history and contact sheets.")],
    minutes: Annotated[float, typer.Option(min=0.01, help="How long, all resumed runs together.")] = 60.0,
    start: Annotated[
        Path | None, typer.Option(metavar="CHECKPOINT", help="Start from another training's result.")
    ] = None,
    kinds: Annotated[
        str, typer.Option(metavar="real,rendered", help="Which people are learnt from.")
    ] = "real,rendered",
    real: Annotated[float, typer.Option(min=0, max=1, help="Share of real people where there are both.")] = 0.5,
    rate: Annotated[float, typer.Option(min=1e-6, max=0.1, help="Learning rate.")] = 8e-4,
    seed: Annotated[int, typer.Option(help="The same seed, the same samples.")] = 0,
    threads: Threads = 2,
) -> None:
    """Trains the network on packed people; Ctrl-C stops it, the same command goes on.

    \b
    [bold]reenact train generator people/ --out run1 --minutes 120[/]
    [bold]reenact train export run1/best.npz people/ --to models --name portrait-256[/]

    People held out of the data set judge it: the best state so far is best.npz, sheet.png shows it (base, network,
    truth, what was changed five times stronger).  It ends by itself when they get no better.
    """
    _needs_torch()
    from reenact.cli.console import out as console
    from reenact.errors import InputError
    from reenact.training.checkpoint import averaged
    from reenact.training.fit import Fit, FitConfig
    from reenact.training.samples import People

    taken = tuple(k.strip() for k in kinds.split(",") if k.strip())
    if not taken or not set(taken) <= {"real", "rendered"}:
        raise InputError(f"--kinds is {kinds!r}: expected real, rendered or both with a comma between")
    people, judges = People(data, "train", taken), People(data, "held").judges(12)
    config = FitConfig(minutes=minutes, rate=rate, real=real, seed=seed, threads=threads)
    fit = Fit(out, people, judges, config, None if start is None else averaged(start))
    with interruptible() as stopped, _reporting("training", minutes) as report:
        reached = fit.run(report, stopped)
    console.print(
        f"{reached.step} steps in {reached.seconds / 60:.0f} minutes, the best at step {reached.best_step}: "
        f"{reached.best:+.2f} dB over the base; {out / 'best.npz'}, {out / 'sheet.png'}",
        soft_wrap=True,
    )


def export(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A training's best.npz.")],
    data: Data,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the model files and their entry go.")],
    name: Annotated[str, typer.Option(help="What the model is called.")] = "portrait-256",
) -> None:
    """Writes a trained network as model files: int8 for processors, float16 for GPUs, compared with the original."""
    _needs_torch()
    from rich.table import Table

    from reenact.cli.console import out as console
    from reenact.cli.opening import waiting
    from reenact.training.export import export as write

    with waiting("writing and comparing"):
        compared = write(checkpoint, data, to, name)
    table = Table(title=f"{name} against PyTorch, on held-out people", title_justify="left")
    for column in ("form", "bytes", "finished picture", "flow", "colour", "detail"):
        table.add_column(column, justify="right")
    for row in compared:
        most = (f"{row.most[0]:.3f} px", f"{row.most[1]:.2f}", f"{row.most[2]:.2f}")
        table.add_row(row.form, f"{row.bytes:,}", f"{row.psnr_db:.1f} dB", *most)
    console.print(table)


def train(
    name: Annotated[str, typer.Argument(help="A video target's name.")],
    minutes: Annotated[
        float, typer.Option(min=0.01, help="At most so long; it ends by itself when nothing is gained.")
    ] = 8.0,
    threads: Threads = 2,
    undo: Annotated[bool, typer.Option("--undo", help="Go back to the generator before the last training.")] = False,
) -> None:
    """Trains the network on a target's own video: a generator for this target alone.

    Every eighth stretch of the video is held out and decides: what gets its face better and its mouth no worse is
    kept in the target's bundle, and the generator before it too; else nothing changes.
    """
    from reenact.cli.console import out as console
    from reenact.targets.generator import restore_generator
    from reenact.targets.library import find_target

    bundle = find_target(name)
    if undo:
        restore_generator(bundle)
        console.print(f"{name} has the generator again that it had before", markup=False)
        return
    _needs_torch()
    from reenact.training.target import train_on

    with interruptible() as stopped, _reporting(f"training on {name}", minutes) as report:
        outcome, sheet = train_on(bundle, minutes, threads, report, stopped)
    console.print(_scores(outcome.base, outcome.before, outcome.after))
    kept = f"kept: {name} has a generator of its own" if outcome.kept else f"not kept: {name} is no worse as it is"
    console.print(
        f"{outcome.steps} steps in {outcome.seconds / 60:.1f} minutes; {kept}; before and after: {sheet}",
        soft_wrap=True,
        markup=False,
    )


def _scores(base: "Score", before: "Score", after: "Score") -> Any:
    from rich.table import Table

    table = Table(title="held-out moments, dB and sharpness (the truth's is 1)", title_justify="left")
    for column in ("", "base", "before", "after"):
        table.add_column(column, justify="right")
    for region in base.psnr:
        table.add_row(region, *(f"{s.psnr[region]:.2f}" for s in (base, before, after)))
    for region in base.sharp:
        table.add_row(f"sharpness, {region}", *(f"{s.sharp[region]:.2f}" for s in (base, before, after)))
    return table


def _needs_torch() -> None:
    from importlib.util import find_spec

    from reenact.errors import InputError

    missing = [package for package in ("torch", "onnx") if find_spec(package) is None]
    if missing:
        raise InputError(f"training needs {' and '.join(missing)}: pip install 'reenact[train]'")


@contextmanager
def _reporting(what: str, minutes: float) -> "Iterator[Report]":
    """A progress bar over the minutes; judgements stay as lines above it."""
    from reenact.cli.console import err, progress

    with progress(what) as bar:

        def report(line: str, reached: Any) -> None:
            if "verdict" in line:
                err.print(f"{reached.step:6} {line}", markup=False, soft_wrap=True)
            bar(int(reached.seconds), int(60 * minutes), f"{what}: {line[:12]}")

        yield report
