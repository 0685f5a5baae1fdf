"""`reenact verify`: what a picture or video says about itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from reenact.provenance.verify import Verdict


def verify(
    what: Annotated[
        str, typer.Argument(metavar="FILE|CAMERA|URL|-", help="Picture or video, a camera, or - for a file on stdin.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    trust: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Certificates (PEM) of issuers whom you trust to know their signers."),
    ] = None,
) -> None:
    """Says whether a picture or video is signed, by whom, who is shown and who agreed, and whether it is watermarked.

    \b
    [bold]reenact verify out.mp4[/]
    [bold]reenact verify /dev/video10[/]    what a virtual camera shows just now: its watermark
    [bold]curl -s https://example.org/a.jpg | reenact verify -[/]

    Nothing is sent anywhere. That nothing is found says nothing: marks can be removed.
    Exit status: 0 found and valid, 4 nothing found, 5 found but broken; 2 it cannot be read, 3 no such camera.
    """
    from reenact.cli.console import out

    anchors = "" if trust is None else _anchors(trust)
    found = _examine(what, anchors)
    if json:
        import json as values

        print(values.dumps(found.to_dict(), indent=2))
    else:
        _show(found, out)
    if found.status:
        raise typer.Exit(found.status)


def _examine(what: str, anchors: str) -> "Verdict":
    from reenact.cli.console import err
    from reenact.errors import InputError
    from reenact.provenance.verify import verify_camera, verify_file

    if what == "-":
        with _of_stdin() as path, err.status("examining"):
            return verify_file(path, "standard input", anchors)
    if not what.strip():
        raise InputError("nothing was named: give a picture or video file, a camera, or - for stdin")
    path = Path(what)
    if _is_camera(what, path):
        from reenact.sources import Camera

        with err.status(f"looking at {what}"):
            source = Camera(what)  # whose pictures may well stand still: a call at rest
            try:
                return verify_camera(source, what)
            finally:
                source.close()
    with err.status("examining"):
        return verify_file(path, what, anchors)


def _is_camera(what: str, path: Path) -> bool:
    if "://" in what or path.is_char_device():
        return True
    return not path.exists() and (what.isdigit() or what.startswith("/dev/"))


@contextmanager
def _of_stdin() -> Iterator[Path]:
    """A temporary file with all of stdin."""
    import sys
    import tempfile

    from reenact.config import MediaConfig
    from reenact.errors import InputError

    limit = MediaConfig().max_bytes
    if sys.stdin.isatty():
        raise InputError("- stands for a file on standard input, and it is a terminal: reenact verify - < FILE")
    with tempfile.TemporaryDirectory(prefix="reenact-") as folder:
        path = Path(folder) / "stdin"
        with path.open("wb") as file:
            while data := sys.stdin.buffer.read(1 << 20):
                if file.tell() + len(data) > limit:
                    raise InputError(f"standard input has more than {limit} bytes: give a file")
                file.write(data)
        yield path


def _anchors(path: Path) -> str:
    from reenact.provenance.certificate import read_chain
    from reenact.provenance.identity import read_small

    pem = read_small(path)
    read_chain(pem, str(path))
    return pem.decode("ascii", "replace")


def _show(found: "Verdict", out) -> None:  # type: ignore[no-untyped-def]
    from rich.text import Text

    from reenact.provenance.verify import BROKEN, FOUND
    from reenact.provenance.words import clean, in_words

    colour = {FOUND: "green", BROKEN: "bold red"}.get(found.status, "yellow")
    out.print(Text(clean(found.what), "bold"), soft_wrap=True)
    for about, sentence in in_words(found):
        style = colour if about == "credentials" else ""
        out.print(Text.assemble(f"  {about:12} ", (sentence, style)), soft_wrap=True)
