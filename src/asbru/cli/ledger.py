"""``asbru ledger``: whether the books agree."""

import typer

from asbru.cli.db import AppDir, Config, target

app = typer.Typer(help="The gateway's books.", no_args_is_help=True)


@app.callback()
def ledger() -> None:
    """The gateway's books."""


@app.command()
def check(app_dir: AppDir = None, config: Config = None) -> None:
    """Compare the ledger with the request log, the batches and their items; exit 1 and say what does not agree."""
    from asbru.model.failure import Unavailable
    from asbru.model.usage import dollars
    from asbru.store import SchemaError, backend_of
    from asbru.store.db import transaction
    from asbru.store.reconciling import offences, totals

    try:
        backend = backend_of(target(app_dir, config))
        if backend.revision() != backend.head:
            raise SchemaError("The database has another schema: see `asbru db check`.")
        db = backend.connect()
        # One transaction: a running gateway goes on meanwhile, and what it writes is not seen by halves.
        with transaction(db):
            count, total = totals(db)
            found = list(offences(db))
        db.close()
    except (SchemaError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except Unavailable as error:
        typer.echo(f"{error.message} {error.detail}", err=True)
        raise typer.Exit(1) from None
    for offence in found:
        typer.echo(offence, err=True)
    typer.echo(f"{count} charges of {dollars(total)} US dollars" + (": the books agree." if not found else "."))
    if found:
        raise typer.Exit(1)
