"""Small vocabularies of generateContent: why a candidate ended, when to call functions, tiers.

Sources: ``google.genai.types.FinishReason``, ``FunctionCallingConfigMode``, ``ServiceTier``.
"""

from collections.abc import Mapping
from types import MappingProxyType

from asbru.model.names import Finish

MODES: Mapping[str, str] = MappingProxyType(
    {"MODE_UNSPECIFIED": "auto", "AUTO": "auto", "VALIDATED": "auto", "ANY": "required", "NONE": "none"}
)

_FILTERED = frozenset(
    {
        "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION", "MODEL_ARMOR",
    }
)  # fmt: skip

_OUT = {
    Finish.LENGTH: "MAX_TOKENS",
    Finish.CONTEXT_EXCEEDED: "MAX_TOKENS",
    Finish.CONTENT_FILTER: "SAFETY",
    Finish.REFUSAL: "SAFETY",
}

_TIERS_IN = {"standard": "default", "flex": "flex", "priority": "priority"}
_TIERS_OUT = {word: tier for tier, word in _TIERS_IN.items()}


def read_finish(word: str | None, *, called: bool) -> Finish | None:
    """Why it ended. None: not yet."""
    if not word or word == "FINISH_REASON_UNSPECIFIED":
        return None
    if word == "MAX_TOKENS":
        return Finish.LENGTH
    if word in _FILTERED:
        return Finish.CONTENT_FILTER
    return Finish.TOOL_CALLS if called else Finish.STOP


def is_known(word: str | None) -> bool:
    """Whether the house has a word for it: ``MALFORMED_FUNCTION_CALL`` and the like have none."""
    return word in (None, "", "STOP", "MAX_TOKENS") or word in _FILTERED


def write_finish(finish: Finish | None) -> str:
    """``finishReason``."""
    return "STOP" if finish is None else _OUT.get(finish, "STOP")


def read_tier(word: str | None) -> str:
    """``serviceTier`` in OpenAI's words; one that is new is passed on as it is."""
    told = (word or "").lower().removeprefix("service_tier_")
    return "" if told == "unspecified" else _TIERS_IN.get(told, told)


def write_tier(tier: str) -> str:
    """``serviceTier``; "" where Google has no word for it."""
    return _TIERS_OUT.get(tier, "")
