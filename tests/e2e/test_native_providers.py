"""One batch on every batch API that takes OpenAI's chat, through a whole gateway and its configuration."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from mock_thread import RunningMock
from running import Process, gateway

PROVIDERS = ("openai", "azure", "groq", "mistral", "together", "xai", "fireworks", "openrouter", "anthropic")
BASES = {
    "openai": "/v1",
    "groq": "/groq/openai/v1",
    "mistral": "/mistral/v1",
    "together": "/together/v1",
    "xai": "/xai/v1",
    "fireworks": "/fireworks/inference/v1",
    "openrouter": "/openrouter/api/v1",
    "anthropic": "/v1",
}
KEYS: dict[str, dict[str, Any]] = {
    "azure": {"azure_key_config": {"endpoint": "MOCK", "deployments": {"m-azure": "prod"}}},
    "fireworks": {"fireworks_key_config": {"account_id": "mock"}},
}


def config(url: str) -> dict[str, Any]:
    providers: dict[str, Any] = {}
    for name in PROVIDERS:
        more = json.loads(json.dumps(KEYS.get(name, {})).replace("MOCK", url))
        network = {"base_url": url + BASES[name]} if name in BASES else {}
        providers[name] = {"keys": [{"name": name, "value": f"sk-{name}", **more}], "network_config": network}
    return {"providers": providers}


@pytest.fixture
def everywhere(mock: RunningMock, tmp_path: Path) -> Iterator[Process]:
    process = gateway(tmp_path, config(f"http://127.0.0.1:{mock.port}"))
    process.start()
    yield process
    process.stop()


def test_one_batch_on_all_of_them(everywhere: Process, mock: RunningMock) -> None:
    client = OpenAI(base_url=f"{everywhere.url}/v1", api_key="any", max_retries=0)
    lines: list[dict[str, Any]] = [
        {
            "custom_id": f"{provider}-{n}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": f"{provider}/m-{provider}",
                "max_tokens": 20,
                "messages": [{"role": "user", "content": f"{provider} {n}"}],
            },
        }
        for provider in PROVIDERS
        for n in range(2)
    ]
    text = "\n".join(map(json.dumps, lines))
    file = client.files.create(file=("in.jsonl", text.encode()), purpose="batch")
    made = client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        extra_headers={"x-bf-batch-mode": "native"},
    )
    deadline = time.monotonic() + 60
    while (ended := client.batches.retrieve(made.id)).status != "completed":
        assert time.monotonic() < deadline, ended
        time.sleep(0.1)
    assert ended.error_file_id is None, client.files.content(ended.error_file_id).text
    rows = map(json.loads, client.files.content(str(ended.output_file_id)).text.splitlines())
    said: dict[str, str] = {
        row["custom_id"]: row["response"]["body"]["choices"][0]["message"]["content"] for row in rows
    }
    assert said == {line["custom_id"]: f"echo: {line['body']['messages'][0]['content']}" for line in lines}
    prompts = mock.stats()["prompts"]
    assert (prompts["total"], prompts["most"]) == (len(lines), 1)
    assert mock.stats()["requests"].get("POST /v1/chat/completions", 0) == 0
