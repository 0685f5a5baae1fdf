"""`reenact bench`: measurements that anyone can repeat."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reenact.cli import options as o

if TYPE_CHECKING:
    from rich.table import Table

    from reenact.bench.latency import Measured

app = typer.Typer(no_args_is_help=True, help="Measure on this machine: blending, quality against exact truth, latency.")

SYNTHETIC = o.ConsentKind("synthetic")
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Save it, with the facts of the machine.")]


@app.command()
def blend(
    size: Annotated[
        list[int] | None, typer.Option(min=16, max=720, help="Side of the square patch; repeatable. Default: all.")
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Videos or pictures of faces. Default: generated pictures.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything runs.")] = 30,
    json: Json = Path("blend.json"),
) -> None:
    """Poisson blending against OpenCV, sparse LU and algebraic multigrid: speed, and error to an exact solve.

    \b
    [bold]reenact bench blend[/]
    [bold]reenact bench blend --size 256 --rounds 100[/]
    """
    from reenact.bench import blend as bench
    from reenact.cli.console import err, out
    from reenact.rendering import check_output

    if json is not None:
        check_output(json)
    with err.status("measuring; a minute or two"):
        bench.run(json, tuple(size or bench.SIZES), pairs, rounds, out)


@app.command()
def quality(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER|CLIP...",
            help="Folders with driver.mp4, target.png, target.mp4, truth_portrait.mp4 and truth_video.mp4; videos of "
            "one person; folders of either.",
        ),
    ],
    neutral: Annotated[str, typer.Option(metavar="auto|first", help="The driver at rest, as for render.")] = "first",
    variant: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="still, warp, base or network; repeatable. Default: all.")
    ] = None,
    candidate: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Another network, as exported with its manifest; repeatable."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Take each N-th frame only.")] = 1,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Take the first seconds only.")] = None,
    mouth: o.MouthWay = o.MOUTH,
    consent: o.Consent = None,
    note: o.Note = "",
    provider: o.RunsOn = o.PROVIDER,
    allow_cpu: o.AllowCpu = False,
    json: Json = Path("quality.json"),
    page: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="A page with contact sheets and clips, these in a folder beside it."
        ),
    ] = None,
) -> None:
    """Drives targets with the real engine and scores what comes out against the truth.

    \b
    [bold]reenact bench quality pairs/[/]    rendered people, exact truth
    [bold]reenact bench quality clips/ --seconds 4 --html quality.html[/]    real people, each driven by themselves
    [bold]reenact bench quality clip.mp4 --candidate runs/export[/]    a network against the shipped one

    In a folder the truth is the target's person doing what the driver does, frame by frame: made with a renderer.
    A clip is its own: its first frame is the photo, which the clip drives, and which should become the clip.
    Beside the engine, its parts: the target as it is, only warped, and without the network (base).
    """
    from contextlib import nullcontext

    from reenact.bench import quality as bench
    from reenact.bench import report as pages
    from reenact.bench.cases import Cut, find_cases
    from reenact.bench.machine import facts
    from reenact.bench.sheets import gallery_beside
    from reenact.bench.variants import choose
    from reenact.cli.console import out, preparing
    from reenact.cli.opening import warm
    from reenact.cli.scoretables import tables
    from reenact.config import GeneratorConfig, RetargetConfig
    from reenact.rendering import check_output

    retarget = RetargetConfig(neutral=neutral)
    generator = GeneratorConfig(mouth=mouth.value, provider=provider.value, allow_cpu=allow_cpu)
    cut, variants = Cut(every, seconds), choose(variant, candidate or ())
    for output in (json, page):
        if output is not None:
            check_output(output)
    cases = find_cases(paths)
    warm()
    who = None if consent is None else (consent.value, note)
    with preparing("measuring") as report, nullcontext() if page is None else gallery_beside(page) as gallery:
        measured = bench.measure(
            cases, retarget, generator, variants=variants, cut=cut, consent=who, watcher=gallery, progress=report
        )
    if page is not None and gallery is not None:
        pages.write(measured, facts(), gallery.media, page)
    for table in tables(measured):
        out.print(table, soft_wrap=isinstance(table, str))
    if json is not None:
        bench.save(measured, json)


@app.command()
def latency(
    target: Annotated[
        str | None, typer.Option("--target", "-t", metavar="NAME|FILE", help="Default: the built-in photo.")
    ] = None,
    driver: Annotated[
        Path | None, typer.Option(metavar="VIDEO", help="Played as a webcam. Default: the built-in driver.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long to run.")] = 20.0,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Output size, for a picture as target: laid on a canvas.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=1, max=240, help="The driver's pictures a second. Default: the file's.")
    ] = None,
    consent: o.Consent = None,
    note: o.Note = "",
    mouth: o.MouthWay = o.MOUTH,
    provider: o.RunsOn = o.PROVIDER,
    allow_cpu: o.AllowCpu = False,
    json: Json = Path("latency.json"),
) -> None:
    """Runs the real live loop into a sink that converts as a virtual camera does, and times every stage.

    \b
    [bold]reenact bench latency[/]
    [bold]reenact bench latency --rate 60 --seconds 60[/]
    [bold]reenact bench latency -t portrait.jpg --consent self --size 1920x1080[/]
    """
    from contextlib import ExitStack

    from reenact import assets
    from reenact.bench import latency as bench
    from reenact.cli.console import err, out
    from reenact.cli.opening import opened_target, warm
    from reenact.config import GeneratorConfig
    from reenact.errors import InputError
    from reenact.rendering import check_output
    from reenact.sources import open_media

    generator = GeneratorConfig(mouth=mouth.value, provider=provider.value, allow_cpu=allow_cpu)
    driver = assets.DRIVER if driver is None else o.existing(driver, "a video")
    open_media(driver).close()
    if json is not None:
        check_output(json)
    if target is None:
        target, consent = str(assets.PHOTO), SYNTHETIC
    with ExitStack() as stack:
        if size is not None:
            if not Path(target).is_file():
                raise InputError(f"--size {size} needs a picture file as target, {target} is none")
            target = str(stack.enter_context(bench.on_canvas(Path(target), _size(size))))
        shown = stack.enter_context(opened_target(target, consent, note))
        warm()
        with err.status(f"running for {seconds:.0f} s"):
            measured = bench.measure(driver, shown, seconds, rate, generator)
    out.print(_latency_table(measured))
    out.print(
        f"{measured.target} at {measured.size[0]}x{measured.size[1]}: {measured.frames_per_s:.1f} new pictures a "
        f"second from {measured.source_rate:g}, {measured.dropped} dropped of {measured.captured}, "
        f"{measured.again} sent again, "
        f"{measured.faults} faults, {measured.cpu:.0f} % of a core",
        soft_wrap=True,
    )
    if json is not None:
        bench.save(measured, json)


def _latency_table(measured: "Measured") -> "Table":
    from rich.table import Table

    from reenact.stats import LATENCY

    table = Table(title="milliseconds", title_justify="left")
    table.add_column("stage")
    for column in ("p50", "p95", "p99", "max", "times"):
        table.add_column(column, justify="right")
    for row in measured.stages:
        numbers = (f"{v:.2f}" for v in (row.p50_ms, row.p95_ms, row.p99_ms, row.max_ms))
        table.add_row(row.name, *numbers, str(row.count), style="bold" if row.name == LATENCY else "")
    return table


def _size(text: str) -> tuple[int, int]:
    from reenact.errors import InputError

    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise InputError(f"--size is {text!r}: expected WIDTHxHEIGHT, such as 1280x720")
    return int(width), int(height)
