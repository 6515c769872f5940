"""Faults by mark, header, rule and dice, seen from the other end of a socket."""

import http.client
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from asbru.mock import Mock, MockOptions, key_statuses, shares
from asbru.model.failure import Refused
from mock_thread import RunningMock, mock_in_thread


def chat(text: str, **members: Any) -> bytes:
    return json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **members}).encode()


def post(mock: RunningMock, body: bytes, path: str = "/v1/chat/completions", **headers: str) -> tuple[int, bytes]:
    named = {"authorization": "Bearer sk-abcdef", **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=10)
    connection.request("POST", path, body, named)
    answer = connection.getresponse()
    return answer.status, answer.read()


def raw(mock: RunningMock, body: bytes, timeout: float = 10.0) -> socket.socket:
    """A connection on which ``body`` was asked."""
    sock = socket.create_connection(("127.0.0.1", mock.port), timeout)
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer a\r\n"
    sock.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    return sock


def drain(sock: socket.socket) -> None:
    while sock.recv(65536):
        pass


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("word", ["reset", "drop"])
def test_a_connection_closed_without_a_byte(mock: RunningMock, word: str) -> None:
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        post(mock, chat(f"[[mock:{word}]]"))


def test_a_drop_has_done_the_work(mock: RunningMock) -> None:
    headers = {"x_api_key": "a", "anthropic_version": "1", "x_mock": "drop"}
    item = {"custom_id": "a", "params": {}}
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        post(mock, json.dumps({"requests": [item]}).encode(), "/v1/messages/batches", **headers)
    listed = json.loads(
        mock.ask("GET", "/v1/messages/batches", authorization="x", x_api_key="a", anthropic_version="1")[2]
    )
    assert len(listed["data"]) == 1


def frames_of(mock: RunningMock, told: str) -> tuple[list[bytes], bool]:
    """The events of a stream, and whether it ended as HTTP wants."""
    connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=10)
    body = chat(f"one two three four [[mock:{told}]]", stream=True)
    connection.request("POST", "/v1/chat/completions", body, {"authorization": "Bearer a"})
    answer = connection.getresponse()
    assert answer.headers["content-type"].startswith("text/event-stream")
    got = b""
    try:
        while piece := answer.read1():
            got += piece
    except (http.client.IncompleteRead, ConnectionResetError):
        return got.split(b"\n\n")[:-1], False
    return got.split(b"\n\n")[:-1], True


def test_a_stream_that_is_cut(mock: RunningMock) -> None:
    frames, whole = frames_of(mock, "cut=3")
    assert (len(frames), whole) == (3, False)
    frames, whole = frames_of(mock, "words=3")
    assert (frames[-1], whole) == (b"data: [DONE]", True)


def test_a_stream_with_an_error_or_garbage(mock: RunningMock) -> None:
    frames, whole = frames_of(mock, "errorafter=2")
    assert (len(frames), whole) == (3, True)
    assert json.loads(frames[2][6:])["error"]["message"] == "Overloaded"
    assert frames_of(mock, "garbage")[0][-1] == b"data: {not json"


@pytest.mark.parametrize("told", ["stall", "stallafter=2;"])
def test_silence_and_who_leaves_is_counted(mock: RunningMock, told: str) -> None:
    sock = raw(mock, chat(f"one two [[mock:{told}]]", stream=True))
    until(lambda: mock.stats()["running"] == 1)
    if "after" in told:
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")
    sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        drain(sock)
    assert mock.stats()["left"] == 0
    sock.close()
    until(lambda: mock.stats()["left"] == 1)
    assert mock.stats()["running"] == 0


def test_slow_on_request(mock: RunningMock) -> None:
    began = time.monotonic()
    post(mock, chat("[[mock:delay=0.15]]"))
    frames_of(mock, "first=0.1;pace=0.02;words=3")
    assert time.monotonic() - began >= 0.15 + 0.1 + 5 * 0.02


def test_a_body_that_is_garbage_or_big(mock: RunningMock) -> None:
    status, body = post(mock, chat("[[mock:garbage]]"))
    assert (status, body[:1]) == (200, b"<")
    answer = json.loads(post(mock, chat("[[mock:big=100000]]"))[1])
    assert len(answer["choices"][0]["message"]["content"]) == 100000


