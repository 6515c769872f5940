"""How much to think, in Google's words: a budget for Gemini 2.5, a level for later models.

Sources: ``google.genai.types.ThinkingConfig``; ai.google.dev/gemini-api/docs/thinking and docs/openai (what OpenAI's
words mean): thinking cannot be turned off with Gemini 2.5 Pro and Gemini 3.
"""

import re

from msgspec import Raw

from asbru.model.chat import Effort
from asbru.wire.gemini import generate_shapes as shapes
from asbru.wire.shapes import Members, given, refused

Json = dict[str, object]

BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
"""Tokens of thinking that stand for words with models that want a budget."""

_LEVELS = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "XHIGH", "max": "XHIGH"}
_BUDGETED = re.compile(r"gemini-2\.\d")
_PRO = re.compile(r"gemini-2\.5-pro")
_LEVELLED = re.compile(r"gemini-3")
_LEVELLED_PRO = re.compile(r"gemini-3[^-]*-pro")
_LEAST = {True: 128, False: 0}
_MOST = {True: 32768, False: 24576}


def read_thinking(raw: Raw, spare: Members) -> Effort | None:
    """``thinkingConfig``. Whether thoughts are shown is not asked elsewhere: who thinks shows it."""
    path = "generationConfig.thinkingConfig"
    told = given(raw)
    if told is None:
        return None
    config = shapes.THINKING_CONFIG.read(told, path, spare)
    word = (config.thinking_level or "").lower().removeprefix("thinking_level_").replace("unspecified", "")
    if word and word not in _LEVELS:
        raise refused(f"{path}.thinkingLevel", "must be MINIMAL, LOW, MEDIUM, HIGH or XHIGH")
    budget = config.thinking_budget
    if budget == 0:
        return Effort(enabled=False, word=word)
    if budget is not None and budget > 0:
        return Effort(word=word, budget=budget)
    if word or budget is not None or config.include_thoughts:
        return Effort(word=word, adaptive=True)
    return None


def write_thinking(effort: Effort | None, model: str, lost: list[str]) -> Json | None:
    """``thinkingConfig``; None when nothing was said."""
    if effort is None:
        return None
    if not effort.enabled:
        return _off(model, lost)
    shown: Json = {"includeThoughts": True}
    if effort.budget:
        return {"thinkingBudget": _clamped(effort.budget, model, lost), **shown}
    if not effort.word:
        return {"thinkingBudget": -1, **shown} if _BUDGETED.search(model) else shown
    if _BUDGETED.search(model):
        return {"thinkingBudget": BUDGETS.get(effort.word, BUDGETS["medium"]), **shown}
    return {"thinkingLevel": _level(effort.word, model, lost), **shown}


def _off(model: str, lost: list[str]) -> Json:
    if _LEVELLED.search(model):
        lost.append("thinking: cannot be turned off")
        return {"thinkingLevel": "LOW" if _LEVELLED_PRO.search(model) else "MINIMAL"}
    if _PRO.search(model):
        lost.append("thinking: cannot be turned off")
        return {"thinkingBudget": _LEAST[True]}
    return {"thinkingBudget": 0}


def _clamped(budget: int, model: str, lost: list[str]) -> int:
    if not _BUDGETED.search(model):
        return budget
    pro = _PRO.search(model) is not None
    kept = min(max(budget, _LEAST[pro]), _MOST[pro])
    if kept != budget:
        lost.append(f"thinking: budget of {kept}")
    return kept


def _level(word: str, model: str, lost: list[str]) -> str:
    """Gemini 3 has no more than HIGH, its Pro no less than LOW."""
    level = _LEVELS.get(word, "MEDIUM")
    if level == "XHIGH" and (word == "max" or _LEVELLED.search(model)):
        level = "HIGH" if _LEVELLED.search(model) else level
    elif level == "MINIMAL" and _LEVELLED_PRO.search(model):
        level = "LOW"
    if level.lower() != word:
        lost.append(f"reasoning_effort: {word}")
    return level
