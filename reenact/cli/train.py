"""`reenact train`: a data set, the network, its model files."""

from pathlib import Path
from typing import Annotated

import typer

from reenact.cli.training import export, generator

app = typer.Typer(no_args_is_help=True, help="Teach the network: make a data set, train, export.")


@app.command()
def data(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder that the packed people go to.")],
    clips: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Real clips, one face each, whose licence allows it.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="What is known of the clips: id, identity, licence, ...")
    ] = None,
    held: Annotated[
        str, typer.Option(metavar="ID,...", help="Clips or identities that only judge, never trained on.")
    ] = "",
    renderer: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A folder with synth.py, which renders heads of nobody.")
    ] = None,
    people: Annotated[int, typer.Option(min=1, help="How many people are rendered; every tenth only judges.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="The first of them; another seed, others.")] = 0,
    without: Annotated[
        str,
        typer.Option(
            metavar="PART,...",
            help="Render without: pores, wrinkles, folds, lashes, mouth, beards, fringes, glasses, light, background, "
            "noise.",
        ),
    ] = "",
    processes: Annotated[int, typer.Option(min=1, max=64, help="How many render side by side.")] = 1,
) -> None:
    """Packs people for training: crops of their faces with landmarks, a file a person.

    \b
    [bold]reenact train data people/ --clips clips/ --manifest clips.csv --held anna,clip07[/]
    [bold]reenact train data people/ --renderer synth/ --people 300[/]

    What is there already stays, so an interrupted run goes on; the same seed gives the same people.
    """
    from reenact.cli.console import out as console
    from reenact.cli.console import preparing
    from reenact.errors import InputError
    from reenact.training.data import pack_clips, render_side_by_side
    from reenact.training.pack import list_packs, person_of
    from reenact.training.rendering.people import RenderConfig

    if clips is None and renderer is None:
        raise InputError("nothing to make a data set of: give --clips FOLDER, --renderer FOLDER, or both")
    config = RenderConfig().without(without)
    with preparing("packing") as report:
        if clips is not None:
            names = [name.strip() for name in held.split(",") if name.strip()]
            for reason in pack_clips(clips, manifest, names, out, report):
                console.print(f"left out: {reason}", soft_wrap=True, markup=False)
        if renderer is not None:
            render_side_by_side(renderer, people, seed, config, out, report, processes)
    files = list_packs(out)
    megabytes = sum(f.stat().st_size for f in files) / 1e6
    known = len({person_of(f).name for f in files})
    console.print(f"{out}: {known} people in {len(files)} files, {megabytes:.1f} MB", markup=False, soft_wrap=True)


app.command()(generator)
app.command()(export)
