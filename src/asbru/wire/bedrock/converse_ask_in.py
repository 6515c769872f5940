"""A Converse request, read into the model."""

import msgspec
from msgspec import Raw

from asbru.model.chat import Ask, Output, Tool, ToolChoice, Turn
from asbru.model.names import Format, Role
from asbru.wire.bedrock import converse_shapes as shapes
from asbru.wire.bedrock.converse_blocks_in import only_member, read_cache, read_content
from asbru.wire.bedrock.converse_fields import read_fields
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import BAD_JSON, Members, given, join, read_members, refused

HERE = Format.BEDROCK_CONVERSE

_CHOICES = {"auto": "auto", "any": "required", "tool": "tool"}


def read_ask(envelope: Envelope) -> Ask:
    """The request; the path names its model and tells whether to stream. Raises Refused(400) naming the member."""
    spare: Members = {}
    body = shapes.BODY.pick(envelope.members, spare)
    config = _tool_config(body, spare)
    output = _output_config(body, spare)
    fields = read_fields(given(body.additionalModelRequestFields), output.effort or "", spare)
    inference = shapes.Inference()
    if (raw := given(body.inferenceConfig)) is not None:
        inference = shapes.INFERENCE.read(raw, "inferenceConfig", spare)
    tier = given(body.serviceTier)
    return Ask(
        model="",
        turns=_turns(body, spare),
        tools=_tools(config.tools or (), spare),
        tool_choice=_tool_choice(given(config.tool_choice), spare),
        sampling=msgspec.structs.replace(
            fields.sampling,
            max_tokens=inference.max_tokens,
            temperature=inference.temperature,
            top_p=inference.top_p,
            stop=tuple(inference.stop_sequences or ()),
        ),
        output=_output(output),
        thinking=fields.effort,
        service_tier="" if tier is None else shapes.TIER.read(tier, "serviceTier", spare).type,
        extra=spare,
        origin=HERE,
    )


def _output_config(body: shapes.Body, spare: Members) -> shapes.OutputConfig:
    raw = given(body.outputConfig)
    return shapes.OutputConfig() if raw is None else shapes.OUTPUT_CONFIG.read(raw, "outputConfig", spare)


def _output(config: shapes.OutputConfig) -> Output | None:
    wanted = config.text_format
    if wanted is None:
        return None
    if wanted.type != "json_schema":
        raise refused("outputConfig.textFormat.type", "must be json_schema")
    told = wanted.structure.json_schema
    try:
        schema = Raw(told.schema.encode())
        read_members(schema)
    except (*BAD_JSON, UnicodeEncodeError) as error:
        raise refused("outputConfig.textFormat.structure.jsonSchema.schema", error) from None
    return Output(schema=schema, name=told.name or "", description=told.description or "", strict=True)


def _tool_config(body: shapes.Body, spare: Members) -> shapes.ToolConfig:
    raw = given(body.toolConfig)
    return shapes.ToolConfig() if raw is None else shapes.TOOL_CONFIG.read(raw, "toolConfig", spare)


def _tool_choice(raw: Raw | None, spare: Members) -> ToolChoice | None:
    if raw is None:
        return None
    path = "toolConfig.toolChoice"
    name, value = only_member(raw, path)
    if name not in _CHOICES:
        raise refused(path, "must be auto, any or tool")
    if name == "tool":
        return ToolChoice(mode="tool", name=shapes.NAMED.read(value, join(path, name), spare).name)
    return ToolChoice(mode=_CHOICES[name])


def _tools(raws: "list[Raw] | tuple[Raw, ...]", spare: Members) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for n, raw in enumerate(raws):
        path = join("toolConfig.tools", n)
        name, value = only_member(raw, path)
        if name == "toolSpec":
            tools.append(_tool(value, join(path, name), spare))
        elif name == "cachePoint" and tools and tools[-1].raw is None and tools[-1].cache is None:
            tools[-1] = msgspec.structs.replace(tools[-1], cache=read_cache(value, join(path, name), spare))
        else:
            tools.append(Tool(name=name, raw=raw))
    return tuple(tools)


def _tool(raw: Raw, path: str, spare: Members) -> Tool:
    tool = shapes.TOOL_SPEC.read(raw, path, spare)
    return Tool(name=tool.name, description=tool.description or "", schema=tool.input_schema.json, strict=tool.strict)


def _turns(body: shapes.Body, spare: Members) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    if body.system:
        turns.append(Turn(Role.SYSTEM, read_content(body.system, "system", spare)))
    for n, raw in enumerate(body.messages or ()):
        path = join("messages", n)
        message = shapes.MESSAGE.read(raw, path, spare)
        if message.role not in ("user", "assistant", "system"):
            raise refused(join(path, "role"), "must be user, assistant or system")
        turns.append(Turn(Role(message.role), read_content(message.content, join(path, "content"), spare)))
    return tuple(turns)
