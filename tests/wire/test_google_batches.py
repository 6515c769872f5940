# One case per line, as in a table.
"""Batches and files as Google's clients see them, whatever dialect they were made in."""

from typing import Any

import msgspec
import pytest
from google.genai import types
from test_batch_shapes import AT, FILE, batch, result

from asbru.model.batches import About, Batch, Counts, Outcome, Status
from asbru.model.names import Format
from asbru.wire.gemini import batches, errors, files

BASE = "https://x/v1beta/"


def told(body: bytes) -> Any:
    return msgspec.json.decode(body)


STATES: list[tuple[Batch, str, bool]] = [
    (batch(Status.IN_PROGRESS), "RUNNING", False),
    (batch(Status.CANCELING, cancel_initiated_at=AT + 5), "RUNNING", False),
    (batch(), "SUCCEEDED", True),
    (batch(counts=Counts(succeeded=1, canceled=2)), "CANCELLED", True),
    (batch(counts=Counts(succeeded=1, expired=2)), "EXPIRED", True),
    (batch(archived_at=AT + 90), "SUCCEEDED", False),
]


@pytest.mark.parametrize(("made", "state", "readable"), STATES)
def test_where_a_batch_stands(made: Batch, state: str, readable: bool) -> None:
    shown = told(batches.write_batch(made))
    meta = shown["metadata"]
    assert (shown["name"], meta["state"], shown["done"]) == (
        "batches/b1",
        f"BATCH_STATE_{state}",
        made.status is Status.ENDED,
    )
    assert ("response" in shown, "output" in meta) == (readable, readable)
    assert meta["@type"].endswith("GenerateContentBatch")
    assert int(meta["batchStats"]["requestCount"]) == made.counts.total
    assert ("endTime" in meta, meta["model"]) == (made.ended_at is not None, "models/m")
    file = batches.result_file(made)
    assert (file is not None) == readable
    if file is not None:
        assert (file.id, file.name) == ("batch-b1", "batches/b1.jsonl")
        assert meta["output"]["responsesFile"] == "files/batch-b1"


def test_what_its_maker_called_it() -> None:
    made = batch(about=About(name="nightly"), models=("a", "b"), format=Format.OPENAI_EMBEDDINGS)
    meta = told(batches.write_batch(made))["metadata"]
    assert (meta["displayName"], "model" in meta) == ("nightly", False)
    assert meta["@type"].endswith("EmbedContentBatch")
    assert batches.result_file(made).name == "nightly.jsonl"  # type: ignore[union-attr]


def test_names_there_and_back() -> None:
    assert batches.bare_id(batches.public_name("b1")) == "b1"
    assert batches.read_result_id(batches.result_id("b1")) == "b1"
    assert batches.read_result_id("f1") is None


@pytest.mark.parametrize(
    ("format", "wanted"),
    [
        (Format.GEMINI_GENERATE, Format.GEMINI_GENERATE), (Format.GEMINI_EMBED, Format.GEMINI_EMBED),
        (Format.OPENAI_EMBEDDINGS, Format.GEMINI_EMBEDS), (Format.ANTHROPIC_MESSAGES, Format.GEMINI_GENERATE),
    ],
)  # fmt: skip
def test_what_results_are_read_in(format: Format, wanted: Format) -> None:
    assert batches.results_format(batch(format=format)) is wanted


def test_results_inlined() -> None:
    before, between, after = batches.write_around(batch())
    lines = b"".join(batches.write_inlined(result(Outcome.SUCCEEDED, b'{"a":1}')) for _ in range(2)).removeprefix(b",")
    shown = told(before + lines + between + lines + after)
    for place in (shown["response"], shown["metadata"]["output"]):
        assert place["inlinedResponses"]["inlinedResponses"] == [{"response": {"a": 1}}] * 2
    types.BatchJob.model_validate({"name": shown["name"]})


