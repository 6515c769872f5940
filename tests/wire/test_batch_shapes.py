"""Batches, files and lists of models as each dialect writes them."""

from typing import Any

import msgspec
import pytest

from asbru.model.batches import About, Batch, Counts, ItemResult, Outcome, Status
from asbru.model.failure import Broken
from asbru.model.files import File
from asbru.model.models import Model
from asbru.model.names import Format
from asbru.model.usage import Usage
from asbru.wire import models
from asbru.wire.anthropic import batches as anthropic
from asbru.wire.anthropic import files as anthropic_files
from asbru.wire.openai import batches as openai
from asbru.wire.openai import files as openai_files

AT = 1_800_000_000.0


def batch(status: Status = Status.ENDED, **more: Any) -> Batch:
    given: dict[str, Any] = {
        "id": "b1",
        "owner": "",
        "format": Format.ANTHROPIC_MESSAGES,
        "status": status,
        "counts": Counts(succeeded=2, errored=1),
        "created_at": AT,
        "expires_at": AT + 86_400,
        "ended_at": AT + 60 if status is Status.ENDED else None,
        "models": ("m",),
        "usage": Usage(input=10, output=5, cache_read=2, reasoning=1),
    }
    return Batch(**{**given, **more})


def told(body: bytes) -> Any:
    return msgspec.json.decode(body)


ENDS = [
    (batch(), "completed", "completed_at"),
    (batch(counts=Counts(succeeded=1, canceled=2), cancel_initiated_at=AT + 5), "cancelled", "cancelled_at"),
    (batch(counts=Counts(succeeded=1, expired=2)), "expired", "expired_at"),
    (batch(counts=Counts(succeeded=3), cancel_initiated_at=AT + 5), "completed", "completed_at"),
]


@pytest.mark.parametrize(("ended", "status", "time"), ENDS)
def test_how_a_batch_ended_in_openais_words(ended: Batch, status: str, time: str) -> None:
    shown = told(openai.write_batch(ended))
    assert (shown["status"], shown[time]) == (status, int(AT) + 60)
    others = {"completed_at", "cancelled_at", "expired_at"} - {time}
    assert [shown[name] for name in others] == [None, None]
    assert shown["usage"]["total_tokens"] == 15


@pytest.mark.parametrize(("status", "word"), [(Status.IN_PROGRESS, "in_progress"), (Status.CANCELING, "cancelling")])
def test_a_batch_under_way(status: Status, word: str) -> None:
    shown = told(openai.write_batch(batch(status)))
    assert (shown["status"], shown["output_file_id"], shown["usage"]) == (word, None, None)


def test_what_its_maker_said_of_it() -> None:
    about = About(metadata={"a": "b"}, input_file="file-1", endpoint="/v1/embeddings")
    shown = told(openai.write_batch(batch(format=Format.OPENAI_EMBEDDINGS, about=about, models=("a", "b"))))
    assert (shown["metadata"], shown["input_file_id"]) == ({"a": "b"}, "file-1")
    assert (shown["endpoint"], shown["model"]) == ("/v1/embeddings", None)
    assert told(openai.write_batch(batch(format=Format.OPENAI_EMBEDDINGS)))["endpoint"] == "/v1/embeddings"
    assert told(openai.write_batch(batch()))["endpoint"] == "/v1/chat/completions"


def test_result_files() -> None:
    done = batch()
    shown = told(openai.write_batch(done))
    assert openai.read_file_id(shown["output_file_id"]) == ("b1", False)
    assert openai.read_file_id(shown["error_file_id"]) == ("b1", True)
    assert openai.read_file_id("file-b1") is None
    assert openai.read_file_id("else") is None
    file = openai.result_file(done, errors=False)
    assert file is not None
    assert (file.id, file.name, file.purpose) == ("b1-output", "batch_b1_output.jsonl", "batch_output")
    errors = openai.result_file(done, errors=True)
    assert errors is not None
    assert errors.name == "batch_b1_error.jsonl"
    assert openai.result_file(batch(counts=Counts(succeeded=1)), errors=True) is None
    assert openai.result_file(batch(archived_at=AT), errors=False) is None


def test_what_results_are_read_in() -> None:
    assert openai.results_format(batch()) is Format.OPENAI_CHAT
    assert openai.results_format(batch(format=Format.OPENAI_EMBEDDINGS)) is Format.OPENAI_EMBEDDINGS


def test_a_page_of_batches() -> None:
    page = told(openai.write_page([batch(), batch(id="b2")], has_more=True))
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("batch_b1", "batch_b2", True)
    empty = told(openai.write_page([], has_more=False))
    assert (empty["data"], empty["first_id"], empty["last_id"]) == ([], None, None)
    page = told(anthropic.write_page([batch(), batch(id="b2")], True, lambda one: f"u/{one.id}"))
    assert (page["first_id"], page["last_id"]) == ("msgbatch_b1", "msgbatch_b2")
    assert [one["results_url"] for one in page["data"]] == ["u/b1", "u/b2"]


@pytest.mark.parametrize(("public", "bare"), [("batch_x", "x"), ("msgbatch_x", ""), ("x", "")])
def test_ids_of_openais(public: str, bare: str) -> None:
    assert openai.bare_id(public) == bare


