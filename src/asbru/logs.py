"""The operator's log on standard error: one JSON object a line, or lines for the eye."""

import json
import logging
import sys
from datetime import UTC, datetime

log = logging.getLogger("asbru")

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """``{"at", "level", "message", …}``; extra fields of the call are kept."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        row: dict[str, object] = {"at": at, "level": record.levelname.lower(), "message": record.getMessage()}
        row.update((name, value) for name, value in vars(record).items() if name not in _PLAIN)
        if record.exc_info:
            row["traceback"] = self.formatException(record.exc_info)
        return json.dumps(row, default=str, ensure_ascii=False)


class Pretty(logging.Formatter):
    """``12:34:56 info  message  name=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback below it."""
        at = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        extra = "".join(f"  {name}={value}" for name, value in vars(record).items() if name not in _PLAIN)
        line = f"{at} {record.levelname.lower():<7} {record.getMessage()}{extra}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def log_to_stderr(level: str, style: str) -> None:
    """Set up the root of our loggers. ``level``: debug, info, warn, error; ``style``: json or pretty."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Pretty() if style == "pretty" else JsonLines())
    log.handlers[:] = [handler]
    log.propagate = False
    log.setLevel({"warn": "WARNING"}.get(level, level.upper()))
