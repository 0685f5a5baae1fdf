"""`reenact doctor`: what works on this machine."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from reenact.doctor import Finding


def doctor(
    json: Annotated[bool, typer.Option("--json", help="As JSON, with the facts of the machine.")] = False,
) -> None:
    """Tries every part on this machine and says the next step where something does not work.

    Cameras are switched on for a second each; the default model runs on every provider that ONNX Runtime brings.
    Exit status: 0 everything that is needed works, 1 something needed does not. A missing camera, virtual camera,
    display or GPU is reported and does not count.
    """
    from reenact.cli.console import err, out
    from reenact.doctor import State, examine

    found = []
    with err.status("looking") as status:
        for finding in examine():
            found.append(finding)
            status.update(f"looked at {finding.part}")
    if json:
        typer.echo(_as_json(found))
    else:
        out.print(_table(found))
        for finding in found:
            if finding.step:
                out.print(f"{finding.part}: {finding.step}", soft_wrap=True, markup=False)
    if any(finding.state is State.BROKEN for finding in found):
        raise typer.Exit(1)


def _table(found: "list[Finding]") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    from reenact.doctor import State

    colours = {State.OK: "green", State.MISSING: "yellow", State.BROKEN: "red"}
    table = Table()
    for column in ("part", "state", "seen"):
        table.add_column(column, overflow="fold")
    for finding in found:
        state = f"[{colours[finding.state]}]{finding.state.value}[/]"
        table.add_row(finding.part, state, escape(finding.seen))
    return table


def _as_json(found: "list[Finding]") -> str:
    import json

    from reenact.bench.machine import facts

    rows = [{"part": f.part, "state": f.state.value, "seen": f.seen, "step": f.step} for f in found]
    return json.dumps({"machine": facts(), "found": rows}, indent=1)
