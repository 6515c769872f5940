"""The model, written as a generateContent request.

Rule 1. What system and developer say stands in ``systemInstruction``, wherever it stood; a place that moves is named
in ``lost``.
Rule 2. All results of the calls of one turn stand in the next content, alone: Google counts them.
Rule 3. Calls of another model, or whose signature a client lost, are marked as such for Gemini 3, which asks for one
on the first call of each step.
"""

import re
from collections.abc import Mapping

from msgspec import Raw

from asbru.model.chat import Ask, Opaque, Part, Text, Tool, ToolCall, ToolResult
from asbru.model.names import Format, Role
from asbru.wire.codec import Written
from asbru.wire.gemini.generate_ask_in import CONFIG, JSON_TYPE
from asbru.wire.gemini.generate_parts import ModelParts, write_part, write_result
from asbru.wire.gemini.generate_thinking import write_thinking
from asbru.wire.gemini.generate_words import write_tier
from asbru.wire.gemini.json_schema import fitted
from asbru.wire.gemini.media import Json
from asbru.wire.gemini.signatures import SKIPPED
from asbru.wire.places import Places
from asbru.wire.shapes import said, write_json

HERE = Format.GEMINI_GENERATE

MOST_STOPS = 5
"""Stop sequences that Google takes."""

_CHOICES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}
_SAYS_NOTHING = {"modalities": b'["text"]'}
_NEEDS_SIGNATURES = re.compile(r"gemini-(?!1|2)\d")
_NESTED = re.compile(rf"(?:{CONFIG}|toolConfig)\.\w+")
_NO_PARAMETERS = b'{"type":"object","properties":{}}'


def write_ask(ask: Ask) -> Written:
    """The body, and what it cannot carry."""
    body, lost = write_body(ask)
    return Written(write_json(body), tuple(lost))


def write_body(ask: Ask) -> tuple[Json, list[str]]:
    """The same before it is JSON."""
    home = ask.origin is HERE
    lost = [name for name, raw in ask.extra.items() if not (home and _goes_home(name)) and _says(name, raw)]
    body: Json = {}
    _Contents(ask, lost).write(body)
    _write_tools(ask, body, lost)
    config = _config(ask, lost)
    if ask.user:
        lost.append("user")
    if tier := write_tier(ask.service_tier):
        body["serviceTier"] = tier
    elif ask.service_tier not in ("", "auto"):
        lost.append("service_tier")
    if home:
        _write_extra(ask.extra, body, config)
    if config:
        body[CONFIG] = config
    return body, lost


def _goes_home(name: str) -> bool:
    return "." not in name or _NESTED.fullmatch(name) is not None


def _says(name: str, raw: Raw) -> bool:
    return said(raw) and bytes(raw).replace(b" ", b"") != _SAYS_NOTHING.get(name)


def _write_extra(extra: Mapping[str, Raw], body: Json, config: Json) -> None:
    for name, raw in extra.items():
        outer, _, inner = name.partition(".")
        if not inner:
            body[name] = raw
        elif outer == CONFIG and _goes_home(name):
            config[inner] = raw
        elif _goes_home(name):
            held = body.setdefault(outer, {})
            assert isinstance(held, dict)
            held[inner] = raw


def _config(ask: Ask, lost: list[str]) -> Json:
    sampling = ask.sampling
    told = {
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "maxOutputTokens": sampling.max_tokens,
        "stopSequences": sampling.stop[:MOST_STOPS] or None,
        "seed": sampling.seed,
        "candidateCount": sampling.n,
        "responseLogprobs": None if sampling.logprobs is None else True,
        "logprobs": sampling.logprobs or None,
        "presencePenalty": sampling.presence_penalty,
        "frequencyPenalty": sampling.frequency_penalty,
        "thinkingConfig": write_thinking(ask.thinking, ask.model, lost),
    }
    lost += [f"stop.{n}" for n in range(MOST_STOPS, len(sampling.stop))]
    config: Json = {name: value for name, value in told.items() if value is not None}
    output = ask.output
    if output is not None:
        config["responseMimeType"] = JSON_TYPE
        path = "response_format.json_schema"
        if output.schema is not None:
            config["responseJsonSchema"] = fitted(output.schema, f"{path}.schema", lost)
        lost += [f"{path}.{name}" for name in ("name", "description") if getattr(output, name)]
        if output.strict is False:
            lost.append(f"{path}.strict")
    return config


def _write_tools(ask: Ask, body: Json, lost: list[str]) -> None:
    declared: list[Json] = []
    others: list[Raw] = []
    for n, tool in enumerate(ask.tools):
        if tool.raw is None:
            declared.append(_declaration(tool, n, lost))
        elif ask.origin is HERE:
            others.append(tool.raw)
        else:
            lost.append(f"tools.{n}: {tool.name}")
    tools: list[object] = [{"functionDeclarations": declared}] if declared else []
    if tools or others:
        body["tools"] = tools + others
    if ask.parallel_tools is False:
        lost.append("parallel_tool_calls")
    _write_choice(ask, body, lost)


