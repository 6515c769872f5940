"""The model, written as a Responses request.

Rule 1. What the system says first is ``instructions``, unless it came as a message among the others.
Rule 2. ``strict`` is always said: without it the API makes schemas strict by itself, which other formats do not.
Rule 3. A request of another format keeps nothing at OpenAI (``store`` false), and who wants reasoning gets it sealed
(``include``), so that it can be sent back.
"""

from msgspec import Raw

from asbru.model.chat import OPENAI_SEAL, Ask, Custom, Thinking, Tool, is_sealed
from asbru.model.names import Format
from asbru.wire.codec import Written
from asbru.wire.openai.chat_effort import effort_word
from asbru.wire.openai.custom_tools import customs, grammar_of
from asbru.wire.openai.kinship import CHAT_ONLY, carried, chat_name
from asbru.wire.openai.responses_ask_in import LOGPROBS
from asbru.wire.openai.responses_items_out import Items, Json
from asbru.wire.several import untold
from asbru.wire.shapes import said, write_json

HERE = Format.OPENAI_RESPONSES

OUTPUT_NAME = "output"
"""OpenAI requires a name for a schema; Anthropic has none."""

LEAST_OUTPUT = 16
"""The API refuses a smaller ``max_output_tokens``."""

_ENCRYPTED = "reasoning.encrypted_content"
_UNHEARD = ("frequency_penalty", "presence_penalty", "seed", "top_k")


def write_ask(ask: Ask) -> Written:
    """The body, and what it cannot carry."""
    kept = carried(ask)
    lost = [name for name, raw in ask.extra.items() if _is_lost(ask, name, raw, kept)]
    items = Items(ask, lost)
    body: Json = {"model": ask.model}
    if instructions := items.instructions():
        body["instructions"] = instructions
    body["input"] = items.write()
    _write_tools(ask, body, lost)
    _write_sampling(ask, body, lost)
    _write_text(ask, body, kept)
    _write_effort(ask, body, lost)
    if ask.stream:
        body["stream"] = True
    if ask.user:
        body["user"] = ask.user
    if ask.service_tier:
        body["service_tier"] = ask.service_tier
    _write_kept(ask, body, kept)
    return Written(write_json(body), tuple(lost))


def _is_lost(ask: Ask, name: str, raw: Raw, kept: dict[str, Raw]) -> bool:
    if chat_name(name) in kept or (ask.origin is HERE and "." not in name):
        return False
    return said(raw) and bytes(raw).replace(b" ", b"") != CHAT_ONLY.get(name)


def _write_kept(ask: Ask, body: Json, kept: dict[str, Raw]) -> None:
    effort = ask.thinking
    include = [_ENCRYPTED] if (effort is not None and effort.enabled) or _has_sealed(ask) else []
    if ask.sampling.logprobs is not None:
        include.append(LOGPROBS)
    if include:
        body["include"] = include
    if ask.origin is HERE:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    else:
        body |= {"store": False} | {name: raw for name, raw in kept.items() if name != "verbosity"}


def _has_sealed(ask: Ask) -> bool:
    parts = (part for turn in ask.turns for part in turn.parts if isinstance(part, Thinking))
    return any(is_sealed(part.signature or part.redacted, OPENAI_SEAL) for part in parts)


def _write_sampling(ask: Ask, body: Json, lost: list[str]) -> None:
    sampling = ask.sampling
    for name in ("temperature", "top_p"):
        if (value := getattr(sampling, name)) is not None:
            body[name] = value
    if sampling.max_tokens is not None:
        most = sampling.max_tokens if ask.origin is HERE else max(sampling.max_tokens, LEAST_OUTPUT)
        body["max_output_tokens"] = most
        if most != sampling.max_tokens:
            lost.append(f"max_tokens: below {LEAST_OUTPUT}")
    if sampling.stop:
        lost.append("stop")
    if sampling.logprobs:
        body["top_logprobs"] = sampling.logprobs
    lost += [name for name in _UNHEARD if getattr(sampling, name)]
    lost += untold(sampling, "logprobs", "top_logprobs")


def _write_text(ask: Ask, body: Json, kept: dict[str, Raw]) -> None:
    text: Json = {}
    output = ask.output
    if output is not None and output.schema is None:
        text["format"] = {"type": "json_object"}
    elif output is not None:
        form: Json = {"type": "json_schema", "name": output.name or OUTPUT_NAME, "schema": output.schema}
        if output.description:
            form["description"] = output.description
        if output.strict is not None:
            form["strict"] = output.strict
        text["format"] = form
    if "verbosity" in kept:
        text["verbosity"] = kept["verbosity"]
    if text:
        body["text"] = text


def _write_effort(ask: Ask, body: Json, lost: list[str]) -> None:
    """A thinking budget becomes a word."""
    effort = ask.thinking
    if effort is None:
        return
    word = effort_word(effort, ask.origin)
    if word:
        body["reasoning"] = {"effort": word}
    if effort.budget:
        lost.append("thinking.budget_tokens")
    elif not word:
        lost.append("thinking")


def _write_tools(ask: Ask, body: Json, lost: list[str]) -> None:
    tools = [written for n, tool in enumerate(ask.tools) if (written := _tool(tool, n, ask, lost)) is not None]
    if tools:
        body["tools"] = tools
    if ask.parallel_tools is not None:
        body["parallel_tool_calls"] = ask.parallel_tools
    choice = ask.tool_choice
    if choice is None:
        return
    offered = customs(ask)
    if choice.allowed:
        allowed = [_named(name, offered) for name in choice.allowed]
        body["tool_choice"] = {"type": "allowed_tools", "mode": choice.mode, "tools": allowed}
    elif choice.mode == "tool":
        body["tool_choice"] = _named(choice.name, offered)
    else:
        body["tool_choice"] = choice.mode


def _named(name: str, offered: frozenset[str]) -> Json:
    return {"type": "custom" if name in offered else "function", "name": name}


def _custom_tool(name: str, custom: Custom) -> Json:
    told: Json = {"type": "custom", "name": name}
    if custom.description:
        told["description"] = custom.description
    if grammar := grammar_of(custom):
        told["format"] = {"type": "grammar", **grammar}
    return told


def _tool(tool: Tool, n: int, ask: Ask, lost: list[str]) -> Json | Raw | None:
    if tool.raw is not None:
        if ask.origin is HERE:
            return tool.raw
        lost.append(f"tools.{n}: {tool.name}")
        return None
    if tool.custom:
        return _custom_tool(tool.name, tool.custom)
    written: Json = {"type": "function", "name": tool.name}
    if tool.description:
        written["description"] = tool.description
    written["parameters"] = tool.schema
    written["strict"] = bool(tool.strict)
    if tool.cache:
        lost.append(f"tools.{n}.cache_control")
    return written
