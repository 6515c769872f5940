"""What Google refuses beyond wrong types: rules that hold between members, and between model and members."""

import base64
import binascii
from typing import Any

import msgspec

from asbru.mock import gemini_shapes as shape
from asbru.mock.dialect import Stamp
from asbru.mock.gemini_voices import check_speech
from asbru.model.failure import Refused

_FREE = frozenset({"args", "response", "parametersJsonSchema", "responseJsonSchema", "labels", "default", "example"})
_MAPS = frozenset({"properties", "$defs"})
_SKIPPED = (b"skip_thought_signature_validator", b"context_engineering_is_the_way_to_go")
_SIGNED = b"mock-signature-"


def refused(words: str, field: str = "") -> Refused:
    """400 in Google's words."""
    return Refused(400, words, code="INVALID_ARGUMENT", param=field)


def signature_of(stamp: Stamp) -> str:
    """The signature of an answer."""
    return base64.b64encode(_SIGNED + stamp.id.encode()).decode()


def plain(body: bytes) -> bytes:
    """A body with its members in camel case: protocol buffers take either."""
    try:
        return msgspec.json.encode(_camel(msgspec.json.decode(body)))
    except (msgspec.DecodeError, RecursionError):
        return body


def _camel(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    out: dict[str, Any] = {}
    for name, inner in value.items():
        head, *rest = name.split("_")
        told = head + "".join(word.capitalize() for word in rest) if head else name
        if told in _FREE:
            out[told] = inner
        elif told in _MAPS and isinstance(inner, dict):
            out[told] = {key: _camel(each) for key, each in inner.items()}
        else:
            out[told] = _camel(inner)
    return out


def check_request(request: shape.GenerateRequest, model: str) -> None:
    """Raises Refused(400)."""
    if not request.contents:
        raise refused("* GenerateContentRequest.contents: contents is not specified\n", "contents")
    check_contents(request.contents, "contents")
    if request.system_instruction:
        check_parts(request.system_instruction, "system_instruction")
    _check_calls(request.contents, model)
    _check_tools(request)
    check_speech(request, model)
    if request.generation_config:
        _check_config(request.generation_config, model)


def check_contents(contents: list[shape.Content], path: str) -> None:
    """Roles, and parts of one kind each."""
    for n, content in enumerate(contents):
        if content.role not in (None, "", "user", "model", "function"):
            raise refused("Please use a valid role: user, model.", f"{path}[{n}].role")
        check_parts(content, f"{path}[{n}]")


def check_parts(content: shape.Content, path: str) -> None:
    """Every part has exactly one of its data members."""
    if not content.parts:
        raise refused(f"* GenerateContentRequest.{path}.parts: contents.parts must not be empty.\n", f"{path}.parts")
    for n, part in enumerate(content.parts):
        told = [name for name in shape.DATA if getattr(part, name) is not None]
        at = f"{path}.parts[{n}]"
        if len(told) > 1:
            raise refused(f"Invalid value at '{at}' (oneof), oneof field 'data' is already set.", at)
        if not told and not part.thought_signature:
            words = f"* GenerateContentRequest.{at}.data: required oneof field 'data' must have one initialized field\n"
            raise refused(words, f"{at}.data")
        if part.thought_signature is not None:
            _check_signature(part.thought_signature, at)
        if part.inline_data is not None:
            _decoded(part.inline_data.data, f"{at}.inline_data.data")


def _decoded(text: str, at: str) -> bytes:
    try:
        told = text.replace("-", "+").replace("_", "/")
        return base64.b64decode(told + "=" * (-len(told) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise refused(f"Invalid value at '{at}' (TYPE_BYTES), Base64 decoding failed for \"{text[:20]}\"", at) from None


def _check_signature(signature: str, at: str) -> None:
    told = _decoded(signature, f"{at}.thought_signature")
    if not told.startswith(_SIGNED) and told not in _SKIPPED:
        raise refused("Thought signature is not valid.", f"{at}.thought_signature")


def _check_calls(contents: list[shape.Content], model: str) -> None:
    """Calls are answered in the next content, all of them; Gemini 3 wants the signature of what it asked for last."""
    last_words = max((n for n, each in enumerate(contents) if _says(each)), default=-1)
    calls = 0
    for n, content in enumerate(contents):
        parts = content.parts or []
        answers = sum(part.function_response is not None for part in parts)
        if answers != calls and (answers or content.role != "model"):
            words = (
                "Please ensure that the number of function response parts is equal to the number of function call parts"
            )
            raise refused(f"{words} of the function call turn.", f"contents[{n}]")
        mine = [part for part in parts if part.function_call is not None]
        calls = len(mine) + (calls if content.role == "model" and not answers else 0)
        if mine and model.startswith("gemini-3") and n > last_words and not mine[0].thought_signature:
            words = "Function call is missing a thought_signature in functionCall parts."
            raise refused(f"{words} Additional data, function call `{mine[0].function_call.name}`.", f"contents[{n}]")  # type: ignore[union-attr]


def _says(content: shape.Content) -> bool:
    return content.role != "model" and any(part.text for part in content.parts or ())


def _check_tools(request: shape.GenerateRequest) -> None:
    names = [each.name for tool in request.tools or () for each in tool.function_declarations or ()]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise refused(f"Duplicate function declaration found: {twice}", "tools")
    for tool in request.tools or ():
        for each in tool.function_declarations or ():
            if each.parameters is not None and each.parameters_json_schema is not None:
                raise refused("parameters and parameters_json_schema must not both be set.", "tools")
            _check_schema(each.parameters_json_schema, "tools.parameters_json_schema")
    config = request.tool_config.function_calling_config if request.tool_config else None
    allowed = (config.allowed_function_names or []) if config else []
    if allowed and config and config.mode not in ("ANY", "VALIDATED"):
        raise refused("Function calling config is set without ANY or VALIDATED mode.", "tool_config")
    if strange := [name for name in allowed if name not in names]:
        raise refused(f"allowed_function_names has names that are not declared: {strange}", "tool_config")


def _check_config(config: shape.GenerationConfig, model: str) -> None:
    if config.response_schema is not None and config.response_json_schema is not None:
        raise refused("response_schema and response_json_schema must not both be set.", "generation_config")
    structured = config.response_schema is not None or config.response_json_schema is not None
    if structured and config.response_mime_type not in ("application/json", "text/x.enum"):
        raise refused("response_schema needs the response_mime_type application/json.", "generation_config")
    _check_schema(config.response_json_schema, "generation_config.response_json_schema")
    thinking = config.thinking_config
    if thinking is None:
        return
    if thinking.thinking_level is not None and thinking.thinking_budget is not None:
        raise refused("You can only set only one of thinking budget and thinking level.", "generation_config")
    if thinking.thinking_level is not None and model.startswith("gemini-2"):
        raise refused("Thinking level is not supported for this model.", "generation_config")
    budget = thinking.thinking_budget
    if budget == 0 and model.startswith(("gemini-2.5-pro", "gemini-3")):
        raise refused("Budget 0 is invalid. This model only works in thinking mode.", "generation_config")
    if budget is not None and budget > (32768 if "pro" in model else 24576):
        raise refused(f"The thinking budget {budget} is invalid.", "generation_config")


def _check_schema(schema: Any, at: str) -> None:
    """Beside ``$ref`` nothing may stand but what begins with ``$``."""
    if isinstance(schema, list):
        for each in schema:
            _check_schema(each, at)
    if not isinstance(schema, dict):
        return
    if "$ref" in schema and any(not name.startswith("$") for name in schema):
        raise refused(f"Invalid value at '{at}': nothing may stand beside $ref.", at)
    for each in schema.values():
        _check_schema(each, at)
