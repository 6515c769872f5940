"""Headers of a dialect, and Amazon's own, go where they are understood."""

import pytest
from msgspec import Struct

from asbru.gateway.door import Door, Opening
from asbru.model.keys import Network
from asbru.model.names import Format
from asbru.providers import CATALOG

PASSED = {b"anthropic-beta": b"a", b"x-amzn-bedrock-trace": b"ENABLED", b"x-mine": b"1"}


class Json(Struct):
    """A body."""

    kind: bytes = b"application/json"
    path: tuple[tuple[str, str], ...] = ()


@pytest.mark.parametrize(
    ("provider", "format", "told"),
    [
        ("openai", Format.OPENAI_CHAT, {b"x-mine"}),
        ("anthropic", Format.ANTHROPIC_MESSAGES, {b"x-mine", b"anthropic-beta"}),
        ("bedrock", Format.BEDROCK_CONVERSE, {b"x-mine", b"x-amzn-bedrock-trace"}),
        ("bedrock", Format.ANTHROPIC_MESSAGES, set(PASSED)),
    ],
)
def test_headers_go_where_they_are_understood(provider: str, format: Format, told: set[bytes]) -> None:
    row = CATALOG[provider]
    endpoint = next(each for each in row.serves if each.format is format)
    door = Door(Opening(row, endpoint, None, Network()), "m")
    lines = door.head(PASSED, False, Json()).split(b"\r\n")
    assert {line.partition(b":")[0] for line in lines} & set(PASSED) == told
