"""`reenact doctor`: what works on this machine."""

import typer


def doctor() -> None:
    """Tries every part on this machine and says the next step where something does not work.

    Exit status: 0 everything that is needed works, 1 something needed does not. A missing camera, virtual camera
    or display is reported and does not count.
    """
    from rich.table import Table

    from reenact.cli.console import err, out
    from reenact.doctor import State, examine

    colours = {State.OK: "green", State.MISSING: "yellow", State.BROKEN: "red"}
    found = []
    with err.status("looking") as status:
        for finding in examine():
            found.append(finding)
            status.update(f"looked at {finding.part}")
    table = Table()
    for column in ("part", "state", "seen"):
        table.add_column(column, overflow="fold")
    for finding in found:
        table.add_row(finding.part, f"[{colours[finding.state]}]{finding.state.value}[/]", finding.seen)
    out.print(table)
    for finding in found:
        if finding.step:
            out.print(f"{finding.part}: {finding.step}", soft_wrap=True, markup=False)
    if any(finding.state is State.BROKEN for finding in found):
        raise typer.Exit(1)
