"""A chat completions request, read into the model."""

from collections.abc import Callable

import msgspec
from msgspec import Raw

from asbru.model.chat import (
    Ask,
    Audio,
    Custom,
    Document,
    Effort,
    Image,
    Opaque,
    Output,
    Part,
    Refusal,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
    raw_arguments,
)
from asbru.model.names import Format, Role
from asbru.wire.envelope import Envelope
from asbru.wire.openai import chat_shapes as shapes
from asbru.wire.openai.chat_reasoning import read_citations, read_thinking
from asbru.wire.openai.custom_tools import as_call, custom_tool
from asbru.wire.shapes import BAD_JSON, Members, given, join, kind_of, refused, write_json

HERE = Format.OPENAI_CHAT

MOST_ANSWERS = 128
"""OpenAI's limit for ``n``."""

_choice = msgspec.json.Decoder(str | shapes.Choice)


def read_ask(envelope: Envelope) -> Ask:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = shapes.BODY.pick(envelope.members, spare)
    return Ask(
        model=body.model,
        turns=_Turns(spare).read(body.messages),
        tools=_tools(body, spare),
        tool_choice=_tool_choice(body),
        parallel_tools=body.parallel_tool_calls,
        sampling=_sampling(body),
        output=_output(given(body.response_format), spare),
        thinking=_effort(body),
        stream=bool(body.stream),
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
        user=body.user or "",
        service_tier=body.service_tier or "",
        extra=spare,
        origin=HERE,
    )


def _sampling(body: shapes.Body) -> Sampling:
    stop = body.stop or ()
    if body.top_logprobs and not body.logprobs:
        raise refused("top_logprobs", "is only allowed when logprobs is true")
    return Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        seed=body.seed,
        frequency_penalty=body.frequency_penalty,
        presence_penalty=body.presence_penalty,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        max_tokens=body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens,
        logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        n=read_n(body.n, "n"),
    )


def read_n(n: int | None, path: str) -> int | None:
    """How many answers; one is what is given anyway. Raises Refused(400)."""
    if n is not None and not 1 <= n <= MOST_ANSWERS:
        raise refused(path, f"must be from 1 to {MOST_ANSWERS}")
    return None if n == 1 else n


def _effort(body: shapes.Body) -> Effort | None:
    older = body.reasoning or shapes.Reasoning()
    word = body.reasoning_effort or older.effort or ""
    if word == "none":
        return Effort(enabled=False)
    if word or older.max_tokens:
        return Effort(word=word, budget=older.max_tokens or 0, adaptive=not older.max_tokens)
    return None


def _output(raw: Raw | None, spare: Members) -> Output | None:
    if raw is None:
        return None
    wanted = shapes.RESPONSE_FORMAT.read(raw, "response_format", spare)
    if wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return Output()
    if wanted.type != "json_schema" or wanted.json_schema is None:
        raise refused("response_format.type", "must be text, json_object or json_schema")
    schema = wanted.json_schema
    return Output(
        schema=given(schema.schema) or Raw(b"{}"),
        name=schema.name,
        description=schema.description or "",
        strict=schema.strict,
    )


def _tool_choice(body: shapes.Body) -> ToolChoice | None:
    name, raw = "tool_choice", given(body.tool_choice)
    if raw is None:
        name, raw = "function_call", given(body.function_call)
    if raw is None:
        return None
    try:
        choice = _choice.decode(raw)
    except BAD_JSON as error:
        raise refused(name, error) from None
    if isinstance(choice, str):
        if choice not in ("auto", "none", "required"):
            raise refused(name, "must be auto, none, required or an object")
        return ToolChoice(mode=choice)
    if choice.allowed_tools:
        tools = (tool.function or tool.custom for tool in choice.allowed_tools.tools)
        allowed = tuple(tool.name for tool in tools if tool is not None)
        return ToolChoice(mode=choice.allowed_tools.mode, allowed=allowed)
    named = choice.function or choice.custom
    wanted = named.name if named else choice.name
    if not wanted:
        raise refused(name, "must name a function")
    return ToolChoice(mode="tool", name=wanted)


def _tools(body: shapes.Body, spare: Members) -> tuple[Tool, ...]:
    tools = [_tool(raw, join("tools", n), spare) for n, raw in enumerate(body.tools or ())]
    for n, raw in enumerate(body.functions or ()):
        tools.append(_function(shapes.FUNCTION.read(raw, join("functions", n), spare)))
    return tuple(tools)


def _tool(raw: Raw, path: str, spare: Members) -> Tool:
    kind = kind_of(raw, path)
    if kind == "custom":
        return _custom_tool(shapes.CUSTOM_TOOL.read(raw, path, spare).custom)
    if kind != "function":
        return Tool(name=kind, raw=raw)
    return _function(shapes.TOOL.read(raw, path, spare).function)


def _custom_tool(told: shapes.CustomDefinition) -> Tool:
    grammar = told.format.grammar if told.format else None
    syntax, definition = (grammar.syntax, grammar.definition) if grammar else ("", "")
    return custom_tool(told.name, Custom(description=told.description or "", syntax=syntax, definition=definition))


def _function(said: shapes.FunctionDefinition) -> Tool:
    tool = Tool(name=said.name, description=said.description or "", strict=said.strict)
    schema = given(said.parameters)
    return tool if schema is None else msgspec.structs.replace(tool, schema=schema)


