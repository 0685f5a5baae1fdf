"""Options that several commands share; their defaults come from reenact.config."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reenact.config import FinishConfig, GeneratorConfig, RetargetConfig
from reenact.provenance.languages import LANGUAGES
from reenact.targets.consent import KINDS

RETARGET, GENERATOR, FINISH = RetargetConfig(), GeneratorConfig(), FinishConfig()


class Mouth(StrEnum):
    """Ways to fill the open mouth; the same as reenact.config.MOUTHS."""

    auto = "auto"
    bank = "bank"
    driver = "driver"
    generated = "generated"


class Provider(StrEnum):
    """Where the network may run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    tensorrt = "tensorrt"
    coreml = "coreml"
    directml = "directml"


class Shows(StrEnum):
    """Whether the visible label is drawn; the same as reenact.config.LABELS."""

    auto = "auto"
    on = "on"
    off = "off"


class ConsentKind(StrEnum):
    """Whose consent a target has; the same as reenact.targets.consent.KINDS."""

    self_ = "self"
    agreement = "agreement"
    public_domain = "public-domain"
    synthetic = "synthetic"


MOUTH, PROVIDER, LABEL = Mouth(GENERATOR.mouth), Provider(GENERATOR.provider), Shows(FINISH.label)
MEANINGS = "; ".join(f"[bold]{name}[/]: {meaning}" for name, meaning in KINDS.items())

Target = Annotated[
    str, typer.Option("--target", "-t", metavar="NAME|FILE", help="A target added before, or a picture or video file.")
]
Consent = Annotated[
    ConsentKind | None,
    typer.Option("--consent", metavar="KIND", help=f"For a FILE: who agreed to be shown. {MEANINGS}."),
]
Agreement = Annotated[
    Path | None,
    typer.Option(
        "--agreement",
        metavar="FILE",
        help="With `agreement`: a file that shows it, a signed form or a recording. Its hash is recorded.",
    ),
]
Note = Annotated[str, typer.Option("--note", help="Who agreed, how and when, in words; needed with `agreement`.")]
MouthWay = Annotated[
    Mouth,
    typer.Option(
        "--mouth",
        help="Inside of the open mouth: from the target's own frames ([bold]bank[/]), from the driver's picture, "
        "inside the lips only ([bold]driver[/]), or the network's ([bold]generated[/]). [bold]auto[/] is bank where "
        "the target has open mouths, else driver.",
    ),
]
ExpressionGain = Annotated[float, typer.Option(min=0.0, max=3.0, help="1 copies the driver, 0 is a face at rest.")]
HeadGain = Annotated[float, typer.Option(min=0.0, max=3.0, help="The same for the head's motion (photo targets).")]
GazeGain = Annotated[float, typer.Option(min=0.0, max=3.0, help="The same for where the eyes look.")]
RunsOn = Annotated[Provider, typer.Option("--provider", help="Where the network runs.")]
AllowCpu = Annotated[bool, typer.Option("--allow-cpu", help="Go on with the CPU where that provider cannot run.")]
LabelWay = Annotated[
    Shows,
    typer.Option(
        "--label",
        help="A small card in the corner that says the picture is AI-generated. [bold]auto[/] draws it unless the "
        "target's consent is self or synthetic. What was chosen is recorded in the file's credentials.",
    ),
]
LabelLanguage = Annotated[
    str, typer.Option("--label-language", metavar="CODE", help=f"Its language: {', '.join(LANGUAGES)}.")
]
Times = Annotated[bool, typer.Option("--times", help="End with a table of milliseconds by stage.")]


def existing(path: Path, what: str) -> Path:
    """The path itself; InputError unless it is a file that can be opened."""
    from reenact.errors import InputError

    if path.is_dir():
        raise InputError(f"{path} is a folder: expected {what}")
    if not path.exists():
        raise InputError(f"{path} does not exist: expected {what}")
    return path
