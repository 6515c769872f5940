"""One request on its way, with everything known about it."""

from collections.abc import Mapping

from msgspec import Raw, Struct

from asbru.gateway.direct import Direct
from asbru.model.http import NO_HEADERS, Headers
from asbru.model.people import NOBODY, Principal
from asbru.model.record import Record
from asbru.model.shown import NOTHING, Shown
from asbru.routing import Pin
from asbru.wire.codec import AnyCodec, Peek
from asbru.wire.envelope import Envelope


class Exchange(Struct, kw_only=True):
    """``codec``: what the client speaks. ``envelope``: its body, top level only. ``provider``: the route's default
    provider.

    ``at``: Unix seconds when it came in. ``headers``: the client's headers that go upstream (``anthropic-beta``,
    ``x-bf-eh-*`` resolved). ``batch``: id of the batch whose item this is; such exchanges give way to live ones.
    ``unified``: it came by the unified API, whose answers have ``extra_fields``. ``pin``: a key's id or name.
    ``open``: a model without a prefix may go to any provider that the caller's key knows, not to ``provider`` alone.
    ``asked``: members of the client's own body, when ``envelope`` is not that. ``asked_id``: see Record.
    ``shown``: what the caller says of it. ``extra``: members for the provider's body. ``direct``: the caller's own
    credentials.
    ``flex``: it is to be asked for in the tier of that name, where there is one.
    ``record`` is set when it is over.
    """

    id: str
    codec: AnyCodec
    envelope: Envelope
    peek: Peek
    provider: str = ""
    at: float = 0.0
    who: Principal = NOBODY
    headers: Headers = NO_HEADERS
    batch: str = ""
    unified: bool = False
    pin: Pin | None = None
    open: bool = False
    asked: Mapping[str, Raw] | None = None
    asked_id: str = ""
    shown: Shown = NOTHING
    extra: Mapping[str, Raw] = {}
    direct: Direct | None = None
    flex: bool = False
    record: Record | None = None
