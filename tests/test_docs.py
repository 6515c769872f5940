"""The documentation says what the code does: blocks run, options exist, tables are equal to what they describe."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup

from asbru.cli import app
from running import Process, free_port

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN_FROM = ["README.md", "docs/local-model.md"]
ADDRESS = "http://127.0.0.1:8080"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def blocks(name: str) -> list[tuple[str, str]]:
    """Language and text of every block that is meant to run: ``sh`` and ``python`` (``console`` is for reading)."""
    found = re.findall(r"^```(sh|python)\n(.*?)^```$", (ROOT / name).read_text(), re.MULTILINE | re.DOTALL)
    return [(language, text) for language, text in found]


RUNNABLE = [
    pytest.param(language, text, id=f"{name}-{number}")
    for name in RUN_FROM
    for number, (language, text) in enumerate(blocks(name))
]


@pytest.fixture(scope="module")
def gateway(mock_provider: Process, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """``asbru serve`` as the README starts it: no configuration, keys in the environment, with the local model."""
    path, port = tmp_path_factory.mktemp("readme"), free_port()
    env = {"OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-2"}
    env |= {"OPENAI_BASE_URL": mock_provider.url, "ANTHROPIC_BASE_URL": mock_provider.url}
    options = ["serve", "--port", str(port), "--app-dir", str(path / "app"), "--local"]
    process = Process(options, port, path / "gateway.log", env)
    process.start()
    yield process
    process.stop()


@pytest.mark.parametrize(("language", "text"), RUNNABLE)
def test_blocks_run(language: str, text: str, gateway: Process, tmp_path: Path) -> None:
    command = [sys.executable, "-c"] if language == "python" else ["bash", "-euo", "pipefail", "-c"]
    env = os.environ | {
        "ASBRU_URL": gateway.url,
        "NO_PROXY": "127.0.0.1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        [*command, text.replace(ADDRESS, gateway.url)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()
    assert '"error"' not in done.stdout
    assert "errored" not in done.stdout


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """``asbru batch submit`` and so on, groups left out."""
    if not isinstance(command, TyperGroup):
        yield name, command
        return
    for word, each in command.commands.items():
        yield from commands(each, f"{name} {word}")


COMMANDS = dict(commands(typer.main.get_command(app), "asbru"))
PAGE = (ROOT / "docs" / "command-line.md").read_text()
SECTIONS = {
    re.sub(r" \[?[A-Z]+\]?$", "", title): text
    for title, text in re.findall(r"^## (asbru .+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}


def test_every_command_is_documented() -> None:
    assert SECTIONS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented(name: str) -> None:
    rows = re.findall(r"^\| (`-.+?) \|", SECTIONS[name], re.MULTILINE)
    written = {word for row in rows for word in re.findall(r"`(-[\w-]+)`", row)}
    real = {
        word
        for each in COMMANDS[name].params
        if each.param_type_name == "option" and each.name != "help"
        for word in (*each.opts, *each.secondary_opts)
    }
    assert written == real


def dependencies(table: list[str]) -> set[str]:
    return {re.split(r"[<>=~! ;\[]", each)[0] for each in table}


def written_dependencies(title: str) -> set[str]:
    page = (ROOT / "docs" / "decisions" / "dependencies.md").read_text()
    section = page.split(f"## {title}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| ([\w-]+) \| (?!why|extra)", section, re.MULTILINE)) - {"---"}


def test_every_dependency_has_a_reason() -> None:
    extras = [each for group in PROJECT["project"]["optional-dependencies"].values() for each in group]
    assert written_dependencies("At run time") == dependencies(PROJECT["project"]["dependencies"])
    assert written_dependencies("Extras") == dependencies(extras)
    assert written_dependencies("For development") == dependencies(PROJECT["dependency-groups"]["dev"])


def test_the_floors_in_contributing_are_those_that_are_checked() -> None:
    written = (ROOT / "CONTRIBUTING.md").read_text().split("## Floors")[1].split("```")[1].strip().split("\n")
    assert written == PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]


def test_contributing_stays_readable() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) < 150


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", prose)
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_make_lists_its_commands() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True, env=env).stdout
    for command in ("demo", "test", "setup", "fix", "bench"):
        assert re.search(rf"^{command}\t\S", listed, re.MULTILINE)
