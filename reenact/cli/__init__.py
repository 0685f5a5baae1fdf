"""The command line.  `main` is the program: it turns errors into one sentence and an exit status."""

import atexit
import contextlib
import os
import signal
import sys
from typing import Annotated, NoReturn

import typer

from reenact.arenas import one_arena
from reenact.cli.ending import Termination
from reenact.version import __version__

HELP = """Drive a target's face with a driver's face, live.

\b
[bold]reenact demo[/]    the whole thing on built-in people, writes demo.mp4
[bold]reenact live -t portrait.jpg --consent self[/]    your webcam drives it
[bold]reenact target add film.mp4 --name ada --consent self[/]
[bold]reenact render me.mp4 -t ada -o out.mp4[/]    a video drives a target
[bold]reenact verify out.mp4[/]    what a file says about itself: signed, by whom, who agreed
[bold]reenact doctor[/]    what works on this machine, and what to do where not

Exit status: 0 done, 1 failed at run time, 2 usage or bad input, 3 a device is missing; of verify also 4 nothing found,
5 found but broken."""
INTERRUPTED = 128 + signal.SIGINT

app = typer.Typer(
    name="reenact",
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        print(f"reenact {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""


def _register() -> None:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is first imported; see reenact.live.Live
    from reenact.cli import bench, demo, doctor, identity, live, models, render, target, train, verify, warmup

    app.command("demo")(demo.demo)
    app.command("live")(live.live)
    app.command("render")(render.render)
    app.add_typer(target.app, name="target")
    app.command("verify")(verify.verify)
    app.add_typer(identity.app, name="identity")
    app.add_typer(bench.app, name="bench")
    app.add_typer(train.app, name="train")
    app.command("doctor")(doctor.doctor)
    app.command("models")(models.models)
    app.command("warmup")(warmup.warmup)


_register()


def main(arguments: list[str] | None = None) -> int:
    """Runs the program; returns its exit status."""
    from reenact.cli.console import quieten, tell
    from reenact.errors import ReenactError

    quieten()
    try:
        status = app(args=arguments, prog_name="reenact", standalone_mode=False)
    except ReenactError as error:
        tell(str(error))
        return error.exit_status
    except (KeyboardInterrupt, typer.Abort):
        tell("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return 1
    except Exception as error:
        show = getattr(error, "show", None)  # a usage error, whose class is private to Typer
        if show is None:
            raise
        show()
        return int(getattr(error, "exit_code", 2))
    return status if isinstance(status, int) else 0


def program() -> NoReturn:
    """The program itself: `main`, and an end that does not wait for libraries to take themselves apart.

    What has to be done at the end is done (atexit); the destructors of MediaPipe and LLVM took 5.7 s of an ending on a
    busy machine.
    """
    one_arena()
    termination = Termination()
    status = main()
    if termination.got and status == INTERRUPTED:
        status = 128 + signal.SIGTERM
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(status)
