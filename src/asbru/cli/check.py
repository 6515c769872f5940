"""``asbru check``: validate a configuration and say in words what it will do."""

import os
from pathlib import Path
from typing import Annotated

import typer

from asbru.cli.serve import default_app_dir


def check(
    file: Annotated[
        Path | None, typer.Argument(help="Configuration file. [default: config.json in the app dir, if it is there]")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="The same, as `asbru serve` takes it.")] = None,
    app_dir: Annotated[Path | None, typer.Option(help="Where to look for config.json.")] = None,
) -> None:
    """Say what the gateway would do with a configuration; exit 1 and name every mistake if it is wrong."""
    from asbru.config import ConfigError, describe, find, load

    path = find(file or config, app_dir or default_app_dir())
    try:
        settings = load(path, os.environ)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{path or 'No configuration file; keys are taken from the environment'}: fine.")
    for line in describe(settings):
        typer.echo(line)
