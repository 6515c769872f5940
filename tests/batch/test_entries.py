"""Lists of requests in every shape, as bodies and as files, read into entries."""

import json
import mmap
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET, Raw

from asbru.batch.entries import Entry, Listing, Source, listing_of
from asbru.model.failure import Refused
from asbru.model.names import Format

CHAT = "/v1/chat/completions"
ANTHROPIC = {"custom_id": "a", "params": {"model": "m"}}
OPENAI = {"custom_id": "a", "method": "POST", "url": CHAT, "body": {"model": "m"}}


def told(entry: Entry | str) -> Any:
    if isinstance(entry, str):
        return entry
    return tuple(None if raw is UNSET else json.loads(bytes(raw)) for raw in (entry.custom_id, entry.ask))


def seen(listing: Listing) -> list[Any]:
    return [told(entry) for entry in listing.entries]


def jsonl(*lines: object, end: str = "\n") -> bytes:
    return "".join(json.dumps(line) + end for line in lines).encode()


LINES = [
    pytest.param(jsonl(OPENAI, {**OPENAI, "custom_id": "b"}), CHAT, Format.OPENAI_CHAT, "body", id="openai"),
    pytest.param(jsonl(OPENAI, {**OPENAI, "custom_id": "b"}), "", Format.OPENAI_CHAT, "body", id="endpoint-of-lines"),
    pytest.param(
        jsonl({"custom_id": "a", "body": {"model": "m"}}, {"custom_id": "b", "body": {"model": "m"}}),
        *(CHAT, Format.OPENAI_CHAT, "body"),
        id="bare",
    ),
    pytest.param(
        jsonl(ANTHROPIC, {**ANTHROPIC, "custom_id": "b"}), "", Format.ANTHROPIC_MESSAGES, "params", id="anthropic"
    ),
]


@pytest.mark.parametrize(("body", "url", "format", "member"), LINES)
@pytest.mark.parametrize("ending", ["as it is", "no last line end", "empty lines", "carriage returns"])
def test_lines(body: bytes, url: str, format: Format, member: str, ending: str) -> None:
    shaped = {
        "as it is": body,
        "no last line end": body.rstrip(b"\n"),
        "empty lines": body.replace(b"\n", b"\n \n\n"),
        "carriage returns": body.replace(b"\n", b"\r\n"),
    }[ending]
    listing = listing_of(Source.LINES, shaped, url)
    assert (listing.format, listing.member, listing.strict_ids) == (format, member, False)
    assert seen(listing) == [("a", {"model": "m"}), ("b", {"model": "m"})]
    assert listing.place(1) == "line 2"


def test_a_mapped_file_is_read_like_bytes(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(jsonl(OPENAI, OPENAI, OPENAI))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        view = memoryview(mapped)
        assert len(seen(listing_of(Source.LINES, view, CHAT))) == 3
        view.release()


WRONG_LINES = [
    ({**OPENAI, "url": "/v1/embeddings"}, f"url: must be {CHAT}, as the batch's endpoint is"),
    ({**OPENAI, "method": "GET"}, "method: must be POST"),
    ("text", "Input should be an object"),
    ([1], "Input should be an object"),
]


@pytest.mark.parametrize(("line", "words"), WRONG_LINES)
def test_a_line_that_does_not_belong(line: object, words: str) -> None:
    assert seen(listing_of(Source.LINES, jsonl(OPENAI, line), CHAT))[1] == words


def test_a_line_that_is_no_json() -> None:
    (entry,) = listing_of(Source.LINES, b'{"custom_id": "a"', CHAT).entries
    assert isinstance(entry, str)
    assert entry.startswith("is not valid JSON")


@pytest.mark.parametrize("url", ["/v1/nothing", "chat"])
def test_an_endpoint_that_nobody_knows(url: str) -> None:
    with pytest.raises(Refused, match="endpoint: must be one of") as caught:
        listing_of(Source.LINES, jsonl(OPENAI), url)
    assert (caught.value.status, caught.value.param) == (400, "endpoint")


def test_what_is_missing_is_told_apart_from_null() -> None:
    listing = listing_of(Source.LINES, jsonl({"url": CHAT}, {"custom_id": None, "url": CHAT, "body": None}), CHAT)
    assert seen(listing) == [(None, None), (None, None)]
    first, second = listing.entries
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert first.ask is UNSET
    assert isinstance(second.ask, Raw)


def test_requests_in_a_body() -> None:
    body = json.dumps({"requests": [ANTHROPIC, {"custom_id": "b"}]}).encode()
    listing = listing_of(Source.REQUESTS, body)
    assert seen(listing) == [("a", {"model": "m"}), ("b", None)]
    assert (listing.strict_ids, listing.place(1)) == (True, "requests.1")
    body = json.dumps({"requests": [{"custom_id": "a", "body": {"model": "m"}}]}).encode()
    assert seen(listing_of(Source.BODIES, body, CHAT)) == [("a", {"model": "m"})]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[]", "must be a JSON object"),
        (b"{", "not valid JSON"),
        (b"{}", "requests: Field required"),
        (b'{"requests": 7}', "valid array"),
    ],
)
def test_bodies_without_requests(body: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        listing_of(Source.REQUESTS, body)


@pytest.mark.parametrize(("endpoint", "url"), [(CHAT, CHAT[3:]), (CHAT[3:], CHAT), (CHAT[3:], CHAT[3:])])
def test_azure_leaves_out_the_version(endpoint: str, url: str) -> None:
    listing = listing_of(Source.LINES, jsonl({**OPENAI, "url": url}), endpoint)
    assert (listing.format, seen(listing)) == (Format.OPENAI_CHAT, seen(listing_of(Source.LINES, jsonl(OPENAI), CHAT)))
