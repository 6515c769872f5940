"""``asbru serve``: run the gateway."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class LogStyle(StrEnum):
    """How log lines look: one JSON object each, or for the eye."""

    JSON = "json"
    PRETTY = "pretty"


def default_app_dir() -> Path:
    """``$ASBRU_APP_DIR``, else ``~/.config/asbru``."""
    return Path(os.environ.get("ASBRU_APP_DIR") or Path.home() / ".config" / "asbru")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 8080,
    app_dir: Annotated[
        Path | None, typer.Option(help="Where the database and files live. [default: ~/.config/asbru]")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration file. [default: config.json in the app dir, if it is there]")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes that share the port.")] = 1,
    log_level: Annotated[LogLevel, typer.Option(envvar="LOG_LEVEL", help="How much to log.")] = LogLevel.INFO,
    log_style: Annotated[LogStyle, typer.Option(envvar="LOG_STYLE", help="How log lines look.")] = LogStyle.JSON,
    local: Annotated[
        bool | None, typer.Option("--local/--no-local", help="Serve the built-in small model. [default: if installed]")
    ] = None,
) -> None:
    """Run the gateway until it is stopped (SIGTERM or Ctrl-C drains it)."""
    from asbru.supervisor import ServeOptions, supervise

    options = ServeOptions(
        host=host,
        port=port,
        app_dir=str(app_dir or default_app_dir()),
        config=str(config) if config else "",
        workers=workers,
        log_level=log_level.value,
        log_style=log_style.value,
        local=local,
    )
    raise typer.Exit(supervise(options))
