"""The ordered targets of one exchange, and which of them is next after what has failed so far.

Rule 1. Keys of one target are tried in a weighted random order, each at most once before any is waited for.
Rule 2. Attempts are bounded; every fallback that there is keeps one attempt, however many keys come before it.
Rule 3. When all have failed the caller is told the first target's last failure (features.md 2.6), not a fallback's.
Rule 4. ``next_step`` is pure: it replays the failures over the plan, so the same failures give the same step.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from asbru.model.failure import Failure, Refused
from asbru.model.keys import Key
from asbru.routing.retry import MOST_ATTEMPTS, Verdict, backoff, limited, too_long, verdict, wait_after
from asbru.routing.table import ProviderRoute, Table, refuse, split_model

Dice = Callable[[], float]
"""A number in [0, 1)."""


class Target(Struct, frozen=True):
    """A provider, the model's name as the provider knows it, and the key (None: asked without one)."""

    provider: str
    model: str
    key: Key | None


class Leg(Struct, frozen=True):
    """One wanted model: its target with each usable key, in the order of trying, and how patient to be. Seconds."""

    targets: tuple[Target, ...]
    max_retries: int = 2
    backoff_initial: float = 0.5
    backoff_max: float = 5.0


class Plan(Struct, frozen=True):
    """The wanted model and its fallbacks, those that can be asked. Never empty."""

    legs: tuple[Leg, ...]

    @property
    def first(self) -> Target:
        """Whom to ask first."""
        return self.legs[0].targets[0]

    @property
    def fixed(self) -> bool:
        """Whether the dice had no say: the same question would be planned in the same way."""
        return all(len(leg.targets) == 1 for leg in self.legs)


class Try(Struct, frozen=True):
    """Ask ``target``, after ``wait`` seconds."""

    target: Target
    wait: float = 0.0


class GiveUp(Struct, frozen=True):
    """Tell the caller ``failure``."""

    failure: Failure


def make_plan(
    wanted: Sequence[str], default: str, table: Table, dice: Dice, operation: str = "chat_completion"
) -> Plan:
    """Targets for ``wanted``: the asked model, then the fallbacks, each ``provider/model`` or a model of ``default``.

    ``operation``: what is to be done, in the words of ``allowed_requests``; those that begin with ``batch_`` or
    ``file_`` go only to keys with ``use_for_batch_api``. A wanted model that no key can serve is left out while another
    can be served. Raises Refused(400), naming ``model`` or ``fallbacks.N``, for a name that cannot be read, and when
    nothing can be served.
    """
    legs: list[Leg] = []
    problems: list[Refused] = []
    for n, name in enumerate(wanted):
        param = f"fallbacks.{n - 1}" if n else "model"
        provider, model = split_model(name, default, table, param)
        try:
            legs.append(_leg(provider, model, table, operation, dice))
        except Refused as problem:
            problems.append(problem)
    if not legs:
        raise problems[0]
    return Plan(tuple(legs))


def sole_target(provider: str, model: str, table: Table, operation: str) -> Target:
    """The one target of what is asked once, with the first key that may be used. ``model``: "" when it names none.

    Raises Refused(400) when there is none.
    """
    leg = _leg(provider, model, table, operation, _first)
    return leg.targets[0]


def _first() -> float:
    return 0.0


def _leg(provider: str, model: str, table: Table, operation: str, dice: Dice) -> Leg:
    route = table.providers.get(provider)
    if route is None:
        raise refuse(_no_keys(provider, model, f"provider {provider} is not configured"), "model")
    if route.allowed_requests is not None and operation not in route.allowed_requests:
        message = f"{operation} is not supported by {provider} provider: its allowed_requests leave it out"
        raise Refused(400, message, code="unsupported_operation", param="model")
    keys = _usable(route, model, operation)
    choices: Sequence[Key | None] = in_turn(keys, dice) if keys else (None,)
    targets = tuple(Target(provider, model, key) for key in choices)
    return Leg(targets, route.max_retries, route.backoff_initial, route.backoff_max)


def _usable(route: ProviderRoute, model: str, operation: str) -> list[Key]:
    """The keys that may be used; empty only for a provider that has none and is asked without one."""
    enabled = [key for key in route.keys if key.usable]
    allowed = [key for key in enabled if not model or key.allows(model)]
    batch = operation.startswith(("batch_", "file_"))
    usable = [key for key in allowed if key.use_for_batch_api] if batch else allowed
    if usable or (route.keyless and not enabled):
        return usable
    raise refuse(_why_none(route.name, model, bool(enabled), bool(allowed)), "model")


