"""``contents`` of a request, read into turns.

Rule 1. Contents of the model that follow each other are one turn: clients collect streams piece by piece. So are
the results of functions and what the user says after them.
Rule 2. Calls and results may lack ids: a call's is made of its place, so that it is the same each time it is sent, and
a result goes to the first open call of its name.
"""

import msgspec
from msgspec import Raw

from asbru.model.chat import Opaque, Part, Text, Thinking, ToolCall, ToolResult, Turn
from asbru.model.names import Format, Role
from asbru.wire.gemini import generate_shapes as shapes
from asbru.wire.gemini.media import read_blob, read_link
from asbru.wire.gemini.results import read_response
from asbru.wire.gemini.signatures import read_signature
from asbru.wire.shapes import BAD_JSON, Members, given, join, read_members, refused, write_json

HERE = Format.GEMINI_GENERATE

_USERS = frozenset({"user", "function", "tool"})
_STRANGE = ("executable_code", "code_execution_result", "tool_call", "tool_response")
_BARE = frozenset({"thought", "thoughtSignature", "thought_signature"})


class Grown:
    """The parts of one turn as they are read. What belongs together becomes one part."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.parts: list[Part] = []
        self.places: list[str] = []
        self.calls = 0
        self.images = 0

    def add(self, part: Part, place: str) -> None:
        self.parts.append(part)
        self.places.append(place)

    def think(self, text: str, place: str) -> None:
        """Thinking goes on until it is signed."""
        last = self._unsigned()
        if last is None:
            self.add(Thinking(text=text), place)
        else:
            self.parts[-1] = msgspec.structs.replace(last, text=last.text + text)

    def sign(self, signed: Thinking, place: str) -> None:
        """A signature belongs to the thinking right before it, if there is any."""
        if signed == Thinking():
            return
        last = self._unsigned()
        if last is None or signed.redacted:
            self.add(signed, place)
        else:
            self.parts[-1] = msgspec.structs.replace(last, signature=signed.signature)

    def say(self, text: str, place: str, seam: bool) -> None:
        """``seam``: it begins a content that goes on with the turn."""
        last = self.parts[-1] if seam and self.parts and self.role is Role.ASSISTANT else None
        if last is not None and not text:
            return
        if isinstance(last, Text):
            self.parts[-1] = Text(last.text + text)
        else:
            self.add(Text(text), place)

    def only_results(self) -> bool:
        return bool(self.parts) and all(isinstance(part, ToolResult) for part in self.parts)

    def turn(self) -> Turn:
        return Turn(self.role, tuple(self.parts), places=tuple(self.places))

    def _unsigned(self) -> Thinking | None:
        last = self.parts[-1] if self.parts else None
        return last if isinstance(last, Thinking) and not (last.signature or last.redacted) else None


class Contents:
    """Reads contents in order."""

    def __init__(self, spare: Members) -> None:
        self._spare = spare
        self._turns: list[Grown] = []
        self._open: list[ToolCall] = []
        self._at = 0

    def read(self, contents: list[Raw]) -> tuple[Turn, ...]:
        """Raises Refused(400) naming the member that is wrong."""
        for n, raw in enumerate(contents):
            self._at = n
            self._content(raw, join("contents", n))
        return tuple(grown.turn() for grown in self._turns if grown.parts)

    def alone(self, raw: Raw, path: str, role: Role) -> Turn:
        """One content (``systemInstruction``), whose own role means nothing."""
        content = shapes.CONTENT.read(raw, path, self._spare)
        grown = Grown(role)
        for i, part in enumerate(content.parts or ()):
            self._part(part, join(path, "parts", i), grown, False)
        return grown.turn()

    def _content(self, raw: Raw, path: str) -> None:
        content = shapes.CONTENT.read(raw, path, self._spare)
        role = content.role or "user"
        if role not in _USERS and role != "model":
            raise refused(join(path, "role"), "must be user or model")
        grown = self._turn(Role.ASSISTANT if role == "model" else Role.USER)
        seam = bool(grown.parts)
        if role == "model" and not seam:
            self._open.clear()
        for i, part in enumerate(content.parts or ()):
            self._part(part, join(path, "parts", i), grown, seam and i == 0)

    def _turn(self, role: Role) -> Grown:
        """The turn that a content goes on with, or a new one."""
        last = self._turns[-1] if self._turns else None
        if last is not None and last.role is role and (role is Role.ASSISTANT or last.only_results()):
            return last
        self._turns.append(Grown(role))
        return self._turns[-1]

    def _part(self, raw: Raw, path: str, grown: Grown, seam: bool) -> None:
        part = shapes.PART.read(raw, path, self._spare)
        signature = part.thought_signature or ""
        if part.text is not None:
            self._text(part, path, grown, seam)
        elif given(part.function_call) is not None:
            if signature:
                grown.sign(read_signature(signature, f"call{grown.calls}"), path)
            grown.calls += 1
            self._call(part.function_call, path, grown)
        elif given(part.function_response) is not None:
            self._result(part.function_response, path, grown)
        elif given(part.inline_data) is not None or given(part.file_data) is not None:
            self._data(part, raw, path, grown)
        elif any(given(getattr(part, name)) is not None for name in _STRANGE):
            grown.add(_opaque(raw), path)
        elif signature:
            grown.sign(read_signature(signature, "thought" if part.thought else "text"), path)
        else:
            self._unknown(raw, path, grown)

    def _text(self, part: shapes.Part, path: str, grown: Grown, seam: bool) -> None:
        signature = part.thought_signature or ""
        text = part.text or ""
        if part.thought:
            if text or not signature:
                grown.think(text, path)
            if signature:
                grown.sign(read_signature(signature, "thought"), path)
            return
        if text or not signature:
            grown.say(text, path, seam)
        if signature:
            grown.add(read_signature(signature, "text"), path)

    def _data(self, part: shapes.Part, raw: Raw, path: str, grown: Grown) -> None:
        read = read_media(part.inline_data, part.file_data, path, self._spare)
        if read is None or part.thought:
            grown.add(Opaque(format=HERE, kind="thought" if part.thought else "video or sound", raw=raw), path)
            return
        if part.thought_signature:
            grown.sign(read_signature(part.thought_signature, f"image{grown.images}"), path)
        grown.add(read, path)
        grown.images += 1

    def _unknown(self, raw: Raw, path: str, grown: Grown) -> None:
        """A part of a kind that is newer than we are; it names itself."""
        kind = next((name for name in read_members(raw) if name not in _BARE), "")
        if not kind:
            raise refused(path, "must hold text, inlineData, fileData, functionCall or functionResponse")
        self._spare.pop(join(path, kind), None)
        grown.add(Opaque(format=HERE, kind=kind, raw=raw), path)

    def _call(self, raw: Raw, path: str, grown: Grown) -> None:
        where = join(path, "functionCall")
        call = shapes.FUNCTION_CALL.read(raw, where, self._spare)
        if not call.name:
            raise refused(join(where, "name"), "Field required")
        call_id = call.id or f"call_{self._at}_{grown.calls - 1}"
        made = ToolCall(id=call_id, name=call.name, arguments=_object(call.args, join(where, "args")))
        self._open.append(made)
        grown.add(made, path)

    def _result(self, raw: Raw, path: str, grown: Grown) -> None:
        where = join(path, "functionResponse")
        result = shapes.FUNCTION_RESPONSE.read(raw, where, self._spare)
        if not result.name:
            raise refused(join(where, "name"), "Field required")
        parts, failed = read_response(_object(result.response, join(where, "response")))
        for i, inner in enumerate(result.parts or ()):
            at = join(where, "parts", i)
            told = shapes.RESPONSE_PART.read(inner, at, self._spare)
            read = read_media(told.inline_data, told.file_data, at, self._spare)
            parts.append(_opaque(inner) if read is None else read)
        call_id = self._answered(result) or f"call_{self._at}_{len(grown.parts)}"
        grown.add(ToolResult(id=call_id, parts=tuple(parts), is_error=failed), path)

    def _answered(self, result: shapes.FunctionResponse) -> str:
        """The id of the open call that a result answers: by id, else by name, else the first."""
        same = [call for call in self._open if call.id == result.id]
        same = same or [call for call in self._open if call.name == result.name] or self._open[:1]
        if not same:
            return result.id or ""
        self._open.remove(same[0])
        return same[0].id


def read_media(inline: Raw, file: Raw, path: str, spare: Members) -> Part | None:
    """The part in ``inlineData`` or ``fileData``; None for what the model has no word for. Raises Refused(400)."""
    if (raw := given(inline)) is not None:
        where = join(path, "inlineData")
        blob = shapes.BLOB.read(raw, where, spare)
        return read_blob(
            _needs(blob.mime_type, where, "mimeType"), _needs(blob.data, where, "data"), blob.display_name or ""
        )
    raw = given(file)
    if raw is None:
        return None
    where = join(path, "fileData")
    link = shapes.FILE_DATA.read(raw, where, spare)
    return read_link(_needs(link.file_uri, where, "fileUri"), link.mime_type or "", link.display_name or "")


def _object(raw: Raw, path: str) -> Raw:
    told = given(raw)
    if told is None:
        return Raw(b"{}")
    try:
        read_members(told)
        bytes(told).decode()
    except BAD_JSON as error:
        raise refused(path, error) from None
    return told


def _needs(value: str | None, where: str, name: str) -> str:
    if not value:
        raise refused(join(where, name), "Field required")
    return value


def _opaque(raw: Raw) -> Opaque:
    names = [name for name in read_members(raw) if name not in _BARE]
    return Opaque(format=HERE, kind=names[0] if names else "part", raw=Raw(write_json(read_members(raw))))
