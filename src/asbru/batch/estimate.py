"""What a batch would cost: told to whoever asks before making it (``?dry_run=true``)."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from asbru.batch.intake import Checked, Order, Parsed
from asbru.model.batches import Mode
from asbru.model.names import OPERATIONS, Operation
from asbru.model.usage import dollars
from asbru.providers import named

METHOD = (
    "Estimated: a token for every 4 bytes of input, images and documents at their usual price, and all of the output"
    " that a request allows (1024 tokens where it says nothing). at_most: a token for every byte, and 16384 tokens of"
    " output where nothing is said; so much is reserved."
)


class Money(Struct, frozen=True):
    """``dollars``: in decimal, exactly."""

    nano_dollars: int
    dollars: str


class Tokens(Struct, frozen=True):
    """Estimated."""

    input: int
    output: int


class Prices(Struct, frozen=True, kw_only=True):
    """By mode. ``native``: on the provider's own batch API, None where there is none that could be used; ``flex``: in
    the provider's tier of that name, whose prices are those of batches, None where a model has none.
    """

    live: Money
    native: Money | None
    flex: Money | None


class Part(Struct, frozen=True, kw_only=True):
    """Items of one provider and model. ``mode``: how they would run. ``copies``: those that are the same as others.

    ``priced``: the price of the model is known.
    """

    provider: str
    model: str
    mode: Mode
    items: int
    copies: int
    tokens: Tokens
    price: Prices
    cost: Money
    at_most: Money
    priced: bool


class Estimate(Struct, frozen=True, kw_only=True):
    """A whole batch. ``cost``: run as it was asked for; ``price``: if all of it ran in one mode."""

    object: str = "batch.estimate"
    estimated: bool = True
    items: int
    copies: int
    tokens: Tokens
    price: Prices
    cost: Money
    at_most: Money
    max_cost: Money | None
    models: Sequence[Part]
    method: str = METHOD


def estimate_of(checked: Checked, order: Order) -> Estimate:
    """The estimate of a create that was checked."""
    groups: dict[tuple[str, str], list[Parsed]] = {}
    for one in checked.requests:
        groups.setdefault((one.provider, one.model), []).append(one)
    run = [one for one in checked.requests if one.twin is None]
    way = _Way(checked, order)
    most = order.controls.max_cost
    return Estimate(
        items=len(checked.requests),
        copies=len(checked.requests) - len(run),
        tokens=_tokens(run),
        price=way.prices(run),
        cost=_sum(run, way.cost),
        at_most=_money(checked.estimate),
        max_cost=_money(most) if most else None,
        models=[_part(asked, group, way) for asked, group in groups.items()],
    )


class _Way:
    """How the requests of one create would run."""

    def __init__(self, checked: Checked, order: Order) -> None:
        self._talks = OPERATIONS[checked.format] is Operation.CHAT
        self._order = order

    def mode(self, one: Parsed) -> Mode:
        """How this one would."""
        if one.native:
            return Mode.NATIVE
        return Mode.FLEX if self._order.mode is Mode.FLEX else Mode.LIVE

    def cost(self, one: Parsed) -> int:
        """What it would cost so."""
        return one.weight.live if self.mode(one) is Mode.LIVE else one.weight.native

    def prices(self, run: Sequence[Parsed]) -> Prices:
        """What all of them would cost in each mode."""
        native = _sum(run, lambda one: one.weight.native)
        return Prices(
            live=_sum(run, lambda one: one.weight.live),
            native=native if all(one.able for one in run) else None,
            flex=native if all(map(self._flexible, run)) else None,
        )

    def _flexible(self, one: Parsed) -> bool:
        return self._talks and named(one.model, self._order.flex.get(one.provider, ()))


def _part(asked: tuple[str, str], group: Sequence[Parsed], way: _Way) -> Part:
    run = [one for one in group if one.twin is None]
    return Part(
        provider=asked[0],
        model=asked[1],
        mode=way.mode(group[0]),
        items=len(group),
        copies=len(group) - len(run),
        tokens=_tokens(run),
        price=way.prices(run),
        cost=_sum(run, way.cost),
        at_most=_sum(run, lambda one: one.reserve),
        priced=group[0].weight.known,
    )


def _tokens(run: Iterable[Parsed]) -> Tokens:
    weights = [one.weight for one in run]
    return Tokens(sum(each.input for each in weights), sum(each.output for each in weights))


def _sum(run: Iterable[Parsed], of: Callable[[Parsed], int]) -> Money:
    return _money(sum(map(of, run)))


def _money(nano: int) -> Money:
    return Money(nano, dollars(nano))
