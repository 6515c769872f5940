"""What ``config.json`` says of people: taken in at start, and who wins when it and the API differ."""

import json
from pathlib import Path
from typing import Any

import httpx

from conftest import config_for
from running import Process, gateway

SAY = {"model": "openai/gpt-4o", "max_tokens": 3, "messages": [{"role": "user", "content": "word"}]}
ADMIN = httpx.BasicAuth("ada", "correct horse")


def people(limit: float = 5.0) -> dict[str, Any]:
    return {
        "auth_config": {"is_enabled": True, "admin_username": "ada", "admin_password": "env.ADMIN_PASSWORD"},
        "budgets": [{"id": "shared", "max_limit": limit, "reset_duration": "1d"}],
        "customers": [{"id": "c", "name": "ACME"}],
        "teams": [{"id": "t", "name": "red", "customer_id": "c", "budget_id": "shared"}],
        "virtual_keys": [{"id": "k", "name": "app", "value": "env.APP_KEY", "team_id": "t"}],
    }


def write(process: Process, folder: Path, config: dict[str, Any], **governance: Any) -> None:
    said = {**config, "governance": {**people(), **governance}, "client": {"enforce_auth_on_inference": True}}
    said["client"]["required_headers"] = ["X-Tenant"]
    (folder / "config.json").write_text(json.dumps(said))


def test_the_file_is_taken_in_and_wins_only_when_it_says_something_new(mock_provider: Process, tmp_path: Path) -> None:
    config = config_for(mock_provider.url)
    running = gateway(tmp_path, config, "--workers", "2")
    running.add_env(ADMIN_PASSWORD="correct horse", APP_KEY="sk-bf-out-of-the-environment")
    write(running, tmp_path, config)
    running.start()
    try:
        with httpx.Client(base_url=running.url, timeout=20) as client:

            def ask(**headers: str) -> httpx.Response:
                return client.post("/v1/chat/completions", json=SAY, headers=headers)

            absent = ask(authorization="Bearer sk-bf-out-of-the-environment")
            assert (absent.status_code, absent.json()["type"]) == (400, "missing_required_headers")
            assert absent.json()["error"]["message"] == "missing required headers: x-tenant"
            needed = ask(**{"x-tenant": "a"})
            assert (needed.status_code, needed.json()["type"]) == (401, "virtual_key_required")
            assert ask(authorization="Bearer sk-bf-out-of-the-environment", **{"x-tenant": "a"}).status_code == 200
            assert client.get("/health").status_code == 200
            keys = client.get("/api/governance/virtual-keys", auth=ADMIN).json()["virtual_keys"]
            assert [(each["name"], each["team_id"]) for each in keys] == [("app", "t")]
            changed = client.put("/api/governance/teams/t", json={"name": "blue"}, auth=ADMIN)
            assert changed.json()["team"]["budget"]["max_limit"] == 5.0
        running.stop()
        running.start()
        with httpx.Client(base_url=running.url, timeout=20, auth=ADMIN) as client:
            assert client.get("/api/governance/teams/t").json()["team"]["name"] == "blue", "the file said nothing new"
        running.stop()
        write(running, tmp_path, config, teams=[{"id": "t", "name": "green", "customer_id": "c"}])
        running.start()
        with httpx.Client(base_url=running.url, timeout=20, auth=ADMIN) as client:
            team = client.get("/api/governance/teams/t").json()["team"]
            assert (team["name"], "budget" in team) == ("green", False)
    finally:
        running.stop()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "app").glob("asbru.db*")) + running.log.read_bytes()
    assert b"sk-bf-out-of-the-environment" not in kept
    assert b"correct horse" not in kept
