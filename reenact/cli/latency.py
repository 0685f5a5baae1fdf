"""`reenact bench latency`: how old is what is shown, and what takes the time?"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reenact.bench.compare import TOLERANCE
from reenact.cli import options as o

if TYPE_CHECKING:
    from rich.table import Table

    from reenact.bench.compare import Change
    from reenact.targets.library import OpenTarget

SYNTHETIC = o.ConsentKind("synthetic")
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Save it, with the facts of the machine.")]
Shown = Annotated[str | None, typer.Option("--target", "-t", metavar="NAME|FILE", help="Default: the built-in photo.")]
Size = Annotated[
    str | None, typer.Option("--size", metavar="WxH", help="Output size, for a picture as target: laid on a canvas.")
]


def latency(
    target: Shown = None,
    driver: Annotated[
        Path | None, typer.Option(metavar="VIDEO", help="Played as a webcam. Default: the built-in driver.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long to run.")] = 20.0,
    size: Size = None,
    rate: Annotated[
        float | None, typer.Option(min=1, max=240, help="The driver's pictures a second. Default: the file's.")
    ] = None,
    adapt: Annotated[
        bool, typer.Option(help="Leave something out on a machine that is too slow, as [bold]live[/] does.")
    ] = True,
    consent: o.Consent = None,
    note: o.Note = "",
    mouth: o.MouthWay = o.MOUTH,
    provider: o.RunsOn = o.PROVIDER,
    allow_cpu: o.AllowCpu = False,
    json: Json = Path("latency.json"),
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="A page with plots.")] = None,
    compare: Annotated[
        Path | None, typer.Option("--compare", metavar="OLD.json", help="Exit status 1 where something became worse.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Of the old value: changes up to this count as none.")
    ] = TOLERANCE,
) -> None:
    """Runs the real live loop into a sink that converts as a virtual camera does, and times every stage.

    \b
    [bold]reenact bench latency[/]
    [bold]reenact bench latency --rate 60 --seconds 600 --html latency.html[/]
    [bold]reenact bench latency -t portrait.jpg --consent self --size 1920x1080[/]
    [bold]reenact bench latency --compare before.json[/]
    """
    from reenact import assets
    from reenact.bench import compare as comparing
    from reenact.bench import latency as bench
    from reenact.cli.console import err, out
    from reenact.config import GeneratorConfig
    from reenact.sources import open_media

    generator = GeneratorConfig(mouth=mouth.value, provider=provider.value, allow_cpu=allow_cpu)
    driver = assets.DRIVER if driver is None else o.existing(driver, "a video")
    open_media(driver).close()
    old = None if compare is None else comparing.load(compare)
    check_outputs(json, html)
    with measured_target(target, size, consent, note) as shown, err.status(f"running for {seconds:.0f} s"):
        result = bench.measure(driver, shown, seconds, rate, generator, adapt=adapt).as_json()
    _print(result, out)
    changes: list[Change] = []
    notes: list[str] = []
    if old is not None:
        notes, changes = comparing.differing(old, result), comparing.compare(old, result, tolerance)
        _print_changes(changes, notes, out)
    _save(result, json, html, changes, notes)
    if any(change.verdict == "worse" for change in changes):
        raise typer.Exit(1)


@contextmanager
def measured_target(
    target: str | None, size: str | None, consent: o.ConsentKind | None, note: str
) -> "Iterator[OpenTarget]":
    """The target to be measured, kernels compiled."""
    from reenact import assets
    from reenact.bench.latency import on_canvas
    from reenact.cli.opening import opened_target, warm
    from reenact.errors import InputError

    if target is None:
        target, consent = str(assets.PHOTO), SYNTHETIC
    with ExitStack() as stack:
        if size is not None:
            if not Path(target).is_file():
                raise InputError(f"--size {size} needs a picture file as target, {target} is none")
            target = str(stack.enter_context(on_canvas(Path(target), size_of(size))))
        shown = stack.enter_context(opened_target(target, consent, note))
        warm()
        yield shown


def check_outputs(*outputs: Path | None) -> None:
    """Raises where a result could not be written, before anything is measured."""
    from reenact.rendering import check_output

    for output in outputs:
        if output is not None:
            check_output(output)


def _print(result: dict[str, Any], out: Any) -> None:
    from reenact.bench.latency_page import sentences

    out.print(_table(result))
    width, height = result["size"]
    out.print(f"{result['target']} at {width}x{height}")
    for sentence in sentences(result):
        out.print(sentence, soft_wrap=True)


def _table(result: dict[str, Any]) -> "Table":
    from rich.table import Table

    from reenact.stats import LATENCY

    table = Table(title="milliseconds", title_justify="left")
    table.add_column("stage")
    for column in ("p50", "p95", "p99", "max", "times"):
        table.add_column(column, justify="right")
    for row in result["stages"]:
        numbers = (f"{row[key]:.2f}" for key in ("p50_ms", "p95_ms", "p99_ms", "max_ms"))
        table.add_row(row["name"], *numbers, str(row["count"]), style="bold" if row["name"] == LATENCY else "")
    if result["age"]:
        table.add_row("age at the sink", *(f"{result['age'][key]:.2f}" for key in ("p50", "p95", "p99", "max")), "")
    return table


def _print_changes(changes: "list[Change]", notes: list[str], out: Any) -> None:
    from rich.table import Table

    for note in notes:
        out.print(f"another machine: {note}", soft_wrap=True)
    table = Table(title="against the older run", title_justify="left")
    for column in ("figure", "then", "now", "change", ""):
        table.add_column(column, justify="left" if column in ("figure", "") else "right")
    styles = {"worse": "red", "better": "green", "same": ""}
    for c in changes:
        relative = "" if c.change is None else f"{100 * c.change:+.0f} %"
        table.add_row(
            f"{c.name}, {c.unit}", f"{c.old:.2f}", f"{c.new:.2f}", relative, c.verdict, style=styles[c.verdict]
        )
    out.print(table)


def _save(
    result: dict[str, Any], json: Path | None, html: Path | None, changes: "list[Change]", notes: list[str]
) -> None:
    from reenact.bench.html import write
    from reenact.bench.latency import save
    from reenact.bench.latency_page import document

    if json is not None:
        save(result, json)
    if html is not None:
        write(html, document(result, changes, notes))


def size_of(text: str) -> tuple[int, int]:
    """(width, height) of WIDTHxHEIGHT."""
    from reenact.errors import InputError

    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise InputError(f"--size is {text!r}: expected WIDTHxHEIGHT, such as 1280x720")
    return int(width), int(height)
