"""The model, written as a messages request.

Rule 1. What system and developer say stands in ``system``, wherever it stood; a place that moves is named in
``lost``. Only a request that came in this format keeps system messages among the others (new in SDK 2.12).
Rule 2. Results of tools stand first in the user's turn; turns that touch them are joined, since all results of one
assistant turn must be in the next message.
Rule 3. Empty texts are left out: the API refuses them.
Rule 4. Thinking goes back only with its signature, unless it came in this format.
"""

import msgspec
from msgspec import Raw

from asbru.model.chat import Ask, Part, Text, Tool, ToolChoice, ToolResult, Turn
from asbru.model.names import Format, Role
from asbru.wire.anthropic.messages_parts import Json, mark, plain, write_part
from asbru.wire.anthropic.messages_thinking import write_thinking
from asbru.wire.codec import Written
from asbru.wire.places import Places
from asbru.wire.several import untold
from asbru.wire.shapes import Members, read_members, said, write_json

HERE = Format.ANTHROPIC_MESSAGES

_CHOICES = {"auto": "auto", "required": "any", "none": "none", "tool": "tool"}
_TIERS = {"auto": "auto", "default": "standard_only"}
_NOTHING_LOST = {"modalities": b'["text"]'}
"""Members whose value asks for what Anthropic does anyway."""

LEAST_TOP_P = 0.95
"""With thinking, ``top_p`` must not be lower."""


def write_ask(ask: Ask) -> Written:
    """The body, and what it cannot carry."""
    lost = [name for name, raw in ask.extra.items() if _is_lost(ask, name, raw)]
    thinking, effort, most = write_thinking(ask, lost)
    body: Json = {"model": ask.model, "max_tokens": most}
    _Messages(ask, lost).write(body)
    _write_tools(ask, body, lost)
    if thinking:
        body["thinking"] = thinking
    _write_output(ask, effort, body, lost)
    lost += untold(ask.sampling)
    _write_sampling(ask, thinking is not None and thinking["type"] != "disabled", body, lost)
    if ask.user:
        body["metadata"] = {"user_id": ask.user}
    if ask.service_tier in _TIERS:
        body["service_tier"] = _TIERS[ask.service_tier]
    elif ask.service_tier:
        lost.append("service_tier")
    if ask.stream:
        body["stream"] = True
    if ask.origin is HERE:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def _is_lost(ask: Ask, name: str, raw: Raw) -> bool:
    if ask.origin is HERE and "." not in name:
        return False
    return said(raw) and bytes(raw).replace(b" ", b"") != _NOTHING_LOST.get(name)


def _write_sampling(ask: Ask, thinks: bool, body: Json, lost: list[str]) -> None:
    sampling = ask.sampling
    if stops := [stop for stop in sampling.stop if stop.strip()]:
        body["stop_sequences"] = stops
    lost += [f"stop.{n}: white space only" for n, stop in enumerate(sampling.stop) if not stop.strip()]
    if ask.origin is HERE:
        for name in ("temperature", "top_p", "top_k"):
            if (value := getattr(sampling, name)) is not None:
                body[name] = value
        return
    _write_foreign_sampling(ask, thinks, body, lost)
    for name in ("frequency_penalty", "presence_penalty"):
        if getattr(sampling, name):
            lost.append(name)
    if sampling.seed is not None:
        lost.append("seed")


def _write_foreign_sampling(ask: Ask, thinks: bool, body: Json, lost: list[str]) -> None:
    """Newer models refuse ``temperature`` beside ``top_p``, and most sampling beside thinking."""
    warmth, top_p, top_k = ask.sampling.temperature, ask.sampling.top_p, ask.sampling.top_k
    if warmth is not None and thinks:
        if warmth != 1:
            lost.append("temperature")
    elif warmth is not None:
        body["temperature"] = min(warmth, 1.0)
        if warmth > 1:
            lost.append("temperature: above 1")
    if top_p is not None and top_p != 1:
        if "temperature" in body or (thinks and top_p < LEAST_TOP_P):
            lost.append("top_p")
        else:
            body["top_p"] = top_p
    if top_k is not None and thinks:
        lost.append("top_k")
    elif top_k is not None:
        body["top_k"] = top_k


def _write_output(ask: Ask, effort: str, body: Json, lost: list[str]) -> None:
    config: Json = {}
    if effort:
        config["effort"] = effort
    output = ask.output
    if output is not None and output.schema is not None:
        config["format"] = {"type": "json_schema", "schema": output.schema}
        lost += [f"response_format.json_schema.{name}" for name in ("name", "description") if getattr(output, name)]
        if output.strict is False:
            lost.append("response_format.json_schema.strict")
    elif output is not None:
        lost.append("response_format: json_object")
    if config:
        body["output_config"] = config