def result(outcome: Outcome, body: bytes = b"", status: int = 0) -> ItemResult:
    return ItemResult(
        n=3, custom_id="c", outcome=outcome, format=Format.OPENAI_CHAT, body=body, status=status, request_id="req_1"
    )


LINES = [
    (
        result(Outcome.SUCCEEDED, b'{"a": 1.0}', 200),
        {"status_code": 200, "request_id": "req_1", "body": {"a": 1.0}},
        None,
    ),
    (
        result(Outcome.ERRORED, b'{"error":{}}', 400),
        {"status_code": 400, "request_id": "req_1", "body": {"error": {}}},
        None,
    ),
    (result(Outcome.EXPIRED), None, "batch_expired"),
    (result(Outcome.CANCELED), None, "batch_cancelled"),
]


@pytest.mark.parametrize(("item", "response", "code"), LINES)
def test_a_line_of_results(item: ItemResult, response: dict[str, Any] | None, code: str | None) -> None:
    line = openai.write_result(item, "b1")
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    shown = told(line)
    assert (shown["id"], shown["custom_id"], shown["response"]) == ("batch_req_b1_3", "c", response)
    assert (shown["error"] or {}).get("code") == code


FILE = File(
    id="f1", owner="", name="a.txt", size=7, created_at=AT + 0.25, purpose="batch", media_type="text/plain",
    expires_at=AT + 60,
)  # fmt: skip


def test_a_file_in_both_dialects() -> None:
    shown = told(openai_files.write_file(FILE))
    assert (shown["id"], shown["bytes"], shown["created_at"]) == ("file-f1", 7, int(AT))
    assert (shown["purpose"], shown["expires_at"], shown["status"]) == ("batch", int(AT) + 60, "processed")
    shown = told(anthropic_files.write_file(FILE))
    assert (shown["id"], shown["size_bytes"], shown["created_at"]) == ("file_f1", 7, "2027-01-15T08:00:00.250Z")
    assert shown["expires_at"] == "2027-01-15T08:01:00.000Z"
    bare = msgspec.structs.replace(FILE, purpose="", media_type="", expires_at=None)
    assert told(openai_files.write_file(bare))["purpose"] == "user_data"
    assert told(anthropic_files.write_file(bare))["mime_type"] == "application/octet-stream"


def test_pages_of_files() -> None:
    more = msgspec.structs.replace(FILE, id="f2")
    page = told(openai_files.write_files([FILE, more], has_more=True))
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("file-f1", "file-f2", True)
    page = told(anthropic_files.write_files([FILE, more], has_more=True))
    assert (page["last_id"], page["next_page"]) == ("file_f2", "page_file_f2")
    assert told(anthropic_files.write_files([], has_more=False))["next_page"] is None
    assert told(openai_files.write_files([], has_more=False))["first_id"] is None


def test_files_that_are_gone() -> None:
    assert told(openai_files.write_file_deleted("x")) == {"id": "file-x", "object": "file", "deleted": True}
    assert told(anthropic_files.write_file_deleted("x")) == {"id": "file_x", "type": "file_deleted"}


@pytest.mark.parametrize(("public", "bare"), [("file-x", "x"), ("file_x", "x"), ("x", "")])
def test_ids_of_files(public: str, bare: str) -> None:
    assert openai_files.bare_file_id(public) == bare


LISTS = [
    (b'{"data":[{"id":"a","created":7,"owned_by":"me"}]}', ("a", "a", 7, "me"), ""),
    (b'{"data":[{"id":"a","created_at":"1970-01-01T00:00:09Z","display_name":"A"}]}', ("a", "A", 9, "acme"), ""),
    (b'{"data":[{"id":"a","created_at":8}]}', ("a", "a", 8, "acme"), ""),
    (
        b'{"data":[{"id":"a","created_at":"soon"}],"has_more":true,"last_id":"a"}',
        ("a", "a", 0, "acme"),
        "limit=1000&after_id=a",
    ),
]


@pytest.mark.parametrize(("body", "expected", "after"), LISTS)
def test_lists_of_models_are_read(body: bytes, expected: tuple[str, str, int, str], after: str) -> None:
    page = models.read_models(body, "acme")
    (model,) = page.models
    assert (model.id, model.name, model.created, model.owned_by) == expected
    assert page.after == after


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data":7}', b'{"data":[7]}', b"<html>"])
def test_a_list_that_cannot_be_read(body: bytes) -> None:
    with pytest.raises(Broken, match="acme's list of models"):
        models.read_models(body, "acme")


def test_lists_of_models_are_written() -> None:
    shown = [("acme/a", Model(id="a", provider="acme", name="A", created=60, owned_by="me"))]
    assert told(models.write_openai(shown)) == {
        "object": "list",
        "data": [{"id": "acme/a", "object": "model", "created": 60, "owned_by": "me"}],
    }
    page = told(models.write_anthropic(shown, has_more=True))
    assert page["data"] == [
        {"type": "model", "id": "acme/a", "display_name": "A", "created_at": "1970-01-01T00:01:00Z"}
    ]
    assert (page["has_more"], page["first_id"], page["last_id"]) == (True, "acme/a", "acme/a")
    assert told(models.write_anthropic([], has_more=False))["first_id"] is None
