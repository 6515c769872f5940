"""The model, written as a v2 chat request.

Rule 1. What the assistant says before it calls tools is its ``tool_plan``.
Rule 2. A document with its text to be cited goes into ``documents``; one that is only to be read is a text.
Rule 3. A tool message holds text: images of a tool result follow in a user message, and are named in ``lost``.
Rule 4. Cohere knows "some tool" and "no tool": a named tool is the only one that is offered then.
Rule 5. Numbers beyond Cohere's limits are brought to them, and named in ``lost``.
"""

from collections.abc import Callable, Sequence

from msgspec import Raw

from asbru.model.chat import (
    Ask,
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from asbru.model.names import Format, Role
from asbru.wire.anthropic.messages_thinking import BUDGETS
from asbru.wire.codec import Written
from asbru.wire.openai.chat_words import write_arguments
from asbru.wire.places import Places
from asbru.wire.several import untold
from asbru.wire.shapes import join, said, write_json

HERE = Format.COHERE_CHAT

Json = dict[str, object]
Placed = tuple[str, Part]

MOST_STOPS = 5
LIMITS = (("top_p", "p", 0.01, 0.99), ("top_k", "k", 0, 500))
"""Member of the model, its name here, least and most (SDK 7.3, ``v2/client.py``)."""
PENALTIES = (("frequency_penalty", 0.0, 1.0), ("presence_penalty", 0.0, 1.0))


def write_ask(ask: Ask) -> Written:
    """The body, and what it cannot carry."""
    lost = [name for name, raw in ask.extra.items() if (ask.origin is not HERE or "." in name) and said(raw)]
    body: Json = {"model": ask.model}
    _Messages(ask, lost).write(body)
    _write_tools(ask, body, lost)
    _write_sampling(ask, body, lost)
    lost += untold(ask.sampling, "logprobs")
    _write_output(ask, body, lost)
    _write_effort(ask, body, lost)
    if ask.stream:
        body["stream"] = True
    lost += [name for name in ("user", "service_tier") if getattr(ask, name)]
    if ask.parallel_tools is False:
        lost.append("parallel_tool_calls")
    if ask.origin is HERE:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def _write_sampling(ask: Ask, body: Json, lost: list[str]) -> None:
    sampling = ask.sampling
    if sampling.logprobs is not None:
        body["logprobs"] = True
    for name in ("temperature", "seed", "max_tokens"):
        if (value := getattr(sampling, name)) is not None:
            body[name] = value
    limits = (*LIMITS, *((name, name, least, most) for name, least, most in PENALTIES))
    for name, written, least, most in limits:
        value = getattr(sampling, name)
        if value is None:
            continue
        body[written] = value if ask.origin is HERE else min(max(value, least), most)
        if body[written] != value:
            lost.append(f"{name}: {'below' if value < least else 'above'} {least if value < least else most}")
    stops = sampling.stop if ask.origin is HERE else sampling.stop[:MOST_STOPS]
    if stops:
        body["stop_sequences"] = stops
    lost += [f"stop.{n}" for n in range(len(stops), len(sampling.stop))]


def _write_output(ask: Ask, body: Json, lost: list[str]) -> None:
    output = ask.output
    if output is None:
        return
    written: Json = {"type": "json_object"}
    if output.schema is not None:
        written["json_schema"] = output.schema
        lost += [f"response_format.json_schema.{name}" for name in ("name", "description") if getattr(output, name)]
        if output.strict is False:
            lost.append("response_format.json_schema.strict")
    body["response_format"] = written


def _write_effort(ask: Ask, body: Json, lost: list[str]) -> None:
    effort = ask.thinking
    if effort is None:
        return
    if not effort.enabled:
        body["thinking"] = {"type": "disabled"}
        return
    written: Json = {"type": "enabled"}
    budget = effort.budget or BUDGETS.get(effort.word, 0)
    if budget:
        written["token_budget"] = budget
    elif effort.word:
        lost.append(f"reasoning_effort: {effort.word}")
    body["thinking"] = written


def _write_tools(ask: Ask, body: Json, lost: list[str]) -> None:
    choice = ask.tool_choice
    only = (choice.name,) if choice and choice.mode == "tool" else choice.allowed if choice else ()
    kept = [(n, tool) for n, tool in enumerate(ask.tools) if not only or tool.name in only]
    tools = [written for n, tool in kept if (written := _tool(tool, n, lost)) is not None]
    if tools:
        body["tools"] = tools
        _write_strict([tool.strict for _, tool in kept if tool.raw is None], body, lost)
    if choice is None or choice.mode == "auto":
        return
    if not tools:
        lost.append("tool_choice")
        return
    body["tool_choice"] = "NONE" if choice.mode == "none" else "REQUIRED"


def _write_strict(told: list[bool | None], body: Json, lost: list[str]) -> None:
    if len(set(told)) > 1:
        lost += [f"tools.{n}.strict" for n, strict in enumerate(told) if strict]
    elif told[0] is not None:
        body["strict_tools"] = told[0]


def _tool(tool: Tool, n: int, lost: list[str]) -> Json | None:
    if tool.raw is not None:
        lost.append(f"tools.{n}: {tool.name}")
        return None
    lost += tool.unheld(n)
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.schema
    if tool.cache:
        lost.append(f"tools.{n}.cache_control")
    return {"type": "function", "function": function}


class _Messages:
    """Writes turns as messages; paths in ``lost`` are those of the client's body."""

    def __init__(self, ask: Ask, lost: list[str]) -> None:
        self._ask = ask
        self._lost = lost
        self._places = Places(ask)
        self._out: list[Json] = []
        self._documents: list[Json] = []

    def write(self, body: Json) -> None:
        for n, turn in enumerate(self._ask.turns):
            placed = [(self._places.part(n, turn, i), part) for i, part in enumerate(turn.parts)]
            if turn.name:
                self._lost.append(f"{self._places.turn(n)}.name")
            if turn.role is Role.ASSISTANT:
                self._assistant(placed)
            else:
                self._user(placed, turn)
        body["messages"] = self._out
        if self._documents:
            body["documents"] = self._documents

    def _user(self, placed: list[Placed], turn: Turn) -> None:
        results = [(path, part) for path, part in placed if isinstance(part, ToolResult)]
        others = [(path, part) for path, part in placed if not isinstance(part, ToolResult)]
        if others and isinstance(turn.parts[-1], ToolResult):
            self._lost.append(f"{others[0][0]}: order")
        moved: list[object] = []
        for where, result in results:
            moved += self._result(result, where)
        content = [*moved, *self._parts(others)]
        if content or not placed:
            role = Role.USER if turn.role is Role.USER else Role.SYSTEM
            self._out.append({"role": role, "content": _plain(content)})

    def _result(self, result: ToolResult, path: str) -> list[object]:
        """Writes a tool message; returns the parts that it cannot hold."""
        if result.is_error:
            self._lost.append(f"{path}.is_error")
        self._mark(result, path)
        kept: list[object] = []
        moved: list[object] = []
        for n, part in enumerate(result.parts):
            where = join(path, "content", n)
            if isinstance(part, Image):
                self._lost.append(f"{where}: moved to a user message")
                moved += self._parts([(where, part)])
            else:
                kept += self._parts([(where, part)], cite=False)
        words = _plain(kept) if kept or not moved else "(in the next message)"
        self._out.append({"role": "tool", "tool_call_id": result.id, "content": words})
        return [{"type": "text", "text": f"Result of {result.id}:"}, *moved] if moved else []

    def _assistant(self, placed: list[Placed]) -> None:
        calls = [(where, part) for where, part in placed if isinstance(part, ToolCall)]
        others = [(where, part) for where, part in placed if not isinstance(part, ToolCall)]
        if calls and placed and not isinstance(placed[-1][1], ToolCall):
            self._lost.append(f"{placed[-1][0]}: order")
        plan = [part.text for _, part in others if calls and isinstance(part, Text | Refusal)]
        content = self._parts([at for at in others if not calls or not isinstance(at[1], Text | Refusal)])
        message: Json = {"role": "assistant"}
        if content or not calls:
            message["content"] = _plain(content)
        if plan:
            message["tool_plan"] = "".join(plan)
        if calls:
            for where, part in calls:
                self._mark(part, where)
            message["tool_calls"] = [tool_call(part) for _, part in calls if isinstance(part, ToolCall)]
        self._write_citations(others, message)
        self._out.append(message)

    def _write_citations(self, placed: Sequence[Placed], message: Json) -> None:
        """They go back only to where they came from."""
        found: list[Raw] = []
        for where, part in placed:
            if not isinstance(part, Text) or not part.citations:
                continue
            if self._ask.origin is HERE:
                found += [each.raw for each in part.citations]
            else:
                self._lost.append(f"{where}.citations")
        if found:
            message["citations"] = found

    def _parts(self, placed: Sequence[Placed], cite: bool = True) -> list[object]:
        """What is written of parts. ``cite``: documents to be cited go to the body's ``documents``."""
        out: list[object] = []
        for path, part in placed:
            self._mark(part, path)
            if isinstance(part, Opaque):
                if part.format is HERE:
                    out.append(part.raw)
                else:
                    self._lost.append(f"{path}: {part.kind}")
            elif isinstance(part, Thinking):
                out += self._thinking(part, path)
            elif isinstance(part, Document) and part.text and part.citations and cite:
                self._cite(part, path)
            elif (written := _WRITERS[type(part)](part, path, self._lost)) is not None:
                out.append(written)
        return out

    def _cite(self, part: Document, path: str) -> None:
        data = {"title": part.name, "text": part.text} if part.name else {"text": part.text}
        self._documents.append({"data": data})
        if part.context:
            self._lost.append(f"{path}.context")

    def _thinking(self, part: Thinking, path: str) -> list[object]:
        if part.signature or part.redacted:
            self._lost.append(f"{path}: thinking")
            return []
        return [{"type": "thinking", "thinking": part.text}]

    def _mark(self, part: Part, path: str) -> None:
        if getattr(part, "cache", None) is not None:
            self._lost.append(f"{path}.cache_control")


def _plain(content: list[object]) -> str | list[object]:
    """Text alone is written as a string."""
    only = content[0] if len(content) == 1 else None
    if isinstance(only, dict) and only["type"] == "text":
        return str(only["text"])
    return content or ""


def tool_call(call: ToolCall) -> Json:
    """One of a message's ``tool_calls``."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": write_arguments(call)}}


def _text(part: Text | Refusal, path: str, lost: list[str]) -> Json:
    return {"type": "text", "text": part.text}


def _image(part: Image, path: str, lost: list[str]) -> Json | None:
    if part.file_id:
        lost.append(f"{path}: image by file_id")
        return None
    image: Json = {"url": part.url or f"data:{part.media_type};base64,{part.data}"}
    if part.detail:
        image["detail"] = part.detail
    return {"type": "image_url", "image_url": image}


def _document(part: Document, path: str, lost: list[str]) -> Json | None:
    if not part.text:
        lost.append(f"{path}: document")
        return None
    lost += [f"{path}.{word}" for word, value in (("title", part.name), ("context", part.context)) if value]
    if part.citations:
        lost.append(f"{path}.citations")
    return {"type": "text", "text": part.text}


def _nowhere(part: Part, path: str, lost: list[str]) -> None:
    lost.append(f"{path}: {type(part).__name__.lower()}")


_WRITERS: dict[type, Callable[..., Json | None]] = {
    Text: _text,
    Refusal: _text,
    Image: _image,
    Document: _document,
    Audio: _nowhere,
    ToolCall: _nowhere,
    ToolResult: _nowhere,
}
