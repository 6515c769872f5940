"""A ``multipart/form-data`` body (RFC 7578): read strictly, sent on without touching what is not replaced.

Rule 1. Only places are kept: the body may be a file's memory map, and the files in it are never copied as a whole.
Rule 2. What two readers could see differently is refused: bare line feeds, a preamble, an epilogue, a delimiter that
goes on, repeated parameters, parts in another transfer encoding.
Rule 3. A text field is a member like one of a JSON body: a string, or ``true`` and ``false`` for ``stream``; repeated,
or with a name that ends in ``[]``, an array. Files are no members.
"""

import re
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from typing import Protocol, TypeVar, overload

import msgspec
from msgspec import Raw, Struct

from asbru.model.failure import Refused
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import write_json

MOST_PARTS = 256
LONGEST_HEAD = 8 << 10
"""Most bytes of one part's headers."""
LONGEST_FIELD = 1 << 20
"""Most bytes of a text field: prompts are text, not books."""
PIECE = 256 << 10
"""Most bytes that are in memory at once when a body is sent on."""

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_VALUE = rf'("(?:[^"\\\r\n]|\\[^\r\n])*"|{_WORD})'
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_PARAMETER = re.compile(rf"[ \t]*;[ \t]*({_WORD})=(?:{_VALUE})")
_ESCAPED = re.compile(r"\\(.)")
_HEADER = re.compile(rf"({_WORD}):[ \t]*([^\r\n\x00]*?)[ \t]*")
_PLAIN = frozenset({"7bit", "8bit", "binary"})


P = TypeVar("P", bound="_HasContent")


class _HasContent(Protocol):
    @property
    def content(self) -> "Slice":
        """What is after the headers."""


class Data(Protocol):
    """Bytes, or a memory map of a file."""

    def __len__(self) -> int: ...

    @overload
    def __getitem__(self, at: int, /) -> int: ...

    @overload
    def __getitem__(self, at: slice, /) -> bytes: ...

    def find(self, sub: bytes, start: int = ..., end: int = ..., /) -> int:
        """The first place of ``sub``, -1 for none."""


class Slice(Struct, frozen=True):
    """A stretch of ``data``."""

    data: Data
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def whole(self) -> bytes:
        """All of it, copied."""
        return self.data[self.start : self.end]

    def pieces(self) -> Iterator[bytes]:
        """All of it, little by little."""
        for at in range(self.start, self.end, PIECE):
            yield self.data[at : min(at + PIECE, self.end)]


class Stretch(Protocol):
    """Bytes that can be had little by little: a Slice."""

    def __len__(self) -> int: ...

    def pieces(self) -> Iterator[bytes]:
        """All of it, little by little."""


