"""`tagger labels up, install, down, account`: a Label Studio of one's own on this machine."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

_Home = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the local server; default: TAGGER_LABELS_HOME, else ~/.local/share/tagger/label-studio."
    ),
]
_Program = Annotated[
    Path | None, typer.Option("--label-studio", help="An installed label-studio program; default: install one.")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module on `tagger labels`."""
    for command in (up, install, down, account):
        app.command()(command)


def up(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Default: the last one, else the first free from 8080.")
    ] = None,
    home: _Home = None,
    label_studio: _Program = None,
) -> None:
    """Start a Label Studio of your own on this machine; the first time it is installed, which takes some minutes.

    It listens on loopback only and reports nothing to anybody. Address, account, password and
    token are in access.json in its folder, for your eyes only.

    Example:

      tagger labels up
    """
    from tagger.labelling import local_server
    from tagger.labelling.access import labels_home

    folder = home or labels_home()
    access, started = local_server.up(folder, port=port, executable=str(label_studio) if label_studio else None)
    typer.echo(access["url"])
    logging.getLogger(__name__).info("started" if started else "runs already")
    typer.echo(f"Log in as {access['account']}; the password is in {folder / 'access.json'}", err=True)


def install(home: _Home = None) -> None:
    """Install the local Label Studio without starting it, and print its program; up does so by itself.

    Every version is pinned. What is installed already is left alone; what was cut off, or is of
    another version than this tagger was tested with, is installed anew.

    Example:

      tagger labels install
    """
    from tagger.labelling import local_server
    from tagger.labelling.access import labels_home

    typer.echo(local_server.install_program(home or labels_home()))


def down(home: _Home = None) -> None:
    """Stop the local Label Studio; its data stay."""
    from tagger.labelling import local_server
    from tagger.labelling.access import labels_home

    stopped = local_server.down(home or labels_home())
    typer.echo("stopped" if stopped else "it did not run", err=True)


def account(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Whom the account is for; nothing is sent there.")],
    home: _Home = None,
    label_studio: _Program = None,
) -> None:
    """Make an annotator's account on the local server; its password goes to access.json."""
    from tagger.labelling import local_server
    from tagger.labelling.access import labels_home

    folder = home or labels_home()
    local_server.add_account(folder, email, executable=str(label_studio) if label_studio else None)
    typer.echo(f"{email}; the password is in {folder / 'access.json'}", err=True)
