"""Compares decoded JSON with the shapes, finds every offence, and gives back what is left without them.

``null`` is the same as a member that is not there.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from msgspec import Struct, inspect

from asbru.config.findings import Findings
from asbru.config.shape import ALWAYS, GUARDS, Shape

_WRONG = object()
"""Stands for a value that was refused."""

_NAMES: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "one with a fraction",
    type(None): "null",
}


def walk(value: object, shape: type[Shape], findings: Findings) -> Any:
    """``value`` without the members that are wrong, later or idle: it converts to ``shape``. Findings take the rest."""
    clean = _object(value, shape, "", findings)
    return {} if clean is _WRONG else clean


def walk_at(value: object, shape: type[Shape], path: str, findings: Findings) -> Any:
    """As ``walk``, for a part of the document whose shape depends on another member."""
    clean = _object(value, shape, path, findings)
    return {} if clean is _WRONG else clean


def nearest(word: str, words: Any) -> str:
    """``, did you mean "weight"?``, or nothing when no word is near."""
    near = get_close_matches(word, list(words), n=1)
    return f', did you mean "{near[0]}"?' if near else ""


def _object(value: object, shape: type[Struct], path: str, findings: Findings) -> object:
    if not isinstance(value, dict):
        return _refuse(path, "an object", value, findings)
    kind = inspect.type_info(shape)
    assert issubclass(shape, Shape)
    assert isinstance(kind, inspect.StructType)
    fields = {field.encode_name: field for field in kind.fields}
    clean = {}
    for name, member in value.items():
        at = f"{path}.{name}" if path else name
        if name not in fields:
            _unknown((name, member), at, shape, list(fields), findings)
        elif member is not None:
            found = _value(member, fields[name].type, at, findings)
            if found is not _WRONG:
                clean[name] = found
    return clean


def _unknown(member: tuple[str, object], path: str, shape: type[Shape], fields: list[str], findings: Findings) -> None:
    name, value = member
    if name in shape.IDLE or (name in shape.LATER and _inert(value, shape.LATER[name])):
        return
    if name in shape.LATER:
        open_door = ": nobody is kept out by it" if name in GUARDS else ""
        findings.notice(f"`{path}` is read by a later version; it has no effect now{open_door}")
        return
    findings.refuse(path, "unknown field" + nearest(name, [*fields, *shape.LATER, *shape.IDLE]))


def _inert(value: object, nothing: object) -> bool:
    return nothing is not ALWAYS and (value is None or value == nothing)


def _value(value: object, kind: inspect.Type, path: str, findings: Findings) -> object:
    match kind:
        case inspect.StructType(cls):
            return _object(value, cls, path, findings)
        case inspect.UnionType(types):
            return _one_of(value, types, path, findings)
        case inspect.DictType(_, inner):
            return _mapping(value, inner, path, findings)
        case inspect.VarTupleType(inner):
            return _list(value, inner, path, findings)
        case inspect.IntType() | inspect.FloatType():
            return _number(value, kind, path, findings)
        case inspect.AnyType():
            return value
        case inspect.BoolType():
            return value if isinstance(value, bool) else _refuse(path, "true or false", value, findings)
        case _:
            return _text(value, path, findings)


def _one_of(value: object, kinds: tuple[inspect.Type, ...], path: str, findings: Findings) -> object:
    """Unions here are "or null", "text or object", and "text, object or whole number"."""
    choices = [kind for kind in kinds if not isinstance(kind, inspect.NoneType)]
    objects = [kind for kind in choices if isinstance(kind, inspect.StructType)]
    if objects and isinstance(value, int) and any(isinstance(kind, inspect.IntType) for kind in choices):
        return value
    chosen = objects[0] if objects and isinstance(value, dict) else choices[0]
    return _value(value, chosen, path, findings)


def _mapping(value: object, inner: inspect.Type, path: str, findings: Findings) -> object:
    if not isinstance(value, dict):
        return _refuse(path, "an object", value, findings)
    found = {name: _value(member, inner, f"{path}.{name}", findings) for name, member in value.items()}
    return {name: member for name, member in found.items() if member is not _WRONG}


def _list(value: object, inner: inspect.Type, path: str, findings: Findings) -> object:
    if not isinstance(value, list):
        return _refuse(path, "a list", value, findings)
    found = [_value(member, inner, f"{path}[{n}]", findings) for n, member in enumerate(value)]
    if isinstance(inner, inspect.StructType):  # Objects keep their places: later findings name them by index.
        return [{} if member is _WRONG else member for member in found]
    return [member for member in found if member is not _WRONG]


def _text(value: object, path: str, findings: Findings) -> object:
    if not isinstance(value, str):
        return _refuse(path, "a text", value, findings)
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        findings.refuse(path, "has half of a character (an unpaired surrogate)")
        return _WRONG
    return value


def _number(value: object, kind: inspect.IntType | inspect.FloatType, path: str, findings: Findings) -> object:
    whole = isinstance(kind, inspect.IntType)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return _refuse(path, "a whole number" if whole else "a number", value, findings)
    low = kind.ge if kind.ge is not None else kind.gt
    under = low is not None and (value < low or (kind.gt is not None and value == low))
    if under or (kind.le is not None and value > kind.le):
        words = "above" if kind.gt is not None else "from"
        findings.refuse(path, f"must be {words} {low} to {kind.le}, not {value}")
        return _WRONG
    return value


def _refuse(path: str, wanted: str, value: object, findings: Findings) -> object:
    findings.refuse(path, f"must be {wanted}, not {_NAMES[type(value)]}")
    return _WRONG
