"""Budgets hold: a thousand calls at once through four workers spend no more than there is."""

import asyncio
import sqlite3
import time
from pathlib import Path

import httpx
import pytest

from asbru.model.people import Budget, ProviderConfig, RateLimit, Team
from conftest import config_for
from people_kit import key, register
from postgres_server import PostgresServer
from running import Process, gateway

CALL = 22_500
"""Nano-dollars of one call of gpt-4o in these tests: 1 token in, 2 out, at 2.5 and 10 dollars a million."""
BOUND = 150_000
"""More than what is held for one of them: its bytes are more than its tokens."""
BODY = {"model": "openai/gpt-4o", "max_tokens": 3, "messages": [{"role": "user", "content": "word"}]}


async def storm(url: str, count: int, at_once: int, **headers: str) -> list[httpx.Response]:
    free = asyncio.Semaphore(at_once)
    limits = httpx.Limits(max_connections=at_once)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:

        async def one() -> httpx.Response:
            async with free:
                return await client.post(f"{url}/v1/chat/completions", json=BODY, headers=headers)

        return list(await asyncio.gather(*(one() for _ in range(count))))


def ledger(app: Path, owner: str) -> tuple[int, int]:
    with sqlite3.connect(f"file:{app}/asbru.db?mode=ro", uri=True) as db:
        found = db.execute("SELECT count(*), coalesce(sum(cost), 0) FROM ledger WHERE owner = ?", (owner,)).fetchone()
    return int(found[0]), int(found[1])


def settled(app: Path, owner: str, count: int) -> tuple[int, int]:
    """The ledger once ``count`` charges are in it."""
    until = time.monotonic() + 10
    while ledger(app, owner)[0] < count and time.monotonic() < until:
        time.sleep(0.05)
    return ledger(app, owner)


@pytest.fixture
def four(mock_provider: Process, tmp_path: Path) -> Process:
    return gateway(tmp_path, config_for(mock_provider.url), "--workers", "4")


def test_a_thousand_at_once_spend_a_hundred_calls_worth(four: Process, tmp_path: Path) -> None:
    app = tmp_path / "app"
    register(app, key("poor", budget=Budget(id="b-poor", max_limit=100 * CALL)))
    four.start()
    try:
        answers = asyncio.run(storm(four.url, 1_000, 250, **{"x-bf-vk": "sk-bf-poor"}))
        good = [each for each in answers if each.status_code == 200]
        bad = [each for each in answers if each.status_code != 200]
        assert {each.status_code for each in bad} == {402}
        count, cost = settled(app, "poor", len(good))
        assert (count, cost) == (len(good), len(good) * CALL)
        assert cost <= 100 * CALL
        assert len(good) >= 40, "what other workers hold and do not need comes back only after a while"
        error = bad[0].json()
        assert (error["type"], error["error"]["type"]) == ("budget_exceeded", "budget_exceeded")
        assert "Budget exceeded: VK budget" in error["error"]["message"]
        assert int(bad[0].headers["retry-after"]) > 3_600
    finally:
        four.stop()


def test_three_gateways_on_one_database_hold_a_budget_and_a_kill_loses_nothing(
    mock_provider: Process, postgres: PostgresServer, tmp_path: Path
) -> None:
    name = postgres.database()
    config = {**config_for(mock_provider.url), **postgres.config(name)}
    register(postgres.target(tmp_path, name), key("poor", budget=Budget(id="b-poor", max_limit=300 * CALL)))
    three = [gateway(tmp_path / str(n), config) for n in range(3)]
    try:
        for each in three:
            each.start()
        statuses = asyncio.run(storms_of(three, 150))
        three[0].kill()
        statuses += asyncio.run(storms_of(three[1:], 200))
        good = statuses.count(200)
        assert set(statuses) == {200, 402}
        with postgres.connect(name) as db:
            until = time.monotonic() + 10
            count = cost = 0
            while count < good and time.monotonic() < until:
                row = db.execute("SELECT count(*), sum(cost) FROM ledger WHERE owner = 'poor'").fetchone()
                assert row is not None
                count, cost = int(str(row[0])), int(str(row[1]))
                time.sleep(0.05)
            spent = db.execute("SELECT spent FROM meters WHERE id = 'b-poor'").fetchone()
        assert (count, cost) == (good, good * CALL)
        assert spent == (cost,), "the meter and the ledger are written together"
        assert cost <= 300 * CALL
    finally:
        for each in three:
            each.stop()


