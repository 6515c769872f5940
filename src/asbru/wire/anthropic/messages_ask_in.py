"""A messages request, read into the model."""

from collections.abc import Callable
from types import MappingProxyType

import msgspec
from msgspec import Raw

from asbru.model.chat import (
    Ask,
    Cache,
    Document,
    Effort,
    Image,
    Opaque,
    Output,
    Part,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from asbru.model.names import Format, Role
from asbru.wire.anthropic import messages_shapes as shapes
from asbru.wire.anthropic.messages_citations import read_citations
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import BAD_JSON, Members, given, join, kind_of, refused

HERE = Format.ANTHROPIC_MESSAGES
_ROLES = MappingProxyType({"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM})

CHOICES = {"auto": "auto", "any": "required", "none": "none", "tool": "tool"}
TIERS = {"auto": "auto", "standard_only": "default"}


def read_ask(envelope: Envelope) -> Ask:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = shapes.BODY.pick(envelope.members, spare)
    choice, parallel = _tool_choice(given(body.tool_choice), spare)
    config = _config(body, spare)
    metadata = given(body.metadata)
    user = None if metadata is None else shapes.METADATA.read(metadata, "metadata", spare).user_id
    return Ask(
        model=body.model,
        turns=_turns(body, spare),
        tools=tuple(_tool(raw, join("tools", n), spare) for n, raw in enumerate(body.tools or ())),
        tool_choice=choice,
        parallel_tools=parallel,
        sampling=_sampling(body),
        output=_output(body, config, spare),
        thinking=_effort(body, config, spare),
        stream=bool(body.stream),
        include_usage=bool(body.stream),
        user=user or "",
        service_tier=_tier(body.service_tier),
        extra=spare,
        origin=HERE,
    )


def _sampling(body: shapes.Body) -> Sampling:
    return Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        stop=tuple(body.stop_sequences or ()),
        max_tokens=body.max_tokens,
    )


def _tier(tier: str | None) -> str:
    if not tier:
        return ""
    if tier not in TIERS:
        raise refused("service_tier", "must be auto or standard_only")
    return TIERS[tier]


def _config(body: shapes.Body, spare: Members) -> shapes.OutputConfig:
    config = given(body.output_config)
    return shapes.OutputConfig() if config is None else shapes.OUTPUT_CONFIG.read(config, "output_config", spare)


def _output(body: shapes.Body, config: shapes.OutputConfig, spare: Members) -> Output | None:
    wanted, path = config.format, "output_config.format"
    if wanted is None and (older := given(body.output_format)) is not None:
        wanted, path = shapes.JSON_FORMAT.read(older, "output_format", spare), "output_format"
    if wanted is None:
        return None
    if wanted.type != "json_schema":
        raise refused(join(path, "type"), "must be json_schema")
    return Output(schema=wanted.schema, strict=True)


def _effort(body: shapes.Body, config: shapes.OutputConfig, spare: Members) -> Effort | None:
    word = config.effort or ""
    raw = given(body.thinking)
    if raw is None:
        return Effort(word=word) if word else None
    thinking = shapes.THINKING_CONFIG.read(raw, "thinking", spare)
    match thinking.type:
        case "enabled" if thinking.budget_tokens is not None:
            return Effort(word=word, budget=thinking.budget_tokens)
        case "enabled":
            raise refused("thinking.budget_tokens", "Field required")
        case "disabled":
            return Effort(enabled=False, word=word)
        case "adaptive":
            return Effort(word=word, adaptive=True)
    spare["thinking"] = raw
    return Effort(word=word) if word else None


def _tool_choice(raw: Raw | None, spare: Members) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether tools may be called in parallel."""
    if raw is None:
        return None, None
    choice = shapes.CHOICE.read(raw, "tool_choice", spare)
    if choice.type not in CHOICES:
        raise refused("tool_choice.type", "must be auto, any, tool or none")
    if choice.type == "tool" and not choice.name:
        raise refused("tool_choice.name", "Field required")
    alone = choice.disable_parallel_tool_use
    return ToolChoice(mode=CHOICES[choice.type], name=choice.name or ""), None if alone is None else not alone


def _tool(raw: Raw, path: str, spare: Members) -> Tool:
    kind = shapes.TOOL_KIND.read(raw, path, spare)
    if kind.type not in (None, "custom"):
        return Tool(name=kind.name or str(kind.type), raw=raw)
    tool = shapes.TOOL.read(raw, path, spare)
    return Tool(
        name=tool.name,
        description=tool.description or "",
        schema=tool.input_schema,
        strict=tool.strict,
        cache=_cache(tool.cache_control),
    )


def _turns(body: shapes.Body, spare: Members) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    if body.system:
        turns.append(Turn(Role.SYSTEM, _content(body.system, "system", spare)))
    turns += [_turn(raw, f"messages.{n}", spare) for n, raw in enumerate(body.messages)]
    return tuple(turns)


def _turn(raw: Raw, path: str, spare: Members) -> Turn:
    message = shapes.MESSAGE.read(raw, path, spare)
    role = _ROLES.get(message.role)
    if role is None:
        raise refused(join(path, "role"), "must be user, assistant or system")
    return Turn(role, _content(message.content, f"{path}.content", spare))


def _content(content: str | list[Raw] | None, path: str, spare: Members) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),)
    return tuple(_part(raw, join(path, n), spare, _PARTS) for n, raw in enumerate(content or ()))


def _part(raw: Raw, path: str, spare: Members, readers: "Readers") -> Part:
    kind = kind_of(raw, path)
    reader = readers.get(kind)
    return Opaque(format=HERE, kind=kind, raw=raw) if reader is None else reader(raw, path, spare)


def _cache(mark: shapes.CacheControl | None) -> Cache | None:
    return None if mark is None else Cache(mark.ttl or "")


def _text(raw: Raw, path: str, spare: Members) -> Part:
    block = shapes.TEXT.read(raw, path, spare)
    return Text(block.text, cache=_cache(block.cache_control), citations=read_citations(block.citations or ()))


def _image(raw: Raw, path: str, spare: Members) -> Part:
    block = shapes.IMAGE.read(raw, path, spare)
    source = block.source
    where = join(path, "source")
    cache = _cache(block.cache_control)
    match source.type:
        case "base64":
            media_type, data = _needs(source.media_type, where, "media_type"), _needs(source.data, where, "data")
            return Image(media_type=media_type, data=data, cache=cache)
        case "url":
            return Image(url=_needs(source.url, where, "url"), cache=cache)
        case "file":
            return Image(file_id=_needs(source.file_id, where, "file_id"), cache=cache)
    raise refused(join(where, "type"), "must be base64, url or file")


def _document(raw: Raw, path: str, spare: Members) -> Part:
    block = shapes.DOCUMENT.read(raw, path, spare)
    source = block.source
    where = join(path, "source")
    document = Document(
        name=block.title or "",
        context=block.context or "",
        citations=block.citations is not None and block.citations.enabled,
        cache=_cache(block.cache_control),
    )
    match source.type:
        case "base64":
            media_type, data = _needs(source.media_type, where, "media_type"), _needs(source.data, where, "data")
            return msgspec.structs.replace(document, media_type=media_type, data=data)
        case "text":
            return msgspec.structs.replace(document, text=_needs(source.data, where, "data"))
        case "url":
            return msgspec.structs.replace(document, url=_needs(source.url, where, "url"))
        case "file":
            return msgspec.structs.replace(document, file_id=_needs(source.file_id, where, "file_id"))
        case "content":
            return Opaque(format=HERE, kind="document of content blocks", raw=raw)
    raise refused(join(where, "type"), "must be base64, text, url, file or content")


def _needs(value: str | None, where: str, name: str) -> str:
    if value is None:
        raise refused(join(where, name), "Field required")
    return value


def _thinking(raw: Raw, path: str, spare: Members) -> Part:
    block = shapes.THINKING.read(raw, path, spare)
    return Thinking(text=block.thinking, signature=block.signature)


def _redacted(raw: Raw, path: str, spare: Members) -> Part:
    return Thinking(redacted=shapes.REDACTED.read(raw, path, spare).data)


def _tool_use(raw: Raw, path: str, spare: Members) -> Part:
    block = shapes.TOOL_USE.read(raw, path, spare)
    try:
        told = bytes(block.input).decode()
    except BAD_JSON as error:
        raise refused(join(path, "input"), error) from None
    if not told.startswith("{"):
        raise refused(join(path, "input"), "Expected `object`")
    return ToolCall(id=block.id, name=block.name, arguments=block.input, cache=_cache(block.cache_control))


def _tool_result(raw: Raw, path: str, spare: Members) -> Part:
    block = shapes.TOOL_RESULT.read(raw, path, spare)
    where = join(path, "content")
    content = block.content or ()
    return ToolResult(
        id=block.tool_use_id,
        parts=(Text(content),)
        if isinstance(content, str)
        else tuple(_part(inner, join(where, n), spare, _INNER) for n, inner in enumerate(content)),
        is_error=bool(block.is_error),
        cache=_cache(block.cache_control),
    )


Readers = dict[str, Callable[[Raw, str, Members], Part]]

_INNER: Readers = {"text": _text, "image": _image, "document": _document}
"""What may stand in a tool's result. Results do not nest, or a hostile body would make us recurse."""

_PARTS: Readers = {
    **_INNER,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
}
