"""A whole generateContent response, read into the model and written from it."""

import re
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Choice, Citation, Opaque, Part, Reply, Text, ToolCall, raw_arguments
from asbru.model.failure import Broken
from asbru.model.names import Finish, Format, Role
from asbru.wire.codec import Stamp, Written
from asbru.wire.gemini.generate_contents_in import Grown
from asbru.wire.gemini.generate_grounding import Grounding, read_citations
from asbru.wire.gemini.generate_parts import ModelParts
from asbru.wire.gemini.generate_usage import WireUsage, to_usage, write_usage
from asbru.wire.gemini.generate_words import is_known, read_finish, write_finish
from asbru.wire.gemini.logprobs import average, read_result, write_result
from asbru.wire.gemini.media import Json, read_blob, read_link
from asbru.wire.gemini.signatures import read_signature
from asbru.wire.likely import all_of, given_to
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, given, read_members, said, write_json

HERE = Format.GEMINI_GENERATE


class Data(Struct, rename="camel"):
    """``inlineData`` or ``fileData``."""

    mime_type: str = ""
    data: str = ""
    file_uri: str = ""


class Call(Struct):
    id: str | None = None
    name: str = ""
    args: Raw = NOTHING


class PartShape(Struct, rename="camel"):
    """A part of a reply of any kind we know."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: Call | None = None
    inline_data: Data | None = None
    file_data: Data | None = None


class Content(Struct):
    parts: list[Raw] | None = None


class Candidate(Struct, rename="camel"):
    """One of the answers. ``index`` is absent for the first."""

    content: Content | None = None
    finish_reason: str | None = None
    index: int | None = None
    grounding_metadata: Raw = NOTHING
    citation_metadata: Raw = NOTHING
    logprobs_result: Raw = NOTHING


class Feedback(Struct, rename="camel"):
    block_reason: str | None = None


class Body(Struct, rename="camel"):
    """A whole response, and a chunk of a stream."""

    candidates: list[Raw] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: WireUsage | None = None
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None
    error: Raw = NOTHING


body_shape = msgspec.json.Decoder(Body, strict=False).decode
candidate_shape = msgspec.json.Decoder(Candidate).decode
part_shape = msgspec.json.Decoder(PartShape).decode
_READ = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"})
_READ_OF_CANDIDATE = frozenset({"content", "finishReason", "index", "avgLogprobs", "tokenCount", "logprobsResult"})


def read_reply(body: bytes) -> Reply:
    """The candidates. Raises Broken for what is not a response."""
    try:
        return _read_reply(body)
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a response: {error}", code="bad_reply") from None


def _read_reply(body: bytes) -> Reply:
    whole = body_shape(body)
    extra: Members = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    blocked = whole.prompt_feedback is not None and whole.prompt_feedback.block_reason
    if not whole.candidates and not blocked:
        raise Broken(502, "The provider's answer has no candidates.", code="bad_reply")
    raws = whole.candidates or []
    reply_id = whole.response_id or ""
    first, *others = [_read_candidate(raw, n, reply_id, extra) for n, raw in enumerate(raws)] or [_BLOCKED]
    return Reply(
        id=reply_id,
        model=whole.model_version or "",
        parts=first.parts,
        finish=first.finish,
        usage=to_usage(whole.usage_metadata or WireUsage()),
        created=unix(whole.create_time),
        extra=extra,
        others=tuple(others),
        origin=HERE,
    )


_BLOCKED = Choice(parts=(), finish=Finish.CONTENT_FILTER)


def _read_candidate(raw: Raw, n: int, reply_id: str, extra: Members) -> Choice:
    candidate = candidate_shape(raw)
    parts = read_parts(candidate, reply_id if not n else f"{reply_id}_{n}")
    extra.update(_beside(raw, f"candidates.{n}", candidate.finish_reason))
    if (likely := given(candidate.logprobs_result)) is not None:
        tokens = read_result(likely)
        told = given_to(parts, tokens) if tokens else None
        if told is None:
            extra[f"candidates.{n}.logprobsResult"] = likely
        parts = told or parts
    called = any(isinstance(part, ToolCall) for part in parts)
    return Choice(parts=tuple(parts), finish=read_finish(candidate.finish_reason, called=called))


def _beside(raw: Raw, path: str, finish: str | None) -> Members:
    """What a candidate says beyond the model, and why it ended when the house has no word for that."""
    told = {f"{path}.{name}": it for name, it in read_members(raw).items() if name not in _READ_OF_CANDIDATE}
    return told if is_known(finish) else {**told, f"{path}.finishReason: {finish}": Raw(write_json(finish))}


def unix(told: str | None) -> int:
    """``createTime`` in Unix seconds; 0 when it does not tell."""
    try:
        return int(datetime.fromisoformat(told).timestamp()) if told else 0
    except (ValueError, OverflowError):
        return 0


def read_parts(candidate: Candidate, reply_id: str) -> list[Part]:
    """The parts of a candidate. Raises msgspec's errors."""
    grown = Grown(Role.ASSISTANT)
    content = candidate.content or Content()
    for raw in content.parts or ():
        _read_part(raw, grown, reply_id)
    parts = grown.parts
    citations = read_citations(candidate.grounding_metadata, candidate.citation_metadata)
    if citations:
        _cite(parts, citations)
    return parts


