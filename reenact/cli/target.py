"""`reenact target`: prepare, list, show and remove targets."""

from pathlib import Path
from typing import Annotated

import typer

from reenact.cli import options as o
from reenact.cli.record import record
from reenact.cli.training import train

app = typer.Typer(no_args_is_help=True, help="Who is shown: add, list, show and remove targets.")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A picture or a video with one face.")],
    name: Annotated[str, typer.Option("--name", "-n", help="What to call it from now on.")],
    consent: Annotated[
        o.ConsentKind | None,
        typer.Option("--consent", metavar="KIND", help=f"Who agreed to be shown; asked for if missing. {o.MEANINGS}."),
    ] = None,
    note: o.Note = "",
    agreement: o.Agreement = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a target of that name.")] = False,
) -> None:
    """Prepares a picture or video as a target and keeps it under a name.

    \b
    [bold]reenact target add mona-lisa.jpg --name lisa --consent public-domain[/]
    [bold]reenact target add ada.mp4 --name ada --consent agreement --note "Ada, by mail, 3 May, for my lessons"[/]
    [bold]reenact target add bea.jpg --name bea --consent agreement --note "Bea, signed" --agreement form.pdf[/]

    A picture gives a head that turns with yours; a video keeps its own head motion and takes your expression.
    """
    from reenact.cli.asking import ask_consent
    from reenact.cli.console import out, preparing
    from reenact.targets.library import add_target

    o.existing(file, "a picture or a video")
    if consent is None:
        kind, note = ask_consent(str(file), note)
    else:
        kind = consent.value
    with preparing(f"preparing {name}") as report:
        bundle = add_target(file, name, kind, note, report, force, agreement)
    width, height = bundle.size
    out.print(
        f"{bundle.name}: a {bundle.kind} of {width}x{height}, ready: reenact live -t {bundle.name}", soft_wrap=True
    )


@app.command("list")
def list_() -> None:
    """The targets kept on this machine."""
    from rich.table import Table

    from reenact.cli.console import out
    from reenact.targets.library import list_targets

    bundles = list_targets()
    if not bundles:
        out.print("no targets yet: reenact target add FILE --name NAME --consent KIND", soft_wrap=True)
        return
    table = Table()
    for column in ("name", "kind", "size", "consent", "since"):
        table.add_column(column)
    for bundle in bundles:
        size = f"{bundle.size[0]}x{bundle.size[1]}"
        table.add_row(bundle.name, bundle.kind, size, bundle.consent.kind, bundle.consent.date)
    out.print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A target's name.")]) -> None:
    """Everything a target's bundle says about itself, and who agreed; on a terminal, what it looks like."""
    from reenact.cli.console import out
    from reenact.cli.thumbnail import thumbnail
    from reenact.targets.library import find_target

    bundle = find_target(name)
    if out.is_terminal and out.color_system is not None:
        out.print(thumbnail(bundle))
    form = "-"
    if bundle.consent.agreement:
        kept = f"kept as {bundle.form}" if bundle.form is not None else "not kept, too large"
        form = f"{bundle.consent.agreement}, SHA-256 {bundle.consent.agreement_sha256}, {kept}"
    rows = {
        "name": bundle.name,
        "kind": bundle.kind,
        "size": f"{bundle.size[0]}x{bundle.size[1]}",
        "folder": str(bundle.folder),
        "source": f"{bundle.source_name}, SHA-256 {bundle.source_sha256}",
        "consent": f"{bundle.consent.kind}, {bundle.consent.date}, entered by {bundle.consent.recorded_by}",
        "note": bundle.consent.note or "-",
        "agreement": form,
    }
    for key, value in rows.items():
        out.print(f"{key:10} {value}", soft_wrap=True, markup=False)


@app.command()
def remove(name: Annotated[str, typer.Argument(help="A target's name.")]) -> None:
    """Deletes a target; the file it was made from stays."""
    from reenact.cli.console import out
    from reenact.targets.library import remove_target

    remove_target(name)
    out.print(f"{name} is removed", markup=False)


app.command()(record)
app.command()(train)