class Pieces:
    """A body to be sent, made of stretches and bytes; may be iterated again, for another attempt."""

    __slots__ = ("_length", "_parts")

    def __init__(self, parts: Collection[bytes | Stretch]) -> None:
        self._parts = tuple(parts)
        self._length = sum(map(len, self._parts))

    def __len__(self) -> int:
        return self._length

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces():
            yield piece

    def whole(self) -> bytes:
        """All of it in memory."""
        return b"".join(self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
            else:
                yield from part.pieces()


class Part(Struct, frozen=True, kw_only=True):
    """``head``: its delimiter and headers, up to the content. ``filename``: None for a text field."""

    name: str
    filename: str | None
    media_type: str
    head: Slice
    content: Slice


class Form(Envelope):
    """A form as an envelope. ``parts``: all of them, in order. ``boundary``: what no part contains."""

    __slots__ = ("_data", "boundary", "kind", "parts")

    kind: bytes

    def __init__(self, data: Data, content_type: str) -> None:
        """Raises Refused(400) for a body that is no form, or not one that every reader sees alike."""
        self.boundary = boundary_of(content_type)
        self.kind = content_type.encode("latin-1")
        self._data = data
        self.parts = _split(data, self.boundary, _part)
        self.members = _members(self.parts)

    def file(self, name: str) -> Part:
        """The one file called ``name``. Raises Refused(400) when there is none, or another."""
        found = [part for part in self.parts if part.name == name and part.filename is not None]
        if len(found) != 1:
            raise _refused(f"{name}: must be one file", name)
        return found[0]

    def splice(
        self,
        put: Mapping[str, object] | None = None,
        rename: Mapping[str, str] | None = None,
        drop: Collection[str] = (),
    ) -> bytes:
        """The body with fields put, renamed and dropped; every other byte is kept."""
        return self.pieces(put, rename, drop).whole()

    def pieces(
        self,
        put: Mapping[str, object] | None = None,
        rename: Mapping[str, str] | None = None,
        drop: Collection[str] = (),
    ) -> Pieces:
        """The same, not in memory. Values in ``put`` are JSON; what is put stands where a field of its name was."""
        rename = rename or {}
        left = dict(put or {})
        out: list[bytes | Slice] = []
        seen: set[str] = set()
        for part in self.parts:
            name = rename.get(part.name, part.name)
            if name in drop or name in seen:
                continue
            if name in left:
                seen.add(name)
                out.append(self._field(name, left.pop(name)))
            elif name != part.name:
                out += [self._renamed(part, name), part.content, b"\r\n"]
            else:
                out.append(Slice(self._data, part.head.start, part.content.end + 2))
        out += [self._field(name, value) for name, value in left.items() if name not in drop]
        return Pieces([*out, b"--" + self.boundary + b"--\r\n"])

    def _field(self, name: str, value: object) -> bytes:
        text = _as_text(value)
        if b"--" + self.boundary in text:
            raise _refused(f"{name}: holds the boundary of the form", name)
        return field(self.boundary, name, text)

    def _renamed(self, part: Part, name: str) -> bytes:
        kind = part.media_type if part.filename is not None else ""
        return part_head(self.boundary, name, part.filename, kind)


def field(boundary: bytes, name: str, text: bytes) -> bytes:
    """A text field, with its delimiter."""
    return part_head(boundary, name) + text + b"\r\n"


def part_head(boundary: bytes, name: str, filename: str | None = None, media_type: str = "") -> bytes:
    """Delimiter and headers of a part."""
    told = f'content-disposition: form-data; name="{_escaped(name)}"'
    if filename is not None:
        told += f'; filename="{_escaped(filename)}"'
    if media_type:
        told += f"\r\ncontent-type: {media_type}"
    return b"--" + boundary + b"\r\n" + told.encode() + b"\r\n\r\n"


class Related(Struct, frozen=True):
    """A part of a ``multipart/related`` body (RFC 2387), which has no name."""

    media_type: str
    content: Slice


def related(data: Data, content_type: str) -> tuple[Related, ...]:
    """The parts of a ``multipart/related`` body. Raises Refused(400)."""
    found = _split(data, boundary_of(content_type, "multipart/related"), _stretch)
    return tuple(Related(each.told.get("content-type", ""), each.content) for each in found)


def boundary_of(content_type: str, wanted: str = "multipart/form-data") -> bytes:
    """The boundary that a Content-Type header tells. Raises Refused(400)."""
    kind, semicolon, rest = content_type.partition(";")
    if kind.strip().lower() != wanted:
        raise Refused(400, f"The body must be {wanted}.", code="invalid_request_error")
    boundary = _parameters(semicolon + rest, "content-type").get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise Refused(400, "content-type: names no valid boundary", code="invalid_request_error")
    return boundary.encode()


def _split(data: Data, boundary: bytes, read: Callable[[Data, int, int, bytes], P]) -> tuple[P, ...]:
    delimiter = b"--" + boundary
    if data[: len(delimiter)] != delimiter:
        raise _malformed("it does not begin with its boundary")
    parts: list[P] = []
    start = 0
    while True:
        at = start + len(delimiter)
        after = data[at : at + 2]
        if after == b"--":
            break
        if after != b"\r\n":
            raise _malformed("a boundary is not followed by the end of its line")
        if len(parts) == MOST_PARTS:
            raise _malformed(f"it has more than {MOST_PARTS} parts")
        part = read(data, start, at + 2, b"\r\n" + delimiter)
        parts.append(part)
        start = part.content.end + 2
    if data[at + 2 : at + 5] not in (b"", b"\r\n"):
        raise _malformed("something follows its end")
    return tuple(parts)


class _Stretch(Struct, frozen=True):
    """A part with its headers."""

    told: dict[str, str]
    content: Slice


def _stretch(data: Data, start: int, headers: int, delimiter: bytes) -> _Stretch:
    begins = data.find(b"\r\n\r\n", headers, headers + LONGEST_HEAD)
    if begins < 0:
        raise _malformed("the headers of a part do not end")
    ends = data.find(delimiter, begins + 2)
    if ends < 0:
        raise _malformed("its last boundary is missing")
    if ends < begins + 4:
        # An empty line and at once a boundary: one line end short, so the part has no content at all.
        raise _malformed("a part has no content")
    told = _headers(data[headers:begins])
    if told.get("content-transfer-encoding", "binary").lower() not in _PLAIN:
        raise _malformed("a part has a transfer encoding")
    return _Stretch(told, Slice(data, begins + 4, ends))


def _part(data: Data, start: int, headers: int, delimiter: bytes) -> Part:
    found = _stretch(data, start, headers, delimiter)
    told = found.told
    disposition = told.get("content-disposition", "")
    word, semicolon, rest = disposition.partition(";")
    given = _parameters(semicolon + rest, "content-disposition")
    if word.strip().lower() != "form-data" or "name" not in given:
        raise _malformed("a part has no name")
    filename = given.get("filename", "" if "filename*" in given else None)
    return Part(
        name=given["name"],
        filename=filename,
        media_type=told.get("content-type", ""),
        head=Slice(data, start, found.content.start),
        content=found.content,
    )


def _headers(block: bytes) -> dict[str, str]:
    out: dict[str, str] = {}
    try:
        lines = block.decode().split("\r\n")
    except UnicodeDecodeError:
        raise _malformed("the headers of a part are not UTF-8") from None
    for line in lines:
        found = _HEADER.fullmatch(line)
        name = found[1].lower() if found else ""
        if not found or name in out:
            raise _malformed("a part has a header that is not valid")
        out[name] = found[2]
    return out


def _parameters(text: str, where: str) -> dict[str, str]:
    out: dict[str, str] = {}
    at = 0
    while at < len(text.rstrip(" \t;")):
        found = _PARAMETER.match(text, at)
        if found is None or found[1].lower() in out:
            raise Refused(400, f"{where}: is not valid", code="invalid_request_error")
        value = found[2]
        out[found[1].lower()] = _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
        at = found.end()
    return out


def _members(parts: tuple[Part, ...]) -> dict[str, Raw]:
    texts: dict[str, list[str]] = {}
    for part in parts:
        if part.filename is not None:
            continue
        if len(part.content) > LONGEST_FIELD:
            raise _refused(f"{part.name}: must not be longer than {LONGEST_FIELD} bytes", part.name)
        try:
            text = part.content.whole().decode()
        except UnicodeDecodeError:
            raise _refused(f"{part.name}: is not UTF-8", part.name) from None
        texts.setdefault(part.name, []).append(text)
    return {name: _member(name, values) for name, values in texts.items()}


def _member(name: str, values: list[str]) -> Raw:
    if len(values) > 1 or name.endswith("[]") or name == "fallbacks":
        return Raw(write_json(values))
    if name == "stream" and values[0].lower() in ("true", "false"):
        return Raw(values[0].lower().encode())
    return Raw(write_json(values[0]))


def _as_text(value: object) -> bytes:
    plain = msgspec.json.decode(value) if isinstance(value, Raw) else value
    return plain.encode() if isinstance(plain, str) else write_json(plain)


def _escaped(text: str) -> str:
    """As browsers do (WHATWG HTML, multipart/form-data encoding algorithm), a backslash as in any quoted string."""
    return text.replace("\\", "\\\\").replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _malformed(why: str) -> Refused:
    return Refused(400, f"The body is not a valid form: {why}.", code="invalid_request_error")


def _refused(message: str, param: str) -> Refused:
    return Refused(400, message, code="invalid_request_error", param=param)
