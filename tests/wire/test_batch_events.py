"""What is told of a batch beyond its vendors' members, and how its end is signed."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from msgspec import structs

from asbru.model.batches import Batch, Books, Counts, ItemResult, Outcome, Status
from asbru.model.names import Format
from asbru.wire.openai.batches import write_batch, write_result
from asbru.wire.openai.webhooks import signed, signing_key, write_event

BATCH = Batch(
    id="b1",
    owner="",
    format=Format.OPENAI_CHAT,
    status=Status.IN_PROGRESS,
    counts=Counts(processing=2, succeeded=1),
    created_at=10.0,
    expires_at=20.0,
    cost=1_500_000_000,
    books=Books(estimate=7, reserved=5, max_cost=2_000_000_000, deadline=15.5, copies=1),
)
RESULT = ItemResult(
    n=0, custom_id="c", outcome=Outcome.SUCCEEDED, format=Format.OPENAI_CHAT, status=200, body=b"{}", cost=3, took=1.25
)


def extras(batch: Batch) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(write_batch(batch, unified=True))["extra_fields"]
    return found


def test_the_books_of_a_batch() -> None:
    told = extras(BATCH)
    assert told["cost"] == {"nano_dollars": 1_500_000_000, "dollars": "1.5"}
    assert (told["estimate"]["dollars"], told["reserved"]["nano_dollars"]) == ("0.000000007", 5)
    assert (told["max_cost"]["dollars"], told["deadline"], told["status"]) == ("2", 15, "in_progress")
    assert told["counts"] == {
        "processing": 2, "succeeded": 1, "errored": 0, "canceled": 0, "expired": 0, "copies": 1
    }  # fmt: skip
    assert "extra_fields" not in json.loads(write_batch(BATCH))


def test_a_paused_batch_and_a_re_run() -> None:
    paused = structs.replace(BATCH, books=Books(paused_at=12.0, rerun_of="b0", webhook="https://x.example/"))
    told = extras(paused)
    assert (told["status"], told["paused_at"], told["rerun_of"]) == ("paused", 12, "batch_b0")
    assert (told["max_cost"], told["webhook"]) == (None, "https://x.example/")


def test_where_a_result_came_from() -> None:
    moved = structs.replace(RESULT, moved="late", copy_of="first", provider="openai", model="m")
    told = json.loads(write_result(moved, "b1", unified=True))["extra_fields"]
    assert (told["mode"], told["moved"], told["copy_of"], told["latency"]) == ("live", "late", "first", 1250)
    assert json.loads(write_result(structs.replace(RESULT, native=True), "b1", unified=True))["extra_fields"] == {
        "provider": "", "model": "", "mode": "native", "cost": {"nano_dollars": 3, "dollars": "0.000000003"},
        "latency": 1250, "moved": None, "copy_of": None,
    }  # fmt: skip
    assert "extra_fields" not in json.loads(write_result(RESULT, "b1"))


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        (Counts(succeeded=2), "batch.completed"),
        (Counts(succeeded=1, canceled=1), "batch.cancelled"),
        (Counts(expired=2), "batch.expired"),
    ],
)
def test_the_event_of_an_end(counts: Counts, kind: str) -> None:
    ended = structs.replace(BATCH, status=Status.ENDED, counts=counts, ended_at=19.0)
    event = json.loads(write_event(ended, "msg_b1", 19.9))
    assert (event["type"], event["id"], event["created_at"], event["object"]) == (kind, "msg_b1", 19, "event")
    assert event["data"]["id"] == "batch_b1"


def test_signatures_are_standard_webhooks() -> None:
    secret = base64.b64encode(b"0123456789abcdef").decode()
    assert signing_key(f"whsec_{secret}") == b"0123456789abcdef"
    assert signing_key("plain") == b"plain"
    told = signed(b"key", "msg_1", 1_700_000_000, b'{"a":1}')
    mac = hmac.new(b"key", b'msg_1.1700000000.{"a":1}', hashlib.sha256).digest()
    assert told == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
    with pytest.raises(ValueError, match=r"base64|padding|character"):
        signing_key("whsec_?")
