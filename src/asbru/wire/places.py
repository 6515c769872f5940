"""Where a part of the model stood in the client's own body, so that what is lost is named in the client's words."""

from asbru.model.chat import Ask, ToolResult, Turn
from asbru.model.names import Format, Role


class Places:
    """Undoes what reading did to the numbers of messages: OpenAI's tool messages were gathered, Anthropic's system
    came first.
    """

    __slots__ = ("_bases", "_openai")

    def __init__(self, ask: Ask) -> None:
        self._openai = ask.origin is Format.OPENAI_CHAT
        self._bases: list[int] = []
        top = not self._openai and ask.turns[:1] and ask.turns[0].role is Role.SYSTEM
        base = -1 if top else 0
        for turn in ask.turns:
            self._bases.append(base)
            base += _messages(turn) if self._openai else 1

    def turn(self, n: int) -> str:
        """Path of turn ``n``: ``messages.3``, or ``system``."""
        base = self._bases[n]
        return "system" if base < 0 else f"messages.{base}"

    def part(self, n: int, turn: Turn, i: int) -> str:
        """Path of part ``i`` of turn ``n``: ``messages.3.content.0``, or ``system.0``."""
        base = self._bases[n]
        if base < 0:
            return f"system.{i}"
        results = _results(turn) if self._openai else 0
        if i < results:
            return f"messages.{base + i}"
        return f"messages.{base + results}.content.{i - results}"


def _results(turn: Turn) -> int:
    return sum(isinstance(part, ToolResult) for part in turn.parts)


def _messages(turn: Turn) -> int:
    results = _results(turn)
    return results + (len(turn.parts) > results or not results)