def _cite(parts: list[Part], citations: tuple[Citation, ...]) -> None:
    """Citations belong to the last text."""
    for n in range(len(parts) - 1, -1, -1):
        part = parts[n]
        if isinstance(part, Text):
            parts[n] = msgspec.structs.replace(part, citations=citations)
            return
    parts.append(Text("", citations=citations))


def _read_part(raw: Raw, grown: Grown, reply_id: str) -> None:
    part = part_shape(raw)
    signature = part.thought_signature
    if part.text is not None and part.thought:
        if part.text or not signature:
            grown.think(part.text, "")
        if signature:
            grown.sign(read_signature(signature, "thought"), "")
    elif part.text is not None:
        if part.text:
            grown.say(part.text, "", True)
        if signature:
            grown.add(read_signature(signature, "text"), "")
    elif part.function_call is not None:
        if signature:
            grown.sign(read_signature(signature, f"call{grown.calls}"), "")
        grown.add(read_call(part.function_call, grown.calls, reply_id), "")
        grown.calls += 1
    elif (read := read_data(part)) is not None and not part.thought:
        if signature:
            grown.sign(read_signature(signature, f"image{grown.images}"), "")
        grown.add(read, "")
        grown.images += 1
    elif signature and kind_of_part(raw) == "part":
        grown.sign(read_signature(signature, "thought" if part.thought else "text"), "")
    else:
        grown.add(Opaque(format=HERE, kind=kind_of_part(raw), raw=raw), "")


def read_call(call: Call, n: int, reply_id: str) -> ToolCall:
    """Call ``n`` of a reply. Google may give it no id: one is made, unlike those of other replies."""
    text = bytes(call.args).decode() if given(call.args) is not None else ""
    return ToolCall(id=call.id or f"call_{reply_id}_{n}", name=call.name, arguments=raw_arguments(text))


def read_data(part: PartShape) -> Part | None:
    """Inline bytes or a link; None for anything else."""
    if part.inline_data is not None:
        return read_blob(part.inline_data.mime_type, part.inline_data.data)
    if part.file_data is not None:
        return read_link(part.file_data.file_uri, part.file_data.mime_type, "")
    return None


def kind_of_part(raw: Raw) -> str:
    """The name of a part's data member, for messages."""
    return next((name for name in read_members(raw) if not name.startswith("thought")), "part")


def write_reply(reply: Reply, stamp: Stamp) -> Written:
    """A response with all candidates."""
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if not (home and _goes_home(name)) and said(raw)]
    candidates = [_write_candidate(0, Choice(parts=reply.parts, finish=reply.finish), home, lost)]
    candidates += [_write_candidate(n, other, home, lost) for n, other in enumerate(reply.others, 1)]
    if reply.stop_sequence:
        lost.append("stop_sequence")
    body: Json = {
        "candidates": candidates,
        "usageMetadata": write_usage(reply.usage),
        "modelVersion": reply.model or stamp.model,
        "responseId": stamp.id,
    }
    if home:
        for name, raw in reply.extra.items():
            found = _CANDIDATE.fullmatch(name)
            if found:
                candidates[int(found[1])][found[2]] = raw
            elif "." not in name:
                body[name] = raw
    return Written(write_json(body), tuple(lost))


def _write_candidate(index: int, choice: Choice, home: bool, lost: list[str]) -> Json:
    path = f"candidates.{index}.content" if index else "content"
    grounding = Grounding()
    if not home:
        _ground(choice.parts, path, grounding, lost)
    parts = ModelParts(lost, to_client=True).write((f"{path}.{n}", part) for n, part in enumerate(choice.parts))
    candidate: Json = {
        "content": {"parts": parts, "role": "model"},
        "finishReason": write_finish(choice.finish),
        "index": index,
    }
    if (written := grounding.written()) is not None:
        candidate["groundingMetadata"] = written
    if tokens := all_of(choice.parts):
        candidate |= {"avgLogprobs": average(tokens), "logprobsResult": write_result(tokens)}
    return candidate


_CANDIDATE = re.compile(r"candidates\.(\d+)\.([^:]+)")


def _goes_home(name: str) -> bool:
    return "." not in name or _CANDIDATE.fullmatch(name) is not None


def _ground(parts: tuple[Part, ...], path: str, grounding: Grounding, lost: list[str]) -> None:
    """Citations of other formats; Google's own lie in ``extra`` as they came."""
    start = 0
    for n, part in enumerate(parts):
        if not isinstance(part, Text):
            continue
        for i, citation in enumerate(part.citations):
            if not grounding.add(citation, start, part.text):
                lost.append(f"{path}.{n}.citations.{i}")
        start += len(part.text.encode())
