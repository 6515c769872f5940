"""The model, written as a chat completions request.

Rule 1. ``max_completion_tokens`` is written, as OpenAI wants it; rows of providers that know ``max_tokens`` only
rename it.
Rule 2. A tool message holds text only: images and documents of a tool result follow in a user message, and are named
in ``lost``.
Rule 3. Thinking without a signature came from an OpenAI-compatible server and goes back as ``reasoning_content``;
signed thinking is of use to its maker only and is lost, unless the request came in this format.
"""

from collections.abc import Callable, Sequence

from msgspec import Raw

from asbru.model.chat import (
    Ask,
    Audio,
    Custom,
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
from asbru.wire.codec import Written
from asbru.wire.openai.chat_effort import effort_word
from asbru.wire.openai.chat_reasoning import write_annotations, write_details
from asbru.wire.openai.chat_words import write_arguments
from asbru.wire.openai.custom_tools import customs, grammar_of, input_of, is_custom
from asbru.wire.openai.kinship import carried, chat_name
from asbru.wire.places import Places
from asbru.wire.shapes import join, said, write_json

HERE = Format.OPENAI_CHAT

Json = dict[str, object]
Placed = tuple[str, Part]

OUTPUT_NAME = "output"
"""OpenAI requires a name for a schema; Anthropic has none."""


def write_ask(ask: Ask) -> Written:
    """The body, and what it cannot carry."""
    kept = carried(ask)
    lost = [name for name, raw in ask.extra.items() if _is_lost(ask, name, kept) and said(raw)]
    body: Json = {"model": ask.model, "messages": _Messages(ask, lost).write()}
    _write_tools(ask, body, lost)
    _write_sampling(ask, body, lost)
    _write_output(ask, body)
    _write_effort(ask, body, lost)
    if ask.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if ask.user:
        body["user"] = ask.user
    if ask.service_tier:
        body["service_tier"] = ask.service_tier
    body |= {name: raw for name, raw in ask.extra.items() if "." not in name} if ask.origin is HERE else kept
    return Written(write_json(body), tuple(lost))


def _is_lost(ask: Ask, name: str, kept: dict[str, Raw]) -> bool:
    return chat_name(name) not in kept if ask.origin is not HERE else "." in name


def _write_sampling(ask: Ask, body: Json, lost: list[str]) -> None:
    sampling = ask.sampling
    for name in ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty"):
        if (value := getattr(sampling, name)) is not None:
            body[name] = value
    if sampling.stop:
        body["stop"] = sampling.stop
    if sampling.max_tokens is not None:
        body["max_completion_tokens"] = sampling.max_tokens
    if sampling.logprobs is not None:
        body["logprobs"] = True
    if sampling.logprobs:
        body["top_logprobs"] = sampling.logprobs
    if sampling.n is not None:
        body["n"] = sampling.n
    if sampling.top_k is not None:
        if ask.origin is HERE:
            body["top_k"] = sampling.top_k
        else:
            lost.append("top_k")


def _write_output(ask: Ask, body: Json) -> None:
    output = ask.output
    if output is None:
        return
    if output.schema is None:
        body["response_format"] = {"type": "json_object"}
        return
    schema: Json = {"name": output.name or OUTPUT_NAME, "schema": output.schema}
    if output.description:
        schema["description"] = output.description
    if output.strict is not None:
        schema["strict"] = output.strict
    body["response_format"] = {"type": "json_schema", "json_schema": schema}


def _write_effort(ask: Ask, body: Json, lost: list[str]) -> None:
    """OpenAI's models that do not reason refuse ``reasoning_effort``; so it is written only where there is a word for
    it.
    """
    effort = ask.thinking
    if effort is None:
        return
    word = effort_word(effort, ask.origin)
    if word:
        body["reasoning_effort"] = word
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
        body["tool_choice"] = {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": allowed}}
    elif choice.mode == "tool":
        body["tool_choice"] = _named(choice.name, offered)
    else:
        body["tool_choice"] = choice.mode


def _named(name: str, offered: frozenset[str]) -> Json:
    kind = "custom" if name in offered else "function"
    return {"type": kind, kind: {"name": name}}


def _custom_tool(name: str, custom: Custom) -> Json:
    told: Json = {"name": name}
    if custom.description:
        told["description"] = custom.description
    if grammar := grammar_of(custom):
        told["format"] = {"type": "grammar", "grammar": grammar}
    return {"type": "custom", "custom": told}


def _tool(tool: Tool, n: int, ask: Ask, lost: list[str]) -> Json | Raw | None:
    if tool.raw is not None:
        if ask.origin is HERE:
            return tool.raw
        lost.append(f"tools.{n}: {tool.name}")
        return None
    if tool.custom:
        return _custom_tool(tool.name, tool.custom)
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.schema
    if tool.strict is not None:
        function["strict"] = tool.strict
    if tool.cache:
        lost.append(f"tools.{n}.cache_control")
    return {"type": "function", "function": function}


class _Messages:
    """Writes turns as messages; paths in ``lost`` are those of the client's body."""

    def __init__(self, ask: Ask, lost: list[str]) -> None:
        self._ask = ask
        self._lost = lost
        self._out: list[Json] = []
        self._pictures: list[object] = []

    def write(self) -> list[Json]:
        places: Places | None = None
        for n, turn in enumerate(self._ask.turns):
            only = turn.parts[0] if len(turn.parts) == 1 else None
            if isinstance(only, Text) and only.cache is None and not only.citations:
                # Most turns: nothing of them can be lost.
                self._show()
                self._say(turn.role, only.text, turn.name)
                continue
            places = places or Places(self._ask)
            parts = [(places.part(n, turn, i), part) for i, part in enumerate(turn.parts)]
            if turn.role is Role.ASSISTANT:
                self._assistant(parts, turn.name)
            else:
                self._user(parts, turn)
        self._show()
        return self._out

    def _show(self) -> None:
        """Pictures of the model's stand in a user message after its own, and after the results of its tools."""
        if self._pictures:
            self._say("user", self._pictures)
            self._pictures = []

    def _say(self, role: str, content: object, name: str = "") -> None:
        message: Json = {"role": role, "content": content}
        if name:
            message["name"] = name
        self._out.append(message)

    def _user(self, placed: list[Placed], turn: Turn) -> None:
        results = [(path, part) for path, part in placed if isinstance(part, ToolResult)]
        others = [(path, part) for path, part in placed if not isinstance(part, ToolResult)]
        if others and isinstance(turn.parts[-1], ToolResult):
            self._lost.append(f"{others[0][0]}: order")
        moved: list[object] = []
        for where, result in results:
            moved += self._result(result, where)
        self._show()
        if moved:
            self._say("user", moved)
        parts = self._content(others)
        if parts or not results:
            self._say(turn.role, parts or "", turn.name)

    def _result(self, result: ToolResult, path: str) -> list[object]:
        """Writes a tool message; returns the parts that it cannot hold."""
        texts = [(join(path, "content", n), part) for n, part in enumerate(result.parts) if isinstance(part, Text)]
        others = [(join(path, "content", n), part) for n, part in enumerate(result.parts) if not isinstance(part, Text)]
        if result.is_error:
            self._lost.append(f"{path}.is_error")
        self._mark(result, path)
        moved = self._parts(others)
        self._lost += [
            f"{where}: moved to a user message" for where, part in others if isinstance(part, Image | Document)
        ]
        words = self._content(texts) or ("(in the next message)" if moved else "")
        self._out.append({"role": "tool", "tool_call_id": result.id, "content": words})
        return [{"type": "text", "text": f"Result of {result.id}:"}, *moved] if moved else []

    def _assistant(self, placed: list[Placed], name: str) -> None:
        said_parts: list[Placed] = []
        calls: list[object] = []
        thoughts: list[Thinking] = []
        self._show()
        pictures: list[Placed] = []
        for where, part in placed:
            match part:
                case Image():
                    pictures.append((where, part))
                case ToolCall():
                    self._mark(part, where)
                    calls.append(tool_call(part))
                case Thinking():
                    self._think(part, where, thoughts)
                case _:
                    if calls and isinstance(part, Text):
                        self._lost.append(f"{where}: order")
                    said_parts.append((where, part))
        message: Json = {"role": "assistant", "content": self._content(said_parts) or None}
        if name:
            message["name"] = name
        self._write_thoughts(thoughts, message)
        self._write_citations(said_parts, message)
        if calls:
            message["tool_calls"] = calls
        if message["content"] is None and not calls:
            message["content"] = ""
        self._out.append(message)
        if pictures and self._ask.origin is HERE:
            message["images"] = self._parts(pictures)
            return
        self._pictures = self._parts(pictures)
        self._lost += [f"{where}: moved to a user message" for where, _ in pictures]

    def _think(self, part: Thinking, path: str, thoughts: list[Thinking]) -> None:
        if self._ask.origin is HERE or not (part.signature or part.redacted):
            thoughts.append(part)
        else:
            self._lost.append(f"{path}: thinking")

    def _write_thoughts(self, thoughts: list[Thinking], message: Json) -> None:
        if text := "".join(part.text for part in thoughts):
            message["reasoning_content"] = text
        if details := write_details(thoughts):
            message["reasoning_details"] = details

    def _write_citations(self, parts: Sequence[Placed], message: Json) -> None:
        """``annotations`` are not a member of OpenAI's requests: they go back only to where they came from."""
        found: list[Raw] = []
        for where, part in parts:
            if isinstance(part, Text) and part.citations:
                if self._ask.origin is HERE:
                    found += write_annotations(part, 0)[0]
                else:
                    self._lost.append(f"{where}.citations")
        if found:
            message["annotations"] = found

    def _content(self, parts: Sequence[Placed]) -> str | list[object]:
        """Text alone is written as a string, which every compatible server takes; anything else as a list."""
        written = self._parts(parts)
        only = written[0] if len(written) == 1 else None
        if isinstance(only, dict) and only["type"] == "text":
            return str(only["text"])
        return written

    def _parts(self, parts: Sequence[Placed]) -> list[object]:
        return [written for path, part in parts if (written := self._part(part, path)) is not None]

    def _part(self, part: Part, path: str) -> object | None:
        self._mark(part, path)
        if isinstance(part, Opaque):
            if part.format is HERE:
                return part.raw
            self._lost.append(f"{path}: {part.kind}")
            return None
        return _WRITERS[type(part)](part, path, self._lost)

    def _mark(self, part: Part, path: str) -> None:
        if getattr(part, "cache", None) is not None:
            self._lost.append(f"{path}.cache_control")


def tool_call(call: ToolCall, offered: frozenset[str] = frozenset()) -> Json:
    """One of a message's ``tool_calls``. ``offered``: the names of custom tools."""
    if is_custom(call, offered):
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": input_of(call.arguments)}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": write_arguments(call)}}


