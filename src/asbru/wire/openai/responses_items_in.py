"""Items of a Responses request, read into turns.

Rule 1. What a model said in one go (reasoning, a message, calls) is one turn; results of tools and the user's message
that follows them are one turn. A message that follows a message is a turn of its own.
Rule 2. An item of a type that the model has no word for is an Opaque part, whatever its type: there are always newer
ones (Codex sends them).
"""

from collections.abc import Callable

from msgspec import Raw

from asbru.model.chat import (
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    raw_arguments,
)
from asbru.model.failure import Refused
from asbru.model.names import Format, Role
from asbru.wire.openai import responses_shapes as shapes
from asbru.wire.openai.chat_ask_in import split_data_url
from asbru.wire.openai.custom_tools import as_call
from asbru.wire.openai.responses_citations import read_citations
from asbru.wire.openai.responses_pictures import KIND, read_picture, read_prompts
from asbru.wire.openai.responses_reasoning import joined, read_thinking
from asbru.wire.places import is_answer
from asbru.wire.shapes import BAD_JSON, Members, join, kind_of, refused, said

HERE = Format.OPENAI_RESPONSES

ROLES = ("user", "assistant", "system", "developer")


class Items:
    """Reads items in order."""

    def __init__(self, spare: Members) -> None:
        self._spare = spare
        self._turns: list[Turn] = []
        self._role: Role | None = None
        self._parts: list[Part] = []
        self._spoke = False

    def read(self, items: list[Raw]) -> tuple[Turn, ...]:
        """The turns. Raises Refused(400) naming the item that is wrong."""
        for n, raw in enumerate(items):
            self._item(raw, join("input", n))
        self._close()
        return tuple(self._turns)

    def _item(self, raw: Raw, path: str) -> None:
        head = shapes.HEAD.read(raw, path, {})
        kind = head.type or ("message" if head.role else "item_reference" if head.id else "")
        match kind:
            case "message":
                self._message(raw, path)
            case "function_call":
                self._add(Role.ASSISTANT, _call(raw, path, self._spare))
            case "custom_tool_call":
                call = shapes.CUSTOM_CALL.read(raw, path, self._spare)
                self._add(Role.ASSISTANT, as_call(call.call_id, call.name, call.input))
            case "function_call_output" | "custom_tool_call_output":
                self._add(Role.USER, _result(raw, path, self._spare))
            case "reasoning":
                self._add(Role.ASSISTANT, _reasoning(raw, path, self._spare))
            case "item_reference":
                raise unknown_item(head.id or "", path)
            case "":
                raise refused(join(path, "type"), "Field required")
            case _ if kind == KIND and (picture := _picture(raw, path, self._spare)) is not None:
                self._add(Role.ASSISTANT, picture)
            case _:
                part = Opaque(format=HERE, kind=kind, raw=raw)
                self._add(Role.USER if is_answer(part) else Role.ASSISTANT, part)

    def _message(self, raw: Raw, path: str) -> None:
        message = shapes.MESSAGE.read(raw, path, self._spare)
        if message.role not in ROLES:
            raise refused(join(path, "role"), "must be user, assistant, system or developer")
        role = Role(message.role)
        parts = _content(message.content, join(path, "content"), self._spare) or (Text(""),)
        if self._role is not role or self._spoke or role not in (Role.USER, Role.ASSISTANT):
            self._close()
            self._role = role
        self._parts.extend(parts)
        self._spoke = True

    def _add(self, role: Role, part: Part) -> None:
        """What the model does joins its turn; a result that follows a message begins a new one."""
        if self._role is not role or (self._spoke and role is Role.USER):
            self._close()
            self._role = role
        self._parts.append(part)
        self._spoke = False

    def _close(self) -> None:
        if self._role is not None:
            self._turns.append(Turn(self._role, tuple(self._parts)))
        self._role = None
        self._parts = []
        self._spoke = False


