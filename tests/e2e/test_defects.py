"""The defects of the original's batches (spec batch.md section 11, numbered there), each with a test that shows ours.

A gateway in front of a scripted provider; native batches are made once and looked at by many tests. docs/batches.md has
the same table for users.
"""

import asyncio
import http.client
import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic
from openai import OpenAI

from asbru.batch import BatchService, CreateCommand
from asbru.model.failure import Refused
from asbru.model.names import Format
from asbru.model.people import Principal
from asbru.store import Store
from conftest import config_for
from mock_thread import RunningMock
from running import Process, gateway, scripted_provider

ROOT = Path(__file__).parents[2]
PATH = "/anthropic/v1/messages/batches"
NUMBERS = set(range(1, 50))
NATIVE = "tests/batch_native/test_native_bedrock.py"
JOBS = "tests/sdk/boto3_batches_scenarios.py"
ELSEWHERE = {
    27: (JOBS, "own_bucket"),
    28: (JOBS, "jobs"),
    29: (NATIVE, "test_a_batch_runs_on_bedrocks_batch_api"),
    30: (NATIVE, "test_a_batch_runs_on_bedrocks_batch_api"),
    31: (NATIVE, "test_a_job_that_is_sent_again_is_the_same_job"),
}
"""Bedrock's, where there are buckets: manifests, outputs of jobs, records, ``batch_s3_config``, names of jobs."""
FRAMEWORKS = ("/litellm", "/langchain", "/pydanticai")
WORDS = {"in_progress", "canceling", "ended"}


