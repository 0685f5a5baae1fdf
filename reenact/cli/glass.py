"""`reenact bench glass`: from light on the camera to the picture in the call."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from reenact.cli import options as o
from reenact.cli.latency import Json, Shown, check_outputs, measured_target, size_of


def glass(
    play: Annotated[
        str,
        typer.Option(metavar="DEVICE|screen", help="Where coded pictures are played: what the camera reads, or sees."),
    ],
    read: Annotated[str, typer.Option(metavar="DEVICE", help="The virtual camera, which is read as a call reads it.")],
    camera: Annotated[
        str | None, typer.Option(metavar="DEVICE|N", help="The engine's camera, where that is not what is played to.")
    ] = None,
    target: Shown = None,
    seconds: Annotated[float, typer.Option(min=2, help="How long to run, once all has started.")] = 20.0,
    size: Annotated[str, typer.Option(metavar="WxH", help="Of the pictures played.")] = "1280x720",
    rate: Annotated[float, typer.Option(min=1, max=240, help="Of the pictures played, and of the output.")] = 30.0,
    patience: Annotated[float, typer.Option(min=5, help="Seconds for everything to start.")] = 60.0,
    consent: o.Consent = None,
    note: o.Note = "",
    mouth: o.MouthWay = o.MOUTH,
    provider: o.RunsOn = o.PROVIDER,
    allow_cpu: o.AllowCpu = False,
    json: Json = Path("glass.json"),
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="A page with plots.")] = None,
) -> None:
    """Plays numbered pictures to the camera and reads the numbers back from the virtual camera, every buffer included.

    \b
    [bold]reenact bench glass --play /dev/video11 --read /dev/video10[/]       two v4l2loopback devices
    [bold]reenact bench glass --play /dev/video11 --read /dev/video11[/]       what a device takes alone
    [bold]reenact bench glass --play screen --camera 0 --read /dev/video10[/]  a webcam that looks at the screen

    The engine runs as in live; nothing of the camera's picture is shown but a number, for this command alone.
    """
    from reenact import assets
    from reenact.bench import glassrun
    from reenact.bench.glass_page import document, sentences
    from reenact.bench.html import write
    from reenact.bench.latency import save
    from reenact.cli.console import err, out
    from reenact.config import GeneratorConfig
    from reenact.errors import InputError

    if play == glassrun.SCREEN and camera is None:
        raise InputError("--play screen needs --camera: the webcam that looks at the screen")
    check_outputs(json, html)
    generator = GeneratorConfig(mouth=mouth.value, provider=provider.value, allow_cpu=allow_cpu)
    setting = glassrun.Setting(play, read, assets.DRIVER, seconds, camera, size_of(size), rate, patience)
    alone = nullcontext() if play == read else measured_target(target, None, consent, note)
    with alone as shown, err.status(f"playing to {play}, reading {read}"):
        result = glassrun.measure(setting, shown, generator).as_json()
    for sentence in sentences(result):
        out.print(sentence, soft_wrap=True)
    if json is not None:
        save(result, json)
    if html is not None:
        write(html, document(result))
