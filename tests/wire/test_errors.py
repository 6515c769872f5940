"""Errors of providers understood, errors to clients in their dialect's words."""

from typing import Any

import msgspec
import pytest
from wire_kit import ANTHROPIC, OPENAI

from asbru.model.failure import Broken, Bug, Failure, Overloaded, Refused, Rejected, TimedOut, Upstream
from asbru.wire.anthropic.errors import write_failure as write_anthropic
from asbru.wire.openai.errors import write_failure as write_openai

READ: dict[str, tuple[int, bytes, type[Upstream], str, str, str]] = {
    "openai": (
        404,
        b'{"error":{"message":"No such model","type":"invalid_request_error","param":"model","code":"model_not_found"}}',
        Rejected,
        "No such model",
        "model_not_found",
        "model",
    ),
    "openai without code": (
        401,
        b'{"error":{"message":"Bad key","type":"authentication_error","param":null,"code":null}}',
        Rejected,
        "Bad key",
        "authentication_error",
        "",
    ),
    "openai quota": (
        429,
        b'{"error":{"message":"Pay.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}',
        Overloaded,
        "Pay.",
        "insufficient_quota",
        "",
    ),
    "anthropic": (
        400,
        b'{"type":"error","error":{"type":"invalid_request_error","message":"messages: empty"},"request_id":"req_1"}',
        Rejected,
        "messages: empty",
        "invalid_request_error",
        "",
    ),
    "anthropic overloaded": (
        529,
        b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        Overloaded,
        "Overloaded",
        "overloaded_error",
        "",
    ),
    "google list": (
        400,
        b'[{"error":{"code":400,"message":"Bad","status":"INVALID_ARGUMENT"}}]',
        Rejected,
        "Bad",
        "",
        "",
    ),
    "string": (400, b'{"error":"model is required"}', Rejected, "model is required", "", ""),
    "message": (400, b'{"message":"no","type":"bad"}', Rejected, "no", "bad", ""),
    "detail": (422, b'{"detail":[{"loc":["body"],"msg":"x"}]}', Rejected, "x", "", ""),
    "mistral": (
        422,
        b'{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are'
        b' not permitted","input":1}]},"type":"invalid_request_error","param":null,"code":null}',
        Rejected,
        "seed: Extra inputs are not permitted",
        "invalid_request_error",
        "seed",
    ),
    "flat": (
        400,
        b'{"object":"error","message":"no","type":"BadRequestError","param":"n","code":400}',
        Rejected,
        "no",
        "BadRequestError",
        "n",
    ),
    "problem": (
        400,
        b'{"type":"about:blank","title":"Bad Request","status":400,"detail":"too long"}',
        Rejected,
        "too long",
        "about:blank",
        "",
    ),
    "title": (404, b'{"title":"Not Found","status":404}', Rejected, "Not Found", "", ""),
    "detail object": (400, b'{"detail":{"error":"no such model"}}', Rejected, "no such model", "", ""),
    "detail text": (404, b'{"detail":"Not Found"}', Rejected, "Not Found", "", ""),
    "empty detail": (422, b'{"detail":[],"message":{"x":1}}', Rejected, '{"x":1}', "", ""),
    "odd detail": (422, b'{"detail":[{"msg":"x","loc":3},{"msg":"y"}]}', Rejected, "x; y", "", ""),
    "text": (502, b"upstream connect error", Broken, "upstream connect error", "", ""),
    "html": (503, b"<html>Service Unavailable</html>", Overloaded, "The provider answered 503.", "", ""),
    "nothing": (500, b"", Broken, "The provider answered 500.", "", ""),
    "not text": (500, b"\xff\xfe", Broken, "\ufffd\ufffd", "", ""),
    "null": (500, b"null", Broken, "The provider answered 500.", "", ""),
}


@pytest.mark.parametrize(("status", "body", "kind", "message", "code", "param"), READ.values(), ids=READ.keys())
def test_failures_are_read(status: int, body: bytes, kind: type[Upstream], message: str, code: str, param: str) -> None:
    for codec in (OPENAI, ANTHROPIC):
        failure = codec.read_failure(status, {}, body)
        assert type(failure) is kind
        assert (failure.status, failure.message, failure.code, failure.param) == (status, message, code, param)


