"""Questions to the person at the keyboard, asked only where somebody is there to answer."""

import sys

from reenact.errors import TargetError
from reenact.targets.consent import KINDS, how_to_consent


def ask_consent(file: str, note: str) -> tuple[str, str]:
    """(kind, note) of the consent for a file, asked for on a terminal; TargetError where there is none."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise TargetError(how_to_consent(file))
    import typer

    kinds = list(KINDS)
    typer.echo(f"Who is shown in {file}, and did they agree?", err=True)
    for n, kind in enumerate(kinds, 1):
        typer.echo(f"  {n}  {kind}: {KINDS[kind]}", err=True)
    answer = typer.prompt(f"1 to {len(kinds)}", err=True).strip()
    kind = {str(n): kind for n, kind in enumerate(kinds, 1)}.get(answer, answer)
    if kind not in KINDS:
        raise TargetError(f"{answer!r} is no answer: expected 1 to {len(kinds)}, or one of {', '.join(kinds)}")
    if kind == "agreement" and not note.strip():
        note = typer.prompt("Who agreed, how and when", err=True)
    return kind, note
