"""``Schema``, Google's subset of OpenAPI 3.0, read as JSON schema, which all others speak.

Source: ``google.genai.types.Schema``. Types are in capitals there, null is ``nullable``, whole numbers may be strings.
"""

from typing import Any

import msgspec
from msgspec import Raw

from asbru.wire.gemini.proto import snake
from asbru.wire.shapes import BAD_JSON, refused, write_json

Json = dict[str, Any]

_CAMEL = {
    snake(name): name
    for name in (
        "additionalProperties", "anyOf", "maxItems", "maxLength", "maxProperties", "minItems", "minLength",
        "minProperties", "propertyOrdering",
    )
}  # fmt: skip
_RENAMED = {"defs": "$defs", "ref": "$ref"}
_WHOLE = frozenset({"maxItems", "minItems", "maxLength", "minLength", "maxProperties", "minProperties"})


def to_json_schema(raw: Raw, path: str) -> Raw:
    """The schema. Raises Refused(400) for what is none."""
    try:
        return Raw(write_json(_schema(msgspec.json.decode(raw))))
    except (*BAD_JSON, TypeError, ValueError, AttributeError):
        raise refused(path, "is not a schema") from None


def _schema(told: Json) -> Json:
    members = {_RENAMED.get(name, _CAMEL.get(name, name)): value for name, value in told.items() if value is not None}
    order = members.pop("propertyOrdering", None)
    nullable = members.pop("nullable", False)
    example = members.pop("example", None)
    out: Json = {name: _member(name, value) for name, value in members.items()}
    if out.get("type") == "type_unspecified":
        del out["type"]
    if order and "properties" in out:
        known = out["properties"]
        first = {name: known[name] for name in order if name in known}
        out["properties"] = {**first, **known}
    if example is not None:
        out["examples"] = [example]
    return _nullable(out) if nullable else out


def _member(name: str, value: Any) -> Any:
    match name:
        case "type":
            return value.lower() if isinstance(value, str) else [each.lower() for each in value]
        case "properties" | "$defs":
            return {key: _schema(inner) for key, inner in value.items()}
        case "items":
            return _schema(value)
        case "anyOf":
            return [_schema(inner) for inner in value]
        case "additionalProperties":
            return _schema(value) if isinstance(value, dict) else value
    return int(value) if name in _WHOLE else value


def _nullable(schema: Json) -> Json:
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    out = dict(schema)
    if isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
    if "enum" in out:
        out["enum"] = [*out["enum"], None]
    return out
