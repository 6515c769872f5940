"""OpenAI's Responses: writing answers and streams, and keeping them for ``previous_response_id``.

Source of the events' order and members: ``openai`` SDK 3.54.0, types/responses/response_*_event.py.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct, structs

from asbru.edge.request import Request
from asbru.mock import openai
from asbru.mock.dialect import Dialect, Stamp, bearer
from asbru.mock.files import Operation
from asbru.mock.responses_read import SEALED, Item, Question, read_count, read_question, words_of
from asbru.mock.responses_shapes import ResponseRequest
from asbru.mock.said import Asked, Said, halves, pieces
from asbru.mock.talk import Talker
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer, Headers

_encode = msgspec.json.encode
_ECHOED: dict[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
_EMPTY: dict[str, Any] = {
    "reasoning": {"summary": []},
    "message": {"content": []},
    "function_call": {"arguments": ""},
}
"""What an item lacks when it is announced."""
_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}


class Kept(Struct, kw_only=True):
    """A response that was stored. ``said``: everything up to it and with it; ``input``: what was new."""

    owner: str
    body: Item
    said: list[Item]
    input: list[Item]


class Responses:
    """The responses of all keys."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker
        self._kept: dict[str, Kept] = {}

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each but creating."""
        base = "/v1/responses"
        yield "POST", f"{base}/input_tokens", self._count
        yield "GET", f"{base}/{{id}}", self._retrieve
        yield "DELETE", f"{base}/{{id}}", self._delete
        yield "POST", f"{base}/{{id}}/cancel", self._cancel
        yield "GET", f"{base}/{{id}}/input_items", self._input_items

    def reset(self) -> None:
        """Forget all of them."""
        self._kept.clear()

    async def create(self, request: Request) -> Answer:
        """``POST /v1/responses``."""
        return await self._talker.converse(self.dialect(bearer(request.headers)), request)

    def dialect(self, key: str) -> Dialect:
        """How responses are read and written for one key, which remembers its own."""

        def ask(body: bytes, headers: Headers) -> Asked:
            return read_question(body, lambda id: self._said(id, key))[1]

        def write(asked: Asked, said: Said, stamp: Stamp) -> bytes:
            return _encode(self._keep(key, asked, Writing(asked, said, stamp)))

        def frames(asked: Asked, said: Said, stamp: Stamp) -> Iterator[bytes]:
            writing = Writing(asked, said, stamp)
            yield from writing.frames(self._keep(key, asked, writing))

        return structs.replace(openai.DIALECT, read=ask, write=write, frames=frames, error_frame=error_frame)

    def _said(self, id: str, key: str) -> list[Item] | None:
        kept = self._kept.get(id)
        return kept.said if kept and kept.owner == key else None

    def _keep(self, key: str, asked: Asked, writing: "Writing") -> Item:
        question: Question = asked.body
        body = writing.body()
        assert isinstance(question.request, ResponseRequest)
        if question.request.store is not False:
            said = [*question.items, *body["output"]]
            self._kept[body["id"]] = Kept(owner=key, body=body, said=said, input=question.new)
        return body

    def _find(self, request: Request, key: str) -> Kept:
        kept = self._kept.get(request.params[0])
        if kept is None or kept.owner != key:
            raise Refused(404, f"Response with id '{request.params[0]}' not found.")
        return kept

    async def _count(self, request: Request, key: str) -> Answer:
        question = read_count(request.body, lambda id: self._said(id, key))
        self._talker.know(openai.DIALECT, question.request.model)
        return _json({"object": "response.input_tokens", "input_tokens": words_of(question)})

    async def _retrieve(self, request: Request, key: str) -> Answer:
        return _json(self._find(request, key).body)

    async def _delete(self, request: Request, key: str) -> Answer:
        id = self._find(request, key).body["id"]
        del self._kept[id]
        return _json({"id": id, "object": "response", "deleted": True})

    async def _cancel(self, request: Request, key: str) -> Answer:
        if not self._find(request, key).body["background"]:
            raise Refused(400, "Cannot cancel a synchronous response.")
        return _json(self._find(request, key).body)

    async def _input_items(self, request: Request, key: str) -> Answer:
        items = [{"id": f"msg_{n}", **item} for n, item in enumerate(self._find(request, key).input)]
        if parse_qs(request.query).get("order", ["desc"])[0] == "desc":
            items.reverse()
        ends = {"first_id": items[0]["id"], "last_id": items[-1]["id"]} if items else {"first_id": "", "last_id": ""}
        return _json({"object": "list", "data": items, "has_more": False, **ends})


def _json(body: Item) -> Answer:
    return Answer(status=200, headers=openai.DIALECT.headers, body=_encode(body))


def error_frame(failure: Failure) -> bytes:
    """An error in the middle of a stream."""
    told = {"type": "error", "sequence_number": 0, **openai.error_body(failure)}
    told["type"] = "error"
    return b"event: error\ndata: " + _encode(told) + b"\n\n"


class Writing:
    """One answer."""

    def __init__(self, asked: Asked, said: Said, stamp: Stamp) -> None:
        self._question: Question = asked.body
        self._said = said
        self._stamp = stamp
        self._number = 0

    def body(self) -> Item:
        """The whole response."""
        reason = _REASONS.get(self._said.finish)
        said = self._said
        given = said.input + said.cached + said.cachewrite
        usage = {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": said.cached, "cache_write_tokens": said.cachewrite},
            "output_tokens": said.output,
            "output_tokens_details": {"reasoning_tokens": said.reasoning},
            "total_tokens": given + said.output,
        }
        details = {"reason": reason} if reason else None
        status = "incomplete" if reason else "completed"
        return self._begun() | {
            "status": status,
            "incomplete_details": details,
            "output": list(self._output(status)),
            "usage": usage,
        }

    def _begun(self) -> Item:
        members = self._question.members
        echoed = {name: members.get(name, value) for name, value in _ECHOED.items()}
        return {
            "id": f"resp_{self._stamp.id}",
            "object": "response",
            "created_at": self._stamp.at,
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "model": self._stamp.model,
            "output": [],
            "usage": None,
            **echoed,
        }

    def _output(self, status: str) -> Iterator[Item]:
        said, id = self._said, self._stamp.id
        if said.thinking:
            summary = [{"type": "summary_text", "text": said.thinking}]
            item = {"id": f"rs_{id}", "type": "reasoning", "summary": summary}
            if "reasoning.encrypted_content" in (self._question.members.get("include") or ()):
                item["encrypted_content"] = SEALED + id
            yield item
        if said.text or not said.calls:
            yield {
                "id": f"msg_{id}",
                "type": "message",
                "status": status,
                "role": "assistant",
                "content": [self._part()],
            }
        for n, (name, arguments) in enumerate(said.calls):
            call = {"id": f"fc_{id}{n}", "type": "function_call", "status": "completed", "call_id": f"call_{id}{n}"}
            yield {**call, "name": name, "arguments": arguments}

    def _part(self) -> Item:
        if self._said.finish == "refusal":
            return {"type": "refusal", "refusal": self._said.text}
        return {"type": "output_text", "annotations": [], "logprobs": [], "text": self._said.text}

    def frames(self, body: Item) -> Iterator[bytes]:
        """The stream of ``body``."""
        begun = {"response": self._begun()}
        yield self._event("response.created", begun)
        yield self._event("response.in_progress", begun)
        for n, item in enumerate(body["output"]):
            at = {"item_id": item["id"], "output_index": n}
            empty: Item = {"reasoning": {"summary": []}, "message": {"content": []}}.get(
                item["type"], {"arguments": ""}
            )
            added = {**item, **empty}
            if "status" in item:
                added["status"] = "in_progress"
            yield self._event("response.output_item.added", {"output_index": n, "item": added})
            yield from self._grow(item, at)
            yield self._event("response.output_item.done", {"output_index": n, "item": item})
        yield self._event(f"response.{body['status']}", {"response": body})

    def _grow(self, item: Item, at: Item) -> Iterator[bytes]:
        if item["type"] == "function_call":
            name = "response.function_call_arguments"
            yield from self._deltas(name, at, halves(item["arguments"]))
            yield self._event(f"{name}.done", {**at, "name": item["name"], "arguments": item["arguments"]})
        elif item["type"] == "reasoning":
            at = {**at, "summary_index": 0}
            part, name = item["summary"][0], "response.reasoning_summary_text"
            yield self._event("response.reasoning_summary_part.added", {**at, "part": {**part, "text": ""}})
            yield from self._deltas(name, at, pieces(part["text"]))
            yield self._event(f"{name}.done", {**at, "text": part["text"]})
            yield self._event("response.reasoning_summary_part.done", {**at, "part": part})
        else:
            yield from self._speak(item["content"][0], {**at, "content_index": 0})

    def _speak(self, part: Item, at: Item) -> Iterator[bytes]:
        word, name = ("refusal", "refusal") if part["type"] == "refusal" else ("text", "output_text")
        yield self._event("response.content_part.added", {**at, "part": {**part, word: ""}})
        more: Item = {"logprobs": []} if word == "text" else {}
        yield from self._deltas(f"response.{name}", {**at, **more}, pieces(part[word]))
        yield self._event(f"response.{name}.done", {**at, **more, word: part[word]})
        yield self._event("response.content_part.done", {**at, "part": part})

    def _deltas(self, name: str, at: Item, texts: "list[str] | tuple[str, ...]") -> Iterator[bytes]:
        return (self._event(f"{name}.delta", {**at, "delta": text, "obfuscation": "x"}) for text in texts)

    def _event(self, kind: str, members: Item) -> bytes:
        told = {"type": kind, "sequence_number": self._number, **members}
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + _encode(told) + b"\n\n"
