"""What every dialect's create of a batch takes beside its own words: headers of money and time, and ``?dry_run=true``.

Rule 1. A create goes through ``made``; so a new dialect has all of this.
Rule 2. Money is read as decimal dollars into whole nano-dollars, never through a float.
"""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import structs

from asbru.batch import BatchService, CreateCommand
from asbru.edge.request import Request
from asbru.model.batches import Batch, Controls, Mode
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.model.usage import nano_dollars

_JSON = {b"content-type": b"application/json"}
_MAX_COST = "x-bf-batch-max-cost"
_DEDUPE = "x-bf-batch-dedupe"
_DEADLINE = "x-bf-batch-deadline"
_WEBHOOK = "x-bf-batch-webhook"
_DRY_RUN = "dry_run"
_LONGEST_URL = 2_048
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?", re.ASCII)
_WORDS = {"true": True, "1": True, "false": False, "0": False, "": False}
_encode = msgspec.json.Encoder().encode


async def made(
    service: BatchService, request: Request, command: CreateCommand, answer: Callable[[Batch], Answer]
) -> Answer:
    """Make the batch and ``answer`` with it, or tell what it would cost. Raises Refused."""
    command = structs.replace(command, controls=controls_of(request))
    said = parse_qs(request.query, keep_blank_values=True).get(_DRY_RUN, [""])[0]
    if yes(_DRY_RUN, said):
        return Answer(status=200, headers=_JSON, body=_encode(await service.estimate(command)))
    return answer(await service.create(command))


def controls_of(request: Request) -> Controls:
    """The headers. Raises Refused(400) that names the one that is wrong."""
    return Controls(
        max_cost=_money(_header(request, _MAX_COST)),
        dedupe=yes(_DEDUPE, _header(request, _DEDUPE)),
        deadline=_duration(_header(request, _DEADLINE)),
        webhook=_url(_header(request, _WEBHOOK)),
    )


def mode_of(request: Request) -> Mode:
    """``x-bf-batch-mode``. Raises Refused(400) for an unknown word."""
    word = request.headers.get(b"x-bf-batch-mode", b"auto").decode("latin-1")
    try:
        return Mode(word)
    except ValueError:
        known = ", ".join(Mode)
        message = f"x-bf-batch-mode: {word!r} is not a mode; choose one of {known}"
        raise Refused(400, message, code="invalid_request_error", param="x-bf-batch-mode") from None


def _header(request: Request, name: str) -> str:
    return request.headers.get(name.encode(), b"").decode("latin-1").strip()


def _money(text: str) -> int:
    if not text:
        return 0
    found = nano_dollars(text)
    if not found:
        raise _wrong(_MAX_COST, f"must be US dollars above 0, such as 2.50, with at most 9 decimals; this is {text!r}")
    return found


def yes(name: str, text: str) -> bool:
    """A header or query parameter that is true or false; "" is false. Raises Refused(400)."""
    found = _WORDS.get(text.lower())
    if found is None:
        raise _wrong(name, f"must be true or false, this is {text!r}")
    return found


def _duration(text: str) -> float:
    """``2h``, ``1h30m``, ``45m``: seconds."""
    if not text:
        return 0.0
    found = _DURATION.fullmatch(text)
    seconds = (
        sum(int(part or 0) * unit for part, unit in zip(found.groups(), _UNITS.values(), strict=True)) if found else 0
    )
    if not seconds:
        raise _wrong(_DEADLINE, f"must be a duration such as 2h, 90m or 1h30m, this is {text!r}")
    return float(seconds)


def _url(text: str) -> str:
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        plain = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        plain = False
    if not plain or len(text) > _LONGEST_URL or not text.isascii() or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise _wrong(_WEBHOOK, "must be an http or https address")
    if parts.username is not None or parts.fragment:
        raise _wrong(_WEBHOOK, "must hold no user name, password or fragment")
    return text


def _wrong(name: str, text: str) -> Refused:
    return Refused(400, f"{name}: {text}", code="invalid_request_error", param=name)