def _why_none(provider: str, model: str, enabled: bool, allowed: bool) -> str:
    if not enabled:
        return _no_keys(provider, model, f"provider {provider} has no enabled key with a value")
    if not allowed:
        where = f"see models and blacklisted_models of provider {provider}'s keys"
        return f"no keys found that support model: {model} ({where})"
    remedy = "Please enable 'Use for Batch APIs' (use_for_batch_api)"
    return f"no config found for batch APIs. {remedy} on a key of provider {provider} that serves {model}"


def _no_keys(provider: str, model: str, why: str) -> str:
    return f"no keys found for provider: {provider} and model: {model} ({why})"


def in_turn(keys: Sequence[Key], dice: Dice) -> list[Key]:
    """``keys`` in a random order, each next one drawn by weight. Those of weight 0 come last; all 0: any order."""
    if len(keys) == 1:
        return list(keys)
    first = [key for key in keys if key.weight > 0]
    last = [key for key in keys if key.weight <= 0]
    return _drawn(first, [key.weight for key in first], dice) + _drawn(last, [1.0] * len(last), dice)


def _drawn(keys: list[Key], weights: list[float], dice: Dice) -> list[Key]:
    order: list[Key] = []
    while keys:
        point = dice() * sum(weights)
        n = 0
        while n < len(keys) - 1 and point >= weights[n]:
            point -= weights[n]
            n += 1
        order.append(keys.pop(n))
        weights.pop(n)
    return order


def next_step(plan: Plan, failures: Sequence[Failure], dice: Dice) -> Try | GiveUp:
    """What to do after ``failures``, which are those of the steps so far, in order. ``dice`` spreads the waits."""
    if not failures:
        return Try(plan.first)
    walk = _Walk(plan)
    for failure in failures:
        walk.after(failure)
    return walk.step(dice)


class _Walk:
    """Where the failures so far have led."""

    __slots__ = ("attempts", "failed", "key", "leg", "legs", "over", "primary", "retries", "waits_for")

    def __init__(self, plan: Plan) -> None:
        self.legs = plan.legs
        self.leg = 0
        self.key = 0
        self.retries = 0
        """Of this leg."""
        self.failed: dict[int, Failure] = {}
        """The last failure of each key of this leg."""
        self.attempts = 0
        self.primary: Failure | None = None
        self.waits_for: Failure | None = None
        """The failure after which the present target is asked again; None when it is new."""
        self.over = False

    def after(self, failure: Failure) -> None:
        """Go where ``failure`` of the present target leads."""
        self.attempts += 1
        self.failed[self.key] = failure
        if self.leg == 0:
            self.primary = failure
        match verdict(failure):
            case Verdict.NEVER:
                self.over = True
            case Verdict.SAME_KEY:
                self._again(self.key, failure)
            case Verdict.OTHER_KEY:
                self._other_key()
            case _:
                self._leave()

    def _other_key(self) -> None:
        unused = len(self.failed)
        if unused < len(self.legs[self.leg].targets) and self._may_stay():
            self.key = unused
            self.waits_for = None
        elif self.leg + 1 < len(self.legs):
            self._leave()
        else:
            self._limited_key()

    def _limited_key(self) -> None:
        """Wait for the key that is free again first. With none to wait for, or another target to ask, do not wait."""
        free = {key: failure for key, failure in self.failed.items() if limited(failure)}
        if free:
            key = min(free, key=lambda at: free[at].retry_after or 0.0)
            self._again(key, free[key])
        else:
            self._leave()

    def _again(self, key: int, failure: Failure) -> None:
        if self.retries >= self.legs[self.leg].max_retries or too_long(failure) or not self._may_stay():
            self._leave()
            return
        self.key = key
        self.retries += 1
        self.waits_for = failure

    def _may_stay(self) -> bool:
        """Whether the fallbacks to come keep one attempt each when this leg takes one more."""
        return MOST_ATTEMPTS - self.attempts > len(self.legs) - 1 - self.leg

    def _leave(self) -> None:
        self.leg += 1
        self.key = self.retries = 0
        self.failed = {}
        self.waits_for = None
        self.over = self.leg >= len(self.legs) or self.attempts >= MOST_ATTEMPTS

    def step(self, dice: Dice) -> Try | GiveUp:
        """The present target, or the end."""
        if self.over:
            assert self.primary is not None
            return GiveUp(self.primary)
        leg = self.legs[self.leg]
        target = leg.targets[self.key]
        if self.waits_for is None:
            return Try(target)
        pause = backoff(leg.backoff_initial, leg.backoff_max, self.retries - 1)
        return Try(target, wait_after(self.waits_for, pause, dice))
