"""A streamed chat completion, read into events.

Rule 1. The reply is whole at ``[DONE]``: usage may come after the last choice, in a chunk of its own.
Rule 2. Compatible servers leave out ``index``, ``id`` or ``role``, repeat names, or number all calls 0: what can be
told apart is told apart.
"""

from itertools import count

import msgspec
from msgspec import Raw, Struct

from asbru.model.events import Done, Ended, Event, Start
from asbru.model.failure import Broken
from asbru.model.names import Format
from asbru.model.usage import Usage
from asbru.wire.openai.chat_ask_in import MOST_ANSWERS
from asbru.wire.openai.chat_choice_in import ChoiceReader, StreamedChoice
from asbru.wire.openai.chat_usage import WireUsage, to_usage
from asbru.wire.openai.errors import read_stream_error
from asbru.wire.shapes import BAD_JSON, NOTHING, given
from asbru.wire.sse import Frame

HERE = Format.OPENAI_CHAT


class _Chunk(Struct):
    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    choices: list[StreamedChoice] | None = None
    usage: WireUsage | None = None
    error: Raw = NOTHING


_chunk = msgspec.json.Decoder(_Chunk).decode


class ChatReader:
    """Reads one stream."""

    __slots__ = ("_choices", "_id", "_number", "_started", "_usage", "done")

    def __init__(self) -> None:
        self.done = False
        self._started = False
        self._id = ""
        self._number = count().__next__
        self._choices: dict[int, ChoiceReader] = {}
        self._usage = Usage()

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """The events of one frame. Raises Upstream for an error frame, Broken for one that cannot be read."""
        if self.done or not frame.data:
            return ()
        if frame.data.strip() == b"[DONE]":
            return self._end()
        try:
            return self._read(frame.data)
        except BAD_JSON as error:
            raise Broken(502, f"The provider's stream cannot be read: {error}", code="bad_stream") from None

    def _read(self, data: bytes) -> tuple[Event, ...]:
        chunk = _chunk(data)
        if given(chunk.error) is not None:
            raise read_stream_error(data)
        events: list[Event] = []
        if not self._started:
            self._start(chunk, events)
        if chunk.usage is not None:
            self._usage = to_usage(chunk.usage)
        for choice in chunk.choices or ():
            self._choice(choice.index or 0).take(choice, events)
        return tuple(events)

    def _start(self, chunk: _Chunk, events: list[Event]) -> None:
        self._started = True
        self._id = chunk.id or ""
        created = int(chunk.created or 0)
        events.append(Start(id=self._id, model=chunk.model or "", created=created, origin=HERE))

    def _choice(self, n: int) -> ChoiceReader:
        found = self._choices.get(n)
        if found is None:
            if not 0 <= n < MOST_ANSWERS:
                raise Broken(502, f"The provider's stream has an answer {n}.", code="bad_stream")
            found = self._choices[n] = ChoiceReader(n, self._id, self._number)
        return found

    def _end(self) -> tuple[Event, ...]:
        self.done = True
        events: list[Event] = []
        if not self._started:
            self._start(_Chunk(), events)
        finish = self._choice(0).end(events)
        for n in sorted(self._choices):
            if n:
                events.append(Ended(choice=n, finish=self._choices[n].end(events)))
        events.append(Done(finish=finish, usage=self._usage))
        return tuple(events)
