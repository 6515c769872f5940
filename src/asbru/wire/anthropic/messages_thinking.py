"""How much to think, in Anthropic's words: a budget for older models, ``adaptive`` with an effort for newer ones.

Sources: ``anthropic.types.ThinkingConfigParam``, ``OutputConfigParam``; the API refuses thinking together with a
forced tool, and in the middle of a tool loop whose assistant turn lacks its signed thinking.
"""

import re

from asbru.model.chat import Ask, Effort, Thinking, ToolCall, ToolResult, is_sealed
from asbru.model.names import Format, Role

HERE = Format.ANTHROPIC_MESSAGES

DEFAULT_MAX_TOKENS = 4096
"""Anthropic requires ``max_tokens``; this is written when the client gave none (plus the thinking budget, if any)."""

BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 32768}
"""Tokens of thinking that stand for OpenAI's words with models that want a budget."""

LEAST_BUDGET = 1024

_BUDGET_ONLY = re.compile(r"claude-(?:[123]|instant|(?:opus|sonnet|haiku)-4(?:-[015](?!\d)|-20\d{6}|[@-]?$|@))")


def is_adaptive(model: str) -> bool:
    """Whether a model takes ``adaptive`` thinking: Claude 4.6 and later.

    Others (and other vendors' models) take a budget.
    """
    return "claude" in model and _BUDGET_ONLY.search(model) is None


def write_thinking(ask: Ask, lost: list[str]) -> tuple[dict[str, object] | None, str, int]:
    """Members ``thinking`` and ``output_config.effort``, and ``max_tokens``."""
    most = ask.sampling.max_tokens
    effort = ask.thinking
    if effort is None:
        return None, "", _or_default(most)
    if ask.origin is HERE:
        return _as_it_came(effort), effort.word, _or_default(most)
    if not effort.enabled:
        return {"type": "disabled"}, "", _or_default(most)
    if not _may_think(ask):
        lost.append("reasoning_effort")
        return None, "", _or_default(most)
    if is_adaptive(ask.model) and not effort.budget:
        if effort.word == "minimal":
            lost.append("reasoning_effort: minimal")
            return {"type": "adaptive"}, "low", _or_default(most)
        return {"type": "adaptive"}, effort.word, _or_default(most)
    return _with_budget(effort, most, lost)


def _or_default(most: int | None) -> int:
    return DEFAULT_MAX_TOKENS if most is None else most


def _as_it_came(effort: Effort) -> dict[str, object] | None:
    if not effort.enabled:
        return {"type": "disabled"}
    if effort.adaptive:
        return {"type": "adaptive"}
    return {"type": "enabled", "budget_tokens": effort.budget} if effort.budget else None


def _with_budget(effort: Effort, most: int | None, lost: list[str]) -> tuple[dict[str, object] | None, str, int]:
    """The budget counts towards ``max_tokens`` and must be smaller; when there is no room for the least one, thinking
    is lost.
    """
    budget = effort.budget or BUDGETS.get(effort.word, BUDGETS["medium"])
    if most is None:
        most = DEFAULT_MAX_TOKENS + budget
    elif most <= budget:
        budget = most // 2
    if budget < LEAST_BUDGET:
        lost.append("reasoning_effort")
        return None, "", most
    return {"type": "enabled", "budget_tokens": budget}, "", most


def _may_think(ask: Ask) -> bool:
    choice = ask.tool_choice
    if choice is not None and choice.mode in ("required", "tool"):
        return False
    if not ask.turns or not any(isinstance(part, ToolResult) for part in ask.turns[-1].parts):
        return True
    last = next((turn for turn in reversed(ask.turns) if turn.role is Role.ASSISTANT), None)
    if last is None or not any(isinstance(part, ToolCall) for part in last.parts):
        return True
    return any(isinstance(part, Thinking) and _is_kept(part.signature or part.redacted) for part in last.parts)


def _is_kept(signature: str) -> bool:
    return bool(signature) and not is_sealed(signature)
