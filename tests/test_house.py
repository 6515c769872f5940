"""The house rules, as far as a machine can check them (CONTRIBUTING.md has them in words)."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from asbru.providers import CATALOG

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "src" / "asbru"
FILES = sorted(path for path in HOUSE.rglob("*.py") if "__pycache__" not in path.parts)
ROOMS = sorted(path.parent for path in HOUSE.glob("*/__init__.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef

MOST_LINES = 400
MOST_FUNCTION_LINES = 50
MOST_PARAMETERS = 5
EMPTY_NAMES = {"utils", "helpers", "common", "misc", "shared", "base", "manager", "handler"}

MORE_LINES = {
    "edge/connection.py": "One state machine: what a client sends, what it gets, and how both end.",
}

MORE_PARAMETERS = {
    "cli/": "The parameters of a command are its options.",
    "model/failure.py": "Failures are raised in a hundred places with one or two of these by name.",
}


def at(path: Path) -> str:
    """``wire/sse.py``."""
    return path.relative_to(HOUSE).as_posix()


def room(path: Path) -> str:
    return at(path).split("/")[0]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def length(function: Function) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def nodes(path: Path) -> Iterator[ast.expr | ast.stmt]:
    """Everything of a file that has a line number."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.expr | ast.stmt))


def compares(path: Path) -> Iterator[tuple[int, list[ast.expr]]]:
    """Line and operands of every comparison, match cases with a plain value included."""
    for node in nodes(path):
        if isinstance(node, ast.Compare):
            yield node.lineno, [node.left, *node.comparators]
        elif isinstance(node, ast.Match):
            values = [case.pattern.value for case in node.cases if isinstance(case.pattern, ast.MatchValue)]
            yield node.lineno, [node.subject, *values]


def test_floors_hold() -> None:
    # In a process of its own, as import-linter silences the loggers that other tests listen to.
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_captions_are_the_table_in_contributing() -> None:
    written = dict(re.findall(r"^\| `(\w+)/` \| (.+?) \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE))
    captions = {path.name: (ast.get_docstring(tree(path / "__init__.py")) or "").split("\n")[0] for path in ROOMS}
    assert written == captions


@pytest.mark.parametrize("path", FILES, ids=at)
def test_a_module_says_what_it_is(path: Path) -> None:
    said = ast.get_docstring(tree(path))
    assert said
    assert said.split("\n\n")[0].rstrip().endswith((".", ":", "::"))


def test_files_are_short() -> None:
    sizes = {at(path): len(path.read_text().splitlines()) for path in FILES}
    assert {name: size for name, size in sizes.items() if size > MOST_LINES and name not in MORE_LINES} == {}
    assert median(sizes.values()) < 150


def test_functions_are_short() -> None:
    sizes = {f"{at(path)}:{each.lineno} {each.name}": length(each) for path in FILES for each in functions(path)}
    assert {name: size for name, size in sizes.items() if size > MOST_FUNCTION_LINES} == {}
    assert sorted(sizes.values())[int(len(sizes) * 0.95)] <= 40
    assert median(sizes.values()) <= 9


def test_files_are_named_after_what_they_hold() -> None:
    assert [at(path) for path in FILES if path.stem.strip("_") in EMPTY_NAMES] == []


def parameters(function: Function) -> int:
    names = function.args
    every = [each.arg for each in (*names.posonlyargs, *names.args, *names.kwonlyargs)]
    return len(every) - (every[:1] in (["self"], ["cls"]))


def test_functions_have_few_parameters() -> None:
    found = [
        f"{at(path)}:{each.lineno} {each.name} has {parameters(each)}"
        for path in FILES
        for each in functions(path)
        if parameters(each) > MOST_PARAMETERS and not at(path).startswith(tuple(MORE_PARAMETERS))
    ]
    assert found == []


def test_nothing_is_passed_by_any_name() -> None:
    found = [f"{at(path)}:{each.lineno} {each.name}" for path in FILES for each in functions(path) if each.args.kwarg]
    assert found == []


def filled_later(node: ast.stmt) -> bool:
    """An empty container at the top of a module, unless its type has no way to fill it (``Mapping``, ``Headers``)."""
    if isinstance(node, ast.AnnAssign) and not ast.unparse(node.annotation).startswith(("dict", "list", "set")):
        return False
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    if isinstance(value, ast.Dict):
        return not value.keys
    if isinstance(value, ast.List | ast.Set):
        return not value.elts
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in {"dict", "list", "set"}


def test_modules_hold_no_state() -> None:
    found = [f"{at(path)}:{node.lineno}" for path in FILES for node in tree(path).body if filled_later(node)]
    found += [f"{at(path)}:{node.lineno}" for path in FILES for node in nodes(path) if isinstance(node, ast.Global)]
    assert found == []


def is_provider(node: ast.expr) -> bool:
    """``provider``, ``x.provider``, ``provider.name``."""
    if isinstance(node, ast.Attribute) and node.attr == "name":
        node = node.value
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.rstrip("_").endswith("provider")


def named_provider(operands: list[ast.expr]) -> bool:
    names = [node.value for node in operands if isinstance(node, ast.Constant)]
    return any(map(is_provider, operands)) and any(name in CATALOG for name in names)


def is_format(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Format"


def test_no_provider_is_special_outside_its_room() -> None:
    found = [
        f"{at(path)}:{line}"
        for path in FILES
        for line, operands in compares(path)
        if named_provider(operands) and room(path) not in {"providers", "mock"}
    ]
    assert found == []


def test_no_format_is_special_outside_wire_and_lanes() -> None:
    found = [
        f"{at(path)}:{line}"
        for path in FILES
        for line, operands in compares(path)
        if any(map(is_format, operands)) and room(path) not in {"wire", "mock"} and at(path) != "gateway/lanes.py"
    ]
    assert found == []


def test_private_modules_stay_in_their_room() -> None:
    found = []
    for path in FILES:
        for node in nodes(path):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            parts = module.split(".")
            if parts[0] == "asbru" and any(p.startswith("_") for p in parts[2:]) and parts[1] != room(path):
                found.append(f"{at(path)}:{node.lineno} {module}")
    assert found == []


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_a_provider_row_is_complete(name: str) -> None:
    row = CATALOG[name]
    assert row.name == name
    assert row.env or row.keyless
    assert row.docs.startswith("https://") or (ROOT / row.docs).is_file()
    assert row.serves


def test_comments_end_with_a_period() -> None:
    """A comment is a sentence. Marks for tools are not, nor are the lines of a comment before its last."""
    found = []
    for path in FILES:
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            text = line.strip()
            follows = number + 1 < len(lines) and lines[number + 1].strip().startswith("#")
            if text.startswith("# ") and not follows and not text.endswith((".", ":", "?", ")")):
                found.append(f"{at(path)}:{number + 1} {text}")
    assert found == []
