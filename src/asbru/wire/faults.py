"""What a provider's error means to us, whatever its body looks like.

Every dialect has its own error body, and proxies before providers answer with others (a string, ``detail``, HTML):
all of them are read here, leniently. Classes: 429, 503 and 529 are Overloaded, other 4xx Rejected, everything else
Broken.
"""

from typing import Any

import msgspec
from msgspec import Struct

from asbru.model.failure import Broken, Overloaded, Rejected, Upstream
from asbru.model.http import Headers
from asbru.wire.shapes import BAD_JSON

LONGEST = 2000
"""Most characters of a provider's message that are passed on."""


class Fault(Struct, frozen=True, kw_only=True):
    """An error body's content. ``status``: told inside the body, 0 when it is not."""

    message: str = ""
    type: str = ""
    code: str = ""
    param: str = ""
    status: int = 0


def read_fault(body: bytes) -> Fault:
    """What a body says; an empty Fault when it says nothing."""
    try:
        told = msgspec.json.decode(body)
    except BAD_JSON:
        text = body[: LONGEST * 4].decode("utf-8", "replace").strip()
        return Fault(message="" if text.startswith("<") else text[:LONGEST])
    if isinstance(told, list) and told:
        told = told[0]
    if not isinstance(told, dict):
        return Fault(message=_text(told))
    inner = told.get("error")
    if not isinstance(inner, dict):
        words = (inner, told.get("message"), told.get("Message"), told.get("detail"), told.get("title"))
        kind = _text(told.get("type")) or _text(told.get("__type")).rpartition("#")[2]
        return Fault(
            message=next((text for each in words if (text := _words(each))), ""),
            type=kind,
            code=_text(told.get("code")),
            param=_text(told.get("param")) or _place(told.get("detail")) or _place(told.get("message")),
        )
    return Fault(
        message=_words(inner.get("message")),
        type=_text(inner.get("type")),
        code=_text(inner.get("code")),
        param=_text(inner.get("param")),
        status=_status(inner.get("code")) or _status(told.get("status_code")) or _status(inner.get("status")),
    )


def _words(value: Any) -> str:
    """A message: a text, an object that holds one, or a list of what a validator found (FastAPI's ``loc``, ``msg``)."""
    if isinstance(value, dict):
        inner = next((value[name] for name in ("detail", "error", "message", "msg") if value.get(name)), None)
        return _words(inner) if inner is not None else _text(value)
    if isinstance(value, list) and value and all(isinstance(each, dict) and "msg" in each for each in value):
        return "; ".join(": ".join(filter(None, (_loc(each), _text(each["msg"])))) for each in value)[:LONGEST]
    return _text(value)


def _place(value: Any) -> str:
    """The field that a validator names first, without its ``body``."""
    if isinstance(value, dict):
        value = value.get("detail")
    return _loc(value[0]) if isinstance(value, list) and value and isinstance(value[0], dict) else ""


def _loc(found: dict[str, Any]) -> str:
    steps = found.get("loc")
    return ".".join(str(step) for step in steps if step != "body") if isinstance(steps, list) else ""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value[:LONGEST]
    return msgspec.json.encode(value).decode()[:LONGEST] if isinstance(value, dict | list) and value else ""


def _status(value: Any) -> int:
    return value if isinstance(value, int) and 400 <= value <= 599 else 0


def judge(status: int, headers: Headers, fault: Fault) -> Upstream:
    """The failure for an answer with this status. ``code`` is the provider's code, or its type where it has none.

    Amazon tells the type in a header: ``x-amzn-errortype: ThrottlingException:http://…``.
    """
    message = fault.message or f"The provider answered {status}."
    code = fault.code or fault.type or headers.get(b"x-amzn-errortype", b"").decode("latin-1").partition(":")[0]
    param = fault.param
    if status in (429, 503, 529):
        return Overloaded(status, message, code=code, param=param, retry_after=retry_after(headers))
    if 400 <= status < 500:
        return Rejected(status, message, code=code, param=param, retry_after=retry_after(headers))
    if status >= 500:
        return Broken(status, message, code=code, param=param, retry_after=retry_after(headers))
    return Broken(502, message, code=code, param=param)


def retry_after(headers: Headers) -> float | None:
    """Seconds to wait, by ``retry-after-ms`` or ``retry-after`` in seconds.

    A date is not read: there is no clock here.
    """
    exact = _seconds(headers.get(b"retry-after-ms"))
    if exact is not None:
        return exact / 1000
    return _seconds(headers.get(b"retry-after"))


def _seconds(value: bytes | None) -> float | None:
    try:
        seconds = float(value) if value else -1.0
    except ValueError:
        return None
    return seconds if 0 <= seconds < 1e9 else None
