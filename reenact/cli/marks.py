"""`reenact bench provenance`: how much the watermark stands."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table


def provenance(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="Videos and pictures to mark and attack. Default: built-in ones."),
    ] = None,
    unmarked: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Videos and pictures without a mark: none must be found.")
    ] = None,
    attacks: Annotated[
        bool,
        typer.Option("--attacks/--no-attacks", help="Mark and attack, or only read unmarked ones."),
    ] = True,
    pictures: Annotated[int, typer.Option(min=1, help="How many unmarked pictures are looked at.")] = 10_000,
    frames: Annotated[int, typer.Option(min=2, help="Pictures of each video that is attacked.")] = 30,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Save it, with the facts of the machine.")
    ] = Path("provenance.json"),
) -> None:
    """The watermark after coding, scaling and cutting; what it costs a frame; false alarms on unmarked pictures.

    \b
    [bold]reenact bench provenance[/]
    [bold]reenact bench provenance clips --unmarked clips[/]

    At 1280x720, 512x512 and 256x256, one by one and all together. A minute for a clip.
    """
    from reenact.bench import provenance as bench
    from reenact.bench.latency import save
    from reenact.cli.console import err, out
    from reenact.errors import InputError
    from reenact.rendering import check_output

    media = [] if not attacks else bench.built_in() if folder is None else bench.find_media(folder)
    known_bare = [] if unmarked is None else bench.find_media(unmarked)
    if not media and not known_bare:
        raise InputError("nothing would be measured: --no-attacks goes with --unmarked FOLDER")
    if json is not None:
        check_output(json)
    with err.status("marking") as status:
        result = bench.run(media, known_bare, pictures=pictures, frames=frames, report=status.update)
    if media:
        out.print(_table(result))
    for sentence in _sentences(result):
        out.print(sentence, soft_wrap=True)
    if json is not None:
        save(result, json)


def _table(result: dict[str, Any]) -> "Table":
    from rich.table import Table

    table = Table(title="payload read, and bits right before correction, %", title_justify="left")
    for name in ("size", "attack"):
        table.add_column(name, no_wrap=True)
    for name in ("1 frame", "bits", "all frames", "bits", "wrong"):
        table.add_column(name, justify="right")
    size = None
    for row in result["attacks"]:
        if size not in (None, row["size"]):
            table.add_section()
        size = row["size"]
        parts = ("one_frame_read", "one_frame_bits", "voted_read", "voted_bits")
        table.add_row(size, row["attack"], *(f"{100 * row[part]:.0f}" for part in parts), str(row["read_wrong"]))
    return table


def _sentences(result: dict[str, Any]) -> list[str]:
    said = []
    if "visibility" in result:
        rows = result["visibility"]
        mean, lowest = sum(row["psnr"] for row in rows) / len(rows), min(row["psnr_min"] for row in rows)
        said.append(f"PSNR {mean:.1f} dB on average, {lowest:.1f} dB in the frame where it is lowest")
    for row in result.get("cost", ()):
        said.append(f"marking {row['size']}: {row['ms_p50']:.2f} ms a frame (p95 {row['ms_p95']:.2f})")
    if "loop" in result:
        loop = result["loop"]
        said.append(
            f"label and mark in the loop ({loop['target']}): {loop['stages_ms']['mark']:.2f} ms, "
            f"{100 * loop['share']:.1f} % of all stages"
        )
    if "unmarked" in result:
        bare = result["unmarked"]
        said.append(
            f"{bare['false_alarms']} false alarms in {bare['pictures']} unmarked pictures of {bare['frames']} frames; "
            f"{bare['false_alarms_expected']:.1e} expected from {bare['checksums_compared']} checksums compared"
        )
    return said