async def storms_of(gateways: list[Process], count: int) -> list[int]:
    """Statuses of ``count`` calls to each."""
    found = await asyncio.gather(*(storm(each.url, count, 40, **{"x-bf-vk": "sk-bf-poor"}) for each in gateways))
    return [answer.status_code for answers in found for answer in answers]


def test_a_request_limit_holds_for_all_workers_and_for_every_key_of_a_team(four: Process, tmp_path: Path) -> None:
    app = tmp_path / "app"
    limit = RateLimit(id="r-team", request_max_limit=50, request_reset_duration="1h")
    register(app, Team(id="t", name="t", rate_limit=limit), key("one", team_id="t"), key("two", team_id="t"))
    four.start()
    try:

        async def both() -> list[httpx.Response]:
            found = await asyncio.gather(
                *(storm(four.url, 150, 60, **{"x-bf-vk": f"sk-bf-{who}"}) for who in ("one", "two"))
            )
            return [each for answers in found for each in answers]

        answers = asyncio.run(both())
        good = [each for each in answers if each.status_code == 200]
        refused = [each for each in answers if each.status_code != 200]
        assert {each.status_code for each in refused} == {429}
        assert 25 <= len(good) <= 50
        assert "rate limit violated for Team: request limit exceeded" in refused[0].json()["error"]["message"]
    finally:
        four.stop()


def test_what_idle_workers_hold_comes_back(four: Process, tmp_path: Path) -> None:
    app = tmp_path / "app"
    register(app, key("slow", budget=Budget(id="b-slow", max_limit=40 * CALL)))
    four.start()
    try:
        most, good = 40 * CALL, 0
        until = time.monotonic() + 60
        while good * CALL <= most - BOUND and time.monotonic() < until:
            answers = asyncio.run(storm(four.url, 20, 5, **{"x-bf-vk": "sk-bf-slow"}))
            good += sum(each.status_code == 200 for each in answers)
            time.sleep(0.2)
        assert most - BOUND < settled(app, "slow", good)[1] <= most, "all but what is too little for one more call"
    finally:
        four.stop()


def test_many_limits_are_no_hindrance(mock_provider: Process, tmp_path: Path) -> None:
    running = gateway(tmp_path, config_for(mock_provider.url))

    def wide(id: str) -> RateLimit:
        return RateLimit(id=id, request_max_limit=10**9, token_max_limit=10**12)

    rich = Budget(id="b-rich", max_limit=10**15)
    register(
        tmp_path / "app",
        Team(id="t", name="t", rate_limit=wide("r-team"), budget=Budget(id="b-team", max_limit=10**15)),
        key("rich", team_id="t", budget=rich, rate_limit=wide("r-rich")),
    )
    running.start()
    try:
        answers = asyncio.run(storm(running.url, 300, 100, **{"x-bf-vk": "sk-bf-rich"}))
        assert {each.status_code for each in answers} == {200}
    finally:
        running.stop()


