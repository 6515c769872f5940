"""``asbru check`` as a user runs it: what it says, where, and with which exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def _check(*arguments: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "asbru", "check", *arguments]
    kept = {"PATH": os.environ["PATH"]}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=kept | (env or {}), check=False)


_MISTAKES = [
    ("not json", "is not JSON"),
    ([], "must be an object, not a list"),
    ({"providrs": {}}, 'providrs: unknown field, did you mean "providers"?'),
    ({"providers": {"openia": {}}}, 'providers.openia: unknown provider, did you mean "openai"?'),
    (
        {"providers": {"openai": {"keys": [{"value": "env.NOPE"}]}}},
        "providers.openai.keys[0].value: environment variable NOPE is not set",
    ),
    (
        {"providers": {"openai": {"keys": [{"value": "sk-1"}], "network_config": {"base_ur": "http://x"}}}},
        'providers.openai.network_config.base_ur: unknown field, did you mean "base_url"?',
    ),
    (
        {"providers": {"mine": {"custom_provider_config": {"base_provider_type": "opnai"}}}},
        'base_provider_type: must be a built-in provider, did you mean "openai"?',
    ),
]


@pytest.mark.parametrize(("config", "said"), _MISTAKES, ids=[said[:40] for _, said in _MISTAKES])
def test_mistakes_are_named_and_the_exit_code_is_1(config: object, said: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(config if isinstance(config, str) else json.dumps(config))
    done = _check(str(file))
    assert done.returncode == 1
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_is_found_by_argument_by_option_and_in_the_app_dir(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"providers": {"openai": {"keys": [{"name": "main", "value": "sk-secret-1"}]}}}))
    answers = [_check(str(file)), _check("--config", str(file)), _check("--app-dir", str(tmp_path))]
    assert [done.returncode for done in answers] == [0, 0, 0]
    assert len({done.stdout for done in answers}) == 1
    assert "Provider openai: asked at https://api.openai.com/v1." in answers[0].stdout
    assert "Key main: 100 % of requests, all models." in answers[0].stdout
    assert "sk-secret-1" not in answers[0].stdout + answers[0].stderr


def test_a_file_that_is_not_there() -> None:
    done = _check("/nowhere/config.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "/nowhere/config.json: cannot be read" in done.stderr


def test_keys_of_the_environment_need_no_file(tmp_path: Path) -> None:
    env = {"OPENAI_API_KEY": "sk-secret-1", "ANTHROPIC_API_KEY": "sk-secret-2", "HOME": str(tmp_path)}
    done = _check(env=env)
    assert done.returncode == 0
    assert "Provider openai: asked at https://api.openai.com/v1." in done.stdout
    assert "Provider anthropic: asked at https://api.anthropic.com/v1." in done.stdout
    assert "sk-secret" not in done.stdout + done.stderr
