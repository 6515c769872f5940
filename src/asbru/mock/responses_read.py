"""A Responses request, read strictly: item by item, as the real API names their mistakes (``input[2].role``)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from asbru.mock import responses_shapes as shape
from asbru.mock.openai import refusal
from asbru.mock.said import Asked, Offer, count
from asbru.mock.strict import Mistake, read
from asbru.model.failure import Refused

T = TypeVar("T")

SEALED = "gAAAAABmock"
"""How ``encrypted_content`` of the mock begins; anything else was not made here."""

Item = dict[str, Any]
Known = Callable[[str], list[Item] | None]
"""Everything said up to a response, by its id; None when it is not kept."""

_request = msgspec.json.Decoder(shape.ResponseRequest)
_count = msgspec.json.Decoder(shape.CountRequest)
_object = msgspec.json.Decoder(dict[str, Any])
_tool = msgspec.json.Decoder(shape.FunctionTool)
_ITEMS: Mapping[str, msgspec.json.Decoder[Any]] = {
    "user": msgspec.json.Decoder(shape.Message),
    "assistant": msgspec.json.Decoder(shape.Assistant),
    "function_call": msgspec.json.Decoder(shape.FunctionCall),
    "function_call_output": msgspec.json.Decoder(shape.FunctionOutput),
    "reasoning": msgspec.json.Decoder(shape.ReasoningItem),
    "item_reference": msgspec.json.Decoder(shape.Reference),
}


class Question(Struct, kw_only=True):
    """``items``: what was said before and now. ``new``: now only."""

    request: shape.CountRequest
    members: dict[str, Any]
    items: list[Item]
    new: list[Item]


def refused(message: str, param: str, code: str = "") -> Refused:
    """400 in OpenAI's words."""
    return Refused(400, message, code=code, param=param)


def read_count(body: bytes, known: Known) -> Question:
    """A request to count. Raises Refused(400)."""
    return _question(body, _read(_count, body, []), known)


def read_question(body: bytes, known: Known) -> tuple[Question, Asked]:
    """A request for a response. Raises Refused(400)."""
    request = _read(_request, body, [])
    question = _question(body, request, known)
    if request.stream_options is not None and not request.stream:
        raise refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    _check_calls(question.items)
    return question, _asked(request, question)


def words_of(question: Question) -> int:
    """Tokens of the input: its words."""
    told = [_words(item) for item in question.items]
    return count(question.request.instructions or "") + sum(map(count, told))


def _read(decoder: "msgspec.json.Decoder[T]", body: bytes, path: list[str | int]) -> T:
    try:
        return read(decoder, body)
    except Mistake as mistake:
        mistake.path = [*path, *mistake.path]
        if mistake.kind == "unknown":
            raise _unknown(mistake) from None
        raise refusal(mistake) from None


def _unknown(mistake: Mistake) -> Refused:
    where = mistake.bracketed()
    if where == "response_format":
        text = "In the Responses API, this parameter has moved to 'text.format'."
        return refused(f"Unsupported parameter: '{where}'. {text}", where, "unsupported_parameter")
    return refused(f"Unknown parameter: '{where}'.", where, "unknown_parameter")


def _question(body: bytes, request: shape.CountRequest, known: Known) -> Question:
    new = _items(request.input)
    before: list[Item] = []
    if (previous := request.previous_response_id) is not None:
        kept = known(previous)
        if kept is None:
            text = f"Previous response with id '{previous}' not found."
            raise refused(text, "previous_response_id", "previous_response_not_found")
        before = kept
    elif request.input is None and not any((request.conversation, getattr(request, "prompt", None))):
        text = "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must be provided."
        raise refused(text, "input", "missing_required_parameter")
    for n, raw in enumerate(request.tools or ()):
        _check_tool(raw, ["tools", n])
    return Question(request=request, members=_object.decode(body), items=[*before, *new], new=new)


def _items(input: str | list[Raw] | None) -> list[Item]:
    if isinstance(input, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": input}]}]
    return [_item(raw, ["input", n]) for n, raw in enumerate(input or ())]


def _item(raw: Raw, path: list[str | int]) -> Item:
    item = _read(_object, bytes(raw), path)
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    if kind == "message":
        kind = "assistant" if item.get("role") == "assistant" else "user"
    if kind in _ITEMS:
        _read(_ITEMS[kind], bytes(raw), path)
    elif kind not in shape.OTHERS:
        where = "".join(f"[{step}]" if isinstance(step, int) else step for step in path)
        raise refused(f"Invalid value: '{kind}'.", where, "invalid_value")
    sealed = item.get("encrypted_content")
    if kind == "reasoning" and sealed and not sealed.startswith(SEALED):
        text = (
            "The encrypted content could not be verified. Reason: Encrypted content could not be decrypted or parsed."
        )
        raise refused(text, "", "invalid_encrypted_content")
    if kind == "item_reference" or (kind == "reasoning" and not sealed and not item.get("content")):
        raise Refused(404, f"Item with id '{item.get('id')}' not found.", param="input")
    return {"type": "message", **item} if kind in ("user", "assistant") else item


def _check_tool(raw: Raw, path: list[str | int]) -> None:
    kind = _read(_object, bytes(raw), path).get("type")
    if kind == "function":
        _read(_tool, bytes(raw), path)
    elif kind not in shape.TOOLS:
        raise refused(f"Invalid value: '{kind}'.", f"tools[{path[1]}].type", "invalid_value")


def _check_calls(items: Iterable[Item]) -> None:
    """Every call is answered, and nothing else is."""
    calls: list[str] = []
    answered: list[str] = []
    for item in items:
        if item["type"] == "function_call":
            calls.append(item["call_id"])
        elif item["type"] == "function_call_output":
            if item["call_id"] not in calls:
                raise refused(f"No tool call found for function call output with call_id {item['call_id']}.", "input")
            answered.append(item["call_id"])
    for id in calls:
        if id not in answered:
            raise refused(f"No tool output found for function call {id}.", "input")


def _words(item: Item) -> str:
    content = item.get("content") or item.get("output") or item.get("arguments") or ""
    if isinstance(content, str):
        return content
    texts = [part.get("text") for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return " ".join(text for text in texts if isinstance(text, str))


def _is_asked(item: Item) -> bool:
    return item["type"] == "function_call_output" or item.get("role") == "user"


def _asked(request: shape.ResponseRequest, question: Question) -> Asked:
    last = next((item for item in reversed(question.items) if _is_asked(item)), {})
    choice = request.tool_choice
    form = request.text.format if request.text else None
    thinks = request.reasoning is not None and request.reasoning.effort != "none"
    return Asked(
        model=request.model,
        text=_words(last),
        words=words_of(question),
        stream=bool(request.stream),
        offers=tuple(_offers(question.members.get("tools") or ())),
        choice=choice if isinstance(choice, str) else (choice or {}).get("name") or "auto",
        parallel=request.parallel_tool_calls is not False,
        schema=form.schema if isinstance(form, shape.JsonSchema) else isinstance(form, shape.JsonObject) or None,
        limit=request.max_output_tokens or 0,
        think=thinks,
        body=question,
    )


def _offers(tools: Iterable[Item]) -> Iterable[Offer]:
    return (Offer(tool["name"], tool.get("parameters")) for tool in tools if tool["type"] == "function")