def test_a_native_batch_is_charged_to_its_owner(mock_provider: Process, tmp_path: Path) -> None:
    running = gateway(tmp_path, config_for(mock_provider.url))
    register(tmp_path / "app", key("poor", budget=Budget(id="b-poor", max_limit=CALL)))
    running.start()
    own = {"x-bf-vk": "sk-bf-poor", "x-bf-batch-mode": "native"}
    items = [{"custom_id": f"c{n}", "params": BODY} for n in range(4)]
    try:
        with httpx.Client(base_url=running.url, timeout=20, headers=own) as client:
            made = client.post("/anthropic/v1/messages/batches", json={"requests": items}).json()
            path, until = f"/anthropic/v1/messages/batches/{made['id']}", time.monotonic() + 60
            while client.get(path).json()["processing_status"] != "ended" and time.monotonic() < until:
                time.sleep(0.2)
            count, cost = ledger(tmp_path / "app", "poor")
            assert (count, cost) == (4, 4 * CALL // 2), "at the batch price"
            after = client.post("/v1/chat/completions", json=BODY)
            assert after.status_code == 402, "what it cost is spent of the budget"
    finally:
        running.stop()


def test_who_may_do_what(mock_provider: Process, tmp_path: Path) -> None:
    running = gateway(tmp_path, config_for(mock_provider.url))
    only = (ProviderConfig(id="c", provider="openai", allowed_models=("gpt-4o",)),)
    register(
        tmp_path / "app",
        key("good", provider_configs=only),
        key("off", is_active=False),
        key("old", expires_at=1.0),
        key("other"),
    )
    running.start()
    try:
        say = {"messages": BODY["messages"], "max_tokens": 3}
        cases = [
            ("sk-bf-good", "openai/gpt-4o", 200, ""),
            ("sk-bf-good", "gpt-4o", 200, ""),
            ("sk-bf-good", "openai/o1", 403, "Model 'o1' is not allowed for this virtual key"),
            ("sk-bf-good", "anthropic/x", 403, "Provider 'anthropic' is not allowed for this virtual key"),
            ("sk-bf-off", "openai/gpt-4o", 403, "Virtual key is inactive"),
            ("sk-bf-old", "openai/gpt-4o", 403, "Virtual key has expired"),
            ("sk-bf-nobody", "openai/gpt-4o", 403, "Virtual key not found"),
        ]
        with httpx.Client(base_url=running.url, timeout=20) as client:
            for shown, model, status, message in cases:
                for name, value in (("x-bf-vk", shown), ("authorization", f"Bearer {shown}"), ("x-api-key", shown)):
                    answer = client.post("/v1/chat/completions", json={**say, "model": model}, headers={name: value})
                    assert answer.status_code == status, (shown, model, answer.text)
                    if message:
                        assert answer.json()["error"]["message"] == message
            uploaded = client.post(
                "/openai/v1/files",
                data={"purpose": "batch"},
                files={"file": ("a.jsonl", b"{}")},
                headers={"authorization": "Bearer sk-bf-good"},
            ).json()
            models = client.get("/v1/models", headers={"x-bf-vk": "sk-bf-good"}).json()["data"]
            assert [each["id"] for each in models] == ["openai/gpt-4o"]
            passed = client.get("/anthropic_passthrough/v1/models", headers={"x-bf-vk": "sk-bf-good"})
            assert passed.status_code == 403
            assert "Provider 'anthropic' is not allowed" in passed.json()["error"]["message"]
            items = [
                {"custom_id": "a", "params": {**say, "model": "openai/gpt-4o"}},
                {"custom_id": "b", "params": {**say, "model": "openai/o1"}},
            ]
            batch = client.post(
                "/anthropic/v1/messages/batches", json={"requests": items}, headers={"x-bf-vk": "sk-bf-good"}
            )
            assert batch.status_code == 400
            message = batch.json()["error"]["message"]
            assert message == "requests.1.params.model: Model 'o1' is not allowed for this virtual key"
            path = f"/openai/v1/files/{uploaded['id']}"
            sent = [{"authorization": f"Bearer sk-bf-{who}"} for who in ("good", "other")]
            assert [client.get(path, headers=each).status_code for each in sent] == [200, 404]
            assert client.get(path).status_code == 404
    finally:
        running.stop()