def unknown_item(id: str, path: str) -> Refused:
    """What is said of a reference to an item that nobody here has kept."""
    return Refused(404, f"Item with id '{id}' not found.", code="not_found_error", param=join(path, "id"))


def _call(raw: Raw, path: str, spare: Members) -> Part:
    call = shapes.FUNCTION_CALL.read(raw, path, spare)
    return ToolCall(id=call.call_id, name=call.name, arguments=raw_arguments(call.arguments))


def _result(raw: Raw, path: str, spare: Members) -> Part:
    told = shapes.FUNCTION_OUTPUT.read(raw, path, spare)
    parts = _content(told.output, join(path, "output"), spare)
    return ToolResult(id=told.call_id, parts=parts)


def _reasoning(raw: Raw, path: str, spare: Members) -> Part:
    """Reasoning that says nothing here is known to its maker by its id."""
    item = shapes.REASONING_ITEM.read(raw, path, spare)
    text = joined([each.text for each in item.summary or ()], [each.text for each in item.content or ()])
    thinking = read_thinking(item.id or "", text, item.encrypted_content or "")
    return Opaque(format=HERE, kind="reasoning", raw=raw) if thinking is None else thinking


def _picture(raw: Raw, path: str, spare: Members) -> Image | None:
    """A picture of the model's; None for a call that only names one, or made none."""
    try:
        spare.update({join(path, "revised_prompt"): prompt for prompt in read_prompts([raw]).values()})
        return read_picture(raw)
    except BAD_JSON as error:
        raise refused(path, error) from None


def _content(content: str | list[Raw], path: str, spare: Members) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),) if content else ()
    return tuple(_part(raw, join(path, n), spare) for n, raw in enumerate(content))


def _part(raw: Raw, path: str, spare: Members) -> Part:
    kind = kind_of(raw, path)
    reader = _PARTS.get(kind)
    return Opaque(format=HERE, kind=kind, raw=raw) if reader is None else reader(raw, path, spare)


def _text(raw: Raw, path: str, spare: Members) -> Part:
    return Text(shapes.INPUT_TEXT.read(raw, path, spare).text)


def _output_text(raw: Raw, path: str, spare: Members) -> Part:
    part = shapes.OUTPUT_TEXT.read(raw, path, spare)
    if part.logprobs and said(part.logprobs):
        spare[join(path, "logprobs")] = part.logprobs
    return Text(part.text, citations=read_citations(part.annotations or (), part.text))


def _refusal(raw: Raw, path: str, spare: Members) -> Part:
    return Refusal(shapes.REFUSAL.read(raw, path, spare).refusal)


def _image(raw: Raw, path: str, spare: Members) -> Part:
    part = shapes.IMAGE.read(raw, path, spare)
    detail = part.detail or ""
    if part.file_id:
        return Image(file_id=part.file_id, detail=detail)
    if not part.image_url:
        raise refused(path, "needs image_url or file_id")
    media_type, data = split_data_url(part.image_url)
    if data:
        return Image(media_type=media_type, data=data, detail=detail)
    return Image(url=part.image_url, detail=detail)


def _file(raw: Raw, path: str, spare: Members) -> Part:
    part = shapes.FILE.read(raw, path, spare)
    name = part.filename or ""
    if part.file_id:
        return Document(file_id=part.file_id, name=name)
    if part.file_url:
        return Document(url=part.file_url, name=name)
    media_type, data = split_data_url(part.file_data or "")
    if not data:
        raise refused(path, "needs file_id, file_url, or file_data as a base64 data URL")
    return Document(media_type=media_type, data=data, name=name)


def _audio(raw: Raw, path: str, spare: Members) -> Part:
    audio = shapes.AUDIO.read(raw, path, spare).input_audio
    return Audio(data=audio.data, format=audio.format)


_PARTS: dict[str, Callable[[Raw, str, Members], Part]] = {
    "input_text": _text,
    "output_text": _output_text,
    "refusal": _refusal,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}
