"""Gemini's requests, inlined and as lines: their keys, models and notes, and what is wrong with them."""

import json
from typing import Any

import pytest
from msgspec import UNSET, Raw

from asbru.batch.entries import Entry, Listing, Source, listing_of
from asbru.batch.intake import Checked, Order, check
from asbru.model.batches import Mode
from asbru.model.failure import Refused
from asbru.model.names import Format, Operation

ASK = {"contents": [{"parts": [{"text": "hi"}]}]}
EMBED = {"content": {"parts": [{"text": "hi"}]}}
PROVIDERS = {name: frozenset({Operation.CHAT, Operation.EMBED}) for name in ("gemini", "openai")}


def body(*requests: object, config: str = "inputConfig") -> bytes:
    return json.dumps({"batch": {"displayName": "d", config: {"requests": {"requests": requests}}}}).encode()


def jsonl(*lines: object) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def told(raw: Any) -> Any:
    return None if raw is UNSET else json.loads(bytes(raw))


def seen(listing: Listing) -> list[Any]:
    return [
        each if isinstance(each, str) else (told(each.custom_id), told(each.ask), told(each.note))
        for each in listing.entries
    ]


@pytest.mark.parametrize("config", ["inputConfig", "input_config"])
def test_inlined_requests_are_named_by_their_metadata_or_place(config: str) -> None:
    requests = [{"request": ASK}, {"request": ASK, "metadata": {"key": "b", "x": "1"}}, {"metadata": {"y": "2"}}, 7]
    listing = listing_of(Source.INLINED, body(*requests, config=config))
    assert seen(listing) == [
        ("request-0", ASK, None),
        ("b", ASK, {"key": "b", "x": "1"}),
        ("request-2", None, {"y": "2"}),
        "Input should be an object",
    ]
    assert (listing.format, listing.member, listing.id) == (Format.GEMINI_GENERATE, "request", "metadata.key")
    wrong = listing_of(Source.INLINED, body({"request": ASK, "metadata": 7})).entries
    assert wrong == ["metadata: Input should be an object"]


@pytest.mark.parametrize(("ask", "format"), [(ASK, Format.GEMINI_GENERATE), (EMBED, Format.GEMINI_EMBED)])
def test_lines_of_gemini(ask: object, format: Format) -> None:
    """Whatever endpoint a client of another dialect names."""
    for url in ("", "/v1/chat/completions"):
        listing = listing_of(Source.LINES, jsonl({"key": "a", "request": ask}, {"key": "b", "request": ask}), url)
        assert seen(listing) == [("a", ask, None), ("b", ask, None)]
        assert (listing.format, listing.place(1), listing.id) == (format, "line 2", "key")


@pytest.mark.parametrize(
    "wrong", [b"[]", b"{", b"{}", b'{"batch": {}}', b'{"batch": {"inputConfig": {"requests": {}}}}']
)
def test_bodies_without_requests(wrong: bytes) -> None:
    with pytest.raises(Refused, match=r"no batch|Field required") as caught:
        listing_of(Source.INLINED, wrong)
    assert caught.value.status == 400


def checked(content: bytes, source: Source = Source.INLINED, **more: Any) -> Checked:
    order = {
        "id": "x", "owner": "", "format": Format.GEMINI_GENERATE, "source": source, "default": "gemini",
        "explicit": False, "mode": Mode.LIVE, "providers": PROVIDERS, "created_at": 0.0, "model": "gemini-2.5-flash",
    }  # fmt: skip
    return check(content, Order(**{**order, **more}))


OPENAI = {"custom_id": "a", "url": "/v1/chat/completions", "body": {"model": "gpt-4o"}}
TARGETS = [
    pytest.param(ASK, {}, ("gemini", "gemini-2.5-flash"), id="of the path"),
    pytest.param({**ASK, "model": "models/gemini-x"}, {}, ("gemini", "gemini-x"), id="its own"),
    pytest.param({**ASK, "model": "models/openai/gpt-4o"}, {}, ("openai", "gpt-4o"), id="its own, elsewhere"),
    pytest.param(ASK, {"model": "openai/gpt-4o"}, ("openai", "gpt-4o"), id="of the path, elsewhere"),
    pytest.param({**ASK, "model": "gpt-x"}, {"model": "openai/gpt-4o"}, ("openai", "gpt-x"), id="its own, same place"),
    pytest.param(ASK, {"default": "openai", "explicit": True}, ("openai", "gemini-2.5-flash"), id="of the header"),
]


@pytest.mark.parametrize(("ask", "more", "target"), TARGETS)
def test_which_model_a_request_is_for(ask: object, more: dict[str, Any], target: tuple[str, str]) -> None:
    (one,) = checked(body({"request": ask, "metadata": {"z": "9"}}), **more).requests
    assert (one.provider, one.model) == target
    assert json.loads(bytes(one.params)) == ASK
    assert one.note == Raw(b'{"z": "9"}')
    lines = checked(jsonl({"key": "k", "request": ask}), Source.LINES, **more).requests
    assert [(each.provider, each.model, each.custom_id) for each in lines] == [(*target, "k")]


def test_lines_of_others_keep_their_own_model() -> None:
    (one,) = checked(jsonl(OPENAI), Source.LINES, default="openai", explicit=True, model="gpt-5").requests
    assert (one.model, json.loads(bytes(one.params))) == ("gpt-4o", {"model": "gpt-4o"})


MISTAKES = [
    (body({"request": ASK}, {"request": 7}), "requests.1.request: Input should be an object"),
    (body({}), "requests.0.request: Field required"),
    (body({"request": ASK, "metadata": {"key": 7}}), "requests.0.metadata.key: Input should be a valid string"),
    (body({"request": ASK, "metadata": {"key": ""}}), "requests.0.metadata.key: must have 1 to 512"),
    (
        body({"request": ASK, "metadata": {"key": "a"}}, {"request": ASK, "metadata": {"key": "a"}}),
        "requests.1.metadata.key: 'a' is used already, by requests.0",
    ),
    (body({"request": {**ASK, "model": "models/nobody/x"}}), "requests.0.request.model: provider 'nobody'"),
    (body(), "at least 1 item"),
]


@pytest.mark.parametrize(("content", "words"), MISTAKES)
def test_mistakes_are_named_by_place(content: bytes, words: str) -> None:
    with pytest.raises(Refused) as caught:
        checked(content)
    assert caught.value.status == 400
    assert words in caught.value.message


def test_a_batch_is_of_one_kind() -> None:
    with pytest.raises(Refused, match="must be of the kind embed, these are chat"):
        checked(body({"request": ASK}), operation=Operation.EMBED)
    assert checked(body({"request": EMBED}), operation=Operation.EMBED).format is Format.GEMINI_EMBED


def test_an_entry_without_a_note_has_none() -> None:
    assert Entry(UNSET, UNSET).note is UNSET