def _write_tools(ask: Ask, body: Json, lost: list[str]) -> None:
    choice = ask.tool_choice
    allowed = choice.allowed if choice else ()
    kept = [(n, tool) for n, tool in enumerate(ask.tools) if not allowed or tool.name in allowed]
    tools = [written for n, tool in kept if (written := _tool(tool, n, ask, lost)) is not None]
    if tools:
        body["tools"] = tools
    if choice is None and ask.parallel_tools is not False:
        return
    if not tools and ask.origin is not HERE:
        lost.append("parallel_tool_calls" if choice is None else "tool_choice")
        return
    body["tool_choice"] = _choice(choice or ToolChoice(), ask.parallel_tools)


def _choice(choice: ToolChoice, parallel: bool | None) -> Json:
    written: Json = {"type": _CHOICES.get(choice.mode, "auto")}
    if choice.mode == "tool":
        written["name"] = choice.name
    if parallel is not None and choice.mode != "none":
        written["disable_parallel_tool_use"] = not parallel
    return written


def _tool(tool: Tool, n: int, ask: Ask, lost: list[str]) -> Json | Raw | None:
    if tool.raw is not None:
        if ask.origin is HERE:
            return tool.raw
        lost.append(f"tools.{n}: {tool.name}")
        return None
    lost += tool.unheld(n)
    written: Json = {"name": tool.name}
    if tool.description:
        written["description"] = tool.description
    written["input_schema"] = _schema(tool.schema)
    if tool.strict is not None:
        written["strict"] = tool.strict
    return mark(written, tool.cache)


def _schema(schema: Raw) -> Raw:
    """The schema's own bytes; Anthropic requires ``type`` in it, which OpenAI does not."""
    try:
        members: Members = read_members(schema)
    except msgspec.DecodeError:
        return schema
    if "type" in members:
        return schema
    return Raw(write_json({"type": "object"} | members))


class _Messages:
    """Writes turns as ``system`` and ``messages``."""

    def __init__(self, ask: Ask, lost: list[str]) -> None:
        self._ask = ask
        self._lost = lost
        self._places = Places(ask)
        self._system: list[Json | Raw] = []
        self._out: list[tuple[str, list[Json | Raw]]] = []
        self._joinable = False

    def write(self, body: Json) -> None:
        for n, turn in enumerate(self._ask.turns):
            if turn.name:
                self._lost.append(f"{self._places.turn(n)}.name")
            if turn.role in (Role.SYSTEM, Role.DEVELOPER):
                self._system_turn(n, turn)
            else:
                self._turn(n, turn)
        if self._system:
            body["system"] = plain(self._system)
        body["messages"] = [{"role": role, "content": plain(blocks)} for role, blocks in self._out]

    def _system_turn(self, n: int, turn: Turn) -> None:
        blocks = self._blocks(n, turn)
        if not self._out and (n == 0 or self._ask.origin is not HERE):
            self._system += blocks
        elif self._ask.origin is HERE:
            self._out.append(("system", blocks))
            self._joinable = False
        else:
            self._system += blocks
            self._lost.append(f"{self._places.turn(n)}: moved to system")

    def _turn(self, n: int, turn: Turn) -> None:
        role = "assistant" if turn.role is Role.ASSISTANT else "user"
        blocks = self._blocks(n, turn)
        has_results = any(isinstance(part, ToolResult) for part in turn.parts)
        if not blocks:
            self._lost.append(f"{self._places.turn(n)}: empty")
            return
        if self._out and self._out[-1][0] == role and (self._joinable or has_results):
            self._out[-1][1].extend(blocks)
        else:
            self._out.append((role, blocks))
        self._joinable = has_results

    def _blocks(self, n: int, turn: Turn) -> list[Json | Raw]:
        placed = [(self._places.part(n, turn, i), part) for i, part in enumerate(turn.parts)]
        if turn.role is Role.USER and self._ask.origin is not HERE:
            placed.sort(key=lambda at: not isinstance(at[1], ToolResult))
        return [block for path, part in placed if not _empty(part) and (block := self._block(part, path)) is not None]

    def _block(self, part: Part, path: str) -> Json | Raw | None:
        return write_part(part, path, self._ask.origin, self._lost)


def _empty(part: Part) -> bool:
    return isinstance(part, Text) and not part.text
