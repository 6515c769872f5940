"""How much to think, in OpenAI's words, the same in chat completions and in Responses."""

from asbru.model.chat import Effort
from asbru.model.names import Format
from asbru.wire.openai.kinship import FAMILY

BUDGET_WORDS = ((4096, "low"), (12288, "medium"))
"""A thinking budget up to so many tokens is this effort; above them it is high."""


def effort_word(effort: Effort, origin: Format) -> str:
    """The word; "" when there is none. ``none`` is for a client of OpenAI's only: older models refuse it."""
    if not effort.enabled:
        return "none" if origin in FAMILY else ""
    if effort.word or not effort.budget:
        return effort.word
    return next((word for most, word in BUDGET_WORDS if effort.budget <= most), "high")
