"""``asbru batch …``: submit, watch, steer and read batches of a running gateway."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from asbru.cli.batch_view import Told, counts, estimate, line, watch_to_the_end
from asbru.cli.gateway_client import GatewayClient, spool_requests

app = typer.Typer(no_args_is_help=True, help="Submit, watch, steer and read batches of a running gateway.")

Url = Annotated[str, typer.Option("--url", envvar="ASBRU_URL", help="The gateway's address.")]
Key = Annotated[str, typer.Option("--key", envvar="ASBRU_VIRTUAL_KEY", help="The virtual key to ask with.")]
ModeOption = Annotated[str, typer.Option(help="auto, native (the provider's batch API) or live (our engine).")]
MaxCost = Annotated[str, typer.Option(help="US dollars that it may cost, such as 2.50. [default: no limit]")]
Deadline = Annotated[str, typer.Option(help="When it is wanted, such as 2h; auto then chooses. [default: a day]")]
Webhook = Annotated[str, typer.Option(help="Address that is told of its end. [default: the configured one]")]
Watch = Annotated[bool, typer.Option("--watch", help="Follow it to the end.")]
_URL = "http://127.0.0.1:8080"
_BATCHES = "/v1/batches"
_ANTHROPIC = "/anthropic/v1/messages/batches"


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="JSONL of Anthropic's or OpenAI's lines; \"-\" reads standard input.")],
    provider: Annotated[
        str, typer.Option(help="Provider of items whose model has no prefix. [default: that of the lines' dialect]")
    ] = "",
    mode: ModeOption = "auto",
    max_cost: MaxCost = "",
    deadline: Deadline = "",
    webhook: Webhook = "",
    dedupe: Annotated[bool, typer.Option("--dedupe", help="Run identical items once.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would cost.")] = False,
    watch_it: Watch = False,
    url: Url = _URL,
    key: Key = "",
) -> None:
    """Create a batch and print its id."""
    client = GatewayClient(url, key)
    headers = _headers(mode, max_cost, deadline, webhook)
    if dedupe:
        headers["x-bf-batch-dedupe"] = "true"
    with Told(), spool_requests(sys.stdin.buffer if str(file) == "-" else file.open("rb")) as (body, anthropic):
        path = _ANTHROPIC if anthropic else _BATCHES
        headers["x-model-provider"] = provider or ("anthropic" if anthropic else "openai")
        made = client.call("POST", f"{path}?dry_run=true" if dry_run else path, body, headers)
    if dry_run:
        estimate(made)
        return
    typer.echo(made["id"])
    if watch_it:
        watch_to_the_end(client, made["id"])


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of the newest.")] = 20,
    url: Url = _URL,
    key: Key = "",
) -> None:
    """List the newest batches."""
    with Told():
        page = GatewayClient(url, key).call("GET", f"{_BATCHES}?limit={limit}")
    for batch in page["data"]:
        typer.echo(line(batch))


@app.command()
def watch(batch_id: str, url: Url = _URL, key: Key = "") -> None:
    """Follow a batch to its end with a progress bar."""
    watch_to_the_end(GatewayClient(url, key), batch_id)


@app.command()
def results(
    batch_id: str,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. [default: standard output]")
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="What there is by now, if it has not ended.")] = False,
    url: Url = _URL,
    key: Key = "",
) -> None:
    """Write the results of a batch as JSONL: Anthropic's lines for an id msgbatch_…, OpenAI's for batch_…."""
    client = GatewayClient(url, key)
    base = _ANTHROPIC if batch_id.startswith("msgbatch_") else _BATCHES
    path = f"{base}/{batch_id}/results" + ("?partial=true" if partial else "")
    with Told():
        if not partial and _one(client, "GET", batch_id)["extra_fields"]["status"] != "ended":
            typer.echo("asbru: the batch has not ended; --partial reads what there is", err=True)
            raise typer.Exit(1)
        if output is None:
            client.copy(path, sys.stdout.buffer)
        else:
            with output.open("wb") as to:
                client.copy(path, to)


@app.command()
def cancel(batch_id: str, url: Url = _URL, key: Key = "") -> None:
    """Ask for a batch to stop; what is done stays."""
    _steer(GatewayClient(url, key), batch_id, "cancel")


@app.command()
def pause(batch_id: str, url: Url = _URL, key: Key = "") -> None:
    """Start nothing more of a batch; what was sent is awaited."""
    _steer(GatewayClient(url, key), batch_id, "pause")


@app.command()
def resume(batch_id: str, url: Url = _URL, key: Key = "") -> None:
    """Go on with a paused batch."""
    _steer(GatewayClient(url, key), batch_id, "resume")


@app.command()
def retry(
    batch_id: str,
    mode: Annotated[str, typer.Option(help="auto, native or live. [default: as before]")] = "",
    max_cost: MaxCost = "",
    deadline: Deadline = "",
    webhook: Webhook = "",
    watch_it: Watch = False,
    url: Url = _URL,
    key: Key = "",
) -> None:
    """Make a new batch of what errored or expired in one that has ended, and print its id."""
    client = GatewayClient(url, key)
    with Told():
        made = _one(client, "POST", batch_id, "/rerun", _headers(mode, max_cost, deadline, webhook))
    typer.echo(made["id"])
    if watch_it:
        watch_to_the_end(client, made["id"])


def _headers(mode: str, max_cost: str, deadline: str, webhook: str) -> dict[str, str]:
    said = {"mode": mode, "max-cost": max_cost, "deadline": deadline, "webhook": webhook}
    return {f"x-bf-batch-{name}": text for name, text in said.items() if text}


def _one(
    client: GatewayClient, method: str, batch_id: str, verb: str = "", headers: Mapping[str, str] | None = None
) -> Any:
    return client.call(method, client.path_of(batch_id) + verb, None, headers)


def _steer(client: GatewayClient, batch_id: str, verb: str) -> None:
    with Told():
        batch = _one(client, "POST", batch_id, f"/{verb}")
    typer.echo(f"{batch['extra_fields']['status']}  {counts(batch)}")
