"""`reenact models`: the generator's model files."""

import typer


def models() -> None:
    """Lists the models of the manifest and checks each file against its SHA-256.

    Exit status 1 if one is missing or is not the file that the manifest describes.
    """
    from rich.table import Table

    from reenact.cli.console import out
    from reenact.errors import ModelError
    from reenact.generation import weights

    table = Table()
    for column in ("name", "kind", "bytes", "licence", "file"):
        table.add_column(column)
    troubles = []
    for entry in weights.list_models():
        state = "[green]as it should be[/]"
        try:
            weights.read_model(entry)
        except ModelError as error:
            state = "[red]not usable[/]"
            troubles.append(str(error))
        table.add_row(entry.name, entry.kind, f"{entry.bytes:,}", entry.licence, state)
    out.print(table)
    for trouble in troubles:
        out.print(trouble, soft_wrap=True, markup=False)
    if troubles:
        raise typer.Exit(1)
