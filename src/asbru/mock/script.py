"""Decides what happens to a request: by header, mark, rule, dice; in this order, the first that speaks wins."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase

import msgspec
from msgspec import Struct, structs

from asbru.mock.directives import PLAIN, Directive, marked, parse
from asbru.model.failure import Refused

_HEALED = {
    "status": 0,
    "stall": False,
    "reset": False,
    "drop": False,
    "garbage": False,
    "cut": -1,
    "stallafter": -1,
    "errorafter": -1,
}
FAULTS = frozenset({"reset", "stall", "drop", "garbage", "cut"})


class Match(Struct, frozen=True, forbid_unknown_fields=True):
    """All that is said must hold.

    ``model`` and ``path`` may have ``*``; ``contains`` is part of the last user message.
    """

    model: str = "*"
    path: str = "*"
    contains: str = ""
    key: str = ""
    method: str = ""


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """``times``: how often it applies, 0 for always."""

    reply: Directive
    match: Match = Match()
    times: int = 0


class Batches(Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds that a batch spends in each state.

    ``expire_after``: items done before the rest expires (-1: none does).
    """

    validating: float = 0.0
    in_progress: float = 0.0
    finalizing: float = 0.0
    expire_after: int = -1


class Script(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``keys``: the keys that exist, each with the status it is answered (200: it works); empty: any key works.

    ``models``: names that exist, ``*`` allowed; empty: any without a slash. ``fail``: fault or status -> share of
    requests.
    """

    rules: tuple[Rule, ...] = ()
    keys: Mapping[str, int] = {}
    models: tuple[str, ...] = ()
    fail: Mapping[str, float] = {}
    batches: Batches = Batches()


def read_script(text: bytes) -> Script:
    """A script from JSON. Raises Refused(400) saying what is wrong and where."""
    try:
        script = msgspec.json.decode(text, type=Script)
    except msgspec.DecodeError as error:
        raise Refused(400, f"mock script: {error}", code="mock_script") from None
    check_faults(script.fail)
    return script


def check_faults(fail: Iterable[str]) -> None:
    """Raises Refused(400) for a fault nobody knows."""
    for name in fail:
        if name not in FAULTS and not (name.isdigit() and 400 <= int(name) <= 599):
            known = ", ".join(sorted(FAULTS))
            raise Refused(400, f"fail: {name!r} is no fault: a status from 400 to 599, or one of {known}")


class Place(Struct, frozen=True):
    """A request as rules see it. ``text``: the last user message, "" where there is none."""

    path: str
    method: str = "POST"
    key: str = ""
    header: str = ""
    model: str = ""
    text: str = ""


class Director:
    """Holds the script and how often each of its parts was used. ``dice`` gives a number from 0 to 1."""

    def __init__(self, script: Script, dice: Callable[[], float]) -> None:
        self.script = script
        self._dice = dice
        self._used: Counter[str] = Counter()

    def reset(self, script: Script | None = None) -> None:
        """Forget how often anything was used; ``script``: a new one."""
        self.script = script or self.script
        self._used.clear()

    @staticmethod
    def names(patterns: Iterable[str], name: str) -> bool:
        """Whether one of ``patterns`` (with ``*``) is ``name``."""
        return any(fnmatchcase(name, pattern) for pattern in patterns)

    def told(self, place: Place, live: bool = True) -> Directive:
        """What to do. ``live``: faults by dice apply (they do not inside batches)."""
        directive = parse(place.header) if place.header else marked(place.text)
        if directive is None:
            return self._by_rule(place) or (self._by_dice() if live and place.model else PLAIN)
        if directive.times and directive.fails:
            return self._while_fresh(directive, directive.id or digest(place.text))
        return directive

    def _while_fresh(self, directive: Directive, name: str) -> Directive:
        self._used[name] += 1
        return directive if self._used[name] <= directive.times else structs.replace(directive, **_HEALED)

    def _by_rule(self, place: Place) -> Directive | None:
        for number, rule in enumerate(self.script.rules):
            if _fits(rule.match, place) and not self._worn(rule, f"rule {number}"):
                return rule.reply
        return None

    def _worn(self, rule: Rule, name: str) -> bool:
        self._used[name] += 1
        return 0 < rule.times < self._used[name]

    def _by_dice(self) -> Directive:
        if not self.script.fail:
            return PLAIN
        throw = self._dice()
        for name, share in self.script.fail.items():
            throw -= share
            if throw < 0:
                return _fault(name)
        return PLAIN


def _fits(match: Match, place: Place) -> bool:
    return (
        fnmatchcase(place.path, match.path)
        and fnmatchcase(place.model, match.model)
        and match.contains in place.text
        and match.key in ("", place.key)
        and match.method in ("", place.method)
    )


def _fault(name: str) -> Directive:
    if name.isdigit():
        return Directive(status=int(name), retry_after=0.0 if name == "429" else -1.0)
    return Directive(cut=2) if name == "cut" else parse(name)


def digest(text: str) -> str:
    """A short name for a prompt."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
