"""kill -9 of a gateway whose batch has a limit, copies and a pause: what was promised holds afterwards."""

import sqlite3
from functools import partial
from pathlib import Path

from test_batch_controls import UNIFIED, ask, body_of, talk
from test_batch_course import ended, expect_sums, look, results, until

from conftest import config_for
from running import free_port, gateway, scripted_provider

ITEMS, LIMIT = 300, 0.05


def test_killed_with_a_limit_copies_and_a_pause(tmp_path: Path) -> None:
    mock = scripted_provider(tmp_path / "mock")
    mock.start()
    config = {**config_for(mock.url), "asbru": {"batch": {"concurrency": 8}}}
    running = gateway(tmp_path / "gateway", config, port=free_port())
    database = tmp_path / "gateway" / "app" / "asbru.db"
    asked = [talk(f"[[mock:delay=0.01;words=20]] {n % 200}", max_tokens=60) for n in range(ITEMS)]
    headers = {"x-bf-batch-mode": "live", "x-bf-batch-max-cost": str(LIMIT), "x-bf-batch-dedupe": "true"}
    try:
        running.start()
        id = ask(running, "POST", UNIFIED, body_of(UNIFIED, *asked), headers)[1]["id"]
        for least in (10, 30):
            until(partial(more_charged, database, least))
            running.kill()
            running.start()
        assert ask(running, "POST", f"{UNIFIED}/{id}/pause")[0] == 200
        running.kill()
        running.start()
        assert look(running, id)["status"] == "paused"
        assert ask(running, "POST", f"{UNIFIED}/{id}/resume")[0] == 200
        until(lambda: charged(database) > 60)
        running.kill()
        running.start()
        told = ended(running, id)
        cost = expect_sums((running, database), id)
        found = results(running, id)
    finally:
        running.stop()
        mock.stop()
    assert cost <= LIMIT * 1e9
    assert len(found) == ITEMS
    assert told["counts"]["copies"] == 100
    for n in range(200, ITEMS):
        copy, first = found[f"c{n}"], found[f"c{n - 200}"]
        assert copy["extra_fields"]["copy_of"] == f"c{n - 200}"
        assert copy["response"] == first["response"]


def more_charged(database: Path, least: int) -> bool:
    return charged(database) > least


def charged(database: Path) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        return int(db.execute("SELECT COUNT(*) FROM ledger").fetchone()[0])
