"""Conversations that go on by ids: what was said before, put before what is said now.

Rule 1. What is kept of a request are its new items as they came; of a reply its output items.
Rule 2. An item's id that we made tells which reply it is in; a reference to it becomes the item itself.
Rule 3. Reasoning that another provider signed, or nobody, means nothing to one that is asked in its own words: it stays
here (``without_ours``).
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from asbru.wire.envelope import Envelope
from asbru.wire.openai.responses_reasoning import OUR_MARKS
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, given, write_json

PREVIOUS = "previous_response_id"
REFERENCE = b"item_reference"

_OURS = re.compile(r"(?:msg|fc|ctc|rs|ig)_(\w+)_(\d+)")
_MARKS = tuple(mark.encode() for mark in OUR_MARKS)


class _Head(Struct):
    type: str | None = None
    role: str | None = None
    id: str | None = None
    encrypted_content: str | None = None


class _Output(Struct):
    output: list[Raw] = []


_head = msgspec.json.Decoder(_Head).decode
_items = msgspec.json.Decoder(list[Raw]).decode
_output = msgspec.json.Decoder(_Output).decode
_string = msgspec.json.Decoder(str).decode


def input_items(members: Mapping[str, Raw]) -> list[Raw] | None:
    """The items of ``input``, a string as a message; None for what is neither, which reading refuses."""
    raw = given(members.get("input", NOTHING))
    if raw is None:
        return []
    try:
        if bytes(raw).startswith(b'"'):
            content = [{"type": "input_text", "text": _string(raw)}]
            return [Raw(write_json({"type": "message", "role": "user", "content": content}))]
        return _items(raw)
    except BAD_JSON:
        return None


def output_items(reply: bytes) -> list[Raw]:
    """The items of a reply that we have kept."""
    return _output(reply).output


def with_items(envelope: Envelope, items: Sequence[Raw], drop: str) -> Envelope:
    """``envelope`` with these items as its input, and without the member ``drop``, which they stand for."""
    whole = Envelope(b"{}")
    whole.members = {name: raw for name, raw in envelope.members.items() if name != drop}
    whole.members["input"] = Raw(write_json(items))
    return whole


def referred(item: Raw) -> tuple[str, int] | None:
    """The reply and the place in its output that an item refers to; None when it refers to nothing of ours."""
    if len(item) > 1024:
        return None
    try:
        head = _head(item)
    except BAD_JSON:
        return None
    if head.role is not None or head.type not in (None, "item_reference"):
        return None
    found = _OURS.fullmatch(head.id or "")
    return (f"resp_{found[1]}", int(found[2])) if found else None


def without_ours(raw: Raw) -> Raw:
    """``input`` without reasoning that carries our marks; as it came when there is none."""
    data = bytes(raw)
    if not any(mark in data for mark in _MARKS):
        return raw
    try:
        items = _items(raw)
    except BAD_JSON:
        return raw
    return Raw(write_json([item for item in items if not _is_ours(item)]))


def _is_ours(item: Raw) -> bool:
    try:
        head = _head(item)
    except BAD_JSON:
        return False
    return head.type == "reasoning" and (head.encrypted_content or "").startswith(OUR_MARKS)


def numbered(items: Iterable[Raw], reply: str) -> list[Members]:
    """Items of a request as they are listed: each with an id, its own or one made of its place."""
    listed: list[Members] = []
    for n, raw in enumerate(items):
        members: Members = msgspec.json.decode(raw, type=Members)
        members.setdefault("type", Raw(b'"message"'))
        if "id" not in members or bytes(members["id"]) == b"null":
            members["id"] = Raw(write_json(f"item_{reply.removeprefix('resp_')}_{n}"))
        if bytes(members["type"]) == b'"message"' and bytes(members.get("content", b"")).startswith(b'"'):
            members["content"] = Raw(write_json([{"type": "input_text", "text": members["content"]}]))
        listed.append(members)
    return listed
