"""``asbru db``: the tables of the store, and the way from SQLite to PostgreSQL."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asbru.cli.serve import default_app_dir

if TYPE_CHECKING:
    from asbru.store import Target

app = typer.Typer(help="The gateway's database: upgrade, check, copy.", no_args_is_help=True)

AppDir = Annotated[Path | None, typer.Option(help="The app dir of the gateway.")]
Config = Annotated[Path | None, typer.Option(help="Configuration file. [default: config.json in the app dir]")]


def target(app_dir: Path | None, config: Path | None) -> "Target":
    """Where the configuration says that the store is; exit 1 when it is wrong."""
    from asbru.app import target_of
    from asbru.config import ConfigError, find, load

    folder = app_dir or default_app_dir()
    try:
        return target_of(load(find(config, folder), os.environ), folder)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@app.command()
def upgrade(app_dir: AppDir = None, config: Config = None) -> None:
    """Make or upgrade the tables; a gateway does the same when it starts."""
    from asbru.store import SchemaError, backend_of

    try:
        backend = backend_of(target(app_dir, config))
        with backend.opening():
            backend.prepare()
    except (SchemaError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"The tables are those of schema {backend.head}.")


@app.command()
def check(app_dir: AppDir = None, config: Config = None) -> None:
    """Say whether the tables are those that this version speaks; exit 1 when they are not. Changes nothing."""
    from asbru.model.failure import Unavailable
    from asbru.store import SchemaError, backend_of

    try:
        backend = backend_of(target(app_dir, config))
        found = backend.revision()
    except (SchemaError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except Unavailable as error:
        typer.echo(f"{error.message} {error.detail}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"The database has schema {found or 'none'}, this version speaks {backend.head}.")
    if found != backend.head:
        raise typer.Exit(1)


@app.command()
def copy(
    source: Annotated[Path, typer.Argument(help="App dir with asbru.db; no gateway may be running on it.")],
    app_dir: AppDir = None,
    config: Config = None,
) -> None:
    """Copy a SQLite store, bodies and files too, into the empty PostgreSQL database that the configuration names.

    All or nothing: what was interrupted is begun again.
    """
    from asbru.model.failure import Unavailable
    from asbru.store import PostgresTarget, SchemaError, SqliteTarget

    place = target(app_dir, config)
    if not isinstance(place, PostgresTarget):
        typer.echo("The configuration names no PostgreSQL database (config_store).", err=True)
        raise typer.Exit(1)
    try:
        from asbru.store.copying import CopyError, copy

        copied = copy(SqliteTarget(str(source)), place, lambda what: typer.echo(f"copying {what}", err=True))
    except (CopyError, SchemaError, OSError, ModuleNotFoundError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except Unavailable as error:
        typer.echo(f"{error.message} {error.detail}", err=True)
        raise typer.Exit(1) from None
    for table, rows in copied.rows.items():
        typer.echo(f"{table}: {rows}")
    typer.echo(f"bodies and files: {copied.bytes} bytes")
