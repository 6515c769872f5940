"""``additionalModelRequestFields``: what each maker's models take beyond Converse itself.

Sources: the user guide's "Inference request parameters and response fields": Anthropic (``thinking``, ``top_k``),
Amazon Nova (``inferenceConfig.topK``, ``reasoningConfig``), Cohere (``k``), Mistral (``top_k``), OpenAI
(``reasoning_effort``).
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Ask, Effort, Sampling
from asbru.model.names import Format
from asbru.wire.anthropic.messages_thinking import write_thinking
from asbru.wire.shapes import BAD_JSON, Members, join, read_members, refused

HERE = Format.BEDROCK_CONVERSE
PATH = "additionalModelRequestFields"

_TOP_K = {"claude": "top_k", "mistral": "top_k", "cohere": "k"}
_NOVA_WORDS = {"minimal": "low", "xhigh": "high", "max": "high"}
_BUDGET_WORDS = ((4096, "low"), (12288, "medium"))


class Fields(Struct, frozen=True):
    """What is read out of the fields. ``sampling`` holds ``top_k`` only."""

    sampling: Sampling
    effort: Effort | None


class _Thinking(Struct, rename={"budget": "budget_tokens", "word": "maxReasoningEffort"}):
    type: str = ""
    budget: int | None = None
    word: str | None = None


class _TopK(Struct, forbid_unknown_fields=True, rename={"top_k": "topK"}):
    top_k: int


_thinking = msgspec.json.Decoder(_Thinking).decode
_top_k = msgspec.json.Decoder(_TopK).decode
_int = msgspec.json.Decoder(int).decode
_str = msgspec.json.Decoder(str).decode


def read_fields(raw: Raw | None, word: str, spare: Members) -> Fields:
    """``word``: what ``outputConfig.effort`` says. Fields without a word in the model are kept by their path."""
    sampling, effort = Sampling(), Effort(word=word) if word else None
    if raw is None:
        return Fields(sampling, effort)
    try:
        members = read_members(raw)
    except BAD_JSON as error:
        raise refused(PATH, error) from None
    for name, value in members.items():
        try:
            match name:
                case "thinking" | "reasoningConfig" | "reasoning_config":
                    effort = _effort(_thinking(value), word)
                case "reasoning_effort":
                    effort = Effort(word=_str(value), adaptive=True)
                case "top_k" | "k":
                    sampling = Sampling(top_k=_int(value))
                case "inferenceConfig":
                    sampling = Sampling(top_k=_top_k(value).top_k)
                case _:
                    spare[join(PATH, name)] = value
        except BAD_JSON:
            spare[join(PATH, name)] = value
    return Fields(sampling, effort)


def _effort(thinking: _Thinking, word: str) -> Effort:
    said = word or thinking.word or ""
    if thinking.type == "disabled":
        return Effort(enabled=False, word=said)
    adaptive = thinking.type == "adaptive" or bool(said and not thinking.budget)
    return Effort(word=said, budget=thinking.budget or 0, adaptive=adaptive)


class Extras(Struct):
    """What is written for a model. ``effort``: for ``outputConfig``. ``most``: ``maxTokens``.

    ``one_of_two``: it refuses ``topP`` beside ``temperature``, as Claude does, and most sampling when it thinks.
    """

    fields: dict[str, object]
    most: int | None
    effort: str = ""
    one_of_two: bool = False

    @property
    def thinks(self) -> bool:
        """Whether it is asked to think by a budget or at its own will."""
        thinking = self.fields.get("thinking")
        return isinstance(thinking, dict) and thinking["type"] != "disabled"


def maker_of(model: str) -> str:
    """Who made a model, by its id; "" when that does not tell (profiles and imported models)."""
    name = model.lower()
    if "claude" in name or "anthropic." in name:
        return "claude"
    if "nova" in name:
        return "nova"
    if "openai." in name or "gpt-oss" in name:
        return "openai"
    if "cohere." in name:
        return "cohere"
    return "mistral" if "mistral." in name else ""


def write_fields(ask: Ask, lost: list[str]) -> Extras:
    """The fields for ``ask.model``; what its maker has no word for is named in ``lost``."""
    maker = maker_of(ask.model)
    extras = Extras(_kept(ask), ask.sampling.max_tokens, one_of_two=maker == "claude")
    if ask.thinking is not None:
        _write_effort(ask, maker, extras, lost)
    top_k = ask.sampling.top_k
    if top_k is None:
        return extras
    if maker == "nova":
        extras.fields["inferenceConfig"] = {"topK": top_k}
    elif maker in _TOP_K and (not extras.thinks or ask.origin is HERE):
        extras.fields[_TOP_K[maker]] = top_k
    else:
        lost.append("top_k")
    return extras


def _kept(ask: Ask) -> dict[str, object]:
    if ask.origin is not HERE:
        return {}
    start = PATH + "."
    return {name.removeprefix(start): raw for name, raw in ask.extra.items() if name.startswith(start)}


def _write_effort(ask: Ask, maker: str, extras: Extras, lost: list[str]) -> None:
    effort = ask.thinking
    assert effort is not None
    as_it_came = ask.origin is HERE and (effort.budget or effort.adaptive or not effort.enabled)
    if maker == "claude" or (not maker and as_it_came):
        _write_claude(ask, extras, lost)
    elif maker == "nova":
        word = _word(effort)
        told = {"type": "enabled", "maxReasoningEffort": _NOVA_WORDS.get(word, word)}
        extras.fields["reasoningConfig"] = told if effort.enabled else {"type": "disabled"}
    elif maker == "openai" and effort.enabled:
        extras.fields["reasoning_effort"] = _NOVA_WORDS.get(_word(effort), _word(effort))
    elif ask.origin is HERE:
        extras.effort = effort.word
    elif effort.enabled:
        lost.append("reasoning_effort" if ask.origin is Format.OPENAI_CHAT else "thinking")


def _write_claude(ask: Ask, extras: Extras, lost: list[str]) -> None:
    at_home = ask.origin is HERE
    as_anthropic = msgspec.structs.replace(ask, origin=Format.ANTHROPIC_MESSAGES) if at_home else ask
    thinking, extras.effort, most = write_thinking(as_anthropic, lost)
    if thinking is not None:
        extras.fields["thinking"] = thinking
    if thinking is not None and "budget_tokens" in thinking and not at_home:
        extras.most = most


def _word(effort: Effort) -> str:
    if effort.word or not effort.budget:
        return effort.word or "medium"
    return next((word for most, word in _BUDGET_WORDS if effort.budget <= most), "high")
