"""The model, written as a Converse request.

Rule 1. What system and developer say stands in ``system``, wherever it stood; a place that moves is named in ``lost``.
Only a request that came in this format keeps system messages among the others.
Rule 2. Roles alternate: neighbouring turns of one role are joined, and results of tools stand first in their message.
Rule 3. Empty texts are left out: the API refuses them.
Rule 4. Thinking goes back only with its signature, unless it came in this format.
Rule 5. The API wants ``toolConfig`` wherever tools were called; tools that are not given any more are named in it.
"""

from msgspec import Raw

from asbru.model.chat import Ask, Output, Part, Text, Tool, ToolCall, ToolResult, Turn
from asbru.model.names import Format, Role
from asbru.wire.bedrock.converse_fields import PATH, Extras, write_fields
from asbru.wire.bedrock.converse_output import by_tool, forced, output_tool
from asbru.wire.bedrock.converse_parts import Blocks, Json, cache_point
from asbru.wire.codec import Written
from asbru.wire.places import Places
from asbru.wire.several import untold
from asbru.wire.shapes import said, write_json

HERE = Format.BEDROCK_CONVERSE

_NOTHING_LOST = {"modalities": b'["text"]'}
"""Members whose value asks for what Bedrock does anyway."""

_TIERS = frozenset({"priority", "default", "flex", "reserved"})


def write_ask(ask: Ask) -> Written:
    """The body, and what it cannot carry. The model and whether to stream are said by the path."""
    lost = [name for name, raw in ask.extra.items() if _is_lost(ask, name, raw)]
    extras = write_fields(ask, lost)
    body: Json = {}
    _Messages(ask, lost).write(body)
    _write_inference(ask, extras, body, lost)
    _write_tools(ask, body, lost)
    if (output := by_tool(ask)) is not None:
        _write_output_tool(output, extras, body)
    if extras.fields:
        body[PATH] = extras.fields
    _write_output(ask, extras, body, lost)
    if ask.service_tier in _TIERS:
        body["serviceTier"] = {"type": ask.service_tier}
    elif ask.service_tier not in ("", "auto"):
        lost.append("service_tier")
    if ask.user:
        lost.append("user")
    if ask.origin is HERE:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def _is_lost(ask: Ask, name: str, raw: Raw) -> bool:
    if ask.origin is HERE and ("." not in name or name.startswith(PATH)):
        return False
    return said(raw) and bytes(raw).replace(b" ", b"") != _NOTHING_LOST.get(name)


def _write_inference(ask: Ask, extras: Extras, body: Json, lost: list[str]) -> None:
    sampling, config = ask.sampling, dict[str, object]()
    thinks = extras.thinks and ask.origin is not HERE
    if extras.most is not None:
        config["maxTokens"] = extras.most
    warmth, top_p = sampling.temperature, sampling.top_p
    if warmth is not None and thinks:
        if warmth != 1:
            lost.append("temperature")
    elif warmth is not None:
        config["temperature"] = min(warmth, 1.0)
        if warmth > 1:
            lost.append("temperature: above 1")
    if top_p is not None and (ask.origin is HERE or top_p != 1):
        if extras.one_of_two and ask.origin is not HERE and (thinks or "temperature" in config):
            lost.append("top_p")
        else:
            config["topP"] = top_p
    if stops := [stop for stop in sampling.stop if stop.strip()]:
        config["stopSequences"] = stops
    lost += [f"stop.{n}: white space only" for n, stop in enumerate(sampling.stop) if not stop.strip()]
    lost += [name for name in ("frequency_penalty", "presence_penalty") if getattr(sampling, name)]
    if sampling.seed is not None:
        lost.append("seed")
    lost += untold(sampling)
    if config:
        body["inferenceConfig"] = config


def _write_output(ask: Ask, extras: Extras, body: Json, lost: list[str]) -> None:
    config: Json = {"effort": extras.effort} if extras.effort else {}
    output = None if by_tool(ask) else ask.output
    if output is not None and output.schema is not None:
        schema: Json = {"schema": bytes(output.schema).decode()}
        if output.name:
            schema["name"] = output.name
        if output.description:
            schema["description"] = output.description
        config["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": schema}}
        if output.strict is False:
            lost.append("response_format.json_schema.strict")
    elif output is not None:
        lost.append("response_format: json_object")
    if config:
        body["outputConfig"] = config