class _Turns:
    """Reads messages in order.

    Tool results and the user's words that follow them become one turn, as Anthropic has it.
    """

    def __init__(self, spare: Members) -> None:
        self._spare = spare
        self._turns: list[Turn] = []
        self._results: list[Part] = []
        self._legacy = ""

    def read(self, messages: list[Raw]) -> tuple[Turn, ...]:
        for n, raw in enumerate(messages):
            self._message(raw, f"messages.{n}")
        self._close_results(())
        return tuple(self._turns)

    def _message(self, raw: Raw, path: str) -> None:
        message = shapes.MESSAGE.read(raw, path, self._spare)
        if message.images and message.role != "assistant":
            self._spare[join(path, "images")] = Raw(write_json(message.images))
        match message.role:
            case "tool" | "function":
                self._results.append(self._result(message, path))
            case "user" if not message.name:
                self._close_results(self._said(message, path))
            case "user" | "system" | "developer":
                self._add(Role(message.role), self._said(message, path), message.name or "")
            case "assistant":
                self._add(Role.ASSISTANT, self._assistant(message, path), message.name or "")
            case _:
                raise refused(join(path, "role"), "must be system, developer, user, assistant, tool or function")

    def _add(self, role: Role, parts: tuple[Part, ...], name: str) -> None:
        self._close_results(())
        self._turns.append(Turn(role, parts, name))

    def _close_results(self, parts: tuple[Part, ...]) -> None:
        if self._results or parts:
            self._turns.append(Turn(Role.USER, (*self._results, *parts)))
            self._results.clear()

    def _result(self, message: shapes.Message, path: str) -> ToolResult:
        if message.role == "function":
            return ToolResult(id=self._legacy, parts=self._content(message.content, path))
        if message.tool_call_id is None:
            raise refused(join(path, "tool_call_id"), "Field required")
        return ToolResult(id=message.tool_call_id, parts=self._content(message.content, path))

    def _assistant(self, message: shapes.Message, path: str) -> tuple[Part, ...]:
        parts = read_thinking(message.reasoning_content or message.reasoning, message.reasoning_details or ())
        content = self._content(message.content, path)
        citations = read_citations(message.annotations or (), message.content)
        if citations and len(content) == 1 and isinstance(content[0], Text):
            content = (Text(content[0].text, citations=citations),)
        parts.extend(content)
        if message.refusal:
            parts.append(Refusal(message.refusal))
        parts += [_image(raw, join(path, "images", n), self._spare) for n, raw in enumerate(message.images or ())]
        for n, raw in enumerate(message.tool_calls or ()):
            parts.append(_tool_call(raw, join(path, "tool_calls", n), self._spare))
        if message.function_call:
            parts.append(self._legacy_call(message.function_call, path))
        return tuple(parts)

    def _legacy_call(self, call: shapes.Function, path: str) -> ToolCall:
        """Legacy calls have no ids: one is made of the message's place, so that it is the same each time it is sent."""
        self._legacy = "call_" + path.replace(".", "_")
        return ToolCall(id=self._legacy, name=call.name, arguments=raw_arguments(call.arguments or ""))

    def _said(self, message: shapes.Message, path: str) -> tuple[Part, ...]:
        if message.content is None:
            raise refused(join(path, "content"), "Field required")
        return self._content(message.content, path) or (Text(""),)

    def _content(self, content: str | list[Raw] | None, path: str) -> tuple[Part, ...]:
        if isinstance(content, str):
            return (Text(content),) if content else ()
        return tuple(_part(raw, join(path, "content", n), self._spare) for n, raw in enumerate(content or ()))


def _tool_call(raw: Raw, path: str, spare: Members) -> Part:
    if b'"custom"' in bytes(raw) and kind_of(raw, path) == "custom":
        told = shapes.CUSTOM_CALL.read(raw, path, spare)
        return as_call(told.id, told.custom.name, told.custom.input)
    call = shapes.TOOL_CALL.read(raw, path, spare)
    return ToolCall(id=call.id, name=call.function.name, arguments=raw_arguments(call.function.arguments or ""))


def _part(raw: Raw, path: str, spare: Members) -> Part:
    kind = kind_of(raw, path)
    reader = _PARTS.get(kind)
    return Opaque(format=HERE, kind=kind, raw=raw) if reader is None else reader(raw, path, spare)


def _text(raw: Raw, path: str, spare: Members) -> Part:
    return Text(shapes.TEXT.read(raw, path, spare).text)


def _refusal(raw: Raw, path: str, spare: Members) -> Part:
    return Refusal(shapes.REFUSAL.read(raw, path, spare).refusal)


def _image(raw: Raw, path: str, spare: Members) -> Part:
    image = shapes.IMAGE.read(raw, path, spare).image_url
    media_type, data = split_data_url(image.url)
    if data:
        return Image(media_type=media_type, data=data, detail=image.detail or "")
    return Image(url=image.url, detail=image.detail or "")


def _audio(raw: Raw, path: str, spare: Members) -> Part:
    audio = shapes.AUDIO.read(raw, path, spare).input_audio
    return Audio(data=audio.data, format=audio.format)


def _file(raw: Raw, path: str, spare: Members) -> Part:
    file = shapes.FILE.read(raw, path, spare).file
    if file.file_id:
        return Document(file_id=file.file_id, name=file.filename or "")
    media_type, data = split_data_url(file.file_data or "")
    if not data:
        raise refused(join(path, "file"), "needs file_id, or file_data as a base64 data URL")
    return Document(media_type=media_type, data=data, name=file.filename or "")


_PARTS: dict[str, Callable[[Raw, str, Members], Part]] = {
    "text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "input_audio": _audio,
    "file": _file,
}


def split_data_url(url: str) -> tuple[str, str]:
    """Media type and base64 data of a data URL; both empty for any other URL."""
    if not url.startswith("data:"):
        return "", ""
    head, _, data = url.partition(",")
    if not head.endswith(";base64"):
        return "", ""
    return head[5:].split(";", 1)[0], data
