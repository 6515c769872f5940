"""Our own OpenAPI document, made from the table of routes: what is served is what is described."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from msgspec import Struct, inspect

from asbru.edge.request import Request, Route
from asbru.edge.routes import Mount
from asbru.model.http import Answer

Json = dict[str, Any]

_NAME = re.compile(r"\{(\w+)\*?\}")
_PLAIN: Mapping[type, Json] = {
    inspect.StrType: {"type": "string"},
    inspect.BoolType: {"type": "boolean"},
    inspect.IntType: {"type": "integer"},
    inspect.FloatType: {"type": "number"},
    inspect.NoneType: {"type": "null"},
}


def openapi_route(mounts: Iterable[Mount], fail: Callable[..., Answer]) -> Route:
    """``GET /openapi.json`` for these routes."""
    # Written when it is first asked for: a gateway must start fast.
    written = cache(lambda: msgspec.json.encode(document(mounts)))

    async def show(request: Request) -> Answer:
        return Answer(status=200, headers={b"content-type": b"application/json"}, body=written())

    return Route(handler=show, fail=fail, limit=0, summary="This document")


def document(mounts: Iterable[Mount]) -> Json:
    """The whole document (OpenAPI 3.1)."""
    paths: dict[str, Json] = {}
    for mount in mounts:
        paths.setdefault(_NAME.sub(r"{\1}", mount.path), {})[mount.method.lower()] = _operation(mount)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Asbru", "version": version("asbru"), "description": "An AI gateway."},
        "paths": dict(sorted(paths.items())),
    }


def _operation(mount: Mount) -> Json:
    route = mount.route
    failure = {"description": "A failure, in the dialect of the path."}
    operation: Json = {
        "tags": [mount.path.split("/")[1]],
        "responses": {"200": {"description": "OK"}, "4XX": failure, "5XX": failure},
    }
    if route.summary:
        operation["summary"] = route.summary
    if names := _NAME.findall(mount.path):
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in names
        ]
    if mount.method in ("POST", "PUT", "PATCH") and route.limit:
        schema = schema_of(route.body) if route.body else {"type": "object"}
        operation["requestBody"] = {"required": True, "content": {route.kind: {"schema": schema}}}
    return operation


def schema_of(kind: type[Struct]) -> Json:
    """A struct's JSON schema. Members that stay undecoded are described no further; unknown ones are welcome."""
    return _schema(inspect.type_info(kind))


def _schema(kind: inspect.Type) -> Json:
    if type(kind) in _PLAIN:
        return _PLAIN[type(kind)]
    match kind:
        case inspect.StructType(fields=fields):
            properties = {field.encode_name: _schema(field.type) for field in fields}
            required = [field.encode_name for field in fields if field.required]
            return {"type": "object", "properties": properties, **({"required": required} if required else {})}
        case inspect.UnionType(types=types):
            return {"anyOf": [_schema(each) for each in types]}
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return {"type": "array", "items": _schema(item)}
        case inspect.DictType(value_type=value):
            return {"type": "object", "additionalProperties": _schema(value)}
        case inspect.LiteralType(values=values):
            return {"enum": list(values)}
        case inspect.EnumType(cls=cls):
            return {"enum": [each.value for each in cls]}
        case _:
            return {}
