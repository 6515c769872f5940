"""What was asked and what is said, apart from any dialect: deterministic answers, so that tests can tell them apart."""

import re
from typing import Any

import msgspec
from msgspec import Struct

from asbru.mock.directives import MARK, PLAIN, Directive

_PIECE = re.compile(r"\s*\S+|\s+$")
_ECHO = 400


class Offer(Struct, frozen=True):
    """A tool the model may call."""

    name: str
    schema: Any = None


class Asked(Struct, kw_only=True):
    """A request. ``text``: the last user message (or tool results); ``words``: of the whole input; ``choice``: see
    below.

    ``choice``: auto, none, required, or the name of the tool that must be called. ``schema``: of a structured answer
    (True: any JSON object). ``limit``: most words of the answer, 0 for no limit. ``body``: the request as its dialect
    has read it, for answers that repeat it.
    """

    model: str
    text: str
    words: int
    stream: bool = False
    usage: bool = True
    offers: tuple[Offer, ...] = ()
    choice: str = "auto"
    parallel: bool = True
    schema: Any = None
    limit: int = 0
    stop: tuple[str, ...] = ()
    think: bool = False
    n: int = 1
    tier: str = ""
    body: Any = None


class Said(Struct, kw_only=True):
    """An answer. ``finish``: stop, length, tool, refusal, content_filter or stop_sequence. Tokens are words."""

    text: str
    thinking: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    finish: str = "stop"
    stopped_by: str = ""
    input: int = 0
    cached: int = 0
    cachewrite: int = 0
    reasoning: int = 0
    output: int = 0


def say(asked: Asked, told: Directive = PLAIN, words: int = 0) -> Said:
    """The answer to ``asked``: the same for the same question.

    ``words``: how long it is when nobody says (0: the echo).
    """
    calls = _calls(asked, told)
    text = "" if calls and not told.text else _text(asked, told, words)
    thinking = told.thinking or (f"thinking: {_plain(asked.text)}" if asked.think else "")
    finish, stopped_by = "tool" if calls else told.finish or "stop", ""
    if cut := next((stop for stop in asked.stop if stop and stop in text), ""):
        text, finish, stopped_by = text[: text.index(cut)], "stop_sequence", cut
    if asked.limit and count(text) > asked.limit:
        text, finish, stopped_by = "".join(pieces(text)[: asked.limit]), "length", ""
    return Said(
        text=text,
        thinking=thinking,
        calls=calls,
        finish=finish,
        stopped_by=stopped_by,
        input=asked.words,
        cached=told.cached,
        cachewrite=told.cachewrite,
        reasoning=count(thinking),
        output=count(text) + count(thinking) + sum(count(arguments) + 1 for _, arguments in calls),
    )


def count(text: str) -> int:
    """Tokens of ``text``: its words."""
    return len(text.split())


def pieces(text: str) -> list[str]:
    """``text`` in words, white space kept: joined they are the text."""
    return _PIECE.findall(text)


def halves(text: str) -> tuple[str, ...]:
    """``text`` in fragments of at most 12 characters, for streamed arguments."""
    return tuple(text[at : at + 12] for at in range(0, len(text), 12))


def _plain(text: str) -> str:
    return MARK.sub("", text).strip()[:_ECHO] if "[[mock:" in text else text[:_ECHO]


def _text(asked: Asked, told: Directive, words: int) -> str:
    if told.text:
        return told.text
    if told.big:
        return ("x" * 63 + " ") * (told.big // 64) + "x" * (told.big % 64)
    if asked.schema is not None:
        return msgspec.json.encode(example(asked.schema, _plain(asked.text))).decode()
    echo = f"echo: {_plain(asked.text)}"
    wanted = told.words or words
    return " ".join([*echo.split(), *(f"w{n}" for n in range(wanted))][:wanted]) if wanted else echo


def _calls(asked: Asked, told: Directive) -> tuple[tuple[str, str], ...]:
    if told.tool_calls:
        return tuple((call.name, bytes(call.arguments).decode()) for call in told.tool_calls)
    if not asked.offers or asked.choice == "none":
        return ()
    number = told.tools or (asked.choice != "auto" or told.finish == "tool")
    offers = [offer for offer in asked.offers if asked.choice in ("auto", "required", offer.name)]
    if not asked.parallel:
        number = min(number, 1)
    return tuple(_call(offers[n % len(offers)], asked.text, n) for n in range(number)) if offers else ()


def _call(offer: Offer, text: str, n: int) -> tuple[str, str]:
    words = _plain(text) if n == 0 else f"{_plain(text)} {n}"
    return offer.name, msgspec.json.encode(example(offer.schema or {"type": "object"}, words)).decode()


def example(schema: Any, text: str, depth: int = 0) -> Any:
    """A value that fits ``schema`` (a JSON schema; True: any object), its strings made of ``text``."""
    if not isinstance(schema, dict) or depth > 8:
        return {"text": text}
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    if chosen := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return example(chosen[0], text, depth + 1)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: example(part, text, depth + 1) for name, part in (schema.get("properties") or {}).items()}
    if kind == "array":
        return [example(schema.get("items", True), text, depth + 1)] * max(1, schema.get("minItems", 1))
    return {"string": text, "integer": 1, "number": 1.5, "boolean": True}.get(kind)
