"""`reenact bench vcam`: what the virtual camera's process costs."""

from pathlib import Path
from typing import Annotated

import typer


def vcam(
    device: Annotated[
        str, typer.Option(metavar="converting|DEVICE", help="A virtual camera, or one that only converts its pictures.")
    ] = "converting",
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the pictures.")] = "1280x720",
    rate: Annotated[float, typer.Option(min=1, max=240, help="Pictures a second.")] = 30.0,
    rounds: Annotated[int, typer.Option(min=1, help="Seconds of pictures each way.")] = 10,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Save it, with the facts of the machine.")
    ] = Path("vcam.json"),
) -> None:
    """Pictures through the virtual camera's process, against the same device written to directly, in turn.

    \b
    [bold]reenact bench vcam[/]
    [bold]reenact bench vcam --device /dev/video10[/]
    """
    from rich.table import Table

    from reenact.bench import hosting
    from reenact.cli.console import err, out
    from reenact.errors import InputError
    from reenact.rendering import check_output

    width, _, height = size.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise InputError(f"--size is {size!r}: expected WIDTHxHEIGHT, such as 1280x720")
    if json is not None:
        check_output(json)
    with err.status(f"measuring; {2 * rounds} seconds"):
        measured = hosting.measure(device, (int(width), int(height)), rate, rounds)
    table = Table(title="milliseconds a picture", title_justify="left")
    table.add_column("way")
    for column in ("p50", "p95", "p99", "max", "times"):
        table.add_column(column, justify="right")
    for row in measured.series:
        numbers = (f"{v:.2f}" for v in (row.p50_ms, row.p95_ms, row.p99_ms, row.max_ms))
        table.add_row(row.name, *numbers, str(row.count))
    out.print(table)
    told = f"{measured.device}: {measured.ratio:.2f} times as long as without the process"
    told += "" if measured.cpu is None else f", which takes {measured.cpu:.1f} % of a core"
    told += "" if measured.memory_mb is None else f" and {measured.memory_mb:.0f} MB"
    out.print(told, soft_wrap=True)
    if json is not None:
        hosting.save(measured, json)