def _text(part: Text, path: str, lost: list[str]) -> Json:
    return {"type": "text", "text": part.text}


def _refusal(part: Refusal, path: str, lost: list[str]) -> Json:
    return {"type": "refusal", "refusal": part.text}


def image_part(part: Image, path: str, lost: list[str]) -> Json | None:
    """An image as a part of a message, or as one of its ``images``."""
    if part.file_id:
        lost.append(f"{path}: image by file_id")
        return None
    url = part.url or f"data:{part.media_type};base64,{part.data}"
    image: Json = {"url": url}
    if part.detail:
        image["detail"] = part.detail
    return {"type": "image_url", "image_url": image}


def _audio(part: Audio, path: str, lost: list[str]) -> Json:
    return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}


def _document(part: Document, path: str, lost: list[str]) -> Json | None:
    if part.context:
        lost.append(f"{path}.context")
    if part.citations:
        lost.append(f"{path}.citations")
    if part.text:
        if part.name:
            lost.append(f"{path}.title")
        return {"type": "text", "text": part.text}
    if part.url:
        lost.append(f"{path}: document by url")
        return None
    file: Json = {}
    if part.file_id:
        file["file_id"] = part.file_id
    else:
        file["file_data"] = f"data:{part.media_type};base64,{part.data}"
    if part.name:
        file["filename"] = part.name
    return {"type": "file", "file": file}


def _nowhere(part: Part, path: str, lost: list[str]) -> None:
    lost.append(f"{path}: {type(part).__name__.lower()}")


_WRITERS: dict[type, Callable[..., Json | None]] = {
    Text: _text,
    Refusal: _refusal,
    Image: image_part,
    Audio: _audio,
    Document: _document,
    ToolCall: _nowhere,
    ToolResult: _nowhere,
    Thinking: _nowhere,
}