def _write_output_tool(output: Output, extras: Extras, body: Json) -> None:
    """A choice that the caller made stands."""
    config = body.setdefault("toolConfig", {"tools": []})
    assert isinstance(config, dict)
    config["tools"] = [*config["tools"], output_tool(output)]
    if config.get("toolChoice", {"auto": {}}) == {"auto": {}}:
        config["toolChoice"] = forced(len(config["tools"]) == 1, extras.thinks)


def _write_tools(ask: Ask, body: Json, lost: list[str]) -> None:
    choice = ask.tool_choice
    called = {part.name: None for turn in ask.turns for part in turn.parts if isinstance(part, ToolCall)}
    allowed = choice.allowed if choice else ()
    silent = choice is not None and choice.mode == "none"
    tools: list[object] = []
    for n, tool in enumerate(ask.tools):
        if (not allowed or tool.name in allowed) and (called or not silent):
            tools += _tool(tool, n, ask, lost)
    if not tools and called:
        tools = [{"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}} for name in called]
    if ask.parallel_tools is False:
        lost.append("parallel_tool_calls")
    if not tools:
        if choice is not None and choice.mode not in ("auto", "none"):
            lost.append("tool_choice")
        return
    config: Json = {"tools": tools}
    if silent:
        lost.append("tool_choice: none")
    elif choice is not None and choice.mode == "tool":
        config["toolChoice"] = {"tool": {"name": choice.name}}
    elif choice is not None:
        config["toolChoice"] = {"any": {}} if choice.mode == "required" else {"auto": {}}
    body["toolConfig"] = config


def _tool(tool: Tool, n: int, ask: Ask, lost: list[str]) -> list[object]:
    if tool.raw is not None:
        if ask.origin is HERE:
            return [tool.raw]
        lost.append(f"tools.{n}: {tool.name}")
        return []
    lost += tool.unheld(n)
    written: Json = {"name": tool.name}
    if tool.description:
        written["description"] = tool.description
    written["inputSchema"] = {"json": tool.schema}
    if tool.strict is not None:
        written["strict"] = tool.strict
    return [{"toolSpec": written}] if tool.cache is None else [{"toolSpec": written}, cache_point(tool.cache)]


class _Messages:
    """Writes turns as ``system`` and ``messages``."""

    def __init__(self, ask: Ask, lost: list[str]) -> None:
        self._ask = ask
        self._home = ask.origin is HERE
        self._lost = lost
        self._places = Places(ask)
        self._blocks = Blocks(ask.origin, lost)
        self._system: list[Json | Raw] = []
        self._out: list[tuple[str, list[Json | Raw]]] = []

    def write(self, body: Json) -> None:
        for n, turn in enumerate(self._ask.turns):
            if turn.name:
                self._lost.append(f"{self._places.turn(n)}.name")
            if turn.role in (Role.SYSTEM, Role.DEVELOPER) and (n == 0 or not self._home):
                self._system_turn(n, turn)
            else:
                self._turn(n, turn)
        body["messages"] = [{"role": role, "content": blocks} for role, blocks in self._out]
        if self._system:
            body["system"] = self._system

    def _system_turn(self, n: int, turn: Turn) -> None:
        if self._out:
            self._lost.append(f"{self._places.turn(n)}: moved to system")
        self._system += self._written(n, turn)

    def _turn(self, n: int, turn: Turn) -> None:
        role = "system" if turn.role is Role.DEVELOPER else turn.role.value
        blocks = self._written(n, turn)
        if not blocks:
            self._lost.append(f"{self._places.turn(n)}: empty")
        elif self._out and self._out[-1][0] == role and not self._home:
            self._out[-1][1].extend(blocks)
        else:
            self._out.append((role, blocks))

    def _written(self, n: int, turn: Turn) -> list[Json | Raw]:
        placed = [(self._places.part(n, turn, i), part) for i, part in enumerate(turn.parts)]
        if turn.role is Role.USER and not self._home:
            placed.sort(key=lambda at: not isinstance(at[1], ToolResult))
        blocks: list[Json | Raw] = []
        for path, part in placed:
            if not _empty(part):
                blocks += self._blocks.write(part, path)
        return blocks


def _empty(part: Part) -> bool:
    return isinstance(part, Text) and not part.text.strip()
