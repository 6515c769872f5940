"""kill -9 of the whole gateway while a batch runs: one result and one charge for every custom_id, nothing lost.

CI runs 2,000 items and three kills; ``ASBRU_DURABILITY=20000:10`` runs the large one (docs/batches.md).
"""

import collections
import json
import os
import random
import sqlite3
import time
import urllib.request
from pathlib import Path
from typing import Any

from conftest import config_for
from running import Process, free_port, gateway, scripted_provider

ITEMS, KILLS = (int(word) for word in os.environ.get("ASBRU_DURABILITY", "2000:3").split(":"))
BATCHES = "/anthropic/v1/messages/batches"


def call(url: str, body: Any = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"content-type": "application/json", "x-bf-batch-mode": "live"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def done_so_far(database: Path) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        return int(db.execute("SELECT count(*) FROM ledger WHERE batch <> ''").fetchone()[0])


def wait_until_done(database: Path, wanted: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while done_so_far(database) < wanted:
        assert time.monotonic() < deadline, f"{done_so_far(database)} of {wanted} items after {seconds} s"
        time.sleep(0.005)


def test_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    dice = random.Random(20261123)
    mock = scripted_provider(tmp_path / "mock")
    mock.start()
    running = gateway(tmp_path / "gateway", config_for(mock.url), port=free_port())
    database = tmp_path / "gateway" / "app" / "asbru.db"
    try:
        running.start()
        requests = [
            {
                "custom_id": f"item-{n}",
                "params": {
                    "model": "openai/gpt-4o",
                    "max_tokens": 30,
                    "messages": [{"role": "user", "content": f"number {n}"}],
                },
            }
            for n in range(ITEMS)
        ]
        batch = call(running.url + BATCHES, {"requests": requests})
        at = sorted(dice.randrange(1, ITEMS * 9 // 10) for _ in range(KILLS))
        for wanted in at:
            wait_until_done(database, wanted, 120)
            running.kill()
            assert done_so_far(database) < ITEMS, "the batch was over before it could be interrupted"
            running.start()
        results = wait_and_read(running, batch["id"])
    finally:
        running.stop()
        mock.stop()
    expect_whole(results, batch["id"], database)


def wait_and_read(running: Process, batch_id: str) -> list[Any]:
    deadline = time.monotonic() + 300
    while call(f"{running.url}{BATCHES}/{batch_id}")["processing_status"] != "ended":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with urllib.request.urlopen(f"{running.url}{BATCHES}/{batch_id}/results", timeout=60) as answer:
        return [json.loads(line) for line in answer]


def expect_whole(results: list[Any], batch_id: str, database: Path) -> None:
    ids = collections.Counter(row["custom_id"] for row in results)
    assert len(results) == ITEMS
    assert set(ids) == {f"item-{n}" for n in range(ITEMS)}
    for row in results:
        n = row["custom_id"].removeprefix("item-")
        assert f"number {n}" in row["result"]["message"]["content"][0]["text"], row
    with sqlite3.connect(database) as db:
        charges, total = db.execute("SELECT count(*), sum(cost) FROM ledger WHERE batch <> ''").fetchone()
        billed = db.execute("SELECT sum(cost) FROM items").fetchone()[0]
        lines = db.execute("SELECT count(*) FROM logs WHERE batch <> ''").fetchone()[0]
        kept = db.execute("SELECT cost FROM batches").fetchone()[0]
    assert charges == lines == ITEMS
    assert total == billed == kept > 0
