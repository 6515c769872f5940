"""``asbru ledger check`` after real traffic, and when somebody has been at the books."""

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from conftest import config_for
from running import Process, gateway

SAY = {"model": "openai/gpt-4o", "max_tokens": 3, "messages": [{"role": "user", "content": "word"}]}


def _check(folder: Path) -> "subprocess.CompletedProcess[str]":
    places = ["--app-dir", str(folder / "app"), "--config", str(folder / "config.json")]
    command = [sys.executable, "-m", "asbru", "ledger", "check", *places]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False)


@pytest.fixture
def used(mock_provider: Process, tmp_path: Path) -> Path:
    """The folder of a gateway that has carried calls and a batch."""
    running = gateway(tmp_path, config_for(mock_provider.url))
    running.start()
    batches = "/anthropic/v1/messages/batches"
    items = [{"custom_id": f"c{n}", "params": SAY} for n in range(5)]
    try:
        with httpx.Client(base_url=running.url, timeout=20, headers={"x-bf-batch-mode": "live"}) as client:
            for _ in range(3):
                assert client.post("/v1/chat/completions", json=SAY).status_code == 200
            made = client.post(batches, json={"requests": items}).json()
            until = time.monotonic() + 60
            while client.get(f"{batches}/{made['id']}").json()["processing_status"] != "ended":
                assert time.monotonic() < until
                time.sleep(0.05)
        assert _check(tmp_path).returncode == 0, "while it runs"
    finally:
        running.stop()
    return tmp_path


def test_the_books_agree_until_somebody_has_been_at_them(used: Path) -> None:
    good = _check(used)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout == "8 charges of 0.00018 US dollars: the books agree.\n"
    with sqlite3.connect(used / "app" / "asbru.db") as db:
        id = db.execute("SELECT id FROM ledger WHERE batch = ''").fetchone()[0]
        db.execute("UPDATE ledger SET cost = cost + 1 WHERE id = ?", (id,))
        db.execute("DELETE FROM ledger WHERE id = (SELECT MIN(id) FROM ledger WHERE batch <> '')")
    bad = _check(used)
    assert bad.returncode == 1
    assert f"request {id}: the log says 22500 nano-dollars, the ledger 22501" in bad.stderr
    assert "and the ledger has no charge" in bad.stderr
    assert "it says 112500 nano-dollars, its charges come to 90000" in bad.stderr


def test_there_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    done = _check(tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
