"""`reenact identity`: who signs what this machine renders."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from reenact.provenance.identity import Identity

app = typer.Typer(help="Who signs what is rendered here: show it, make one with your name, or bring your own.")

Force = Annotated[bool, typer.Option("--force", help="Replace the identity there is. What it signed stays valid.")]


@app.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    """Who signs what is rendered here.

    \b
    [bold]reenact identity[/]    show it
    [bold]reenact identity create --name "Ada Lovelace"[/]
    [bold]reenact identity import --key key.pem --certificate chain.pem[/]

    An identity is a private key and a certificate in the data folder. One without a name is made when the first file
    is signed. The key is readable by you alone and goes nowhere.
    """
    if context.invoked_subcommand is None:
        show()


@app.command()
def show() -> None:
    """The name and certificate that sign."""
    from reenact.cli.console import out
    from reenact.provenance.identity import load_identity

    found = load_identity()
    if found is None:
        out.print(
            "no identity yet: one without a name is made when the first file is signed; "
            'choose yours with: reenact identity create --name "..."',
            soft_wrap=True,
        )
        return
    _print(found)


@app.command()
def create(
    name: Annotated[str | None, typer.Option(help="What a reader sees as the signer. Default: no name.")] = None,
    organisation: Annotated[str | None, typer.Option(help="Where you belong to, as a reader sees it.")] = None,
    force: Force = False,
) -> None:
    """Makes a key and a certificate for this machine.

    A certificate that you make yourself proves that two files come from the same signer and that nothing was changed;
    who that is, nobody vouches for. For that, import one from an issuer that checks who you are.
    """
    from reenact.provenance.identity import NAME, ORGANISATION, create_identity

    _print(
        create_identity(
            NAME if name is None else name, ORGANISATION if organisation is None else organisation, replace=force
        )
    )


@app.command("import")
def import_(
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The private key, PEM, without a passphrase.")],
    certificate: Annotated[
        Path, typer.Option("--certificate", metavar="FILE", help="Your certificate, PEM, its issuer's appended.")
    ],
    force: Force = False,
) -> None:
    """Takes a key and a certificate that you have already; copies are kept, a trial signature is made first."""
    from reenact.provenance.identity import import_identity

    _print(import_identity(key, certificate, replace=force))


def _print(identity: "Identity") -> None:
    from reenact.cli.console import out
    from reenact.provenance.identity import CERTIFICATE, identity_folder

    rows = {
        "name": identity.name or "-",
        "organisation": identity.organisation or "-",
        "certificate": f"{identity_folder() / CERTIFICATE}, {identity.algorithm}, until {identity.ends.date()}",
        "fingerprint": identity.fingerprint,
        "short id": f"{identity.short_id:08x}, in every watermark",
    }
    for key, value in rows.items():
        out.print(f"{key:12} {value}", soft_wrap=True, markup=False)
    out.print(
        "give the certificate to whom your name is to mean something: reenact verify --trust certificate.pem FILE",
        soft_wrap=True,
    )
