"""Anthropic's token counting: what a message's request may hold, without what only concerns the answer."""

from typing import Any

import msgspec

from asbru.mock import anthropic
from asbru.mock.dialect import Task
from asbru.mock.strict import Mistake, read
from asbru.model.failure import Refused

COUNTED = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control", "speed"}
)
ROOM = 1 << 20
"""``max_tokens`` that any thinking budget fits into."""

_decoder = msgspec.json.Decoder(dict[str, Any])


def task(body: bytes) -> Task:
    """A request to count. A token is a word. Raises Refused(400) as Anthropic words it."""
    try:
        members = read(_decoder, body)
    except Mistake as mistake:
        raise anthropic.refusal(mistake) from None
    for name in members:
        if name not in COUNTED:
            raise Refused(400, f"{name}: Extra inputs are not permitted", code="invalid_request_error")
    asked = anthropic.ask_params(msgspec.json.encode({**members, "max_tokens": ROOM}), beta=False)
    counted = msgspec.json.encode({"input_tokens": asked.words})
    return Task(asked.model, asked.text, lambda stamp: counted)
