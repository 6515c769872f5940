"""Writes the tables of docs/providers.md from the rows: ``uv run python scripts/providers.py``."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from asbru.model.names import OPERATIONS, Format, Operation
from asbru.providers import (
    CATALOG,
    Auth,
    AzureToken,
    Bearer,
    GoogleToken,
    InHeader,
    InQuery,
    Provider,
    Quirks,
    SigV4,
)
from asbru.providers._rewrites import Messages

TARGET = Path(__file__).parent.parent / "docs" / "providers.md"
BEGIN = "<!-- from here on: scripts/providers.py -->\n"
ROWS = [row for _, row in sorted(CATALOG.items())]
FAMILIES = {
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "gemini": "Gemini",
    "bedrock": "Bedrock",
    "cohere": "Cohere",
    "elevenlabs": "ElevenLabs",
    "imagen": "Imagen",
}
"""How a dialect is called, by the first word of its formats."""
SPOKEN = sorted({OPERATIONS[each.format] for row in ROWS for each in row.serves}, key=list(Operation).index)


def render(text: str) -> str:
    """``text`` of the page with its tables written anew."""
    head, begin, _ = text.partition(BEGIN)
    return head + begin + "\n".join(("", *_matrix(), "", *_ways_in(), "", *_batches(), "", *_changes(), ""))


def _matrix() -> Iterable[str]:
    yield "## What each serves\n"
    yield "By the dialects in which it is asked; clients may speak any dialect that has the operation.\n"
    yield f"Formats, as `serves` of a custom provider names them: {', '.join(_spelled(each) for each in Format)}.\n"
    yield from _table(
        ["provider", *(word.replace("_", " ") for word in SPOKEN)],
        ([f"[{row.name}]({_link(row.docs)})", *(_formats(row, word) for word in SPOKEN)] for row in ROWS),
    )


def _batches() -> Iterable[str]:
    yield "## Batch APIs of their own\n"
    yield "Others take batches live ([batches](batches.md)). A batch beyond a limit becomes several jobs.\n"
    yield from _table(
        ["provider", "where", "what", "most items", "most bytes", "one model"],
        (
            [
                row.name,
                f"`{api.path}`",
                ", ".join(f"`{each}`" for each in api.formats),
                f"{api.max_items:,}",
                f"{api.max_bytes:,}",
                "yes" if api.one_model else "",
            ]
            for row in ROWS
            if (api := row.batch) is not None
        ),
    )
    yield "\nModels with a flex tier (`x-bf-batch-mode: flex`), as shell patterns:\n"
    for row in ROWS:
        if row.flex:
            yield f"- {row.name}: {', '.join(f'`{each}`' for each in row.flex)}"


def _link(docs: str) -> str:
    return docs.removeprefix("docs/")


def _formats(row: Provider, operation: Operation) -> str:
    formats = [each.format for each in row.serves if OPERATIONS[each.format] is operation]
    return ", ".join(dict.fromkeys(FAMILIES[each.partition(".")[0]] for each in formats))


def _spelled(format: Format) -> str:
    return f"`{format}`"


def _ways_in() -> Iterable[str]:
    yield "## Where they are asked, and with which credential\n"
    yield from _table(
        ["provider", "address", "credential", "variables"],
        ([row.name, _address(row), _credential(row), _variables(row)] for row in ROWS),
    )


def _address(row: Provider) -> str:
    return f"`{row.base_url}`" if row.base_url else "this machine"


def _credential(row: Provider) -> str:
    said = _auth(row.auth)
    others = {_auth(each.auth) for each in row.serves if each.auth is not None} - {said}
    for other in sorted(others):
        said += f"; {other} where Anthropic's format is spoken"
    return f"none, or {said}" if row.keyless and said != "none" else said


def _auth(auth: Auth) -> str:
    match auth:
        case Bearer():
            return "bearer token"
        case InHeader(name):
            return f"key in `{name}`"
        case InQuery(name):
            return f"key in the query (`{name}`)"
        case SigV4():
            return "AWS signature, or bearer token"
        case GoogleToken():
            return "Google token, or key in `x-goog-api-key`"
        case AzureToken(header):
            return f"key in `{header}`, or Entra token"
        case _:
            return "none"


def _variables(row: Provider) -> str:
    settings = [name for names in row.settings_env.values() for name in names]
    return ", ".join(f"`{name}`" for name in (*row.env, *row.base_url_env, *settings))


def _changes() -> Iterable[str]:
    yield "## What is changed on the way\n"
    yield "Members of a request that the provider calls otherwise, or would refuse. What had been said and is left out"
    yield "is named in the header `x-asbru-lost`.\n"
    yield from _table(
        ["provider", "format", "written as", "left out", "in messages"],
        (
            [
                row.name,
                _spelled(each.format),
                _renamed(each.quirks.rename),
                _left_out(each.quirks.drop),
                _deep(each.quirks),
            ]
            for row in ROWS
            for each in row.serves
            if each.quirks.rename or each.quirks.drop or each.quirks.rewrite
        ),
    )


def _changed(quirks: Quirks) -> tuple[str, str, str]:
    return _renamed(quirks.rename), _left_out(quirks.drop), _deep(quirks)


def _renamed(names: Mapping[str, str]) -> str:
    return ", ".join(f"`{old}` as `{new}`" for old, new in names.items())


def _left_out(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _deep(quirks: Quirks) -> str:
    """What is changed in messages, in words."""
    change = quirks.rewrite
    if not isinstance(change, Messages):
        return ""
    said = [_renamed({**change.roles, **change.rename})]
    said.append(f"without {_left_out(change.drop)}" if change.drop else "")
    said.append(f"ids of tool calls of {change.call_ids} letters and digits" if change.call_ids else "")
    return "; ".join(filter(None, said))


def _table(head: list[str], lines: Iterable[list[str]]) -> Iterable[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + " --- |" * len(head)
    for line in lines:
        yield f"| {' | '.join(line)} |"


if __name__ == "__main__":
    TARGET.write_text(render(TARGET.read_text(encoding="utf-8")), encoding="utf-8")
    print(TARGET)
