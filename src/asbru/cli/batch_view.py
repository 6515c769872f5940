"""How batches look on a terminal: a line each, a progress bar with what it has cost, an estimate."""

import time
from datetime import UTC, datetime
from typing import Any

import typer

from asbru.cli.gateway_client import GatewayClient, GatewayError

_PATIENCE = 60.0
"""Seconds that a gateway may be away while a batch is watched."""


class Told:
    """Turns a gateway's refusal into one line and exit status 1."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, GatewayError | OSError):
            typer.echo(f"asbru: {error}", err=True)
            raise typer.Exit(1) from None


def counts(batch: Any) -> str:
    """``succeeded 3  errored 1``."""
    return "  ".join(f"{name} {count}" for name, count in batch["extra_fields"]["counts"].items() if count)


def line(batch: Any) -> str:
    """One batch in a list."""
    extra = batch["extra_fields"]
    at = datetime.fromtimestamp(batch["created_at"], UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{batch['id']}  {at}  {extra['status']:<11}  {_dollars(extra['cost']):>12}  {counts(batch)}"


def watch_to_the_end(client: GatewayClient, batch_id: str) -> None:
    """A progress bar until the batch has ended, then one line. A gateway that restarts is waited for."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Told(), Progress(*columns) as progress:
        task = progress.add_task(batch_id, total=None)
        away = 0.0
        while True:
            try:
                for batch in client.events(batch_id):
                    away, extra = 0.0, batch["extra_fields"]
                    total = batch["request_counts"]["total"]
                    words = f"{extra['status']} {_dollars(extra['cost'])} (of at most {_dollars(extra['estimate'])})"
                    progress.update(
                        task, completed=total - extra["counts"]["processing"], total=total, description=words
                    )
                    if extra["status"] == "ended":
                        typer.echo(f"{counts(batch)}  cost {_dollars(extra['cost'])}")
                        return
            except GatewayError as error:
                if error.status or away > _PATIENCE:
                    raise
            away += 0.5
            time.sleep(0.5)


def estimate(told: Any) -> None:
    """What a dry run says."""
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "mode", "items", "input", "output", "cost", "live", "native", "at most", box=None)
    for part in told["models"]:
        native = part["price"]["native"]
        table.add_row(
            *(f"{part['provider']}/{part['model']}", part["mode"], _items(part)),
            *(str(part["tokens"][name]) for name in ("input", "output")),
            *(_dollars(part["cost"]) if part["priced"] else "unknown", _dollars(part["price"]["live"])),
            *(_dollars(native) if native else "-", _dollars(part["at_most"])),
        )
    # Wide enough for a pipe, where nobody says how wide it is.
    Console(width=160).print(table)
    tokens = told["tokens"]
    typer.echo(
        f"{_items(told)} items, about {tokens['input']} tokens of input and {tokens['output']} of output:"
        f" {_dollars(told['cost'])}, at most {_dollars(told['at_most'])}. Nothing was stored."
    )


def _items(part: Any) -> str:
    return f"{part['items']} ({part['copies']} copies)" if part["copies"] else str(part["items"])


def _dollars(money: Any) -> str:
    return f"${money['dollars']}"
