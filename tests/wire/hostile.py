"""Hostile bodies: good ones broken on purpose, as values and as text, and how much may go wrong with them."""

import contextlib
import copy
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

FUZZ = settings(
    max_examples=int(os.environ.get("FUZZ", "25")),
    derandomize="FUZZ" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, *([] if "FUZZ" in os.environ else [Phase.shrink])],
)
"""``FUZZ=5000 pytest tests/wire/test_every_codec.py`` looks further, at other places each time."""

DEEP = 3000
"""More levels than may be read."""

STRANGE: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e300, -1e-300, 10**18, 2**64, 10**40, 10**400, "", "x", " ", "\x00", "\u2028", "\U0001f600", "A" * 2000,
    "data:;base64,x", "data:image/png;base64,%%%", "asbru1:", "YXNicnUxOm86", "{", '{"a":', "null", "https://x/y", "gs://x", "s3://b/k",
    [], [[]], {}, {"": {}}, [None], [{}], [[], {}], ["x", 5], {"type": "x"}, {"type": None}, {"text": None}, {"type": "text", "text": "x"},
    {"a": {"b": [{"c": "d"}]}}, [{"type": "text"}, "x", 1], {f"x{n}": n for n in range(20)},
]  # fmt: skip

TEXTS: list[bytes] = [
    rb'"\ud800"', rb'"\udc00x"', rb'"\ud83d\ude00"', b'"\xff"', b'"\xed\xa0\x80"', b'"\x01"', rb'"\u0000"', rb'"\x"', b'"', b"'x'",
    b"NaN", b"-Infinity", b"1e999", b"-0", b"-0.0", b"01", b"1.", b".5", b"1" * 5000, b"0." + b"1" * 5000, b"1e-999", b"9223372036854775808",
    b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"[" * 300 + b"]" * 300, b'{"a":1,"a":2}', b'{"type":"text","type":5}',
    b'{"type":"text","text":"a","text":null}', b"", b",", b"]", b"//x", b"\xef\xbb\xbf1", b"tru", b"[1,]",
]  # fmt: skip
"""What is put for one token of a JSON text."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[\[\]{},:]')


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside ``value``."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield (*path, step)
        yield from places(one, (*path, step))


def names_in(values: Sequence[Any]) -> list[str]:
    """The names of all members in ``values``."""
    return sorted({way[-1] for value in values for way in places(value) if isinstance(way[-1], str)})


def at(value: Any, way: Sequence[Any]) -> Any:
    """What stands at a place."""
    for step in way:
        value = value[step]
    return value


def spoilt(draw: st.DrawFn, value: Any, good: "Good") -> Any:
    """``value`` with one of its places emptied, filled with something else, doubled, buried, or with a stranger beside it.

    ``good``: whose names strangers bear, and out of which a value may come.
    """
    ways = list(places(value))
    if not ways:
        return value
    value = copy.deepcopy(value)
    *way, last = draw(st.sampled_from(ways))
    holder = at(value, way)
    match draw(st.sampled_from(("gone", "strange", "strange", "stranger", "moved", "again", "deep"))):
        case "gone":
            del holder[last]
        case "strange":
            holder[last] = draw(st.sampled_from(STRANGE))
        case "stranger" if isinstance(holder, dict):
            holder[draw(st.sampled_from(good.names))] = draw(st.sampled_from(STRANGE))
        case "moved":
            other = draw(st.sampled_from(good.values))
            holder[last] = copy.deepcopy(at(other, draw(st.sampled_from([(), *places(other)]))))
        case "again" if isinstance(holder, list):
            holder += [copy.deepcopy(holder[last])] * 2
        case _:
            for _ in range(40):
                holder[last] = [holder[last]] if isinstance(last, int) else {last: holder[last]}
    return value


def garbled(draw: st.DrawFn, body: bytes) -> bytes:
    """``body`` as text with something wrong in it: a token replaced or doubled, or the end cut off."""
    tokens = [found.span() for found in _TOKEN.finditer(body)]
    match draw(st.sampled_from(("token", "token", "cut", "twice", "after", "byte"))):
        case "token" if tokens:
            start, end = draw(st.sampled_from(tokens))
            return body[:start] + draw(st.sampled_from(TEXTS)) + body[end:]
        case "twice" if tokens:
            start, end = draw(st.sampled_from(tokens))
            return body[:end] + body[start:end] + body[end:]
        case "after":
            return body + draw(st.sampled_from(TEXTS))
        case "byte" if body:
            place = draw(st.integers(0, len(body) - 1))
            return body[:place] + draw(st.binary(min_size=1, max_size=1)) + body[place + 1 :]
        case _:
            return body[: draw(st.integers(0, len(body)))]


class Good:
    """Good bodies, decoded once. ``values``: what they say; nothing of a form or of garbage, which can only be garbled more."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        self.texts = list(texts)
        self.values = []
        for text in self.texts:
            with contextlib.suppress(ValueError):
                self.values.append(json.loads(text))
        self.names = names_in(self.values) or ["x"]

    def __repr__(self) -> str:
        return f"Good({len(self.texts)})"


@st.composite
def bodies(draw: st.DrawFn, good: Good) -> bytes:
    """A good one, spoilt once or more, and sometimes garbled; now and then only bytes."""
    kind = draw(st.sampled_from(("spoilt", "spoilt", "spoilt", "both", "garbled", "bytes")))
    if kind == "bytes":
        return draw(st.binary(max_size=60))
    if kind == "garbled" or not good.values:
        return garbled(draw, draw(st.sampled_from(good.texts)))
    value = draw(st.sampled_from(good.values))
    for _ in range(draw(st.sampled_from((1, 1, 2, 5)))):
        value = spoilt(draw, value, good)
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return garbled(draw, body) if kind == "both" else body
