"""The ``response`` object, whole or in the middle of a stream (``openai.types.responses.Response``).

It repeats what was asked: members of the client's body come back with their own bytes, others with OpenAI's defaults.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from asbru.model.chat import Part, Refusal, Text, Thinking, ToolCall
from asbru.model.names import Finish
from asbru.model.usage import Usage
from asbru.wire.codec import Stamp
from asbru.wire.openai.chat_words import write_arguments
from asbru.wire.openai.responses_reasoning import mark_item, write_item
from asbru.wire.openai.responses_usage import write_usage

Json = dict[str, object]

_DEFAULTS: Mapping[str, object] = MappingProxyType(
    {
        "background": False,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
    }
)
_INCOMPLETE = {
    Finish.LENGTH: "max_output_tokens",
    Finish.CONTEXT_EXCEEDED: "max_output_tokens",
    Finish.CONTENT_FILTER: "content_filter",
    Finish.REFUSAL: "content_filter",
}


def incomplete_reason(finish: Finish | None, *, refusal: bool) -> str:
    """``incomplete_details.reason``, "" for a reply that is whole. One that carries the model's refusal is."""
    if finish is None or (finish is Finish.REFUSAL and refusal):
        return ""
    return _INCOMPLETE.get(finish, "")


def response_id(stamp: Stamp) -> str:
    """Our id of a reply."""
    return f"resp_{stamp.id}"


def response_id_of(request_id: str) -> str:
    """The id of the reply to a request of ours."""
    return f"resp_{request_id.removeprefix('req_')}"


def item_id(kind: str, stamp: Stamp, n: int) -> str:
    """Our id of output item ``n``: it tells which reply it is part of, so that it can be found again."""
    return f"{kind}_{stamp.id}_{n}"


def begin(stamp: Stamp, created: int, model: str) -> Json:
    """A response of which nothing is known yet."""
    body: Json = {
        "id": response_id(stamp),
        "object": "response",
        "created_at": created or stamp.at,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": model or stamp.model,
        "output": [],
        "usage": None,
    }
    for name, value in _DEFAULTS.items():
        asked = stamp.asked.get(name)
        body[name] = value if asked is None or bytes(asked) == b"null" else asked
    return body


def end(body: Json, output: Sequence[object], usage: Usage, reason: str) -> Json:
    """``body`` of a response that is over; ``reason``: why it is incomplete, "" when it is whole."""
    details = {"reason": reason} if reason else None
    return body | {
        "status": "incomplete" if reason else "completed",
        "incomplete_details": details,
        "output": output,
        "usage": write_usage(usage),
    }


def message(id: str, content: list[object], status: str) -> Json:
    """A message item."""
    return {"id": id, "type": "message", "status": status, "role": "assistant", "content": content}


def call_item(part: ToolCall, id: str, status: str) -> Json:
    """A function call item. Its ``id`` names the item, its ``call_id`` the call."""
    item: Json = {"id": id, "type": "function_call", "status": status, "call_id": part.id, "name": part.name}
    item["arguments"] = write_arguments(part) if status == "completed" else ""
    return item


def custom_item(part: ToolCall, id: str, text: str, status: str) -> Json:
    """The item of a call of a custom tool."""
    item: Json = {"id": id, "type": "custom_tool_call", "status": status, "call_id": part.id, "name": part.name}
    return {**item, "input": text}


def reasoning_item(part: Thinking, id: str) -> Json:
    """A reasoning item."""
    return mark_item(write_item(part, id))


def is_said(part: Part) -> bool:
    """Whether a part is content of a message; those that touch each other are content of the same."""
    return isinstance(part, Text | Refusal)
