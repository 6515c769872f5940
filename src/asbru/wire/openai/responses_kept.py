"""Responses that we keep, told again: as a list of what was asked, as a stream, as deleted."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Ask
from asbru.model.events import unfold
from asbru.model.names import Format
from asbru.wire.codec import Stamp
from asbru.wire.openai.responses_history import numbered
from asbru.wire.openai.responses_reply import read_reply
from asbru.wire.openai.responses_stream_out import ResponseWriter
from asbru.wire.shapes import Members, read_members, write_json


class _Ended(Struct):
    response: Raw


_ended = msgspec.json.Decoder(_Ended).decode


class Wanted(Struct, frozen=True, kw_only=True):
    """A page of items: ``after`` this id ("": from the start), newest first unless ``oldest_first``."""

    limit: int
    after: str
    oldest_first: bool


def response_of(event: bytes) -> bytes:
    """The response in the data of a stream's last event."""
    return bytes(_ended(event).response)


def whole_of(body: bytes) -> bytes:
    """The response in an answer that is whole, be it told as events all at once."""
    at = body.rfind(b"\ndata: ") if body.startswith(b"event: ") else -1
    return body if at < 0 else response_of(body[at + 7 :].rstrip(b"\n"))


def write_items(items: Sequence[Raw], reply: str, wanted: Wanted) -> bytes | None:
    """A page of what was asked; None when the cursor is unknown."""
    listed = numbered(items, reply)
    if not wanted.oldest_first:
        listed.reverse()
    ids = [msgspec.json.decode(each["id"]) for each in listed]
    start = 0
    if wanted.after:
        if wanted.after not in ids:
            return None
        start = ids.index(wanted.after) + 1
    end = start + wanted.limit
    shown = ids[start:end]
    told = {"object": "list", "data": listed[start:end], "first_id": shown[0] if shown else None}
    return write_json({**told, "last_id": shown[-1] if shown else None, "has_more": end < len(listed)})


def write_deleted(id: str) -> bytes:
    """What is said of a response that is gone."""
    return write_json({"id": id, "object": "response", "deleted": True})


def write_stream(body: bytes, after: int) -> bytes:
    """A whole response as the events of its stream, those up to number ``after`` left out."""
    reply = read_reply(body)
    asked: Members = read_members(body)
    stamp = Stamp(id=reply.id.removeprefix("resp_"), at=reply.created, model=reply.model, asked=asked)
    writer = ResponseWriter(stamp, Ask(model=reply.model, turns=(), origin=Format.OPENAI_RESPONSES))
    frames = [frame for event in unfold(reply) for frame in writer.send(event).split(b"\n\n") if frame]
    return b"".join(frame + b"\n\n" for frame in frames[after + 1 :])
