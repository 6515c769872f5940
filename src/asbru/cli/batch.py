"""``asbru batch …``: submit, watch and read batches of a running gateway."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from asbru.cli.gateway_client import GatewayClient, GatewayError, spool_requests

app = typer.Typer(no_args_is_help=True, help="Submit, watch and read batches of a running gateway.")

Url = Annotated[str, typer.Option("--url", envvar="ASBRU_URL", help="The gateway's address.")]
_URL = "http://127.0.0.1:8080"
_BATCHES = "/anthropic/v1/messages/batches"


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help='JSONL of {"custom_id", "params"} lines; "-" reads standard input.')],
    provider: Annotated[str, typer.Option(help="Provider of items whose model has no prefix.")] = "anthropic",
    mode: Annotated[str, typer.Option(help="auto, native or live.")] = "auto",
    watch_it: Annotated[bool, typer.Option("--watch", help="Follow it to the end.")] = False,
    url: Url = _URL,
) -> None:
    """Create a batch and print its id."""
    client = GatewayClient(url)
    with _told(), spool_requests(sys.stdin.buffer if str(file) == "-" else file.open("rb")) as body:
        batch = client.call("POST", _BATCHES, body, {"x-model-provider": provider, "x-bf-batch-mode": mode})
    typer.echo(batch["id"])
    if watch_it:
        _watch(client, batch["id"], 1.0)


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of the newest.")] = 20, url: Url = _URL
) -> None:
    """List the newest batches."""
    with _told():
        page = GatewayClient(url).call("GET", f"{_BATCHES}?limit={limit}")
    for batch in page["data"]:
        typer.echo(f"{batch['id']}  {batch['created_at'][:19]}  {batch['processing_status']:<11}  {_counts(batch)}")


@app.command()
def watch(
    batch_id: str,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 1.0,
    url: Url = _URL,
) -> None:
    """Follow a batch to its end with a progress bar."""
    _watch(GatewayClient(url), batch_id, interval)


@app.command()
def results(
    batch_id: str,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. [default: standard output]")
    ] = None,
    url: Url = _URL,
) -> None:
    """Write the results of an ended batch as JSONL."""
    client = GatewayClient(url)
    with _told():
        if output is None:
            client.copy(f"{_BATCHES}/{batch_id}/results", sys.stdout.buffer)
        else:
            with output.open("wb") as to:
                client.copy(f"{_BATCHES}/{batch_id}/results", to)


@app.command()
def cancel(batch_id: str, url: Url = _URL) -> None:
    """Ask for a batch to stop; what is done stays."""
    with _told():
        batch = GatewayClient(url).call("POST", f"{_BATCHES}/{batch_id}/cancel")
    typer.echo(batch["processing_status"])


class _told:  # noqa: N801  (reads as a statement where it is used)
    """Turns a gateway's refusal into one line and exit status 1."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, GatewayError | OSError):
            typer.echo(f"asbru: {error}", err=True)
            raise typer.Exit(1) from None


def _counts(batch: dict[str, Any]) -> str:
    return "  ".join(f"{name} {count}" for name, count in batch["request_counts"].items() if count)


def _watch(client: GatewayClient, batch_id: str, interval: float) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with _told(), Progress(*columns) as progress:
        task = progress.add_task(batch_id, total=None)
        while True:
            batch = client.call("GET", f"{_BATCHES}/{batch_id}")
            done, total = client.progress(batch_id, batch)
            progress.update(task, completed=done, total=total, description=batch["processing_status"])
            if batch["processing_status"] == "ended":
                break
            time.sleep(interval)
    typer.echo(_counts(batch))
