"""Where a part of the model stood in the client's own body, so that what is lost is named in the client's words."""

from asbru.model.chat import Ask, Document, Opaque, Part, Refusal, Text, ToolResult, Turn
from asbru.model.names import Format, Role

_TOOL_MESSAGES = frozenset({Format.OPENAI_CHAT, Format.COHERE_CHAT})
"""Formats in which each result of a tool is a message of its own."""


class Places:
    """Undoes what reading did to the numbers of messages: tool messages were gathered, Anthropic's system came first,
    Cohere's documents were put into a turn, Responses' items became turns.
    """

    __slots__ = ("_bases", "_documents", "_items", "_openai", "_told")

    def __init__(self, ask: Ask) -> None:
        self._openai = ask.origin in _TOOL_MESSAGES
        self._documents = ask.origin is Format.COHERE_CHAT
        self._items = _Items(ask) if ask.origin is Format.OPENAI_RESPONSES else None
        self._told = [turn.places for turn in ask.turns]
        self._bases: list[int] = []
        top = not self._openai and ask.turns[:1] and ask.turns[0].role is Role.SYSTEM
        base = -1 if top else 0
        for turn in ask.turns:
            self._bases.append(base)
            base += _messages(turn) if self._openai else 1

    def turn(self, n: int) -> str:
        """Path of turn ``n``: ``messages.3``, or ``system``."""
        if self._items:
            return self._items.paths[n][0]
        if self._told[n]:
            return self._told[n][0].partition(".parts.")[0]
        base = self._bases[n]
        return "system" if base < 0 else f"messages.{base}"

    def part(self, n: int, turn: Turn, i: int) -> str:
        """Path of part ``i`` of turn ``n``: ``messages.3.content.0``, or ``system.0``."""
        if self._items:
            return self._items.paths[n][1][i]
        if turn.places:
            return turn.places[i]
        base = self._bases[n]
        if base < 0:
            return f"system.{i}"
        results = _results(turn) if self._openai else 0
        if i < results:
            return f"messages.{base + i}"
        i -= results
        documents = sum(isinstance(part, Document) for part in turn.parts) if self._documents else 0
        if i < documents:
            return f"documents.{i}"
        return f"messages.{base + results}.content.{i - documents}"


def _results(turn: Turn) -> int:
    return sum(isinstance(part, ToolResult) for part in turn.parts)


def _messages(turn: Turn) -> int:
    results = _results(turn)
    return results + (len(turn.parts) > results or not results)


class _Items:
    """Path of each turn's first item, and of each part, as the Responses codec has put them together."""

    __slots__ = ("_next", "paths")

    def __init__(self, ask: Ask) -> None:
        self._next = 0
        self.paths: list[tuple[str, list[str]]] = []
        for n, turn in enumerate(ask.turns):
            if n == 0 and ask.apart:
                self.paths.append(("instructions", ["instructions"]))
            else:
                first = f"input.{self._next}"
                self.paths.append((first, self._parts(turn)))

    def _parts(self, turn: Turn) -> list[str]:
        """Parts of a message that touch each other are its content; every other part is an item."""
        paths: list[str] = []
        inside = -1
        for part in turn.parts:
            if stands_alone(part, turn.role):
                inside = -1
                paths.append(f"input.{self._next}")
                self._next += 1
                continue
            if inside < 0:
                self._next += 1
            inside += 1
            paths.append(f"input.{self._next - 1}.content.{inside}")
        return paths


def stands_alone(part: Part, role: Role) -> bool:
    """Whether a part is an item of its own in Responses, and not one of a message's contents."""
    if role is Role.ASSISTANT:
        return not isinstance(part, Text | Refusal)
    return is_answer(part)


def is_answer(part: Part) -> bool:
    """Whether a part is what a tool, or who must agree to it, answered."""
    if isinstance(part, Opaque):
        return part.kind.endswith(("_output", "_response"))
    return isinstance(part, ToolResult)
