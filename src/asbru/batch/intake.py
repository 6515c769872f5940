"""From the body of a create to a stored batch: validated whole before anything is stored.

Rule 1. Mistakes are answered with 400, each by its index (``requests.17.custom_id: …``), the first ten of them.
Rule 2. What lies inside ``params`` is not decoded, but for the few members that a batch must know; the provider judges
the rest when the item runs (as Anthropic does), and its answer becomes the item's errored result.
Rule 3. A small body is taken in by the writer thread in one transaction. A large one is taken in by a short-lived
process of its own, in steps that nobody sees before the last: live traffic keeps its event loop and its interpreter.
"""

import hashlib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from asbru.batch.entries import Entry, Listing, Source, listing_of
from asbru.batch.late import too_soon
from asbru.batch.weight import Tariff, Weigher, Weight
from asbru.governance import check as permit
from asbru.model.batches import About, Controls, Mode
from asbru.model.failure import Refused
from asbru.model.names import OPERATIONS, Format, Operation
from asbru.model.people import VirtualKey
from asbru.providers import named
from asbru.wire import CODECS
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import BAD_JSON

_T = TypeVar("_T")

MAX_ITEMS = 100_000
MAX_BYTES = 256_000_000 + (1 << 20)
"""Anthropic's 256 MB and some room for those who count otherwise."""
MAX_NAMED = 10
MODELS_SHOWN = 20
LIFE = 24 * 3_600.0
"""Seconds until a batch expires."""
_ID_LENGTH = 64
_LONG_ID = 512
"""OpenAI tells no limit; a key of a result should fit a line."""
_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


Providers = Mapping[str, frozenset[Operation]]


class Order(Struct, frozen=True, kw_only=True):
    """All that is known about a create but its body. ``id``: of the batch to be.

    ``format``: of the caller's dialect; what the requests are written in is found when they are read. ``url``: OpenAI's
    endpoint, "" when it is not said. ``about``: what the caller wants to find in the batch again.

    ``model``: of requests that name none, "" when each must. ``operation``: what all are to be, None for any.

    ``providers``: every provider that can be named, and what its own batch API can be used for now. ``default``: where
    items without a ``provider/`` prefix go. ``explicit``: the caller named ``default`` itself, so that a prefix which
    is no provider belongs to the model's name. ``permits``: the owner's key; None: everything is allowed. ``flex``:
    patterns of the models with a flex tier, by provider.
    """

    id: str
    owner: str
    format: Format
    source: Source = Source.REQUESTS
    url: str = ""
    model: str = ""
    operation: Operation | None = None
    default: str
    explicit: bool
    permits: VirtualKey | None = None
    mode: Mode
    providers: Providers
    flex: Mapping[str, tuple[str, ...]] = {}
    headers: Mapping[str, str] = {}
    about: About = About()
    controls: Controls = Controls()
    tariff: Tariff = Tariff()
    key: str = ""
    created_at: float
    life: float = LIFE


class _Params(Struct):
    model: Raw | UnsetType = UNSET
    stream: Raw | UnsetType = UNSET
    max_tokens: Raw | UnsetType = UNSET
    speed: Raw | UnsetType = UNSET
    background: Raw | UnsetType = UNSET


_read_params = msgspec.json.Decoder(_Params).decode
_read_string = msgspec.json.Decoder(str).decode


class Parsed(Struct, frozen=True):
    """One request of the body. ``native``: it goes to the provider's own batch API; ``able``: it could.

    ``twin``: number of the first request that is the same, when such are to run once.
    """

    custom_id: str
    provider: str
    model: str
    native: bool
    params: Raw
    note: Raw | UnsetType
    weight: Weight
    able: bool
    twin: int | None = None

    @property
    def reserve(self) -> int:
        """Nano-dollars that it costs at most."""
        if self.twin is not None:
            return 0
        return self.weight.most_native if self.native else self.weight.most_live


class Checked(Struct, frozen=True):
    """A body without mistakes. ``shares``: items per provider, live and native. ``headers``: see ``Listing``."""

    format: Format
    requests: list[Parsed]
    models: tuple[str, ...]
    shares: Mapping[str, tuple[int, int]]
    headers: Mapping[str, str] = {}

    @property
    def estimate(self) -> int:
        """Nano-dollars that all of it costs at most."""
        return sum(one.reserve for one in self.requests)


def check(body: bytes | memoryview, order: Order) -> Checked:
    """Read the body of a create. Raises Refused(400, or 413 for too many bytes) that names every first mistake."""
    if len(body) > MAX_BYTES:
        raise Refused(413, "The body is larger than 256 MB: split the batch.", code="request_too_large")
    return _Check(order, listing_of(order.source, body, order.url, order.model)).run()


