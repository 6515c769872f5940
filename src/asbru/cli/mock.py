"""``asbru mock``: run the scripted provider."""

from pathlib import Path
from typing import Annotated

import typer


def mock(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 8181,
    script: Annotated[Path | None, typer.Option(help="JSON script of what to answer (docs/mock.md).")] = None,
    latency: Annotated[float, typer.Option(min=0, help="Seconds before every answer.")] = 0.0,
    interval: Annotated[float, typer.Option(min=0, help="Seconds between streamed frames.")] = 0.0,
    tokens: Annotated[int, typer.Option(min=0, help="Words of every answer; 0 echoes the prompt.")] = 0,
    fail: Annotated[str, typer.Option(help="Faults by share of requests, such as 429=0.05,reset=0.01.")] = "",
    seed: Annotated[int, typer.Option(help="Seed of the dice for --fail.")] = 0,
    key: Annotated[
        list[str] | None, typer.Option(help="A key that exists, or KEY=STATUS; any works if none is said.")
    ] = None,
    record: Annotated[bool, typer.Option(help="Keep the last request of each path, secrets and all.")] = False,
    s3: Annotated[str, typer.Option(help="Where the buckets of Bedrock's batch jobs are (http://…).")] = "",
) -> None:
    """Run a scripted provider in OpenAI's and Anthropic's dialects, with faults on request."""
    from asbru.mock.options import MockOptions, key_statuses, shares
    from asbru.mock.serve import run
    from asbru.model.failure import Refused

    try:
        run(
            MockOptions(
                host=host,
                port=port,
                script=str(script) if script else "",
                latency=latency,
                interval=interval,
                tokens=tokens,
                fail=shares(fail),
                seed=seed,
                keys=key_statuses(key or ()),
                record=record,
                s3=s3,
            )
        )
    except Refused as refused:
        typer.echo(f"asbru: {refused.message}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"asbru: {error}", err=True)
        raise typer.Exit(1) from None
