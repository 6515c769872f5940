"""What a provider's quirks make of a request: members put, renamed, dropped, and lifted out of headers."""

from collections.abc import Collection, Mapping

import msgspec
from msgspec import Raw

from asbru.model.http import Headers
from asbru.providers import Quirks
from asbru.wire.codec import Written
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import said

OUR_MEMBERS = frozenset({"fallbacks"})
"""Body members that are the gateway's own and never go upstream (features.md 2.4)."""

_SAID_ELSEWHERE = OUR_MEMBERS | {"model", "stream", "stream_options"}
"""What may be dropped without loss: the path says it, or the gateway does."""


def merge(first: Quirks, second: Quirks) -> Quirks:
    """Both rows' quirks as one, the second winning; our own body members are dropped with theirs."""
    merged = Quirks(
        rename={**first.rename, **second.rename},
        drop=first.drop | second.drop | OUR_MEMBERS,
        put={**first.put, **second.put},
        rewrite=second.rewrite or first.rewrite,
        lift={**first.lift, **second.lift},
        ending=second.ending or first.ending,
    )
    return PLAIN if merged == PLAIN else merged


PLAIN = Quirks(drop=OUR_MEMBERS)
"""The quirks of a provider that has none: told by identity on the hot path."""


def bend(
    envelope: Envelope, put: Mapping[str, object], quirks: Quirks
) -> tuple[Mapping[str, object], Mapping[str, str], Collection[str]]:
    """What is put, renamed and dropped."""
    rename, drop = quirks.rename, quirks.drop
    if quirks is PLAIN:
        return put, rename, drop
    put = {rename.get(name, name): value for name, value in put.items() if name not in drop}
    again = quirks.rewrite.put(envelope.members) if quirks.rewrite else {}
    return {**put, **again, **quirks.put}, rename, drop


def bent(body: bytes, put: Mapping[str, object], quirks: Quirks) -> Written:
    """A body that no exchange carries (of a provider's batch), with ``put``, as ``quirks`` want it."""
    envelope = Envelope(body)
    values, rename, drop = bend(envelope, put, quirks)
    return Written(envelope.splice(values, rename, drop), dropped(envelope, quirks))


def added(body: bytes, extra: Mapping[str, Raw], depth: int = 8) -> bytes:
    """``body`` with the members of ``extra``; objects on both sides become one, member by member, down to ``depth``."""
    envelope = Envelope(body)
    members = envelope.members
    return envelope.splice({name: _joined(members.get(name), value, depth) for name, value in extra.items()})


def _joined(old: Raw | None, new: Raw, depth: int) -> Raw:
    if old is None or not depth or not (bytes(old).lstrip()[:1] == bytes(new).lstrip()[:1] == b"{"):
        return new
    return Raw(added(bytes(old), Envelope(bytes(new)).members, depth - 1))


def lifted(headers: Headers, quirks: Quirks) -> dict[str, Raw]:
    """The members that a client's headers become."""
    out: dict[str, Raw] = {}
    for header, member in quirks.lift.items():
        value = headers.get(header.encode(), b"").decode("latin-1")
        if words := [word.strip() for word in value.split(",") if word.strip()]:
            out[member] = Raw(msgspec.json.encode(words))
    return out


def dropped(envelope: Envelope, quirks: Quirks) -> tuple[str, ...]:
    """The members that the client had said and that the provider does not hear."""
    names = [name for name in envelope.members if name in quirks.drop and name not in _SAID_ELSEWHERE]
    lost = tuple(name for name in names if said(envelope.members[name]))
    return lost + quirks.rewrite.lost(envelope.members) if quirks.rewrite else lost
