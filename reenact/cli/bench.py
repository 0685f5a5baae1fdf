"""`reenact bench`: measurements that anyone can repeat."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reenact.cli import options as o
from reenact.cli.glass import glass
from reenact.cli.hosting import vcam
from reenact.cli.latency import latency
from reenact.cli.marks import provenance

if TYPE_CHECKING:
    from reenact.bench.quality import Measured

app = typer.Typer(no_args_is_help=True, help="Measure on this machine: blending, quality, latency, provenance.")

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


Cases = Annotated[
    list[Path],
    typer.Argument(
        metavar="FOLDER|CLIP...",
        help="Folders with driver.mp4, target.png, target.mp4, truth_portrait.mp4 and truth_video.mp4; videos of "
        "one person; folders of either.",
    ),
]
Candidates = Annotated[
    list[Path] | None,
    typer.Option(metavar="FOLDER", help="Another network, as exported with its manifest; repeatable."),
]
ClipAs = Annotated[
    str, typer.Option(metavar="photo|video|both", help="What target a clip is: its first frame, or itself.")
]
Page = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="A page with contact sheets and clips, these in a folder beside it."),
]


@app.command()
def quality(
    paths: Cases,
    neutral: Annotated[str, typer.Option(metavar="auto|first", help="The driver at rest, as for render.")] = "first",
    variant: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="still, warp, base or network; repeatable. Default: all.")
    ] = None,
    candidate: Candidates = None,
    clip_as: ClipAs = "photo",
    every: Annotated[int, typer.Option(min=1, help="Take each N-th frame only.")] = 1,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Take the first seconds only.")] = None,
    mouth: o.MouthWay = o.MOUTH,
    consent: o.Consent = None,
    note: o.Note = "",
    provider: o.RunsOn = o.PROVIDER,
    allow_cpu: o.AllowCpu = False,
    json: Json = Path("quality.json"),
    page: Page = None,
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
    from reenact.bench.cases import Cut, clip_kinds, find_cases
    from reenact.bench.machine import facts
    from reenact.bench.sheets import gallery_beside
    from reenact.bench.variants import choose
    from reenact.cli.console import preparing
    from reenact.cli.opening import warm
    from reenact.config import GeneratorConfig, RetargetConfig
    from reenact.rendering import check_output

    retarget = RetargetConfig(neutral=neutral)
    generator = GeneratorConfig(mouth=mouth.value, provider=provider.value, allow_cpu=allow_cpu)
    cut, variants = Cut(every, seconds), choose(variant, candidate or ())
    for output in (json, page):
        if output is not None:
            check_output(output)
    cases = find_cases(paths, clip_kinds(clip_as))
    warm()
    who = None if consent is None else (consent.value, note)
    with preparing("measuring") as report, nullcontext() if page is None else gallery_beside(page) as gallery:
        measured = bench.measure(
            cases, retarget, generator, variants=variants, cut=cut, consent=who, watcher=gallery, progress=report
        )
    if page is not None and gallery is not None:
        pages.write(measured, facts(), gallery.media, page)
    _say(measured)
    if json is not None:
        bench.save(measured, json)


def _say(measured: "Measured") -> None:
    from reenact.cli.console import out
    from reenact.cli.scoretables import tables

    for table in tables(measured):
        out.print(table, soft_wrap=isinstance(table, str))


app.command()(latency)
app.command()(glass)
app.command()(provenance)
app.command()(vcam)
