"""``/api/governance`` and ``/api/session`` of a running gateway."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import config_for
from running import Process, gateway

SETUP = "setup-token-of-this-test"
SAY = {"model": "openai/gpt-4o", "max_tokens": 3, "messages": [{"role": "user", "content": "word"}]}


@pytest.fixture
def running(mock_provider: Process, tmp_path: Path) -> Iterator[Process]:
    process = gateway(tmp_path, config_for(mock_provider.url), "--workers", "2")
    process.add_env(ASBRU_SETUP_TOKEN=SETUP)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def api(running: Process) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, headers={"authorization": f"Bearer {SETUP}"}, timeout=20) as client:
        yield client


def _made(answer: httpx.Response, word: str) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()[word]
    return made


def test_a_key_from_its_making_to_its_end(api: httpx.Client, running: Process, tmp_path: Path) -> None:
    budget = {"max_limit": 1.5, "reset_duration": "1d"}
    made = _made(api.post("/api/governance/virtual-keys", json={"name": "app", "budget": budget}), "virtual_key")
    value = made["value"]
    with httpx.Client(base_url=running.url, timeout=20) as caller:

        def ask(shown: str) -> httpx.Response:
            return caller.post("/v1/chat/completions", json=SAY, headers={"x-bf-vk": shown})

        _soon(lambda: ask(value).status_code == 200)
        one = f"/api/governance/virtual-keys/{made['id']}"
        _soon(lambda: api.get(one).json()["virtual_key"]["budget"]["current_usage"] > 0)
        shown = api.get(one).json()["virtual_key"]
        assert shown["value"] != value
        assert shown["value"].startswith(value[:8])

        rotated = _made(api.post(f"{one}/rotate", json={"overlap": "1h"}), "virtual_key")["value"]
        _soon(lambda: ask(rotated).status_code == 200)
        assert ask(value).status_code == 200, "the old one still works for an hour"
        again = _made(api.post(f"{one}/rotate", json={}), "virtual_key")["value"]
        _soon(lambda: ask(rotated).status_code == 403)
        assert ask(again).status_code == 200

        _made(api.put(one, json={"is_active": False}), "virtual_key")
        _soon(lambda: "Virtual key is inactive" in ask(again).text)
        assert api.delete(one).status_code == 200
        _soon(lambda: "Virtual key not found" in ask(again).text)
        assert api.get(one).status_code == 404
    kept = b"".join(path.read_bytes() for path in (tmp_path / "app").glob("asbru.db*"))
    for each in (value, rotated, again):
        assert each.encode() not in kept + running.log.read_bytes(), "values are kept nowhere"


def _soon(holds: Any) -> None:
    """Changes reach all workers within a second; two of them answer here."""
    import time

    until = time.monotonic() + 20
    good = 0
    while good < 6:
        assert time.monotonic() < until, "a change did not reach every worker"
        good = good + 1 if holds() else 0
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 400, "Virtual key name is required"),
        ({"name": " "}, 400, "Virtual key name is required"),
        ({"nam": "x"}, 400, "nam: unknown field"),
        ({"name": "x", "budget": {"max_limit": -1}}, 400, "budget.max_limit: must be an amount of dollars"),
        ({"name": "x", "budget": {"max_limit": "much"}}, 400, "budget.max_limit: "),
        ({"name": "x", "budget": {"reset_duration": "1d"}}, 400, "budget.max_limit: Field required"),
        ({"name": "x", "budget": {"max_limit": 1, "reset_duration": "0s"}}, 400, "budget.reset_duration: must be"),
        ({"name": "x", "rate_limit": {"token_max_limit": -5}}, 400, "rate_limit.token_max_limit: must be 0 or more"),
        ({"name": "x", "provider_configs": [{"weight": 1}]}, 400, "provider_configs[0].provider: Field required"),
        ({"name": "x", "provider_configs": [{"provider": "a", "weight": -1}]}, 400, "provider_configs[0].weight: "),
        ({"name": "x", "team_id": "a", "customer_id": "b"}, 400, "VirtualKey cannot be attached to both Team and"),
        ({"name": "x", "team_id": "nobody"}, 400, "team_id: Team 'nobody' not found"),
        ({"name": "x", "expires_at": "2027-01-01T00:00:00"}, 400, "expires_at: must say its time zone"),
        ({"name": "taken"}, 409, "name: Virtual key 'taken' exists already"),
        ([], 400, "Expected `object`"),
    ],
)
def test_mistakes_name_the_member(api: httpx.Client, body: Any, status: int, message: str) -> None:
    api.post("/api/governance/virtual-keys", json={"name": "taken"})
    answer = api.post("/api/governance/virtual-keys", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"].startswith(message)
    assert [each["name"] for each in api.get("/api/governance/virtual-keys").json()["virtual_keys"]] == ["taken"]


def test_groups_hang_together(api: httpx.Client) -> None:
    root = "/api/governance"
    limit = {"token_max_limit": 1000, "token_reset_duration": "1h"}
    customer = _made(api.post(f"{root}/customers", json={"name": "ACME", "budget": {"max_limit": 9}}), "customer")
    red = {"name": "red", "customer_id": customer["id"], "rate_limit": limit}
    team = _made(api.post(f"{root}/teams", json=red), "team")
    key = _made(api.post(f"{root}/virtual-keys", json={"name": "k", "team_id": team["id"]}), "virtual_key")
    narrow = {"model_name": "m", "budget": {"max_limit": 1}}
    model = _made(api.post(f"{root}/model-configs", json=narrow), "model_config")
    assert api.post(f"{root}/model-configs", json={"model_name": "m"}).status_code == 409
    assert api.put(f"{root}/providers/openai", json={"budget": {"max_limit": 5}}).status_code == 200
    budgets = api.get(f"{root}/budgets").json()["budgets"]
    assert sorted(each["max_limit"] for each in budgets) == [1.0, 5.0, 9.0]
    assert list(api.get(f"{root}/rate-limits?from_memory=true").json()["rate_limits"]) == [team["rate_limit_id"]]
    of_customer = api.get(f"{root}/teams?customer_id={customer['id']}").json()["teams"]
    assert [each["name"] for each in of_customer] == ["red"]
    assert api.get(f"{root}/teams?customer_id=other").json()["total_count"] == 0
    changed = _made(api.put(f"{root}/teams/{team['id']}", json={"rate_limit": {}}), "team")
    assert "rate_limit" not in changed
    assert api.delete(f"{root}/customers/{customer['id']}").status_code == 200
    assert "customer_id" not in api.get(f"{root}/teams/{team['id']}").json()["team"]
    assert api.delete(f"{root}/teams/{team['id']}").status_code == 200
    assert "team_id" not in api.get(f"{root}/virtual-keys/{key['id']}").json()["virtual_key"]
    assert api.delete(f"{root}/model-configs/{model['id']}").status_code == 200
    assert api.delete(f"{root}/providers/openai").status_code == 200
    assert api.get(f"{root}/budgets").json()["count"] == 0


def test_limits_of_a_model_and_of_a_provider_hold(api: httpx.Client, running: Process) -> None:
    limit = {"request_max_limit": 2, "request_reset_duration": "1h"}
    api.put("/api/governance/providers/anthropic", json={"rate_limit": limit})
    _made(api.post("/api/governance/model-configs", json={"model_name": "gpt-4o", "rate_limit": limit}), "model_config")
    with httpx.Client(base_url=running.url, timeout=20) as caller:

        def ask(model: str, **more: Any) -> httpx.Response:
            return caller.post("/v1/chat/completions", json={**SAY, "model": model, **more})

        _soon(lambda: ask("openai/gpt-4o").status_code == 429)
        told = ask("openai/gpt-4o").json()["error"]["message"]
        assert told.startswith("Model-level rate limit check failed: rate limit violated for Model: request limit")
        _soon(lambda: ask("anthropic/claude-x").status_code == 429)
        assert "Provider-level rate limit" in ask("anthropic/claude-x").json()["error"]["message"]
        saved = ask("anthropic/claude-x", fallbacks=["openai/gpt-4o-mini"])
        assert (saved.status_code, saved.headers["x-asbru-provider"]) == (200, "openai"), "a fallback still answers"


def test_who_may_manage(running: Process, tmp_path: Path) -> None:
    with httpx.Client(base_url=running.url, timeout=20) as client:
        keys = "/api/governance/virtual-keys"
        assert client.get(keys).status_code == 401
        assert client.get(keys, headers={"authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/api/session/is-auth-enabled").json() == {"is_auth_enabled": False, "has_valid_token": False}
        setup = {"authorization": f"Bearer {SETUP}"}
        me = {"username": "ada", "password": "correct horse"}
        assert client.post("/api/session/setup", json=me).status_code == 401
        assert client.post("/api/session/setup", json={**me, "password": "short"}, headers=setup).status_code == 400
        assert client.post("/api/session/setup", json=me, headers=setup).status_code == 200
        client.cookies.clear()
        assert client.get(keys, headers=setup).status_code == 401, "the set-up token is worth nothing any more"

        answer = client.post("/api/session/login", json=me)
        assert answer.json()["message"] == "Login successful"
        for word in ("HttpOnly", "SameSite=Lax", "Path=/"):
            assert word in answer.headers["set-cookie"]
        assert client.get(keys).status_code == 200
        elsewhere = {"sec-fetch-site": "cross-site"}
        assert client.post(keys, json={"name": "x"}, headers=elsewhere).status_code == 403
        assert client.post(keys, json={"name": "x"}, headers={"origin": "https://evil.example"}).status_code == 403
        assert client.post(keys, json={"name": "x"}, headers={"sec-fetch-site": "same-origin"}).status_code == 200

        made = client.post("/api/users", json={"username": "vic", "password": "look only 1", "role": "viewer"})
        assert made.status_code == 200
        token = client.post("/api/tokens", json={"name": "ci", "role": "operator"}).json()["token"]["value"]
        client.post("/api/session/logout")
        client.cookies.clear()
        vic = httpx.BasicAuth("vic", "look only 1")
        assert client.get(keys, auth=vic).status_code == 200
        assert client.post(keys, json={"name": "y"}, auth=vic).status_code == 403
        bearer = {"authorization": f"Bearer {token}"}
        assert client.post(keys, json={"name": "z"}, headers=bearer).status_code == 200
        assert client.get("/api/users", headers=bearer).status_code == 403
        assert (
            client.get("/api/audit-logs", auth=httpx.BasicAuth("ada", "correct horse")).json()["audit_logs"][0]["actor"]
            == "ada (ci)"
        )
    kept = b"".join(path.read_bytes() for path in (tmp_path / "app").glob("asbru.db*"))
    for secret in ("correct horse", "look only 1", token, SETUP):
        assert secret.encode() not in kept


def test_wrong_passwords_lock_a_name_and_a_password_change_ends_sessions(running: Process) -> None:
    with httpx.Client(base_url=running.url, timeout=20) as client:
        me = {"username": "ada", "password": "correct horse"}
        token = client.post("/api/session/setup", json=me, headers={"authorization": f"Bearer {SETUP}"}).json()["token"]
        bearer = {"authorization": f"Bearer {token}"}
        client.cookies.clear()
        id = client.get("/api/users", headers=bearer).json()["users"][0]["id"]
        assert client.delete(f"/api/users/{id}", headers=bearer).status_code == 400, "the last admin stays"
        assert client.put(f"/api/users/{id}", json={"password": "battery staple"}, headers=bearer).status_code == 200
        assert client.get("/api/users", headers=bearer).status_code == 401
        statuses = [client.post("/api/session/login", json=me).status_code for _ in range(20)]
        assert set(statuses) == {401, 429}
        locked = client.post("/api/session/login", json={**me, "password": "battery staple"})
        assert locked.status_code in (200, 429), "each worker counts for itself"


def test_a_document_is_one_row(api: httpx.Client, tmp_path: Path) -> None:
    api.post("/api/governance/customers", json={"name": "ACME"})
    with sqlite3.connect(f"file:{tmp_path}/app/asbru.db?mode=ro", uri=True) as db:
        rows = db.execute("SELECT kind, name, origin FROM objects").fetchall()
        noted = db.execute("SELECT actor, action, kind FROM audit").fetchall()
    assert rows == [("customer", "ACME", "api")]
    assert noted == [("setup", "create", "customer")]
