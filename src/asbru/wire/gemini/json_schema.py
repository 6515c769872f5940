"""JSON schema as Gemini takes it (``parametersJsonSchema``, ``responseJsonSchema``).

Source: ai.google.dev/api/generate-content, ``responseJsonSchema``: a list of keywords; others are ignored by the model,
and beside ``$ref`` nothing may stand.

Rule 1. A schema that holds nothing else keeps its bytes.
Rule 2. What can be said in other words is: ``const`` is an ``enum`` of one, one ``allOf`` is an ``anyOf``.
Rule 3. What narrows a value and is ignored is named as lost; what only tells about it (``title``, ``default``) is not.
"""

import re
from typing import Any

import msgspec
from msgspec import Raw

from asbru.wire.shapes import BAD_JSON, join, write_json

Json = dict[str, Any]

_NARROWING = frozenset(
    {
        "allOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties",
        "propertyNames", "unevaluatedProperties", "unevaluatedItems", "contains", "minContains", "maxContains",
        "uniqueItems", "multipleOf", "exclusiveMinimum", "exclusiveMaximum", "pattern", "minLength", "maxLength",
        "minProperties", "maxProperties", "dependencies", "additionalItems",
    }
)  # fmt: skip
_SUSPECT = re.compile(rb'"(?:const|\$ref|%s)"' % b"|".join(word.encode() for word in sorted(_NARROWING)))
_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "prefixItems")
_ONE = ("items", "additionalProperties")

MOST_NAMED = 10
"""Most keywords of one schema that are named as lost."""


def fitted(raw: Raw, path: str, lost: list[str]) -> Raw:
    """The schema as Gemini takes it; keywords that it ignores are named in ``lost``."""
    if _SUSPECT.search(bytes(raw)) is None:
        return raw
    try:
        walk = _Walk()
        told = Raw(write_json(walk.schema(msgspec.json.decode(raw), path)))
    except (*BAD_JSON, TypeError, AttributeError):
        return raw
    lost += walk.lost[:MOST_NAMED]
    return told


class _Walk:
    def __init__(self) -> None:
        self.lost: list[str] = []

    def schema(self, told: Any, path: str) -> Any:
        if not isinstance(told, dict):
            return told
        out: Json = {}
        for name, value in told.items():
            where = join(path, name)
            if name in _MAPS:
                out[name] = {key: self.schema(inner, join(where, key)) for key, inner in value.items()}
            elif name in _LISTS:
                out[name] = [self.schema(inner, join(where, n)) for n, inner in enumerate(value)]
            elif name in _ONE:
                out[name] = self.schema(value, where)
            elif name == "const":
                self._const(value, where, out)
            elif name in _NARROWING:
                self._narrow(name, value, where, out)
            else:
                out[name] = value
        if "$ref" in out and out.pop("anyOf", None) is not None:
            self.lost.append(join(path, "anyOf"))
        return _alone(out)

    def _const(self, value: Any, where: str, out: Json) -> None:
        if value is None:
            out["type"] = "null"
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            out["enum"] = [value]
        else:
            self.lost.append(where)

    def _narrow(self, name: str, value: Any, where: str, out: Json) -> None:
        if name == "allOf" and isinstance(value, list) and len(value) == 1:
            out["anyOf"] = [self.schema(value[0], where)]
        else:
            self.lost.append(where)


def _alone(out: Json) -> Json:
    """``$ref`` without anything beside it."""
    beside = {name: value for name, value in out.items() if not name.startswith("$")}
    if "$ref" not in out or not beside:
        return out
    rest = {name: value for name, value in out.items() if name != "$ref"}
    return {**rest, "anyOf": [{"$ref": out["$ref"]}]}
