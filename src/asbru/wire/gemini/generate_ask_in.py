"""A generateContent request, read into the model. Its model is in the path, and so is whether it streams."""

from msgspec import Raw

from asbru.model.chat import Ask, Output, Sampling, Tool, ToolChoice
from asbru.model.names import Format, Role
from asbru.wire.envelope import Envelope
from asbru.wire.gemini import generate_shapes as shapes
from asbru.wire.gemini.generate_contents_in import Contents
from asbru.wire.gemini.generate_thinking import read_thinking
from asbru.wire.gemini.generate_words import MODES, read_tier
from asbru.wire.gemini.openapi import to_json_schema
from asbru.wire.gemini.proto import snake
from asbru.wire.openai.chat_ask_in import read_n
from asbru.wire.shapes import Members, given, join, read_members, refused, write_json

HERE = Format.GEMINI_GENERATE

JSON_TYPE = "application/json"
CONFIG = "generationConfig"
_DECLARED = ("functionDeclarations", snake("functionDeclarations"))


def read_ask(envelope: Envelope) -> Ask:
    """The request. Raises Refused(400) naming the member that is wrong."""
    return read_body(envelope.members)


def read_body(members: Members) -> Ask:
    """The same out of its members, which countTokens has one level deeper."""
    spare: Members = {}
    body = shapes.BODY.pick(members, spare)
    if body.contents is None:
        raise refused("contents", "Field required")
    raw = given(body.generation_config)
    config = shapes.GenerationConfig() if raw is None else shapes.GENERATION_CONFIG.read(raw, CONFIG, spare)
    contents = Contents(spare)
    system = given(body.system_instruction)
    turns = () if system is None else (contents.alone(system, "systemInstruction", Role.SYSTEM),)
    choice, validated = _tool_choice(given(body.tool_config), spare)
    return Ask(
        model="",
        turns=(*turns, *contents.read(body.contents)),
        tools=_tools(body.tools or [], validated, spare),
        tool_choice=choice,
        sampling=_sampling(config),
        output=_output(config, spare),
        thinking=read_thinking(config.thinking_config, spare),
        service_tier=read_tier(body.service_tier),
        extra=spare,
        origin=HERE,
    )


def _sampling(config: shapes.GenerationConfig) -> Sampling:
    if config.logprobs and not config.response_logprobs:
        raise refused(f"{CONFIG}.logprobs", "is only allowed when responseLogprobs is true")
    return Sampling(
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        seed=config.seed,
        frequency_penalty=config.frequency_penalty,
        presence_penalty=config.presence_penalty,
        stop=tuple(config.stop_sequences or ()),
        max_tokens=config.max_output_tokens,
        logprobs=(config.logprobs or 0) if config.response_logprobs else None,
        n=read_n(config.candidate_count, f"{CONFIG}.candidateCount"),
    )


def _output(config: shapes.GenerationConfig, spare: Members) -> Output | None:
    kind = config.response_mime_type or ""
    if kind != JSON_TYPE:
        if kind not in ("", "text/plain"):
            spare[f"{CONFIG}.responseMimeType"] = Raw(write_json(kind))
            if (raw := given(config.response_schema)) is not None:
                spare[f"{CONFIG}.responseSchema"] = raw
        return None
    if (schema := given(config.response_json_schema)) is not None:
        return Output(schema=schema, strict=True)
    if (schema := given(config.response_schema)) is not None:
        return Output(schema=to_json_schema(schema, f"{CONFIG}.responseSchema"), strict=True)
    return Output()


def _tool_choice(raw: Raw | None, spare: Members) -> tuple[ToolChoice | None, bool]:
    """The choice, and whether all calls must keep to their schemas (``VALIDATED``)."""
    config = None if raw is None else given(shapes.TOOL_CONFIG.read(raw, "toolConfig", spare).function_calling_config)
    if config is None:
        return None, False
    path = "toolConfig.functionCallingConfig"
    told = shapes.FUNCTION_CALLING_CONFIG.read(config, path, spare)
    mode = (told.mode or "AUTO").upper()
    if mode not in MODES:
        raise refused(join(path, "mode"), "must be AUTO, ANY, NONE or VALIDATED")
    allowed = tuple(told.allowed_function_names or ())
    if MODES[mode] == "required" and len(allowed) == 1:
        return ToolChoice(mode="tool", name=allowed[0]), False
    return ToolChoice(mode=MODES[mode], allowed=allowed), mode == "VALIDATED" and not allowed


def _tools(raws: list[Raw], validated: bool, spare: Members) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for n, raw in enumerate(raws):
        path = join("tools", n)
        try:
            members = read_members(raw)
        except ValueError as error:
            raise refused(path, error) from None
        for name, value in members.items():
            if given(value) is None:
                continue
            if name in _DECLARED:
                tools += _declared(value, join(path, _DECLARED[0]), validated, spare)
            else:
                tools.append(Tool(name=name, raw=Raw(write_json({name: value}))))
    return tuple(tools)


def _declared(raw: Raw, path: str, validated: bool, spare: Members) -> list[Tool]:
    return [_function(each, join(path, n), validated, spare) for n, each in enumerate(shapes.read_list(raw, path))]


def _function(raw: Raw, path: str, validated: bool, spare: Members) -> Tool:
    told = shapes.FUNCTION_DECLARATION.read(raw, path, spare)
    if not told.name:
        raise refused(join(path, "name"), "Field required")
    schema = given(told.parameters_json_schema)
    if schema is None and (older := given(told.parameters)) is not None:
        schema = to_json_schema(older, join(path, "parameters"))
    tool = Tool(name=told.name, description=told.description or "", strict=True if validated else None)
    return (
        tool
        if schema is None
        else Tool(name=tool.name, description=tool.description, strict=tool.strict, schema=schema)
    )
