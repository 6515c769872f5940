"""Reads JSON into structs, strictly, and tells a caller in words which member is wrong.

Rule 1. A struct given to Shape forbids unknown fields. Members it does not know are not an error: they are set aside
under their path (``messages.3.content.0.caller``), so that a codec can name what it does not carry.
Rule 2. Lists inside such structs hold ``Raw``; their items are read one by one, which keeps paths and bytes exact.
"""

import re
from typing import Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from asbru.model.failure import Refused

T = TypeVar("T")

BAD_JSON = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""All that msgspec raises for bytes that are not what was expected."""

MOST_UNKNOWN = 16
"""Unknown members inside nested objects of one part; more than this is refused, because each costs one more decode."""

NOTHING = Raw(b"")
"""What an absent member of type Raw holds: msgspec decodes no ``Raw | None``."""

Members = dict[str, Raw]

read_members = msgspec.json.Decoder(Members).decode
write_json = msgspec.json.Encoder().encode
_UNKNOWN = re.compile(r"^Object contains unknown field `(.*?)`(?: - at `\$\.?([^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(.*?)`$", re.DOTALL)
_INDEX = re.compile(r"\[(\d+)\]")


class Shape(Generic[T]):
    """One struct, read from one JSON object."""

    __slots__ = ("_decode", "_names")

    def __init__(self, kind: type[T]) -> None:
        self._decode = msgspec.json.Decoder(kind).decode
        self._names: frozenset[str] = frozenset(getattr(kind, "__struct_encode_fields__"))  # noqa: B009 (mypy)

    def read(self, raw: Raw, path: str, spare: Members) -> T:
        """The struct in ``raw``; its unknown members go to ``spare``. Raises Refused(400) naming ``path`` and below."""
        try:
            return self._decode(raw)
        except BAD_JSON as error:
            if not str(error).startswith("Object contains unknown field"):
                raise refused(path, error) from None
        return self._read_without_unknown(raw, path, spare)

    def pick(self, members: Members, spare: Members) -> T:
        """The struct out of the top level of a body; what it does not know goes to ``spare``."""
        known = {name: raw for name, raw in members.items() if name in self._names}
        if len(known) < len(members):
            spare.update({name: raw for name, raw in members.items() if name not in known})
        return self.read(Raw(write_json(known)), "", spare)

    def _read_without_unknown(self, raw: Raw, path: str, spare: Members) -> T:
        members = read_members(raw)
        spare.update({join(path, name): members.pop(name) for name in members.keys() - self._names})
        rest: Raw = Raw(write_json(members))
        for _ in range(MOST_UNKNOWN):
            try:
                return self._decode(rest)
            except BAD_JSON as error:
                found = _UNKNOWN.match(str(error))
                if found is None:
                    raise refused(path, error) from None
                rest = _set_aside(rest, found, path, spare)
        raise Refused(400, f"{path}: too many unknown members", code="invalid_request_error", param=path)


def _set_aside(raw: Raw, found: "re.Match[str]", path: str, spare: Members) -> Raw:
    name, below = found[1], found[2] or ""
    try:
        rest, value = _cut(raw, below.split(".") if below else [], name)
    except (KeyError, *BAD_JSON):
        raise refused(path, f"unknown member {name!r}") from None
    spare[join(path, below, name)] = value
    return rest


def _cut(raw: Raw, steps: list[str], name: str) -> tuple[Raw, Raw]:
    members = read_members(raw)
    if steps:
        members[steps[0]], value = _cut(members[steps[0]], steps[1:], name)
    else:
        value = members.pop(name)
    return Raw(write_json(members)), value


def given(raw: Raw) -> Raw | None:
    """A member of type Raw, None when it is absent or null."""
    return None if not raw or bytes(raw) == b"null" else raw


def join(*steps: object) -> str:
    """A path out of its steps: ``join("messages", 3, "", "role")`` is ``messages.3.role``."""
    return ".".join([str(step) for step in steps if step != ""])


def refused(path: str, error: Exception | str) -> Refused:
    """400 for a member that is not what it must be, in the words ``messages.2.content: Expected `str`, got `int```."""
    reason, _, where = str(error).partition(" - at `$")
    missing = _MISSING.match(reason)
    if missing:
        reason = "Field required"
    below = _INDEX.sub(r".\1", where.rstrip("`")).strip(".")
    full = join(path, below, missing[1] if missing else "")
    return Refused(400, f"{full}: {reason}" if full else reason, code="invalid_request_error", param=full)


class Kind(Struct):
    """The one member which tells what an object is."""

    type: str


_kind = msgspec.json.Decoder(Kind).decode


def kind_of(raw: Raw, path: str) -> str:
    """Member ``type`` of an object. Raises Refused(400)."""
    try:
        return _kind(raw).type
    except BAD_JSON as error:
        raise refused(path, error) from None


_SAYS_NOTHING = frozenset({b"null", b"false", b"[]", b"{}", b'""', b'{"type":"direct"}'})


def said(raw: Raw) -> bool:
    """Whether a member that cannot be carried means anything: null, false and empty values do not.

    ``{"type":"direct"}`` is the ``caller`` that Anthropic puts into every ordinary ``tool_use`` block.
    """
    return len(raw) > 64 or bytes(raw).translate(None, b" \t\r\n") not in _SAYS_NOTHING
