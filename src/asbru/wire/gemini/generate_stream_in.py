"""A streamed response, read into events. Each chunk is a partial response; usage in it is cumulative.

Rule 1. There is no end marker: the reply is whole when the connection closes after a ``finishReason``. Older models
tell one in every chunk.
Rule 2. Function calls come whole. A signature may come on an empty text after the text that it belongs to.
Rule 3. Where a text comes from is told at the end, often more than once; the last counts.
"""

from msgspec import Raw

from asbru.model.chat import Opaque, Part, Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Done, Event, Open, Start
from asbru.model.failure import Broken
from asbru.model.names import Finish, Format
from asbru.model.usage import Usage
from asbru.wire.gemini.errors import read_stream_error
from asbru.wire.gemini.generate_grounding import read_citations
from asbru.wire.gemini.generate_reply import (
    Body,
    Candidate,
    Content,
    PartShape,
    body_shape,
    candidate_shape,
    kind_of_part,
    part_shape,
    read_call,
    read_data,
    unix,
)
from asbru.wire.gemini.generate_usage import to_usage
from asbru.wire.gemini.generate_words import read_finish
from asbru.wire.gemini.signatures import read_signature
from asbru.wire.shapes import BAD_JSON, NOTHING, given
from asbru.wire.sse import END, Frame

HERE = Format.GEMINI_GENERATE


class GenerateReader:
    """Reads one stream."""

    __slots__ = (
        "_calls", "_cited", "_current", "_finish", "_grounding", "_id", "_images", "_kind", "_parts", "_started",
        "_usage", "done",
    )  # fmt: skip

    def __init__(self) -> None:
        self.done = False
        self._started = False
        self._id = ""
        self._parts = self._calls = self._images = 0
        self._current = -1
        self._kind: type[Part] | None = None
        self._finish: Finish | None = None
        self._grounding: Raw = NOTHING
        self._cited: Raw = NOTHING
        self._usage = Usage()

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """The events of one frame. Raises Upstream for an error frame, Broken for one that cannot be read."""
        if frame is END:
            return self._end()
        if not frame.data:
            return ()
        try:
            return self._read(frame.data)
        except BAD_JSON as error:
            raise Broken(502, f"The provider's stream cannot be read: {error}", code="bad_stream") from None

    def _read(self, data: bytes) -> tuple[Event, ...]:
        chunk = body_shape(data)
        if given(chunk.error) is not None:
            raise read_stream_error(data)
        events: list[Event] = []
        if chunk.usage_metadata is not None:
            self._usage = to_usage(chunk.usage_metadata)
        if not self._started:
            self._start(chunk, events)
        if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
            self._finish = Finish.CONTENT_FILTER
        for raw in chunk.candidates or ():
            candidate = candidate_shape(raw)
            if not candidate.index:
                self._take(candidate, events)
        return tuple(events)

    def _start(self, chunk: Body, events: list[Event]) -> None:
        self._started = True
        self._id = chunk.response_id or ""
        model, created = chunk.model_version or "", unix(chunk.create_time)
        events.append(Start(id=self._id, model=model, usage=self._usage, created=created, origin=HERE))

    def _take(self, candidate: Candidate, events: list[Event]) -> None:
        for raw in (candidate.content or Content()).parts or ():
            self._part(part_shape(raw), raw, events)
        if candidate.grounding_metadata:
            self._grounding = candidate.grounding_metadata
        if candidate.citation_metadata:
            self._cited = candidate.citation_metadata
        finish = read_finish(candidate.finish_reason, called=self._calls > 0)
        self._finish = self._finish if finish is None else finish

    def _part(self, part: PartShape, raw: Raw, events: list[Event]) -> None:
        signature = part.thought_signature
        if part.text is not None:
            self._grow(Thinking() if part.thought else Text(""), part.text, events)
            if signature:
                self._sign(signature, "thought" if part.thought else "text", events)
        elif part.function_call is not None:
            if signature:
                self._sign(signature, f"call{self._calls}", events)
            self._call(read_call(part.function_call, self._calls, self._id), events)
        elif (read := read_data(part)) is not None and not part.thought:
            if signature:
                self._sign(signature, f"image{self._images}", events)
            self._whole(read, events)
            self._images += 1
        elif signature and kind_of_part(raw) == "part":
            self._sign(signature, "thought" if part.thought else "text", events)
        else:
            self._whole(Opaque(format=HERE, kind=kind_of_part(raw), raw=raw), events)

    def _grow(self, empty: Part, text: str, events: list[Event]) -> None:
        if text:
            self._switch(empty, events)
            events.append(Delta(index=self._current, text=text))

    def _switch(self, empty: Part, events: list[Event]) -> None:
        if self._kind is not type(empty):
            self._close(events)
            self._kind = type(empty)
            self._current = self._open(empty, events)

    def _open(self, part: Part, events: list[Event]) -> int:
        events.append(Open(self._parts, part))
        self._parts += 1
        return self._parts - 1

    def _close(self, events: list[Event]) -> None:
        if self._kind is not None:
            events.append(Close(self._current))
            self._kind = None

    def _sign(self, signature: str, place: str, events: list[Event]) -> None:
        """A signature belongs to the thinking under way, or to one of its own: after a text, before anything else."""
        signed = read_signature(signature, place)
        if signed.redacted:
            self._whole(signed, events)
        elif signed.signature:
            self._switch(Thinking(), events)
            events.append(Delta(index=self._current, signature=signed.signature))
            self._close(events)

    def _call(self, call: ToolCall, events: list[Event]) -> None:
        self._close(events)
        index = self._open(ToolCall(id=call.id, name=call.name, arguments=Raw(b"")), events)
        events += [Delta(index=index, arguments=bytes(call.arguments).decode()), Close(index)]
        self._calls += 1

    def _whole(self, part: Part, events: list[Event]) -> None:
        self._close(events)
        events.append(Close(self._open(part, events)))

    def _end(self) -> tuple[Event, ...]:
        if self.done or self._finish is None:
            return ()
        self.done = True
        events: list[Event] = []
        for citation in read_citations(self._grounding, self._cited):
            self._switch(Text(""), events)
            events.append(Delta(index=self._current, part=Text("", citations=(citation,))))
        self._close(events)
        finish = Finish.TOOL_CALLS if self._finish is Finish.STOP and self._calls else self._finish
        events.append(Done(finish=finish, usage=self._usage))
        return tuple(events)
