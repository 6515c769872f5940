"""Typed reading of request bodies, with the place of the first mistake told as the real APIs tell it."""

import re
from typing import TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")


class Mistake(Exception):
    """Why a body was refused.

    ``kind``: json, unknown, missing, type or value. ``path``: where, as a list of names and indexes; for unknown and
    missing the name in question is its last element. ``text``: msgspec's own words; ``expected`` and ``got``: for kind
    type.
    """

    def __init__(self, kind: str, path: list[str | int], text: str, expected: str = "", got: str = "") -> None:
        super().__init__(text)
        self.kind = kind
        self.path = path
        self.text = text
        self.expected = expected
        self.got = got

    def dotted(self) -> str:
        """``messages.0.content``, as Anthropic writes it."""
        return ".".join(map(str, self.path))

    def bracketed(self) -> str:
        """``messages[0].content``, as OpenAI writes it."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).lstrip(".")


class Rule(Struct, frozen=True):
    """How one of msgspec's messages is told apart."""

    kind: str
    pattern: re.Pattern[str]


_RULES = (
    Rule("unknown", re.compile(r"Object contains unknown field `(?P<name>[^`]+)`")),
    Rule("missing", re.compile(r"Object missing required field `(?P<name>[^`]+)`")),
    Rule("value", re.compile(r"Expected `[^`]+` (of length|matching|[<>]).*")),
    Rule("type", re.compile(r"Expected `(?P<expected>[^`]+)`, got `(?P<got>[^`]+)`")),
    Rule("value", re.compile(r".*")),
)
_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def read(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """``body`` decoded. Raises Mistake."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _mistake(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Mistake("json", [], str(error)) from None


def _mistake(text: str) -> Mistake:
    at = _PATH.search(text)
    said = text[: at.start()] if at else text
    path: list[str | int] = [step[1] or int(step[2]) for step in _STEP.finditer(at["path"])] if at else []
    for rule in _RULES:
        if found := rule.pattern.fullmatch(said):
            names = found.groupdict()
            if "name" in names:
                path = [*path, names["name"]]
            return Mistake(rule.kind, path, said, names.get("expected", ""), names.get("got", ""))
    raise AssertionError(said)