def test_redirects_are_broken() -> None:
    failure = OPENAI.read_failure(302, {}, b"")
    assert (type(failure), failure.status) == (Broken, 502)


def test_messages_are_bounded() -> None:
    assert len(OPENAI.read_failure(500, {}, b"x" * 100_000).message) <= 2000
    assert len(OPENAI.read_failure(500, {}, b'{"error":"%s"}' % (b"x" * 100_000)).message) <= 2000


WAITS: list[tuple[dict[bytes, bytes], float | None]] = [
    ({}, None),
    ({b"retry-after": b"7"}, 7.0),
    ({b"retry-after": b"0.5"}, 0.5),
    ({b"retry-after": b"7", b"retry-after-ms": b"250"}, 0.25),
    ({b"retry-after": b"Wed, 21 Oct 2026 07:28:00 GMT"}, None),
    ({b"retry-after": b"-1"}, None),
    ({b"retry-after": b"nan"}, None),
    ({b"retry-after": b"1e99"}, None),
    ({b"retry-after": b""}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), WAITS)
def test_retry_after(headers: dict[bytes, bytes], seconds: float | None) -> None:
    for codec in (OPENAI, ANTHROPIC):
        assert codec.read_failure(429, headers, b"").retry_after == seconds


STATUSES = [
    (400, "invalid_request_error", "invalid_request_error"),
    (401, "authentication_error", "authentication_error"),
    (402, "billing_error", "insufficient_quota"),
    (403, "permission_error", "permission_error"),
    (404, "not_found_error", "not_found_error"),
    (405, "invalid_request_error", "invalid_request_error"),
    (408, "timeout_error", "timeout_error"),
    (409, "conflict_error", "conflict_error"),
    (413, "request_too_large", "invalid_request_error"),
    (422, "invalid_request_error", "invalid_request_error"),
    (429, "rate_limit_error", "rate_limit_error"),
    (500, "api_error", "server_error"),
    (502, "api_error", "server_error"),
    (503, "overloaded_error", "server_error"),
    (504, "timeout_error", "server_error"),
    (529, "overloaded_error", "server_error"),
]


@pytest.mark.parametrize(("status", "anthropic", "openai"), STATUSES)
def test_a_status_has_its_words(status: int, anthropic: str, openai: str) -> None:
    failure = Failure(status, "No.")
    told = msgspec.json.decode(write_anthropic(failure, "req_1"))
    assert told == {"type": "error", "error": {"type": anthropic, "message": "No."}, "request_id": "req_1"}
    told = msgspec.json.decode(write_openai(failure, "req_1"))
    assert told["error"] == {"message": "No.", "type": openai, "param": None, "code": None}
    assert (told["status_code"], told["type"]) == (status, openai)


def openai_says(failure: Failure) -> Any:
    return msgspec.json.decode(write_openai(failure, ""))


def test_openai_bodies_carry_bifrosts_members() -> None:
    ours = openai_says(Refused(400, "No.", code="invalid_request_error", param="messages.0.role"))
    assert ours["error"] == {
        "message": "No.",
        "type": "invalid_request_error",
        "param": "messages.0.role",
        "code": None,
    }
    assert ours["is_bifrost_error"] is True
    assert ours["extra_fields"] == {}
    theirs = openai_says(Rejected(404, "No such model", code="model_not_found", provider="openai"))
    assert theirs["error"]["code"] == "model_not_found"
    assert theirs["is_bifrost_error"] is False
    assert theirs["extra_fields"] == {"provider": "openai"}
    assert openai_says(Overloaded(429, "Pay.", code="insufficient_quota"))["error"]["type"] == "insufficient_quota"


def test_anthropics_own_words_are_kept() -> None:
    told = msgspec.json.decode(write_anthropic(Rejected(400, "x", code="not_found_error"), ""))
    assert told["error"]["type"] == "not_found_error"
    assert told["request_id"] is None
    told = msgspec.json.decode(write_anthropic(Rejected(404, "x", code="model_not_found"), ""))
    assert told["error"]["type"] == "not_found_error"


def test_details_are_never_told() -> None:
    for failure in (Bug(500, "Our fault.", detail="SECRET"), TimedOut(504, "Silence.", detail="SECRET")):
        assert b"SECRET" not in write_anthropic(failure, "r") + write_openai(failure, "r")