def _declaration(tool: Tool, n: int, lost: list[str]) -> Json:
    lost += tool.unheld(n)
    written: Json = {"name": tool.name}
    if tool.description:
        written["description"] = tool.description
    if bytes(tool.schema).translate(None, b" \n") != _NO_PARAMETERS:
        written["parametersJsonSchema"] = fitted(tool.schema, f"tools.{n}.parameters", lost)
    if tool.cache:
        lost.append(f"tools.{n}.cache_control")
    return written


def _write_choice(ask: Ask, body: Json, lost: list[str]) -> None:
    """Calls keep to their schemas with VALIDATED and with ANY; only VALIDATED may name some functions and leave it to
    the model.
    """
    choice = ask.tool_choice
    strict = [n for n, tool in enumerate(ask.tools) if tool.strict]
    all_strict = bool(strict) and len(strict) == sum(tool.raw is None for tool in ask.tools)
    mode = choice.mode if choice else "auto"
    told: Json = {}
    if choice and choice.mode == "tool":
        told = {"mode": "ANY", "allowedFunctionNames": [choice.name]}
    elif choice and choice.allowed:
        told = {"mode": "ANY" if mode == "required" else "VALIDATED", "allowedFunctionNames": choice.allowed}
    elif all_strict and mode == "auto":
        told = {"mode": "VALIDATED"}
    elif choice:
        told = {"mode": _CHOICES.get(mode, "AUTO")}
    if told.get("mode", "AUTO") == "AUTO":
        lost += [f"tools.{n}.strict" for n in strict]
    if told:
        body["toolConfig"] = {"functionCallingConfig": told}


class _Contents:
    """Writes turns as ``systemInstruction`` and ``contents``."""

    def __init__(self, ask: Ask, lost: list[str]) -> None:
        self._ask = ask
        self._lost = lost
        self._places = Places(ask)
        self._system: list[Json | Raw] = []
        self._out: list[tuple[str, list[Json | Raw]]] = []
        self._results = False
        self._names: dict[str, str] = {}
        self._signs = _NEEDS_SIGNATURES.search(ask.model) is not None

    def write(self, body: Json) -> None:
        for n, turn in enumerate(self._ask.turns):
            if turn.name:
                self._lost.append(f"{self._places.turn(n)}.name")
            placed = [(self._places.part(n, turn, i), part) for i, part in enumerate(turn.parts)]
            for path, part in placed:
                self._mark(part, path)
            if turn.role in (Role.SYSTEM, Role.DEVELOPER):
                self._instruct(n, placed)
            elif turn.role is Role.ASSISTANT:
                self._model(placed)
            else:
                self._user(n, placed)
        if self._system:
            body["systemInstruction"] = {"parts": self._system}
        body["contents"] = [{"role": role, "parts": parts} for role, parts in self._out]

    def _instruct(self, n: int, placed: list[tuple[str, Part]]) -> None:
        if self._out:
            self._lost.append(f"{self._places.turn(n)}: moved to systemInstruction")
        for path, part in placed:
            if isinstance(part, Text | Opaque):
                written = write_part(part, path, self._lost)
                self._system += [] if written is None else [written]
            else:
                self._lost.append(f"{path}: {type(part).__name__.lower()}")

    def _model(self, placed: list[tuple[str, Part]]) -> None:
        for _, part in placed:
            if isinstance(part, ToolCall):
                self._names[part.id] = part.name
        writer = ModelParts(self._lost, to_client=False)
        parts = writer.write(placed)
        if self._signs:
            writer.sign_first_call(SKIPPED)
        self._say("model", parts, False)

    def _user(self, n: int, placed: list[tuple[str, Part]]) -> None:
        results = [
            write_result(part, self._names.get(part.id, part.id), path, self._lost)
            for path, part in placed
            if isinstance(part, ToolResult)
        ]
        others = [(path, part) for path, part in placed if not isinstance(part, ToolResult)]
        if results and others and isinstance(placed[-1][1], ToolResult):
            self._lost.append(f"{others[0][0]}: order")
        if results:
            self._say("user", list(results), True)
        written = [out for path, part in others if (out := write_part(part, path, self._lost)) is not None]
        if written or not (results or others):
            self._say("user", written or [{"text": ""}], False)

    def _say(self, role: str, parts: list[Json | Raw], results: bool) -> None:
        """Contents of the model's, and results, are joined with those right before them."""
        if not parts:
            return
        joins = self._out and self._out[-1][0] == role and (role == "model" or (results and self._results))
        if joins:
            self._out[-1][1].extend(parts)
        else:
            self._out.append((role, parts))
        self._results = results

    def _mark(self, part: Part, path: str) -> None:
        if getattr(part, "cache", None) is not None:
            self._lost.append(f"{path}.cache_control")
