"""A v2 chat request, read into the model.

Rule 1. A ``tool_plan`` is what the assistant says before it calls: a text before the calls.
Rule 2. ``documents`` are documents to cite, at the beginning of the user's last turn. What a tool returned as a
document is its text.
Rule 3. ``strict_tools`` is every tool's ``strict``.
"""

from collections.abc import Callable

import msgspec
from msgspec import Raw

from asbru.model.chat import (
    Ask,
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
    raw_arguments,
)
from asbru.model.names import Format, Role
from asbru.wire.cohere import chat_shapes as shapes
from asbru.wire.cohere.chat_citations import attach
from asbru.wire.envelope import Envelope
from asbru.wire.openai.chat_ask_in import split_data_url
from asbru.wire.shapes import BAD_JSON, Members, given, join, kind_of, refused

HERE = Format.COHERE_CHAT

_CHOICES = {"REQUIRED": ToolChoice(mode="required"), "NONE": ToolChoice(mode="none")}
_data = msgspec.json.Decoder(str | dict[str, Raw]).decode
_string = msgspec.json.Decoder(str).decode

TEXT_MEMBERS = ("text", "snippet", "content")
"""What the text of a document's ``data`` is called, in Cohere's own examples."""


def read_ask(envelope: Envelope) -> Ask:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = shapes.BODY.pick(envelope.members, spare)
    turns = _Turns(spare).read(body.messages)
    documents = [_document(raw, join("documents", n), spare) for n, raw in enumerate(body.documents or ())]
    return Ask(
        model=body.model,
        turns=_with_documents(turns, documents),
        tools=tuple(_tool(raw, join("tools", n), body.strict_tools, spare) for n, raw in enumerate(body.tools or ())),
        tool_choice=_tool_choice(body.tool_choice),
        sampling=_sampling(body),
        output=_output(given(body.response_format), spare),
        thinking=_effort(body.thinking),
        stream=bool(body.stream),
        include_usage=bool(body.stream),
        extra=spare,
        origin=HERE,
    )


def _sampling(body: shapes.Body) -> Sampling:
    return Sampling(
        temperature=body.temperature,
        top_p=body.p,
        top_k=body.k,
        seed=body.seed,
        frequency_penalty=body.frequency_penalty,
        presence_penalty=body.presence_penalty,
        stop=tuple(body.stop_sequences or ()),
        max_tokens=body.max_tokens,
        logprobs=0 if body.logprobs else None,
    )


def _effort(told: shapes.ThinkingOption | None) -> Effort | None:
    if told is None:
        return None
    if told.type == "disabled":
        return Effort(enabled=False)
    if told.type != "enabled":
        raise refused("thinking.type", "must be enabled or disabled")
    return Effort(budget=told.token_budget or 0, adaptive=not told.token_budget)


def _output(raw: Raw | None, spare: Members) -> Output | None:
    if raw is None:
        return None
    wanted = shapes.RESPONSE_FORMAT.read(raw, "response_format", spare)
    if wanted.type == "text":
        return None
    if wanted.type != "json_object":
        raise refused("response_format.type", "must be text or json_object")
    return Output(schema=given(wanted.json_schema))


def _tool_choice(word: str | None) -> ToolChoice | None:
    if word is None:
        return None
    if word not in _CHOICES:
        raise refused("tool_choice", "must be REQUIRED or NONE")
    return _CHOICES[word]


def _tool(raw: Raw, path: str, strict: bool | None, spare: Members) -> Tool:
    said = shapes.TOOL.read(raw, path, spare).function
    tool = Tool(name=said.name, description=said.description or "", strict=strict)
    schema = given(said.parameters)
    return tool if schema is None else msgspec.structs.replace(tool, schema=schema)


def _document(raw: Raw, path: str, spare: Members) -> Part:
    """A document to cite: a text, or an object with ``data``."""
    if bytes(raw).startswith(b'"'):
        return Document(text=_decoded(raw, path), citations=True)
    told = shapes.SOURCE.read(raw, path, spare)
    if told.id:
        spare[join(path, "id")] = Raw(msgspec.json.encode(told.id))
    text, title = _text_of(told.data, join(path, "data"))
    return Document(text=text, name=title, citations=True)


def _decoded(raw: Raw, path: str) -> str:
    try:
        return _string(raw)
    except BAD_JSON as error:
        raise refused(path, error) from None


def _text_of(data: Raw, path: str) -> tuple[str, str]:
    """Text and title of a document's ``data``. One that holds more than these is its own JSON, all of which the
    model is meant to see.
    """
    try:
        told = _data(data)
        if isinstance(told, str):
            return told, ""
        names = [name for name in told if name != "title"]
        if len(names) == 1 and names[0] in TEXT_MEMBERS:
            return _string(told[names[0]]), _string(told["title"]) if "title" in told else ""
    except BAD_JSON as error:
        raise refused(path, error) from None
    return bytes(data).decode(), ""


