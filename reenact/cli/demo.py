"""`reenact demo`: the main job on built-in input."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reenact.cli import options as o

if TYPE_CHECKING:
    from rich.table import Table

    from reenact.stats import Stats


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Video to write, the three side by side.")
    ] = Path("demo.mp4"),
    preview: Annotated[
        bool | None, typer.Option("--preview/--no-preview", help="Show it in a window. Where there is a display.")
    ] = None,
    frames: Annotated[int | None, typer.Option(min=1, help="Stop after so many frames of the driver's 240.")] = None,
    label: o.LabelWay = o.LABEL,
    label_language: o.LabelLanguage = o.FINISH.language,
) -> None:
    """A built-in driver moves the face of a built-in photo and of a built-in video; writes demo.mp4.

    The three people do not exist. The driver is tracked for real; both targets are prepared for real. It ends
    with a table of milliseconds by stage.
    """
    from reenact import assets, demonstration
    from reenact.cli.console import err, out, progress
    from reenact.cli.opening import opened_target, warm
    from reenact.cli.signing import tell_left, tell_signed
    from reenact.config import FinishConfig
    from reenact.rendering import check_output
    from reenact.sinks import Preview, has_display

    finish = FinishConfig(label=label.value, language=label_language)
    check_output(output)
    tell_left()
    start = time.monotonic()
    with ExitStack() as stack:
        window = None
        if preview or (preview is None and has_display()):
            window = Preview(demonstration.SIZE)
            stack.callback(window.close)
        nobody = o.ConsentKind("synthetic")
        photo = stack.enter_context(opened_target(str(assets.PHOTO), nobody, ""))
        video = stack.enter_context(opened_target(str(assets.VIDEO), nobody, ""))
        warm()
        report = stack.enter_context(progress(f"rendering {output.name}"))
        done = demonstration.run(
            assets.DRIVER, photo, video, output, window=window, limit=frames, finish=finish, progress=report
        )
    err.print()
    tell_signed(done.signed)
    out.print(_table(done.photo, done.video))
    out.print(
        f"{output}: driver, photo target and video target side by side, {done.frames} frames "
        f"at {done.rate:.0f}/s, {time.monotonic() - start:.0f} s in all",
        soft_wrap=True,
    )


def _table(photo: "Stats", video: "Stats") -> "Table":
    from rich.table import Table

    table = Table(title="milliseconds by stage, one frame after the other", title_justify="left")
    table.add_column("stage")
    for name in ("photo target", "p95", "video target", "p95"):
        table.add_column(name, justify="right")
    sums = [0.0] * 2
    for row in photo.table():
        other = video.series(row.name)
        both = other or row  # the driver is read once for both
        sums[0] += row.p50_ms if row.name != "write" else 0.0
        sums[1] += both.p50_ms if row.name != "write" else 0.0
        table.add_row(row.name, f"{row.p50_ms:.2f}", f"{row.p95_ms:.2f}", f"{both.p50_ms:.2f}", f"{both.p95_ms:.2f}")
    table.add_row("sum but writing", f"{sums[0]:.2f}", "", f"{sums[1]:.2f}", "", style="bold")
    return table
