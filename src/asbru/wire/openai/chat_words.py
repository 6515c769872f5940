"""Small vocabularies of chat completions: why a reply ended, tool arguments."""

import msgspec
from msgspec import Raw

from asbru.model.chat import ToolCall
from asbru.model.names import Finish

_FINISH_IN = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "content_filter": Finish.CONTENT_FILTER,
}

_FINISH_OUT = {
    Finish.STOP: "stop",
    Finish.STOP_SEQUENCE: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL_CALLS: "tool_calls",
    Finish.CONTENT_FILTER: "content_filter",
    Finish.REFUSAL: "content_filter",
    Finish.PAUSE: "stop",
    Finish.CONTEXT_EXCEEDED: "length",
}


def read_finish(word: str | None, *, called: bool, refused: bool = False) -> Finish:
    """Why it ended.

    A reply that calls a tool says ``stop`` when the tool was forced, and with some compatible servers always.
    """
    finish = _FINISH_IN.get(word or "stop", Finish.STOP)
    if finish is Finish.STOP and called:
        return Finish.TOOL_CALLS
    if finish is Finish.STOP and refused:
        return Finish.REFUSAL
    return finish


def write_finish(finish: Finish | None, *, refusal: bool = False) -> str:
    """``finish_reason``. A reply that carries the model's ``refusal`` ends with ``stop``."""
    if finish is Finish.REFUSAL and refusal:
        return "stop"
    return "stop" if finish is None else _FINISH_OUT[finish]


_string = msgspec.json.Decoder(str).decode


def write_arguments(call: ToolCall) -> str:
    """``arguments``: JSON text, or what the model wrote instead of it (kept as a JSON string, see raw_arguments)."""
    return arguments_text(call.arguments)


def arguments_text(raw: Raw) -> str:
    """The text of arguments; "{}" for none."""
    data = bytes(raw)
    if data.startswith(b'"'):
        return _string(data)
    return data.decode() or "{}"
