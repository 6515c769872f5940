"""A Responses request, read into the model."""

import msgspec
from msgspec import Raw

from asbru.model.chat import Ask, Custom, Effort, Output, Sampling, Text, Tool, ToolChoice, Turn
from asbru.model.failure import Refused
from asbru.model.names import Format, Role
from asbru.wire.envelope import Envelope
from asbru.wire.openai import responses_shapes as shapes
from asbru.wire.openai.custom_tools import custom_tool
from asbru.wire.openai.responses_items_in import Items
from asbru.wire.shapes import BAD_JSON, Members, given, join, kind_of, refused, write_json

HERE = Format.OPENAI_RESPONSES

_choice = msgspec.json.Decoder(str | shapes.Choice)

_HELD_ELSEWHERE = {
    "conversation": "Conversations are kept by OpenAI only; send the items themselves.",
    "prompt": "Prompt templates are kept by OpenAI only; send the text itself.",
}
"""Members that name what another provider cannot see: without it the question would be another one."""

LOGPROBS = "message.output_text.logprobs"
"""The one thing to ``include`` that is neither told anyway nor part of a built-in tool's answer."""

PREVIOUS = "previous_response_id"


def read_ask(envelope: Envelope) -> Ask:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = shapes.BODY.pick(envelope.members, spare)
    _check(body)
    return Ask(
        model=body.model,
        turns=_turns(body, spare),
        tools=tuple(_tool(raw, join("tools", n), spare) for n, raw in enumerate(body.tools or ())),
        tool_choice=_tool_choice(given(body.tool_choice), spare),
        parallel_tools=body.parallel_tool_calls,
        sampling=_sampling(body),
        output=_output(given(body.text), spare),
        thinking=_effort(given(body.reasoning), spare),
        stream=bool(body.stream),
        include_usage=bool(body.stream),
        user=body.user or "",
        service_tier=body.service_tier or "",
        apart=bool(body.instructions),
        extra=spare | _extra(body),
        origin=HERE,
    )


def _sampling(body: shapes.Body) -> Sampling:
    asked = body.top_logprobs or LOGPROBS in (body.include or ())
    return Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        max_tokens=body.max_output_tokens,
        logprobs=body.top_logprobs or 0 if asked else None,
    )


def _extra(body: shapes.Body) -> Members:
    """Known members that others may have no word for. Replies are kept by us when they are not by the provider."""
    extra: Members = {}
    if body.store is False:
        extra["store"] = Raw(b"false")
    if body.truncation not in (None, "disabled"):
        extra["truncation"] = Raw(write_json(body.truncation))
    return extra


def _check(body: shapes.Body) -> None:
    for name, why in _HELD_ELSEWHERE.items():
        if given(getattr(body, name)) is not None:
            raise Refused(400, f"{name}: {why}", code="invalid_request_error", param=name)
    if body.previous_response_id:
        raise unknown_previous(body.previous_response_id)
    if body.input is None:
        message = 'input: One of "input" or "previous_response_id" must be provided.'
        raise Refused(400, message, code="missing_required_parameter", param="input")


def unknown_previous(id: str) -> Refused:
    """What is said of a response that nobody here has kept, in OpenAI's words."""
    message = f"Previous response with id '{id}' not found."
    return Refused(400, message, code="previous_response_not_found", param=PREVIOUS)


def _turns(body: shapes.Body, spare: Members) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    instructions = body.instructions
    if isinstance(instructions, str):
        turns += [Turn(Role.SYSTEM, (Text(instructions),))] if instructions else []
    elif instructions:
        raise refused("instructions", "Expected `str`, got `array`")
    if isinstance(body.input, str):
        return (*turns, Turn(Role.USER, (Text(body.input),)))
    return (*turns, *Items(spare).read(body.input or []))


def _output(raw: Raw | None, spare: Members) -> Output | None:
    if raw is None:
        return None
    wanted = given(shapes.TEXT_CONFIG.read(raw, "text", spare).format)
    if wanted is None:
        return None
    told = shapes.TEXT_FORMAT.read(wanted, "text.format", spare)
    if told.type == "text":
        return None
    if told.type == "json_object":
        return Output()
    if told.type != "json_schema":
        raise refused("text.format.type", "must be text, json_object or json_schema")
    for name in ("name", "schema"):
        if not getattr(told, name):
            raise refused(f"text.format.{name}", "Field required")
    return Output(schema=told.schema, name=told.name or "", description=told.description or "", strict=told.strict)


def _effort(raw: Raw | None, spare: Members) -> Effort | None:
    if raw is None:
        return None
    told = shapes.REASONING.read(raw, "reasoning", spare)
    if told.effort == "none":
        return Effort(enabled=False)
    return Effort(word=told.effort, adaptive=True) if told.effort else None


def _tool_choice(raw: Raw | None, spare: Members) -> ToolChoice | None:
    if raw is None:
        return None
    try:
        choice = _choice.decode(raw)
    except BAD_JSON as error:
        raise refused("tool_choice", error) from None
    if isinstance(choice, str):
        if choice not in ("auto", "none", "required"):
            raise refused("tool_choice", "must be auto, none, required or an object")
        return ToolChoice(mode=choice)
    if choice.type in ("function", "custom"):
        if not choice.name:
            raise refused("tool_choice.name", "Field required")
        return ToolChoice(mode="tool", name=choice.name)
    if choice.type == "allowed_tools" and choice.tools is not None and all(tool.name for tool in choice.tools):
        return ToolChoice(mode=choice.mode, allowed=tuple(tool.name for tool in choice.tools if tool.name))
    spare["tool_choice"] = raw
    return None


def _tool(raw: Raw, path: str, spare: Members) -> Tool:
    """``strict`` is best effort where it is not said, so only a demand for it is one."""
    kind = kind_of(raw, path)
    if kind == "custom":
        return _custom(shapes.CUSTOM_TOOL.read(raw, path, spare))
    if kind != "function":
        return Tool(name=kind, raw=raw)
    told = shapes.FUNCTION_TOOL.read(raw, path, spare)
    tool = Tool(name=told.name, description=told.description or "", strict=told.strict or None)
    schema = given(told.parameters)
    return tool if schema is None else msgspec.structs.replace(tool, schema=schema)


def _custom(told: shapes.CustomTool) -> Tool:
    form = told.format or shapes.CustomFormat(type="text")
    custom = Custom(description=told.description or "", syntax=form.syntax or "", definition=form.definition or "")
    return custom_tool(told.name, custom)