def test_a_page_of_batches() -> None:
    page = told(batches.write_page([batch(), batch(id="b2")], True))
    assert ([one["name"] for one in page["operations"]], page["nextPageToken"]) == (["batches/b1", "batches/b2"], "b2")
    assert told(batches.write_page([], False)) == {"operations": []}


FAILED = b'{"error":{"code":404,"message":"no","status":"NOT_FOUND"}}'
LINES: list[tuple[Outcome, bytes, str, Any]] = [
    (Outcome.SUCCEEDED, b'{"a": 1.0}', "response", {"a": 1.0}),
    (Outcome.ERRORED, FAILED, "error", {"code": 5, "message": "no"}),
    (
        Outcome.CANCELED,
        b"",
        "error",
        {"code": 1, "message": "The batch was cancelled before this request was processed."},
    ),
    (Outcome.EXPIRED, b"", "error", {"code": 4, "message": "The batch expired before this request was processed."}),
]


@pytest.mark.parametrize(("outcome", "body", "name", "value"), LINES)
def test_a_line_of_results(outcome: Outcome, body: bytes, name: str, value: Any) -> None:
    one = result(outcome, body)
    assert told(batches.write_line(one)) == {"key": "c", name: value}
    noted = msgspec.structs.replace(one, note='{"k": 1}')
    assert told(batches.write_line(noted)) == {"key": "c", "metadata": {"k": 1}, name: value}
    assert told(batches.write_inlined(noted)[1:]) == {"metadata": {"k": 1}, name: value}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" + FAILED + b"]", {"code": 5, "message": "no"}), (b"[]", {"code": 13, "message": "The request failed."}),
        (b"<html>", {"code": 13, "message": "The request failed."}),
        (b'{"error":{"code":429,"message":"slow","status":"NEW"}}', {"code": 8, "message": "slow"}),
    ],
)  # fmt: skip
def test_a_failure_as_a_status(body: bytes, status: Any) -> None:
    assert errors.rpc_status(body) == status


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        (5, 404, "NOT_FOUND"),
        (8, 429, "RESOURCE_EXHAUSTED"),
        (429, 429, "RESOURCE_EXHAUSTED"),
        (0, 500, "INTERNAL"),
        (99, 500, "INTERNAL"),
        (-1, 500, "INTERNAL"),
    ],
)
def test_a_status_as_a_failure(code: int, status: int, word: str) -> None:
    assert errors.read_rpc_status(code) == (status, word)


@pytest.mark.parametrize(
    ("name", "id"), [("files/f1", "f1"), ("files/file-f1", "f1"), ("file_f1", "f1"), ("files/batch-b1", "batch-b1")]
)
def test_ids_of_files(name: str, id: str) -> None:
    assert files.bare_file_id(name) == id


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("files/my-file", "my-file"), ("a", "a"), ("A", None), ("-a", None), ("a-", None), ("a" * 41, None), ("", None),
        ("batch-x", None), ("file-x", None), ("x-output", None), ("x-errors", None),
    ],
)  # fmt: skip
def test_ids_that_clients_choose(name: str, id: str | None) -> None:
    assert files.chosen_id(name) == id


def test_a_file() -> None:
    shown = told(files.write_file(FILE, BASE))
    assert (shown["name"], shown["uri"], shown["sizeBytes"]) == ("files/f1", f"{BASE}files/f1", "7")
    assert (shown["source"], shown["expirationTime"]) == ("UPLOADED", "2027-01-15T08:01:00.000000Z")
    assert told(files.write_uploaded(FILE, BASE)) == {"file": shown}
    made = msgspec.structs.replace(FILE, id="batch-b1", media_type="", expires_at=None)
    shown = told(files.write_file(made, BASE))
    assert (shown["source"], shown["mimeType"], "sizeBytes" in shown) == (
        "GENERATED",
        "application/octet-stream",
        False,
    )
    page = told(files.write_files([FILE, made], True, BASE))
    assert ([one["name"] for one in page["files"]], page["nextPageToken"]) == (
        ["files/f1", "files/batch-b1"],
        "batch-b1",
    )
    assert told(files.write_files([], False, BASE)) == {"files": []}