def _refused(message: str, param: str = "") -> Refused:
    return Refused(400, message, code="invalid_request_error", param=param)


class _Mistake(Exception):
    """``field``: below ``requests.N``, "" for the request itself."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


class _Check:
    """One pass over the requests."""

    def __init__(self, order: Order, listing: Listing) -> None:
        self._order = order
        self._listing = listing
        self._member = listing.member
        self._in_path = CODECS[listing.format].model_in_path
        prefix = order.model.partition("/")[0]
        self._default = prefix if prefix in order.providers else order.default
        self._seen: dict[str, int] = {}
        self._mistakes: list[tuple[str, str]] = []
        self._models: dict[str, None] = {}
        self._shares: dict[str, list[int]] = {}
        self._weigher = Weigher(listing.format, order.tariff, order.providers)
        self._same: dict[bytes, int] = {}

    def run(self) -> Checked:
        """All requests. Raises Refused."""
        entries = self._listing.entries
        if not entries:
            raise _refused("requests: List should have at least 1 item", "requests")
        if len(entries) > MAX_ITEMS:
            raise _refused(f"requests: at most {MAX_ITEMS} items are allowed, these are {len(entries)}", "requests")
        if self._order.explicit and self._order.default not in self._order.providers:
            raise _refused(
                f"x-model-provider: {unknown(self._order.default, self._order.providers)}", "x-model-provider"
            )
        kind = OPERATIONS[self._listing.format]
        if self._order.operation not in (None, kind):
            raise _refused(f"requests: must be of the kind {self._order.operation}, these are {kind}", "requests")
        parsed = [self._one(n, entry) for n, entry in enumerate(entries)]
        if self._mistakes:
            raise self._refusal()
        requests = [one for one in parsed if one is not None]
        shares = {provider: (live, native) for provider, (live, native) in self._shares.items()}
        return Checked(self._listing.format, requests, tuple(self._models), shares, self._listing.headers)

    def _refusal(self) -> Refused:
        shown = self._mistakes[:MAX_NAMED]
        lines = [f"{path}: {text}" for path, text in shown]
        more = len(self._mistakes) - len(shown)
        if more:
            lines.append(f"and {more} more")
        return _refused("; ".join(lines), shown[0][0])

    def _one(self, n: int, entry: Entry | str) -> Parsed | None:
        if isinstance(entry, str):
            self._mistakes.append((self._listing.place(n), entry))
            return None
        custom_id = self._try(n, lambda: self._custom_id(n, entry.custom_id))
        return self._try(n, lambda: self._parsed(n, custom_id or "", entry))

    def _try(self, n: int, read: Callable[[], _T]) -> _T | None:
        try:
            return read()
        except _Mistake as mistake:
            self._mistakes.append((f"{self._listing.place(n)}.{mistake.field}", str(mistake)))
            return None

    def _custom_id(self, n: int, raw: Raw | UnsetType) -> str:
        name = self._listing.id
        if raw is UNSET:
            raise _Mistake(name, "Field required")
        try:
            custom_id = _read_string(raw)
        except BAD_JSON:
            raise _Mistake(name, "Input should be a valid string") from None
        most = _ID_LENGTH if self._listing.strict_ids else _LONG_ID
        if not 1 <= len(custom_id) <= most:
            raise _Mistake(name, f"must have 1 to {most} characters, this has {len(custom_id)}")
        if self._listing.strict_ids and not _ID_LETTERS.issuperset(custom_id):
            raise _Mistake(name, "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'")
        first = self._seen.setdefault(custom_id, n)
        if first != n:
            raise _Mistake(name, f"{custom_id!r} is used already, by {self._listing.place(first)}")
        return custom_id

    def _parsed(self, n: int, custom_id: str, entry: Entry) -> Parsed:
        raw = entry.ask
        if raw is UNSET:
            raise _Mistake(self._member, "Field required")
        try:
            bytes(raw).decode()
            params = _read_params(raw)
        except UnicodeDecodeError:
            raise _Mistake(self._member, "Input should be valid UTF-8") from None
        except msgspec.DecodeError:
            raise _Mistake(self._member, "Input should be an object") from None
        provider, model = self._target(self._model(params))
        self._permit(provider, model)
        self._no_stream(params)
        able, native = self._way(provider, model)
        self._count(provider, model, native)
        if self._in_path and params.model is not UNSET:
            raw = Raw(Envelope(bytes(raw)).splice(drop={"model"}))
        weight = self._weigher.weigh(provider, model, raw)
        if self._order.controls.max_cost and not weight.known:
            text = f"the price of {model!r} at {provider!r} is not known, so x-bf-batch-max-cost cannot be kept"
            raise _Mistake(f"{self._member}.model", text)
        twin = self._twin(n, (provider, model, raw))
        return Parsed(custom_id, provider, model, native, raw, entry.note, weight, able, twin)

    def _twin(self, n: int, asked: tuple[str, str, Raw]) -> int | None:
        """The first request that asks the same of the same model, when such are to run once."""
        if not self._order.controls.dedupe:
            return None
        provider, model, raw = asked
        digest = hashlib.sha256(f"{provider}\n{model}\n".encode())
        digest.update(raw)
        first = self._same.setdefault(digest.digest(), n)
        return None if first == n else first

    def _target(self, named: str) -> tuple[str, str]:
        """The provider and the model of an item: a known ``provider/`` wins, then the caller's header or dialect."""
        order = self._order
        prefix, slash, rest = named.partition("/")
        if slash and prefix in order.providers and rest:
            return prefix, rest
        if slash and not order.explicit:
            raise _Mistake(f"{self._member}.model", unknown(prefix, order.providers))
        if self._default not in order.providers:
            raise _Mistake(f"{self._member}.model", f"names no provider, and {unknown(self._default, order.providers)}")
        return self._default, named

    def _permit(self, provider: str, model: str) -> None:
        if self._order.permits is not None:
            try:
                permit(self._order.permits, provider, model)
            except Refused as refusal:
                raise _Mistake(f"{self._member}.model", refusal.message) from None

    def _flexible(self, provider: str, model: str) -> None:
        """Raises _Mistake for a model without a flex tier."""
        kind = OPERATIONS[self._listing.format]
        if kind is not Operation.CHAT or not named(model, self._order.flex.get(provider, ())):
            raise _Mistake(
                f"{self._member}.model",
                f"provider {provider!r} has no flex tier for {kind} with {model!r}; send x-bf-batch-mode: auto, native"
                " or live",
            )

    def _way(self, provider: str, model: str) -> tuple[bool, bool]:
        """Whether an item could go to the provider's own batch API, and whether it does."""
        mode = self._order.mode
        able = OPERATIONS[self._listing.format] in self._order.providers[provider]
        if mode is Mode.NATIVE and not able:
            raise _Mistake(
                f"{self._member}.model",
                f"provider {provider!r} has no batch API that can be used here: give it a key with use_for_batch_api,"
                " or send x-bf-batch-mode: live (or auto)",
            )
        if mode is Mode.FLEX:
            self._flexible(provider, model)
            return able, False
        if mode is Mode.AUTO and too_soon(self._order.controls.deadline):
            return able, False
        return able, able and mode is not Mode.LIVE

    def _count(self, provider: str, model: str, native: bool) -> None:
        if len(self._models) < MODELS_SHOWN:
            self._models[model] = None
        self._shares.setdefault(provider, [0, 0])[int(native)] += 1

    def _model(self, params: _Params) -> str:
        if params.model is UNSET and self._order.model:
            return self._order.model
        if params.model is UNSET:
            raise _Mistake(f"{self._member}.model", "Field required")
        try:
            model = _read_string(params.model)
        except msgspec.DecodeError:
            raise _Mistake(f"{self._member}.model", "Input should be a valid string") from None
        if not model:
            raise _Mistake(f"{self._member}.model", "String should have at least 1 character")
        return model.removeprefix("models/") if self._in_path else model

    def _no_stream(self, params: _Params) -> None:
        if params.stream is not UNSET and bytes(params.stream) not in (b"false", b"null"):
            raise _Mistake(f"{self._member}.stream", "streaming is not possible in a batch: leave it out")
        if params.max_tokens is not UNSET and bytes(params.max_tokens) == b"0":
            raise _Mistake(f"{self._member}.max_tokens", "must be at least 1 in a batch")
        if params.speed is not UNSET and bytes(params.speed) not in (b"null", b'"standard"'):
            raise _Mistake(f"{self._member}.speed", "fast mode is not possible in a batch: leave it out")
        if params.background is not UNSET and bytes(params.background) == b"true":
            raise _Mistake(f"{self._member}.background", "a batch is in the background as it is: leave it out")


def unknown(provider: str, providers: Providers) -> str:
    """What to say about a provider that is not known."""
    near = get_close_matches(provider.lower(), providers, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(providers)) or 'none'}"
    return f"provider {provider!r} is not known{hint}"
