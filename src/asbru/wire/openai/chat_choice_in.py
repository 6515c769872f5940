"""One of the answers that a streamed chat completion tells: its deltas, read into events.

Text and thinking parts close when another kind begins; tool calls stay open until the end, since their pieces may mix.
"""

from collections.abc import Callable

from msgspec import Raw, Struct

from asbru.model.chat import Part, Refusal, Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Event, Open
from asbru.model.names import Finish, Format
from asbru.wire.openai.chat_reasoning import read_citations, read_thinking
from asbru.wire.openai.chat_reply import (
    Call,
    CallFunction,
    Message,
    call_shape,
    content_text,
    fragment,
    missing_id,
    read_image,
    thinking_text,
)
from asbru.wire.openai.chat_words import read_finish
from asbru.wire.openai.custom_tools import BEGIN, END, piece
from asbru.wire.openai.logprobs import read_choice
from asbru.wire.shapes import NOTHING, given

HERE = Format.OPENAI_CHAT


class StreamedChoice(Struct):
    """A piece of one answer."""

    index: int | None = None
    delta: Message | None = None
    finish_reason: str | None = None
    logprobs: Raw = NOTHING


class _OpenCall:
    """A tool call under way. Its part is told once the name is known; what came before is kept."""

    __slots__ = ("custom", "early", "id", "name", "part")

    def __init__(self, call_id: str) -> None:
        self.id = call_id
        self.name = ""
        self.part = -1
        self.early = ""
        self.custom = False


class ChoiceReader:
    """Reads answer ``choice`` of the reply ``id``. ``number``: gives each part of all answers its index."""

    __slots__ = (
        "_calls",
        "_choice",
        "_current",
        "_finish",
        "_id",
        "_kind",
        "_last",
        "_number",
        "_refused",
        "_text",
    )

    def __init__(self, choice: int, id: str, number: Callable[[], int]) -> None:
        self._choice = choice
        self._id = id
        self._number = number
        self._current = -1
        self._kind: type[Part] | None = None
        self._text = ""
        self._calls: dict[int, _OpenCall] = {}
        self._last = 0
        self._finish: str | None = None
        self._refused = False

    def take(self, choice: StreamedChoice, events: list[Event]) -> None:
        """The events of one piece."""
        if choice.finish_reason:
            self._finish = choice.finish_reason
        delta = choice.delta
        if delta is None:
            return
        if thought := delta.reasoning_content or delta.reasoning or thinking_text(delta.content):
            self._grow(Thinking(), thought, events)
        if delta.reasoning_details:
            self._sign(delta.reasoning_details, events)
        text = content_text(delta.content)
        tokens = () if (raw := given(choice.logprobs)) is None else read_choice(raw)[0]
        if text or tokens:
            self._switch(Text(""), events)
            events.append(Delta(index=self._current, text=text, logprobs=tokens))
            self._text += text
        if delta.refusal:
            self._refused = True
            self._grow(Refusal(""), delta.refusal, events)
        if delta.annotations:
            self._cite(delta.annotations, events)
        for raw in delta.images or ():
            self._close_current(events)
            events.append(Close(self._open(read_image(raw), events)))
        for raw in delta.tool_calls or ():
            self._call(call_shape(raw), events)
        if delta.function_call:
            self._call(Call(function=delta.function_call, index=0), events)

    def _grow(self, empty: Part, text: str, events: list[Event]) -> None:
        self._switch(empty, events)
        events.append(Delta(index=self._current, text=text))

    def _switch(self, empty: Part, events: list[Event]) -> None:
        if self._kind is not type(empty):
            self._close_current(events)
            self._kind = type(empty)
            self._text = ""
            self._current = self._open(empty, events)

    def _open(self, part: Part, events: list[Event]) -> int:
        index = self._number()
        events.append(Open(index, part, self._choice))
        return index

    def _close_current(self, events: list[Event]) -> None:
        if self._kind is not None:
            events.append(Close(self._current))
            self._kind = None

    def _sign(self, details: list[Raw], events: list[Event]) -> None:
        """A signature belongs to the thinking under way; its own text, if any, has come as ``reasoning_content``."""
        for part in read_thinking(None, details):
            assert isinstance(part, Thinking)
            if part.redacted:
                self._close_current(events)
                events.append(Close(self._open(part, events)))
            else:
                self._switch(Thinking(), events)
                events.append(Delta(index=self._current, signature=part.signature))

    def _cite(self, annotations: list[Raw], events: list[Event]) -> None:
        for citation in read_citations(annotations, self._text):
            self._switch(Text(""), events)
            events.append(Delta(index=self._current, part=Text("", citations=(citation,))))

    def _call(self, call: Call, events: list[Event]) -> None:
        """A piece of a call; of a custom tool's, a piece of free text."""
        self._close_current(events)
        if call.function is None and call.custom is None:
            return
        state = self._find(call)
        if call.custom is not None:
            state.custom = True
            state.name = state.name or call.custom.name or ""
            text = piece(call.custom.input or "")
        else:
            function = call.function or CallFunction()
            state.name = state.name or function.name or ""
            text = fragment(function.arguments)
        if state.part < 0:
            state.early += text
            if state.name:
                self._tell(state, events)
        elif text:
            events.append(Delta(index=state.part, arguments=text))

    def _tell(self, state: _OpenCall, events: list[Event]) -> None:
        call_id = state.id or missing_id(self._id, len(self._calls) - 1)
        call = ToolCall(id=call_id, name=state.name, arguments=Raw(b""), custom=state.custom)
        state.part = self._open(call, events)
        if early := (BEGIN if state.custom else "") + state.early:
            events.append(Delta(index=state.part, arguments=early))

    def _find(self, call: Call) -> _OpenCall:
        """The call that a piece belongs to: by index, unless its id says that it is another one."""
        index = call.index if call.index is not None else self._last
        state = self._calls.get(index)
        if state is not None and call.id and state.id and call.id != state.id:
            known = [n for n, other in self._calls.items() if other.id == call.id]
            index = known[0] if known else max(self._calls) + 1
            state = self._calls.get(index)
        if state is None:
            state = self._calls[index] = _OpenCall(call.id or "")
        self._last = index
        return state

    def end(self, events: list[Event]) -> Finish:
        """Closes what is open. Returns why it ended."""
        self._close_current(events)
        for call in self._calls.values():
            if call.part < 0:
                self._tell(call, events)
            if call.custom:
                events.append(Delta(index=call.part, arguments=END))
            events.append(Close(call.part))
        return read_finish(self._finish, called=bool(self._calls), refused=self._refused)
