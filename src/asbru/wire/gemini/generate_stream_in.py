"""A streamed response, read into events. Each chunk is a partial response; usage in it is cumulative.

There is no end marker: the reply is whole when the connection closes after a ``finishReason``. Older models tell one
in every chunk.
"""

from itertools import count

from asbru.model.events import Done, Ended, Event, Start
from asbru.model.failure import Broken
from asbru.model.names import Finish, Format
from asbru.model.usage import Usage
from asbru.wire.gemini.errors import read_stream_error
from asbru.wire.gemini.generate_candidate_in import CandidateReader
from asbru.wire.gemini.generate_reply import Body, body_shape, candidate_shape, unix
from asbru.wire.gemini.generate_usage import to_usage
from asbru.wire.openai.chat_ask_in import MOST_ANSWERS
from asbru.wire.shapes import BAD_JSON, given
from asbru.wire.sse import END, Frame

HERE = Format.GEMINI_GENERATE


class GenerateReader:
    """Reads one stream."""

    __slots__ = ("_blocked", "_candidates", "_id", "_number", "_started", "_usage", "done")

    def __init__(self) -> None:
        self.done = False
        self._started = False
        self._blocked = False
        self._id = ""
        self._number = count().__next__
        self._candidates: dict[int, CandidateReader] = {}
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
            self._blocked = True
        for raw in chunk.candidates or ():
            candidate = candidate_shape(raw)
            self._candidate(candidate.index or 0).take(candidate, events)
        return tuple(events)

    def _start(self, chunk: Body, events: list[Event]) -> None:
        self._started = True
        self._id = chunk.response_id or ""
        model, created = chunk.model_version or "", unix(chunk.create_time)
        events.append(Start(id=self._id, model=model, usage=self._usage, created=created, origin=HERE))

    def _candidate(self, n: int) -> CandidateReader:
        found = self._candidates.get(n)
        if found is None:
            if not 0 <= n < MOST_ANSWERS:
                raise Broken(502, f"The provider's stream has a candidate {n}.", code="bad_stream")
            found = self._candidates[n] = CandidateReader(n, self._id, self._number)
        return found

    def _end(self) -> tuple[Event, ...]:
        first = self._candidate(0)
        if self._blocked:
            first.finish = Finish.CONTENT_FILTER
        if self.done or first.finish is None:
            return ()
        self.done = True
        events: list[Event] = []
        finish = first.end(events)
        for n in sorted(self._candidates):
            if n:
                events.append(Ended(choice=n, finish=self._candidates[n].end(events)))
        events.append(Done(finish=finish, usage=self._usage))
        return tuple(events)
