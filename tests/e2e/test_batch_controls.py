"""Money and control of batches over HTTP, in every dialect that makes them: what is asked for, and what is refused."""

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import pytest

from running import Process

ANTHROPIC, OPENAI, UNIFIED = "/anthropic/v1/messages/batches", "/openai/v1/batches", "/v1/batches"
DIALECTS = (ANTHROPIC, OPENAI, UNIFIED)
MODEL = "openai/gpt-4o"


def ask(
    gateway: Process, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    """Status and decoded body."""
    data = json.dumps(body).encode() if body is not None else None
    sent = {"content-type": "application/json", **(headers or {})}
    request = urllib.request.Request(gateway.url + path, data, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def talk(text: str, model: str = MODEL, **more: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": text}], **more}


def body_of(path: str, *asked: dict[str, Any]) -> dict[str, Any]:
    """A create with these requests."""
    member = "params" if path == ANTHROPIC else "body"
    requests = [{"custom_id": f"c{n}", member: each} for n, each in enumerate(asked)]
    if path == ANTHROPIC:
        return {"requests": requests}
    return {"endpoint": "/v1/chat/completions", "completion_window": "24h", "requests": requests}


@pytest.mark.parametrize("path", DIALECTS)
def test_a_dry_run_tells_what_it_costs_and_stores_nothing(running_gateway: Process, path: str) -> None:
    before = ask(running_gateway, "GET", f"{path}?limit=1")[1]["data"]
    asked = [talk("x" * 4_000), talk("short", max_tokens=1_000), talk("hello", "anthropic/claude-haiku-4-5")]
    status, told = ask(running_gateway, "POST", f"{path}?dry_run=true", body_of(path, *asked))
    assert status == 200, told
    assert (told["object"], told["items"], told["estimated"]) == ("batch.estimate", 3, True)
    gpt, claude = told["models"]
    assert (gpt["provider"], gpt["model"], gpt["items"], gpt["mode"]) == ("openai", "gpt-4o", 2, "native")
    assert (claude["provider"], claude["items"]) == ("anthropic", 1)
    assert gpt["tokens"]["output"] == 1_100
    assert 1_000 < gpt["tokens"]["input"] < 1_100
    live = gpt["tokens"]["input"] * 2_500 + 1_100 * 10_000
    assert gpt["price"]["live"]["nano_dollars"] == live
    assert gpt["cost"] == gpt["price"]["native"]
    assert gpt["price"]["native"]["nano_dollars"] == live // 2
    assert told["cost"]["nano_dollars"] == sum(part["cost"]["nano_dollars"] for part in told["models"])
    assert told["at_most"]["nano_dollars"] >= told["cost"]["nano_dollars"] > 0
    assert told["price"]["live"]["dollars"] == f"{told['price']['live']['nano_dollars'] / 1e9:.9f}".rstrip("0")
    assert ask(running_gateway, "GET", f"{path}?limit=1")[1]["data"] == before


def test_a_dry_run_is_checked_as_a_create_is(running_gateway: Process) -> None:
    for path, size in itertools.product(DIALECTS, (1, 1_500)):
        asked = [talk("y" * 3_000) for _ in range(size)]
        bad = talk("x")
        del bad["model"]
        status, told = ask(running_gateway, "POST", f"{path}?dry_run=1", body_of(path, *asked, bad))
        assert status == 400
        assert f"requests.{size}" in told["error"]["message"]


def test_a_large_dry_run_is_weighed_in_its_own_process(running_gateway: Process) -> None:
    asked = [talk("z" * 5_000) for _ in range(1_000)]
    status, told = ask(running_gateway, "POST", f"{UNIFIED}?dry_run=true", body_of(UNIFIED, *asked))
    assert (status, told["items"]) == (200, 1_000)
    dedupe = {"x-bf-batch-dedupe": "true"}
    status, told = ask(running_gateway, "POST", f"{UNIFIED}?dry_run=true", body_of(UNIFIED, *asked), dedupe)
    assert (told["items"], told["copies"], told["models"][0]["copies"]) == (1_000, 999, 999)


WRONG: tuple[tuple[str, str], ...] = (
    *(("x-bf-batch-max-cost", text) for text in ("0", "-1", "1e3", "1,5", "lots", "0.0000000001", "$5")),
    *(("x-bf-batch-dedupe", text) for text in ("maybe", "yes please")),
    *(("x-bf-batch-deadline", text) for text in ("2", "soon", "0h", "-1h", "1.5h", "48h", "2 h")),
    *(
        ("x-bf-batch-webhook", text)
        for text in ("ftp://a/b", "nonsense", "http://", "http://u:p@a.example/x", "http://a:b")
    ),
    ("x-bf-batch-mode", "fast"),
)


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize(("name", "text"), WRONG)
def test_wrong_headers_are_refused_by_name(running_gateway: Process, path: str, name: str, text: str) -> None:
    status, told = ask(running_gateway, "POST", path, body_of(path, talk("x")), {name: text})
    assert status == 400
    assert name in told["error"]["message"]


@pytest.mark.parametrize("path", DIALECTS)
def test_a_wrong_dry_run_is_refused_by_name(running_gateway: Process, path: str) -> None:
    status, told = ask(running_gateway, "POST", f"{path}?dry_run=perhaps", body_of(path, talk("x")))
    assert status == 400
    assert "dry_run" in told["error"]["message"]


def test_a_limit_needs_a_price(running_gateway: Process) -> None:
    asked = body_of(UNIFIED, talk("x"), talk("x", "acme/no-such-model-at-all"))
    status, told = ask(running_gateway, "POST", UNIFIED, asked, {"x-bf-batch-max-cost": "1"})
    assert status == 400
    assert "requests.1.body.model" in told["error"]["message"]
    assert "price" in told["error"]["message"]


GEMINI = "/genai/v1beta/models/gemini-2.5-flash:batchGenerateContent"


def gemini_body(*texts: str) -> dict[str, Any]:
    asked = [{"request": {"contents": [{"role": "user", "parts": [{"text": text}]}]}} for text in texts]
    return {"batch": {"display_name": "d", "input_config": {"requests": {"requests": asked}}}}


def test_google_s_dialect_has_the_same(running_gateway: Process) -> None:
    body = gemini_body("hello", "x" * 400, "hello")
    dedupe = {"x-bf-batch-dedupe": "true"}
    status, told = ask(running_gateway, "POST", f"{GEMINI}?dry_run=true", body, dedupe)
    assert (status, told["items"], told["copies"]) == (200, 3, 1)
    assert told["models"][0]["provider"] == "gemini"
    assert told["cost"]["nano_dollars"] > 0
    status, told = ask(running_gateway, "POST", GEMINI, body, {"x-bf-batch-max-cost": "much"})
    assert (status, told["error"]["code"]) == (400, 400)
    assert "x-bf-batch-max-cost" in told["error"]["message"]


def test_the_price_of_the_flex_tier_where_there_is_one(running_gateway: Process) -> None:
    body = body_of(UNIFIED, talk("hello", "openai/o3"))
    told = ask(running_gateway, "POST", f"{UNIFIED}?dry_run=true", body)[1]
    assert told["price"]["flex"] == told["price"]["native"]
    flex = ask(running_gateway, "POST", f"{UNIFIED}?dry_run=true", body, {"x-bf-batch-mode": "flex"})[1]
    assert flex["models"][0]["mode"] == "flex"
    assert flex["cost"] == flex["price"]["flex"]
    claude = body_of(UNIFIED, talk("hello", "anthropic/claude-haiku-4-5"))
    assert ask(running_gateway, "POST", f"{UNIFIED}?dry_run=true", claude)[1]["price"]["flex"] is None