class Native:
    """A batch on a provider's own batch API, at its end. ``seen``: every processing_status on the way."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.seen: set[str] = set()
        self.batch: Any = None
        self.results: dict[str, Any] = {}


class Stage:
    """``native``: batches by name. ``sent``: what the provider got for each, by path."""

    def __init__(self, running: Process, mock: RunningMock) -> None:
        self.port = running.port
        self.url = running.url
        self.pid = running.pid
        self.log = running.log
        self.mock = mock
        self.native: dict[str, Native] = {}
        self.sent: dict[str, Any] = {}
        self.sdk = Anthropic(base_url=f"{running.url}/anthropic", api_key="unused")

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """A raw request. Header names are written with underscores."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, data, {"content-type": "application/json", **named})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of an answer that must be 200."""
        status, _, text = self.ask(method, path, body, **headers)
        assert status == 200, text
        return json.loads(text)

    def create(self, *items: dict[str, Any], **headers: str) -> str:
        """The id of a batch of these params."""
        requests = [{"custom_id": f"c{n}", "params": each} for n, each in enumerate(items)]
        return str(self.call("POST", PATH, {"requests": requests}, **headers)["id"])

    def ended(self, id: str, seen: set[str] | None = None) -> Any:
        """The batch once it has ended."""
        deadline = time.monotonic() + 60
        while (batch := self.call("GET", f"{PATH}/{id}"))["processing_status"] != "ended":
            assert time.monotonic() < deadline, batch
            (seen if seen is not None else set()).add(batch["processing_status"])
            time.sleep(0.05)
        return batch

    def results(self, id: str) -> dict[str, Any]:
        """Results by custom_id."""
        status, _, text = self.ask("GET", f"{PATH}/{id}/results")
        assert status == 200, text
        return {row["custom_id"]: row["result"] for row in map(json.loads, text.splitlines())}

    def run(self, *items: dict[str, Any], **headers: str) -> dict[str, Any]:
        """Results of a batch of these params."""
        id_ = self.create(*items, **headers)
        self.ended(id_)
        return self.results(id_)

    def last(self, path: str) -> Any:
        """What the provider got last at a path: headers and body."""
        return self.mock.stats()["last"][path]

    def books(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the gateway's database."""
        database = self.log.parent / "app" / "asbru.db"
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
            return db.execute(statement, values).fetchall()


def params(model: str, text: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 60, "messages": [{"role": "user", "content": text}], **more}


GOOGLE = "/v1beta/models/{model}:batchGenerateContent"
LOOKED_AT = ("/v1/files", "/v1/batches", "/v1/messages/batches", "/upload/v1beta/files", GOOGLE)
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
GOOGLES = {
    "model": "gemini-2.5-flash",
    "max_tokens": 60,
    "system": "Be brief.",
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look [[mock:tools=2]]"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
            ],
        }
    ],
    "tools": [{"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "any"},
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("defects")
    provider = scripted_provider(folder / "mock", "--record")
    provider.start()
    mock = RunningMock(provider.port)
    running = gateway(folder / "gateway", _config(provider.url))
    running.start()
    try:
        made = Stage(running, mock)
        _run_natives(made)
        yield made
    finally:
        running.stop()
        provider.stop()


def _config(mock_url: str) -> dict[str, Any]:
    config = config_for(mock_url)
    providers = config["providers"]
    providers["openai"]["keys"] = [
        {"name": f"o{n}", "value": f"sk-mock-openai-{n}", "weight": 1, "blacklisted_models": ["gpt-5"]}
        for n in range(3)
    ]
    network = {**providers["anthropic"]["network_config"], "default_request_timeout_in_seconds": 3}
    providers["anthropic"]["network_config"] = network
    providers["narrow"] = {
        **providers["acme"],
        "keys": [{"name": "n1", "value": "sk-mock-narrow", "weight": 1, "models": ["allowed"]}],
    }
    providers["free"] = {
        "network_config": {"base_url": mock_url, "extra_headers": {"authorization": "Bearer none-of-ours"}},
        "custom_provider_config": {"base_provider_type": "openai", "is_key_less": True},
    }
    return config


def _run_natives(stage: Stage) -> None:
    """All native batches at once, as a provider's batch takes its time."""
    pieces = {"match": {"path": "/v1/messages/batches/*/results"}, "reply": {"pace": 0.25}}
    empty = {"match": {"method": "GET", "path": "/v1beta/batches/*"}, "reply": {"garbage": True}, "times": 1}
    stage.mock.script(batches={"in_progress": 0.5, "finalizing": 0.5}, rules=[pieces, empty])
    refused = "[[mock:status=400;error=refused upstream]]"
    plain = [
        params("gpt-4o", "native 0", system="Be brief.", stop_sequences=["END"], url="/v1/responses"),
        params("openai/gpt-4o", "native 1"),
        params("gpt-4o", refused),
        params("gpt-4o", "native 3"),
    ]
    for name, items, headers in (
        ("gemini", [GOOGLES, params("gemini-2.5-flash", refused)], {"x_model_provider": "gemini"}),
        ("openai", plain, {"x_model_provider": "openai"}),
        ("narrow", [params("gpt-5", "no"), params("gpt-4o", "yes")], {"x_model_provider": "openai"}),
        (
            "expiring",
            [params("gpt-4o", f"expiring {n}") for n in range(3)],
            {"x_model_provider": "openai", "x_bf_eh_x_mock": "expireafter=1"},
        ),
        ("canceled", [params("gpt-4o", f"canceled {n}") for n in range(3)], {"x_model_provider": "openai"}),
        (
            "anthropic",
            [params("anthropic/claude-haiku-4-5", f"[[mock:big=6000]] {n}", max_tokens=9_999) for n in range(60)],
            {"anthropic_beta": "output-300k-2026-03-24,message-batches-2024-09-24"},
        ),
    ):
        path = {"anthropic": "/v1/messages/batches", "gemini": GOOGLE}.get(name, "/v1/batches")
        before = stage.mock.stats()["last"].get(path)
        stage.native[name] = Native(stage.create(*items, x_bf_batch_mode="native", **headers))
        _wait(lambda path=path, before=before: stage.mock.stats()["last"].get(path) != before)  # type: ignore[misc]
        last = stage.mock.stats()["last"]
        stage.sent[name] = {each: last.get(each) for each in LOOKED_AT}
        time.sleep(0.2)
    stage.call("POST", f"{PATH}/{stage.native['canceled'].id}/cancel")
    for native in stage.native.values():
        native.batch = stage.ended(native.id, native.seen)
        native.results = stage.results(native.id)


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.02)


Scene = Callable[[Stage, Path], None]
CASES: list[Any] = []


def defect(number: int, title: str) -> Callable[[Scene], Scene]:
    def keep(scene: Scene) -> Scene:
        CASES.append(pytest.param(number, scene, id=f"{number}: {title}"))
        return scene

    return keep


# Anthropic's format.


@defect(1, "results are a JSON object where JSONL is promised")
def results_are_lines(stage: Stage, folder: Path) -> None:
    id_ = stage.create(params("acme/m", "one"), params("acme/m", "two"))
    stage.ended(id_)
    _, headers, text = stage.ask("GET", f"{PATH}/{id_}/results")
    assert headers["content-type"] == "application/x-ndjson"
    assert text.count(b"\n") == 2
    assert text.endswith(b"\n")
    assert {json.loads(line)["custom_id"] for line in text.splitlines()} == {"c0", "c1"}


@defect(2, "results_url leads past the gateway")
def results_url_leads_back(stage: Stage, folder: Path) -> None:
    assert stage.native["anthropic"].batch["results_url"].startswith(f"{stage.url}{PATH}/msgbatch_")
    rows = list(stage.sdk.messages.batches.results(stage.native["anthropic"].id))
    assert len(rows) == 60


@defect(3, "errored results lose their type and message")
def errors_keep_their_words(stage: Stage, folder: Path) -> None:
    live = stage.run(params("acme/m", "[[mock:status=400;error=not this]]"))["c0"]
    for result, words in ((live, "not this"), (stage.native["openai"].results["c2"], "refused upstream")):
        assert result["type"] == "errored"
        assert result["error"]["type"] == "error"
        assert result["error"]["error"] == {"type": "invalid_request_error", "message": words}


@defect(4, "params are not converted for other providers")
def params_are_converted(stage: Stage, folder: Path) -> None:
    tool = {"name": "weather", "description": "d", "input_schema": {"type": "object", "properties": {}}}
    stage.run(params("acme/m", "hello", system="Be brief.", tools=[tool], stop_sequences=["END"]))
    live = json.loads(stage.last("/v1/chat/completions")["body"])
    native = _lines(stage.sent["openai"]["/v1/files"]["body"])[0]["body"]
    for body in (live, native):
        assert [message["role"] for message in body["messages"]] == ["system", "user"]
        assert body["stop"] == ["END"]
        assert not {"system", "stop_sequences"} & set(body)
    assert live["tools"][0]["function"]["name"] == "weather"


def _lines(form: str) -> list[Any]:
    """The JSONL lines of an uploaded form."""
    return [json.loads(line) for line in form.splitlines() if line.startswith("{")]


@defect(5, "the provider's prefix stays in the model's name")
def prefixes_are_taken_off(stage: Stage, folder: Path) -> None:
    stage.run(params("acme/vendor/m", "hello"))
    assert json.loads(stage.last("/v1/chat/completions")["body"])["model"] == "vendor/m"
    assert {line["body"]["model"] for line in _lines(stage.sent["openai"]["/v1/files"]["body"])} == {"gpt-4o"}
    assert json.loads(stage.mock.stats()["last"]["/v1/messages/batches"]["body"])["requests"][0]["params"]["model"] == (
        "claude-haiku-4-5"
    )


@defect(6, "OpenAI's lines have no method, url and body")
def lines_are_openais(stage: Stage, folder: Path) -> None:
    lines = _lines(stage.sent["openai"]["/v1/files"]["body"])
    assert len(lines) == 4
    for line in lines:
        assert set(line) == {"custom_id", "method", "url", "body"}
        assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")
    assert stage.native["openai"].results["c0"]["message"]["content"][0]["text"] == "echo: native 0"


@defect(7, "the endpoint comes out of params.url, and without it an orphaned upload stays")
def no_orphaned_upload(stage: Stage, folder: Path) -> None:
    created = json.loads(stage.sent["openai"]["/v1/batches"]["body"])
    assert created["endpoint"] == "/v1/chat/completions", "whatever params.url says"
    for key in range(3):
        _, _, listed = stage.mock.ask("GET", "/v1/files", authorization=f"Bearer sk-mock-openai-{key}")
        assert json.loads(listed)["data"] == [], "nothing of ours is left there"


@defect(8, "prompts do not reach Gemini, nor whoever has no batch API of that kind")
def every_prompt_arrives(stage: Stage, folder: Path) -> None:
    parts = [{"type": "text", "text": "look"}, {"type": "image", "source": {"type": "url", "url": "https://x.test/a"}}]
    turns = [
        {"role": "user", "content": parts},
        {"role": "assistant", "content": "seen"},
        {"role": "user", "content": "and now?"},
    ]
    result = stage.run({"model": "acme/gemini-2.5-flash", "max_tokens": 9, "messages": turns})["c0"]
    sent = json.loads(stage.last("/v1/chat/completions")["body"])["messages"]
    assert [part["type"] for part in sent[0]["content"]] == ["text", "image_url"]
    assert [message["content"] for message in sent[1:]] == ["seen", "and now?"]
    assert result["message"]["content"][0]["text"] == "echo: and now?"


@defect(9, "Bedrock cannot be reached: it wants a bucket and a role that nobody can say")
def nothing_but_the_contract_is_needed(stage: Stage, folder: Path) -> None:
    """A provider without a batch API of its own takes a batch with nothing but what Anthropic's SDK sends."""
    one = {"custom_id": "a", "params": params("anthropic.claude-v2", "hello")}
    made = stage.sdk.messages.batches.create(
        requests=[one],  # type: ignore[list-item]
        extra_headers={"x-model-provider": "claudish"},
    )
    stage.ended(made.id)
    assert stage.results(made.id)["a"]["message"]["content"][0]["text"] == "echo: hello"


@defect(10, "other providers take one model per batch")
def models_and_providers_mix(stage: Stage, folder: Path) -> None:
    asked = ["acme/m-1", "acme/m-2", "claudish/m-3", "m-4"]
    found = stage.run(*(params(model, "hello") for model in asked), x_model_provider="acme")
    models = [found[f"c{n}"]["message"]["model"] for n in range(4)]
    assert models == ["m-1", "m-2", "m-3", "m-4"]
    assert {"m-1", "m-2", "m-3", "m-4"} <= set(stage.mock.stats()["models"])


@defect(11, "custom_id, the number of requests and stream are not checked")
def what_is_checked(stage: Stage, folder: Path) -> None:
    """All rows of section 14 are in test_http_mistakes.py."""
    good = params("acme/m", "x")
    many = [{"custom_id": f"c{n}", "params": good} for n in range(100_001)]
    for requests, place in (
        ([{"custom_id": "a", "params": good}] * 2, "requests.1.custom_id"),
        ([{"custom_id": "a b", "params": good}], "requests.0.custom_id"),
        ([{"custom_id": "a", "params": {**good, "stream": True}}], "requests.0.params.stream"),
        ([], "requests"),
        (many, "requests: at most 100000"),
    ):
        status, _, text = stage.ask("POST", PATH, {"requests": requests})
        assert status in (400, 413)
        assert place in json.loads(text)["error"]["message"]


@defect(12, "client errors are 500, and so retried by the SDKs")
def mistakes_are_told_once(stage: Stage, folder: Path) -> None:
    sent: list[object] = []
    counting = anthropic.DefaultHttpxClient(event_hooks={"request": [sent.append]})
    sdk = Anthropic(base_url=f"{stage.url}/anthropic", api_key="x", max_retries=2, http_client=counting)
    batches = sdk.messages.batches
    one = {"custom_id": "a", "params": params("acme/m", "x")}
    for kind, call in (
        (anthropic.BadRequestError, lambda: batches.create(requests=[])),
        (
            anthropic.BadRequestError,
            lambda: batches.create(requests=[one], extra_headers={"x-model-provider": "nobody"}),  # type: ignore[list-item]
        ),
        (anthropic.NotFoundError, lambda: batches.retrieve("msgbatch_no")),
        (anthropic.NotFoundError, lambda: batches.cancel("msgbatch_no")),
        (anthropic.BadRequestError, lambda: batches.list(limit=0)),
    ):
        sent.clear()
        with pytest.raises(kind):
            call()
        assert len(sent) == 1


@defect(13, "reasons are hidden behind a fixed text")
def reasons_are_told(stage: Stage, folder: Path) -> None:
    _, _, text = stage.ask("POST", PATH, {"requests": [{"custom_id": "a", "params": 5}]})
    assert "requests.0.params" in json.loads(text)["error"]["message"]
    result = stage.run({"model": "acme/m", "max_tokens": 9, "messages": [{"role": "user", "content": 5}]})["c0"]
    assert "messages.0.content" in result["error"]["error"]["message"]


@defect(14, "list ignores limit, after_id and before_id, and its own page_size")
def lists_are_paged(stage: Stage, folder: Path) -> None:
    made = [stage.create(params("acme/m", "x")) for _ in range(5)]
    newest = made[::-1]
    for query, ids in (
        ("limit=2", newest[:2]),
        ("page_size=3", newest[:3]),
        (f"limit=2&after_id={newest[1]}", newest[2:4]),
        (f"page_size=2&page_token={newest[1]}", newest[2:4]),
        (f"limit=2&before_id={newest[4]}", newest[2:4]),
    ):
        assert [each["id"] for each in stage.call("GET", f"{PATH}?{query}")["data"]] == ids, query


@defect(15, "first_id and last_id are never set, so that SDKs stop after one page")
def pages_are_linked(stage: Stage, folder: Path) -> None:
    made = [stage.create(params("acme/m", "x")) for _ in range(5)]
    page = stage.call("GET", f"{PATH}?limit=2")
    assert (page["first_id"], page["last_id"], page["has_more"]) == (made[4], made[3], True)
    assert [each.id for _, each in zip(range(5), stage.sdk.messages.batches.list(limit=2), strict=False)] == made[::-1]


@defect(16, "statuses of other providers leak")
def only_three_statuses(stage: Stage, folder: Path) -> None:
    seen = set().union(*(native.seen for native in stage.native.values()))
    assert seen <= WORDS
    assert {native.batch["processing_status"] for native in stage.native.values()} == {"ended"}
    assert stage.mock.stats()["requests"]["GET /v1/batches/{id}"] >= 4, "finalizing, expired and cancelled among them"


@defect(17, "succeeded and processing are 0 for OpenAI")
def counts_are_whole(stage: Stage, folder: Path) -> None:
    wanted = {"openai": (3, 1, 0, 0), "narrow": (1, 1, 0, 0), "expiring": (1, 0, 0, 2), "anthropic": (60, 0, 0, 0)}
    for name, (succeeded, errored, canceled, expired) in wanted.items():
        assert stage.native[name].batch["request_counts"] == {
            "processing": 0, "succeeded": succeeded, "errored": errored, "canceled": canceled, "expired": expired,
        }  # fmt: skip
    id_ = stage.create(params("acme/m", "[[mock:delay=0.5]]"))
    assert stage.call("GET", f"{PATH}/{id_}")["request_counts"]["processing"] == 1


@defect(18, "nulls are left out, and dates are empty strings")
def every_member_is_there(stage: Stage, folder: Path) -> None:
    id_ = stage.create(params("acme/m", "[[mock:delay=0.5]]"))
    batch = stage.call("GET", f"{PATH}/{id_}")
    assert set(batch) == {
        "id", "type", "processing_status", "request_counts", "ended_at", "created_at", "expires_at", "archived_at",
        "cancel_initiated_at", "results_url",
    }  # fmt: skip
    nulls = ("ended_at", "archived_at", "cancel_initiated_at", "results_url")
    assert [batch[name] for name in nulls] == [None] * 4
    created, expires = (datetime.fromisoformat(batch[name]) for name in ("created_at", "expires_at"))
    assert (expires - created).total_seconds() == 86_400
    assert datetime.fromisoformat(stage.ended(id_)["ended_at"]) >= created


@defect(19, "the answer to a cancel is incomplete")
def cancels_answer_whole(stage: Stage, folder: Path) -> None:
    id_ = stage.create(*(params("acme/m", f"{n} [[mock:delay=0.5]]") for n in range(3)))
    before = stage.call("GET", f"{PATH}/{id_}")
    answer = stage.call("POST", f"{PATH}/{id_}/cancel")
    assert set(answer) == set(before)
    assert answer["cancel_initiated_at"] is not None
    assert all(answer[name] == before[name] for name in ("id", "created_at", "expires_at"))
    assert sum(answer["request_counts"].values()) == 3


@defect(20, "there is no DELETE")
def deletes(stage: Stage, folder: Path) -> None:
    id_ = stage.create(params("acme/m", "[[mock:delay=0.3]]"))
    assert stage.ask("DELETE", f"{PATH}/{id_}")[0] == 400, "it has not ended"
    stage.ended(id_)
    assert stage.call("DELETE", f"{PATH}/{id_}") == {"id": id_, "type": "message_batch_deleted"}
    assert stage.ask("GET", f"{PATH}/{id_}")[0] == 404


@defect(21, "anthropic-beta is not forwarded")
def betas_are_forwarded(stage: Stage, folder: Path) -> None:
    native = stage.sent["anthropic"]["/v1/messages/batches"]["headers"]
    assert native["anthropic-beta"] == "output-300k-2026-03-24,message-batches-2024-09-24"
    stage.run(params("claudish/m", "x"), anthropic_beta="context-1m-2025-08-07")
    assert stage.last("/v1/messages")["headers"]["anthropic-beta"] == "context-1m-2025-08-07"


@defect(22, "answers have no request-id")
def every_answer_has_an_id(stage: Stage, folder: Path) -> None:
    id_ = stage.native["openai"].id
    for method, path, body in (
        ("POST", PATH, {"requests": [{"custom_id": "a", "params": params("acme/m", "x")}]}),
        ("POST", PATH, b"{"),
        ("GET", PATH, None),
        ("GET", f"{PATH}/{id_}", None),
        ("GET", f"{PATH}/{id_}/results", None),
        ("POST", f"{PATH}/{id_}/cancel", None),
        ("DELETE", f"{PATH}/msgbatch_no", None),
    ):
        status, headers, text = stage.ask(method, path, body)
        assert headers["request-id"].startswith("req_"), (method, path)
        assert status == 200 or json.loads(text)["request_id"] == headers["request-id"]
    assert stage.sdk.messages.batches.retrieve(id_)._request_id is not None


# Routing.


@defect(23, "the provider must be named again on every call")
def the_provider_is_named_once(stage: Stage, folder: Path) -> None:
    id_ = stage.create(params("m", "x"), x_model_provider="acme")
    stage.ended(id_)
    assert stage.results(id_)["c0"]["type"] == "succeeded"
    assert id_ in [each["id"] for each in stage.call("GET", PATH)["data"]]
    assert stage.call("DELETE", f"{PATH}/{id_}")["id"] == id_


@defect(24, "N keys make N calls, and the last error wins")
def one_key_per_batch(stage: Stage, folder: Path) -> None:
    stats = stage.mock.stats()
    key = stage.sent["openai"]["/v1/batches"]["headers"]["authorization"].removeprefix("Bearer ")
    assert stats["keys"][key] >= 4, "four requests, one job, one key"
    assert len(_lines(stage.sent["openai"]["/v1/files"]["body"])) == 4
    asked = stats["requests"]["GET /v1/batches/{id}"]
    for _ in range(5):
        stage.call("GET", f"{PATH}/{stage.native['openai'].id}")
    assert stage.ask("GET", f"{PATH}/msgbatch_unknown")[0] == 404
    after = stage.mock.stats()
    assert after["requests"]["GET /v1/batches/{id}"] == asked, "a look is answered from our own books"


@defect(25, "a retry makes a second batch")
def a_retry_finds_the_first(stage: Stage, folder: Path) -> None:
    """Upstream: test_submission_crashes.py loses every answer of a provider once, and counts what was made there."""
    body = {"requests": [{"custom_id": "a", "params": params("acme/m", "once")}]}
    first = stage.call("POST", PATH, body, idempotency_key="defect-25")
    again = stage.call("POST", PATH, body, idempotency_key="defect-25", x_stainless_retry_count="1")
    assert first["id"] == again["id"]
    stage.ended(first["id"])
    assert stage.mock.stats("?prompt=once")["prompts"]["this"] == 1


@defect(26, "a provider without keys makes it panic")
def keyless_providers_work(stage: Stage, folder: Path) -> None:
    id_ = stage.create(params("free/m", "hello"))
    assert stage.ended(id_)["request_counts"]["succeeded"] == 1
    assert stage.ask("POST", f"{PATH}/{id_}/cancel")[0] == 400
    assert stage.results(id_)["c0"]["message"]["content"][0]["text"] == "echo: hello"


# OpenAI's batches.


@defect(37, "OpenAI's error file is ignored")
def the_error_file_is_read(stage: Stage, folder: Path) -> None:
    results = stage.native["openai"].results
    assert sorted(results) == ["c0", "c1", "c2", "c3"]
    assert [results[f"c{n}"]["type"] for n in range(4)] == ["succeeded", "succeeded", "errored", "succeeded"]
    expiring = stage.native["expiring"].results
    assert [expiring[f"c{n}"]["type"] for n in range(3)] == ["succeeded", "expired", "expired"]


@defect(38, "/v1/batches wants a model")
def no_model_is_wanted(stage: Stage, folder: Path) -> None:
    """What OpenAI's SDK sends has none: each line names its own."""
    for prefix, models in (("/v1", ("acme/m", "claudish/m-3")), ("/openai/v1", ("gpt-4o", "acme/m"))):
        sdk = OpenAI(base_url=stage.url + prefix, api_key="unused")
        file = sdk.files.create(file=("in.jsonl", asks(*models)), purpose="batch")
        made = sdk.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        rows = outputs(sdk, made.id)
        assert {rows[f"c{n}"]["model"] for n in range(2)} == {model.rpartition("/")[2] for model in models}


def asks(*models: str) -> bytes:
    """Lines of OpenAI's, one for each model."""
    turns = [{"role": "user", "content": "in a file"}]
    lines = [
        {"custom_id": f"c{n}", "method": "POST", "url": "/v1/chat/completions", "body": {"model": m, "messages": turns}}
        for n, m in enumerate(models)
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def outputs(sdk: OpenAI, id: str) -> dict[str, Any]:
    """Bodies of a batch's output file by custom_id, once it has ended."""
    deadline = time.monotonic() + 60
    while (batch := sdk.batches.retrieve(id)).status != "completed":
        assert time.monotonic() < deadline, batch
        time.sleep(0.05)
    assert batch.output_file_id is not None
    lines = map(json.loads, sdk.files.content(batch.output_file_id).text.splitlines())
    return {line["custom_id"]: line["response"]["body"] for line in lines}


@defect(39, "Anthropic's and Gemini's results cannot be had in OpenAI's format")
def results_in_openais_format(stage: Stage, folder: Path) -> None:
    for name, found, stop in (("anthropic", 60, "stop"), ("gemini", 1, "tool_calls")):
        public = stage.native[name].id.replace("msgbatch_", "batch_")
        for prefix in ("/v1", "/openai/v1"):
            rows = outputs(OpenAI(base_url=stage.url + prefix, api_key="unused"), public)
            assert len(rows) == found
            assert rows["c0"]["object"] == "chat.completion"
            assert rows["c0"]["choices"][0]["finish_reason"] == stop
    assert [call["function"]["name"] for call in rows["c0"]["choices"][0]["message"]["tool_calls"]] == ["look", "look"]


# Limits.


@defect(40, "bodies end at 100 MB")
def bodies_may_have_256_mb(stage: Stage, folder: Path) -> None:
    text = "x" * (1 << 20)
    items = [json.dumps({"custom_id": f"c{n}", "params": params("acme/m", text)}).encode() for n in range(130)]
    body = b'{"requests":[' + b",".join(items) + b"]}"
    assert len(body) > 130 << 20
    status, _, answer = stage.ask("POST", PATH, body)
    assert status == 200, answer
    id_ = json.loads(answer)["id"]
    stage.ask("POST", f"{PATH}/{id_}/cancel")
    assert sum(stage.ended(id_)["request_counts"].values()) == 130
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
    connection.putrequest("POST", PATH)
    connection.putheader("content-length", str(300_000_000))
    connection.endheaders()
    refused = connection.getresponse()
    assert refused.status == 413
    assert json.loads(refused.read())["error"]["type"] == "request_too_large"
    connection.close()


@defect(41, "result downloads end after 30 seconds, or whatever a request may take")
def downloads_take_their_time(stage: Stage, folder: Path) -> None:
    """The provider's results took longer than the three seconds that a request to it may take."""
    results = stage.native["anthropic"].results
    size = sum(len(json.dumps(result)) for result in results.values())
    assert size / (16 << 10) * 0.25 > 4
    assert len(results) == 60
    assert {result["type"] for result in results.values()} == {"succeeded"}
    assert stage.mock.stats()["requests"]["GET /v1/messages/batches/{id}/results"] == 1


@defect(42, "everything is held in memory")
def memory_is_bounded(stage: Stage, folder: Path) -> None:
    """Of results here; bench/ and test_native_memory.py measure creates and the provider's side."""
    id_ = stage.create(*(params("acme/m", f"[[mock:big=200000]] {n}", max_tokens=99_999) for n in range(320)))
    stage.ended(id_)
    worker = _worker(stage.pid)
    before = _forget_peak(worker)
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=60)
    connection.request("GET", f"{PATH}/{id_}/results")
    answer = connection.getresponse()
    size = 0
    while piece := answer.read(1 << 18):
        size += len(piece)
        time.sleep(0.001)
    connection.close()
    assert size > 60_000_000
    assert _status(worker, "VmHWM") - before < 16_000, "kB beyond what it had before"


def _worker(supervisor: int) -> int:
    """The process that serves."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return int(children[0])


def _forget_peak(pid: int) -> int:
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


# Gemini.


def googles(stage: Stage) -> Any:
    """The native batch as Google's clients see it."""
    return stage.call("GET", f"/genai/v1beta/{stage.native['gemini'].id.replace('msgbatch_', 'batches/')}")


@defect(32, "results are looked for in a member that never comes")
def google_results_are_found(stage: Stage, folder: Path) -> None:
    told = googles(stage)
    file = told["response"]["responsesFile"]
    assert told["metadata"]["output"]["responsesFile"] == file
    status, _, text = stage.ask("GET", f"/genai/v1beta/{file}:download?alt=media")
    assert status == 200
    first, second = map(json.loads, text.splitlines())
    assert (first["key"], second["key"], second["error"]["code"]) == ("c0", "c1", 3)
    assert stage.native["gemini"].results["c0"]["type"] == "succeeded"


@defect(33, "only the text of results is kept")
def every_part_of_a_result(stage: Stage, folder: Path) -> None:
    message = stage.native["gemini"].results["c0"]["message"]
    calls = [part for part in message["content"] if part["type"] == "tool_use"]
    assert [call["name"] for call in calls] == ["look", "look"]
    assert message["stop_reason"] == "tool_use"
    assert message["usage"]["output_tokens"] > 0
    assert "refused upstream" in stage.native["gemini"].results["c1"]["error"]["error"]["message"]


@defect(34, "tools are dropped")
def every_part_of_a_request(stage: Stage, folder: Path) -> None:
    sent = json.loads(stage.sent["gemini"]["/upload/v1beta/files"]["body"].split("\r\n\r\n")[2].splitlines()[0])
    request = sent["request"]
    assert request["tools"][0]["functionDeclarations"][0]["name"] == "look"
    assert request["toolConfig"]["functionCallingConfig"]["mode"] == "ANY"
    assert request["contents"][0]["parts"][1]["inlineData"]["data"] == PIXEL
    assert request["systemInstruction"]["parts"][0]["text"] == "Be brief."


@defect(35, "one batch has three ids")
def one_name(stage: Stage, folder: Path) -> None:
    line = {"request": {"contents": [{"role": "user", "parts": [{"text": "named"}]}]}}
    body = {"batch": {"displayName": "mine", "inputConfig": {"requests": {"requests": [line]}}}}
    made = stage.call("POST", "/genai/v1beta/models/acme/m:batchGenerateContent", body)
    name = made["name"]
    assert name.startswith("batches/")
    listed = stage.call("GET", "/genai/v1beta/batches?pageSize=1")["operations"][0]
    assert listed["name"] == made["metadata"]["name"] == stage.call("GET", f"/genai/v1beta/{name}")["name"] == name
    assert made["metadata"]["displayName"] == "mine"


@defect(36, "an answer without what was expected makes it panic")
def an_empty_answer(stage: Stage, folder: Path) -> None:
    assert stage.mock.stats()["requests"]["GET /v1beta/batches/{id}"] > 1
    assert stage.native["gemini"].batch["request_counts"]["succeeded"] == 1


# Governance.


@defect(43, "batches cost nothing")
def every_item_has_its_price(stage: Stage, folder: Path) -> None:
    live = stage.create(params("openai/gpt-4o", "native 0"), x_bf_batch_mode="live")
    stage.ended(live)
    rows = {}
    for id_ in (live, stage.native["openai"].id):
        bare = id_.removeprefix("msgbatch_")
        (kept,) = stage.books("SELECT cost FROM batches WHERE id = ?", bare)[0]
        rows[id_] = stage.books("SELECT id, cost FROM ledger WHERE batch = ? ORDER BY id", bare)
        assert sum(cost for _, cost in rows[id_]) == kept > 0
    assert len(rows[stage.native["openai"].id]) == 3, "what failed is not charged"
    (_, full), (_, half) = rows[live][0], rows[stage.native["openai"].id][1]
    assert full == 2 * half, "the provider's batch price is half of the live one"
    view = stage.call("GET", f"/openai/v1/batches/{live.replace('msgbatch_', 'batch_')}")
    assert view["usage"]["output_tokens"] > 0


@defect(44, "batches have no owner")
def others_see_nothing(stage: Stage, folder: Path) -> None:
    """The edge has one owner until there are virtual keys; the service keeps owners apart already."""
    asyncio.run(_two_owners(folder))


async def _two_owners(folder: Path) -> None:
    ids = iter(("one", "two"))
    store = Store.open(folder, "w", time.time)
    service = BatchService(store, lambda: {"acme": frozenset()}, lambda: next(ids), lambda: None)
    for owner in ("alice", "bob"):
        body = json.dumps({"requests": [{"custom_id": "a", "params": params("m", "x")}]}).encode()
        command = CreateCommand(who=Principal(owner), format=Format.ANTHROPIC_MESSAGES, body=body, provider="acme")
        await service.create(command)
    assert [each.id for each in (await service.list("alice")).batches] == ["one"]
    results = service.results("alice", "two", Format.ANTHROPIC_MESSAGES, lambda result: b"")
    for deed in (service.get("alice", "two"), service.cancel("alice", "two"), service.delete("alice", "two"), results):
        with pytest.raises(Refused) as caught:
            await deed
        assert caught.value.status == 404
    with pytest.raises(Refused):
        await service.list("alice", after="two")
    await store.close()


@defect(45, "limits of models do not hold in batches")
def model_limits_hold(stage: Stage, folder: Path) -> None:
    live = stage.run(params("narrow/allowed", "yes"), params("narrow/other", "no"))
    for results, yes, no in ((live, "c0", "c1"), (stage.native["narrow"].results, "c1", "c0")):
        assert results[yes]["type"] == "succeeded"
        assert results[no]["type"] == "errored"
        assert "key" in results[no]["error"]["error"]["message"]
    assert not {"other", "gpt-5"} & set(stage.mock.stats()["models"])


# Files.


@defect(46, "the content of a file is answered with what is known of it")
def content_is_the_content(stage: Stage, folder: Path) -> None:
    text = asks("acme/m")
    kept = stage.sdk.beta.files.upload(file=("in.jsonl", text, "application/jsonl"))
    assert stage.sdk.beta.files.download(kept.id).read() == text
    sdk = OpenAI(base_url=f"{stage.url}/openai/v1", api_key="unused")
    assert sdk.files.content(sdk.files.create(file=("in.jsonl", text), purpose="batch").id).content == text


@defect(47, "what is known of a file has no route")
def files_are_told(stage: Stage, folder: Path) -> None:
    text = asks("acme/m")
    kept = stage.sdk.beta.files.upload(file=("in.jsonl", text, "application/jsonl"))
    told = stage.sdk.beta.files.retrieve_metadata(kept.id)
    assert (told.id, told.type, told.filename, told.mime_type, told.size_bytes, told.downloadable) == (
        kept.id, "file", "in.jsonl", "application/jsonl", len(text), True,
    )  # fmt: skip


@defect(48, "a file and its batch are sent with different keys")
def one_key_for_file_and_batch(stage: Stage, folder: Path) -> None:
    """Three keys, four batches; what had been left there is gone, with the same key (defect 7)."""
    for name in ("openai", "narrow", "expiring", "canceled"):
        sent = stage.sent[name]
        assert sent["/v1/files"]["headers"]["authorization"] == sent["/v1/batches"]["headers"]["authorization"]


# Frameworks.


@defect(49, "a batch below a framework's prefix is taken for a message")
def frameworks_have_batches(stage: Stage, folder: Path) -> None:
    for prefix in (each + dialect for each in FRAMEWORKS for dialect in ("", "/anthropic")):
        sdk = Anthropic(base_url=stage.url + prefix, api_key="unused")
        one: Any = {"custom_id": "a", "params": params("acme/m", "framed")}
        made = sdk.messages.batches.create(requests=[one])
        assert stage.ended(made.id)["request_counts"]["succeeded"] == 1
        told = sdk.messages.batches.retrieve(made.id)
        assert told.results_url == f"{stage.url}{prefix}/v1/messages/batches/{made.id}/results"
        assert [row.custom_id for row in sdk.messages.batches.results(made.id)] == ["a"]
        with pytest.raises(anthropic.BadRequestError, match="requests"):
            sdk.messages.batches.create(requests=[])
    for prefix in (each + dialect for each in FRAMEWORKS for dialect in ("", "/v1", "/openai", "/openai/v1")):
        sdk_of_openai = OpenAI(base_url=stage.url + prefix, api_key="unused")
        file = sdk_of_openai.files.create(file=("in.jsonl", asks("acme/m")), purpose="batch")
        batch = sdk_of_openai.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        assert outputs(sdk_of_openai, batch.id)["c0"]["model"] == "m"


def test_a_framework_has_files_of_every_dialect(stage: Stage) -> None:
    """Where they are at the same path the caller's headers tell which."""
    for framework in FRAMEWORKS:
        sdk = Anthropic(base_url=stage.url + framework, api_key="unused")
        kept = sdk.beta.files.upload(file=("a.txt", b"text", "text/plain"))
        assert sdk.beta.files.retrieve_metadata(kept.id).type == "file"
        assert sdk.beta.files.download(kept.id).read() == b"text"
        assert kept.id in {each.id for each in sdk.beta.files.list()}
        with pytest.raises(anthropic.NotFoundError):
            sdk.beta.files.retrieve_metadata("file_none")
        assert stage.call("GET", f"{framework}/v1/files")["object"] == "list"
        assert "files" in stage.call("GET", f"{framework}/v1/files", x_goog_api_key="unused")
        assert "operations" in stage.call("GET", f"{framework}/v1/batches", x_goog_api_key="unused")
        status, _, text = stage.ask("PUT", f"{framework}/v1/messages/batches")
        assert (status, json.loads(text)["type"]) == (405, "error")


@pytest.mark.parametrize(("number", "scene"), CASES)
def test_defect(number: int, scene: Scene, stage: Stage, tmp_path: Path) -> None:
    scene(stage, tmp_path)


def test_the_table_is_whole() -> None:
    for file, name in ELSEWHERE.values():
        assert f"\ndef {name}(" in (ROOT / file).read_text()
    found = [*ELSEWHERE, *(case.values[0] for case in CASES)]
    assert len(found) == len(set(found))
    assert set(found) == NUMBERS
    documented = re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "batches.md").read_text(), re.MULTILINE)
    assert [int(number) for number in documented] == sorted(NUMBERS)
