"""``/api/providers``: added, changed, taken away while requests run; credentials neither shown nor kept in clear."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from running import Process, gateway

SETUP = "setup-token-of-this-test"
SECRET = "sk-live-0123456789abcdef-secret"


def say(model: str) -> dict[str, Any]:
    return {"model": model, "max_tokens": 3, "messages": [{"role": "user", "content": "word"}]}


@pytest.fixture
def running(mock_provider: Process, tmp_path: Path) -> Iterator[Process]:
    network = {"base_url": mock_provider.url, "max_retries": 0}
    config = {"providers": {"openai": {"keys": [{"name": "o1", "value": "sk-of-the-file"}], "network_config": network}}}
    process = gateway(tmp_path, config, "--workers", "2")
    process.add_env(ASBRU_SETUP_TOKEN=SETUP, SPARE_KEY="sk-spare-0123456789-secret")
    process.start()
    yield process
    process.stop()


@pytest.fixture
def api(running: Process) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, headers={"authorization": f"Bearer {SETUP}"}, timeout=20) as client:
        yield client


def soon(url: str, model: str, status: int) -> None:
    """Both workers answer so, within the second that a change may take (and some, on a busy machine)."""
    until, good = time.monotonic() + 20, 0
    while good < 8:
        assert time.monotonic() < until
        found = httpx.post(f"{url}/v1/chat/completions", json=say(model), timeout=20).status_code
        good = good + 1 if found == status else 0


def acme(mock: str, **more: Any) -> dict[str, Any]:
    return {
        "provider": "acme",
        "keys": [{"name": "a1", "value": SECRET, "weight": 1}, {"name": "a2", "value": "env.SPARE_KEY"}],
        "network_config": {"base_url": mock, "extra_headers": {"x-team": "secret-of-the-team"}},
        "custom_provider_config": {"base_provider_type": "openai"},
        **more,
    }


def test_a_provider_comes_changes_and_goes(
    api: httpx.Client, running: Process, mock_provider: Process, tmp_path: Path
) -> None:
    assert [each["name"] for each in api.get("/api/providers").json()["providers"]] == ["openai"]
    made = api.post("/api/providers", json=acme(mock_provider.url))
    assert made.status_code == 200, made.text
    keys = made.json()["keys"]
    assert keys[0]["value"] == {"value": f"sk-l{'*' * 24}cret", "env_var": "", "from_env": False}
    assert keys[1]["value"] == {"value": f"sk-s{'*' * 24}cret", "env_var": "env.SPARE_KEY", "from_env": True}
    assert SECRET not in made.text
    soon(running.url, "acme/gpt-4o", 200)
    assert api.post("/api/providers", json=acme(mock_provider.url)).status_code == 409

    shown = api.get("/api/providers/acme").json()
    shown["keys"][0]["weight"] = 0.5
    shown["network_config"]["max_retries"] = 1
    changed = api.put("/api/providers/acme", json=shown)
    assert changed.status_code == 200, changed.text
    assert changed.json()["keys"][0]["weight"] == 0.5
    soon(running.url, "acme/gpt-4o", 200)
    told = api.post("/api/providers/acme/test").json()
    assert told["ok"], "what was shown masked and came back is still the credential"
    partly = api.put("/api/providers/acme", json={"network_config": {"base_url": mock_provider.url}})
    assert len(partly.json()["keys"]) == 2, "what an update does not speak of stays"
    assert {each["provider"] for each in api.get("/api/keys").json()} == {"acme", "openai"}
    assert api.get("/api/models?provider=acme&query=GPT&limit=2").json()["models"][0]["provider"] == "acme"

    running.stop()
    running.start()
    soon(running.url, "acme/gpt-4o", 200)
    assert api.delete("/api/providers/acme").status_code == 200
    soon(running.url, "acme/gpt-4o", 400)
    assert api.get("/api/providers/acme").status_code == 404
    kept = b"".join(path.read_bytes() for path in (tmp_path / "app").glob("asbru.db*")) + running.log.read_bytes()
    for secret in (SECRET, "sk-spare-0123456789-secret", "secret-of-the-team"):
        assert secret.encode() not in kept
    assert (tmp_path / "app" / "secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"keys": [{"value": "x", "weight": -1}]}, "keys[0].weight"),
        ({"keys": [{"value": "env.NOPE"}]}, "keys[0].value"),
        ({"keys": [{"valeu": "x"}]}, "keys[0].valeu"),
        ({"network_config": {"base_ur": "http://x"}}, "network_config.base_ur"),
        ({"network_config": {"base_url": "ftp://x"}}, "network_config.base_url"),
        ({"custom_provider_config": {"base_provider_type": "opnai"}}, "custom_provider_config.base_provider_type"),
        ({"provider": "No Name"}, "provider"),
        ({"keys": [{"value": f"abcd{'*' * 24}wxyz"}]}, "keys[0].value"),
    ],
)
def test_mistakes_name_the_member(api: httpx.Client, mock_provider: Process, change: dict[str, Any], path: str) -> None:
    answer = api.post("/api/providers", json={**acme(mock_provider.url), **change})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == path
    assert answer.json()["error"]["message"].startswith(f"{path}: ")
    assert api.get("/api/providers").json()["total"] == 1


def test_the_file_wins_when_it_says_something_new(api: httpx.Client, running: Process, tmp_path: Path) -> None:
    assert api.put("/api/providers/openai", json={"send_back_raw_response": True}).status_code == 200
    running.stop()
    running.start()
    assert api.get("/api/providers/openai").json()["send_back_raw_response"] is True
    config = json.loads((tmp_path / "config.json").read_text())
    config["providers"]["openai"]["keys"][0]["name"] = "renamed"
    running.stop()
    (tmp_path / "config.json").write_text(json.dumps(config))
    running.start()
    found = api.get("/api/providers/openai").json()
    assert (found["keys"][0]["name"], found.get("send_back_raw_response")) == ("renamed", None)
    assert api.delete("/api/providers/openai").status_code == 200
    running.stop()
    running.start()
    assert api.get("/api/providers").json()["total"] == 0, "what was taken away stays away"


def test_changes_drop_no_request_of_a_running_load(api: httpx.Client, running: Process) -> None:
    failed: list[int] = []
    done = threading.Event()

    def load() -> None:
        with httpx.Client(base_url=running.url, timeout=20) as client:
            while not done.is_set():
                answer = client.post("/v1/chat/completions", json=say("openai/gpt-4o"))
                if answer.status_code != 200:
                    failed.append(answer.status_code)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(8):
        retries = {"network_config": {**api.get("/api/providers/openai").json()["network_config"], "max_retries": n}}
        assert api.put("/api/providers/openai", json=retries).status_code == 200
        assert api.post("/api/governance/customers", json={"name": f"c{n}"}).status_code == 200
    done.set()
    for thread in threads:
        thread.join()
    assert failed == []