def _with_documents(turns: tuple[Turn, ...], documents: list[Part]) -> tuple[Turn, ...]:
    if not documents:
        return turns
    last = max((n for n, turn in enumerate(turns) if turn.role is Role.USER), default=-1)
    if last < 0:
        return (*turns, Turn(Role.USER, tuple(documents)))
    turn = turns[last]
    results = sum(isinstance(part, ToolResult) for part in turn.parts)
    parts = (*turn.parts[:results], *documents, *turn.parts[results:])
    return (*turns[:last], msgspec.structs.replace(turn, parts=parts), *turns[last + 1 :])


class _Turns:
    """Reads messages in order.

    Tool results and the user's words that follow them become one turn, as Anthropic has it.
    """

    def __init__(self, spare: Members) -> None:
        self._spare = spare
        self._turns: list[Turn] = []
        self._results: list[Part] = []

    def read(self, messages: list[Raw]) -> tuple[Turn, ...]:
        for n, raw in enumerate(messages):
            self._message(raw, join("messages", n))
        self._close_results(())
        return tuple(self._turns)

    def _message(self, raw: Raw, path: str) -> None:
        message = shapes.MESSAGE.read(raw, path, self._spare)
        match message.role:
            case "tool":
                self._results.append(self._result(message, path))
            case "user":
                self._close_results(self._said(message, path))
            case "system":
                self._add(Role.SYSTEM, self._said(message, path))
            case "assistant":
                self._add(Role.ASSISTANT, self._assistant(message, path))
            case _:
                raise refused(join(path, "role"), "must be user, assistant, system or tool")

    def _add(self, role: Role, parts: tuple[Part, ...]) -> None:
        self._close_results(())
        self._turns.append(Turn(role, parts))

    def _close_results(self, parts: tuple[Part, ...]) -> None:
        if self._results or parts:
            self._turns.append(Turn(Role.USER, (*self._results, *parts)))
            self._results.clear()

    def _result(self, message: shapes.Message, path: str) -> ToolResult:
        if message.tool_call_id is None:
            raise refused(join(path, "tool_call_id"), "Field required")
        return ToolResult(id=message.tool_call_id, parts=self._content(message.content, path))

    def _assistant(self, message: shapes.Message, path: str) -> tuple[Part, ...]:
        parts: list[Part] = list(self._content(message.content, path))
        plan = -1
        if message.tool_plan:
            plan = len(parts)
            parts.append(Text(message.tool_plan))
        parts = attach(parts, message.citations or (), plan, self._spare, join(path, "citations"))
        for n, raw in enumerate(message.tool_calls or ()):
            parts.append(_tool_call(raw, join(path, "tool_calls", n), self._spare))
        return tuple(parts)

    def _said(self, message: shapes.Message, path: str) -> tuple[Part, ...]:
        if message.content is None:
            raise refused(join(path, "content"), "Field required")
        return self._content(message.content, path) or (Text(""),)

    def _content(self, content: str | list[Raw] | None, path: str) -> tuple[Part, ...]:
        if isinstance(content, str):
            return (Text(content),) if content else ()
        return tuple(read_part(raw, join(path, "content", n), self._spare) for n, raw in enumerate(content or ()))


def _tool_call(raw: Raw, path: str, spare: Members) -> Part:
    call = shapes.TOOL_CALL.read(raw, path, spare)
    return ToolCall(id=call.id, name=call.function.name, arguments=raw_arguments(call.function.arguments or ""))


def read_part(raw: Raw, path: str, spare: Members) -> Part:
    """One item of a ``content``."""
    kind = kind_of(raw, path)
    reader = _PARTS.get(kind)
    return Opaque(format=HERE, kind=kind, raw=raw) if reader is None else reader(raw, path, spare)


def _text(raw: Raw, path: str, spare: Members) -> Part:
    return Text(shapes.TEXT.read(raw, path, spare).text)


def _thinking(raw: Raw, path: str, spare: Members) -> Part:
    return Thinking(text=shapes.THINKING.read(raw, path, spare).thinking)


def _image(raw: Raw, path: str, spare: Members) -> Part:
    image = shapes.IMAGE.read(raw, path, spare).image_url
    media_type, data = split_data_url(image.url)
    if data:
        return Image(media_type=media_type, data=data, detail=image.detail or "")
    return Image(url=image.url, detail=image.detail or "")


def _returned(raw: Raw, path: str, spare: Members) -> Part:
    """A document that a tool returned."""
    told = shapes.DOCUMENT.read(raw, path, spare).document
    if told.id:
        spare[join(path, "document.id")] = Raw(msgspec.json.encode(told.id))
    text, title = _text_of(told.data, join(path, "document.data"))
    return Text(text) if not title else Text(bytes(told.data).decode())


_PARTS: dict[str, Callable[[Raw, str, Members], Part]] = {
    "text": _text,
    "thinking": _thinking,
    "image_url": _image,
    "document": _returned,
}
