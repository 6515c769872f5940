"""The command line. Each command imports what it needs when it runs, so that ``asbru serve`` starts fast."""

from typing import Annotated

import typer

from asbru.cli import batch, check, db, ledger, mock, serve

app = typer.Typer(
    name="asbru",
    help="An AI gateway: one address, any SDK, any provider, and batches that work everywhere.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("check")(check.check)
app.command("mock")(mock.mock)
app.add_typer(batch.app, name="batch")
app.add_typer(db.app, name="db")
app.add_typer(ledger.app, name="ledger")


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    """Options of ``asbru`` itself."""
    if show:
        from asbru import __version__

        typer.echo(f"asbru {__version__}")
        raise typer.Exit


def main() -> None:
    """The console script."""
    app()
