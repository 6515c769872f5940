"""Coding agents from npm complete a turn: ``make agents`` (they are too large for ``make test``)."""

import json
import os
import subprocess
import urllib.request
from pathlib import Path

import pytest

from running import Process

BIN = Path(__file__).parent / "node_modules" / ".bin"
MODELS = ("claude-sonnet-4-5", "openai/gpt-4o-mini")


def run(command: list[str], home: Path, env: dict[str, str]) -> str:
    """What the agent says, in a home of its own, without any service of its vendor's."""
    quiet = {
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_AUTOUPDATER": "1",
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(
        command,
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), **quiet, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def asked(mock: Process) -> dict[str, int]:
    """Requests that the scripted provider has seen, by path."""
    with urllib.request.urlopen(f"{mock.url}/mock/stats", timeout=5) as answer:
        requests: dict[str, int] = json.load(answer)["requests"]
    return requests


@pytest.mark.parametrize("model", MODELS)
def test_claude_code(model: str, running_gateway: Process, mock_provider: Process, tmp_path: Path) -> None:
    before = sum(asked(mock_provider).values())
    env = {"ANTHROPIC_BASE_URL": f"{running_gateway.url}/anthropic", "ANTHROPIC_API_KEY": "dummy"}
    said = run([str(BIN / "claude"), "-p", "say hi", "--model", model], tmp_path, env)
    assert said.startswith("echo: ")
    assert sum(asked(mock_provider).values()) > before


@pytest.mark.parametrize("model", ["gpt-5", "anthropic/claude-sonnet-4-5"])
def test_codex(model: str, running_gateway: Process, mock_provider: Process, tmp_path: Path) -> None:
    before = sum(asked(mock_provider).values())
    provider = (
        f'{{name="asbru",base_url="{running_gateway.url}/openai/v1",env_key="OPENAI_API_KEY",wire_api="responses"}}'
    )
    command = [
        *(str(BIN / "codex"), "exec", "--skip-git-repo-check", "-m", model, "-c", "model_provider=asbru"),
        *("-c", f"model_providers.asbru={provider}", "say hi"),
    ]
    assert "echo: " in run(command, tmp_path, {"OPENAI_API_KEY": "dummy"})
    assert sum(asked(mock_provider).values()) > before