def test_a_fault_that_heals(mock: RunningMock) -> None:
    body = chat("q1 [[mock:status=429;retry_after=1;times=2;id=abc]]")
    assert [post(mock, body)[0] for _ in range(4)] == [429, 429, 200, 200]
    assert post(mock, chat("q2 [[mock:status=429;times=1]]"))[0] == 429
    assert post(mock, chat("q3 [[mock:status=429;times=1]]"))[0] == 429, "each text is counted for itself"
    assert mock.stats()["marks"] == {"abc": 4}


def test_a_header_says_the_same_as_a_mark(mock: RunningMock) -> None:
    assert post(mock, chat("hi"), x_mock="status=503")[0] == 503


def test_rules_match_by_model_text_path_and_key(mock: RunningMock) -> None:
    mock.script(
        rules=[
            {"match": {"model": "gpt-4*", "contains": "sun"}, "reply": {"text": "It shines."}, "times": 2},
            {"match": {"key": "sk-abcdef", "contains": "key"}, "reply": {"status": 403, "error": "not you"}},
            {"match": {"path": "/v1/files*"}, "reply": {"status": 503}},
            {"match": {"contains": "call"}, "reply": {"tool_calls": [{"name": "look", "arguments": {"at": 1}}]}},
        ]
    )
    said = [json.loads(post(mock, chat("the sun"))[1])["choices"][0]["message"]["content"] for _ in range(3)]
    assert said == ["It shines.", "It shines.", "echo: the sun"]
    assert post(mock, chat("my key"))[0] == 403
    assert post(mock, b"", "/v1/files")[0] == 503
    (call,) = json.loads(post(mock, chat("call it"))[1])["choices"][0]["message"]["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("look", {"at": 1})


def test_dice_are_seeded() -> None:
    def statuses(seed: int) -> list[int]:
        with mock_in_thread(MockOptions(fail={"429": 0.3, "500": 0.2}, seed=seed)) as mock:
            return [post(mock, chat(f"n{n}"))[0] for n in range(60)]

    first = statuses(7)
    assert {200, 429, 500} == set(first)
    assert first == statuses(7)
    assert first != statuses(8)


def test_stats_say_how_often_and_how_many_at_once(mock: RunningMock) -> None:
    socks = [raw(mock, chat(f"n{n} [[mock:stall]]")) for n in range(5)]
    until(lambda: mock.stats()["running"] == 5)
    post(mock, chat("twice"))
    post(mock, chat("twice"))
    seen = mock.stats("?prompt=twice&every=1")
    assert seen["peak"] == 6
    assert seen["prompts"]["this"] == 2
    assert (seen["prompts"]["total"], seen["prompts"]["distinct"], seen["prompts"]["most"]) == (7, 6, 2)
    assert len(seen["prompts"]["every"]) == 6
    assert seen["requests"] == {"POST /v1/chat/completions": 7}
    assert seen["models"] == {"gpt-4o-mini": 7}
    for sock in socks:
        sock.close()
    until(lambda: mock.stats()["left"] == 5)


def test_secrets_are_shown_only_when_recording(mock: RunningMock) -> None:
    post(mock, chat("hi"))
    last = mock.stats()["last"]["/v1/chat/completions"]
    assert last["headers"]["authorization"] == "Bearer sk-abcdef"
    assert json.loads(last["body"])["messages"][0]["content"] == "hi"
    with mock_in_thread(MockOptions()) as other:
        post(other, chat("hi"))
        assert "sk-abcdef" not in json.dumps(other.stats())


@pytest.mark.parametrize("words", ["fire=0.1", "200=0.1", "429=lots", "429"])
def test_wrong_faults_are_refused(words: str) -> None:
    with pytest.raises(Refused):
        Mock(MockOptions(fail=shares(words)))


def test_keys_of_the_command_line() -> None:
    assert key_statuses(["sk-a", "sk-b=429"]) == {"sk-a": 200, "sk-b": 429}
    with pytest.raises(Refused):
        key_statuses(["sk-a=bad"])
