"""Batches under control, over HTTP: limits that hold, identical items, pauses, re-runs, and watching."""

import json
import sqlite3
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_batch_controls import ANTHROPIC, DIALECTS, UNIFIED, ask, body_of, talk

from conftest import config_for
from running import Process, gateway

LIVE = {"x-bf-batch-mode": "live"}
NATIVE = {"x-bf-batch-mode": "native"}
NANO = 1_000_000_000


@pytest.fixture(scope="module")
def own(mock_provider: Process, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, Path]]:
    """A gateway of two workers, and its database."""
    folder = tmp_path_factory.mktemp("control")
    config = {**config_for(mock_provider.url), "asbru": {"batch": {"concurrency": 4}}}
    process = gateway(folder, config, "--workers", "2")
    process.start()
    yield process, folder / "app" / "asbru.db"
    process.stop()


def until(look: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)
    return found


def make(url: Process, *asked: dict[str, Any], **headers: str) -> str:
    """A batch in the unified dialect; its id."""
    sent = {f"x-bf-batch-{name.replace('_', '-')}": value for name, value in headers.items()}
    status, told = ask(url, "POST", UNIFIED, body_of(UNIFIED, *asked), sent)
    assert status == 200, told
    return str(told["id"])


def look(url: Process, id: str) -> dict[str, Any]:
    status, told = ask(url, "GET", f"{UNIFIED}/{id}")
    assert status == 200, told
    found: dict[str, Any] = told["extra_fields"]
    return found


def ended(url: Process, id: str) -> dict[str, Any]:
    found: dict[str, Any] = until(lambda: (told := look(url, id))["status"] == "ended" and told)
    return found


def results(url: Process, id: str) -> dict[str, dict[str, Any]]:
    with urllib.request.urlopen(f"{url.url}{UNIFIED}/{id}/results", timeout=30) as answer:
        rows = [json.loads(line) for line in answer]
    assert len({row["custom_id"] for row in rows}) == len(rows)
    return {row["custom_id"]: row for row in rows}


def ledger(database: Path, id: str) -> tuple[int, int]:
    """How many charges of a batch, and their sum."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        row = db.execute("SELECT COUNT(*), COALESCE(SUM(cost), 0) FROM ledger WHERE batch = ?", (id[6:],)).fetchone()
    return int(row[0]), int(row[1])


def expect_sums(own: tuple[Process, Path], id: str) -> int:
    """Ledger, items and batch agree; what it cost."""
    told = look(own[0], id)
    cost: int = told["cost"]["nano_dollars"]
    assert cost == ledger(own[1], id)[1]
    assert cost == sum(row["extra_fields"]["cost"]["nano_dollars"] for row in results(own[0], id).values())
    assert told["reserved"]["nano_dollars"] == 0
    return cost


@pytest.mark.parametrize("mode", ["live", "native"])
def test_what_is_reserved_is_released(own: tuple[Process, Path], mode: str) -> None:
    id = make(own[0], *(talk(f"reserve {n}") for n in range(5)), mode=mode)
    told = ended(own[0], id)
    cost = expect_sums(own, id)
    assert 0 < cost < told["estimate"]["nano_dollars"]
    assert {row["extra_fields"]["mode"] for row in results(own[0], id).values()} == {mode}


def test_a_native_batch_costs_half(own: tuple[Process, Path]) -> None:
    asked = [talk(f"half {n}", max_tokens=40) for n in range(4)]
    live, native = (make(own[0], *asked, mode=mode) for mode in ("live", "native"))
    ended(own[0], live), ended(own[0], native)
    assert expect_sums(own, live) == 2 * expect_sums(own, native) > 0


@pytest.mark.parametrize("mode", ["live", "native"])
def test_a_limit_is_never_passed_and_what_is_done_is_kept(own: tuple[Process, Path], mode: str) -> None:
    """Three models, 12 requests; there is money for some of them."""
    models = ("openai/gpt-4o", "openai/gpt-4o-mini", "anthropic/claude-haiku-4-5")
    asked = [talk(f"[[mock:words=300]] {n}", models[n % 3], max_tokens=400) for n in range(12)]
    most = {"live": "0.0123", "native": "0.0062"}[mode]
    id = make(own[0], *asked, mode=mode, max_cost=most)
    told = ended(own[0], id)
    assert expect_sums(own, id) <= float(most) * NANO
    assert told["stopped"] == "max_cost"
    assert told["counts"]["succeeded"] > 0
    assert told["counts"]["errored"] > 0
    assert told["counts"]["succeeded"] + told["counts"]["errored"] == 12
    failed = [row for row in results(own[0], id).values() if row["response"]["status_code"] != 200]
    assert {row["response"]["status_code"] for row in failed} == {402}
    assert all(f"may cost {most} US dollars" in json.dumps(row) for row in failed)


def test_a_limit_that_is_high_enough_changes_nothing(own: tuple[Process, Path]) -> None:
    id = make(own[0], *(talk(f"rich {n}") for n in range(30)), mode="live", max_cost="50")
    told = ended(own[0], id)
    assert (told["counts"]["succeeded"], told["stopped"], told["max_cost"]["dollars"]) == (30, None, "50")


@pytest.mark.parametrize("mode", ["live", "native"])
def test_identical_items_run_once(own: tuple[Process, Path], mode: str) -> None:
    asked = [
        talk("the same"),
        talk("another"),
        talk("the same"),
        talk("the same", "openai/gpt-4o-mini"),
        talk("another"),
    ]
    fault = talk("[[mock:status=400;error=not this]]")
    id = make(own[0], *asked, fault, fault, mode=mode, dedupe="true")
    told = ended(own[0], id)
    assert (told["counts"]["succeeded"], told["counts"]["errored"], told["counts"]["copies"]) == (5, 2, 3)
    found = results(own[0], id)
    copies = {name: row["extra_fields"]["copy_of"] for name, row in found.items() if row["extra_fields"]["copy_of"]}
    assert copies == {"c2": "c0", "c4": "c1", "c6": "c5"}
    for copy, first in copies.items():
        assert found[copy]["response"] == found[first]["response"]
        assert found[copy]["extra_fields"]["cost"]["nano_dollars"] == 0
    assert expect_sums(own, id) > 0
    assert ledger(own[1], id)[0] == 3


def test_canceling_takes_the_copies_along(own: tuple[Process, Path]) -> None:
    id = make(own[0], talk("[[mock:delay=2]]", "openai/gpt-4o"), *[talk("held")] * 3, mode="live", dedupe="true")
    assert ask(own[0], "POST", f"{UNIFIED}/{id}/pause")[0] == 200
    assert ask(own[0], "POST", f"{UNIFIED}/{id}/cancel")[0] == 200
    counts = ended(own[0], id)["counts"]
    assert counts["succeeded"] + counts["canceled"] == 4, "copies that nobody ends would keep it open"


@pytest.mark.parametrize("path", DIALECTS)
def test_a_paused_batch_starts_nothing_more(own: tuple[Process, Path], path: str) -> None:
    slow = [talk(f"[[mock:delay=0.05]] {n}") for n in range(100)]
    status, told = ask(own[0], "POST", path, body_of(path, *slow), LIVE)
    assert status == 200
    one = f"{path}/{told['id']}"
    id = "batch_" + told["id"].rpartition("_")[2]
    until(lambda: look(own[0], id)["counts"]["succeeded"] > 5)
    assert ask(own[0], "POST", f"{one}/pause")[0] == 200
    assert ask(own[0], "POST", f"{one}/pause")[0] == 200
    assert look(own[0], id)["status"] == "paused"
    held = until(lambda: _settled(own[0], id))
    assert held < 100
    assert ask(own[0], "POST", f"{one}/resume")[0] == 200
    assert ended(own[0], id)["counts"]["succeeded"] == 100
    status, told = ask(own[0], "POST", f"{one}/pause")
    assert status == 400
    assert "ended" in told["error"]["message"]


def _settled(url: Process, id: str) -> int:
    """How many are done, once nothing has changed for a while."""
    first = look(url, id)["counts"]["succeeded"]
    time.sleep(0.7)
    return int(first) if look(url, id)["counts"]["succeeded"] == first else 0


@pytest.mark.parametrize("mode", ["live", "native"])
def test_what_failed_is_run_again(own: tuple[Process, Path], mode: str) -> None:
    fault = f"[[mock:status=400;times=1;id=again-{mode}]] once"
    id = make(own[0], talk("fine"), talk(fault), talk(fault), talk("well"), mode=mode, dedupe="true")
    first = ended(own[0], id)["counts"]
    assert (first["succeeded"], first["errored"]) == (2, 2)
    key = {"idempotency-key": f"again-{mode}"}
    status, told = ask(own[0], "POST", f"{UNIFIED}/{id}/rerun", headers=key)
    assert status == 200, told
    assert told["extra_fields"]["rerun_of"] == id
    assert ask(own[0], "POST", f"{UNIFIED}/{id}/rerun", headers=key)[1]["id"] == told["id"] != id
    assert ended(own[0], told["id"])["counts"]["succeeded"] == 2
    assert results(own[0], told["id"]).keys() == {"c1", "c2"}
    expect_sums(own, told["id"])
    status, told = ask(own[0], "POST", f"{UNIFIED}/{told['id']}/rerun")
    assert status == 400
    assert "nothing to run again" in told["error"]["message"]


@pytest.mark.parametrize("path", DIALECTS)
def test_control_of_what_is_not_there(own: tuple[Process, Path], path: str) -> None:
    for verb in ("pause", "resume", "rerun"):
        assert ask(own[0], "POST", f"{path}/batch_nothing/{verb}")[0] == 404
    assert ask(own[0], "GET", f"{path}/batch_nothing/events")[0] == 404


def events(url: Process, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Server-sent events of a batch."""
    with urllib.request.urlopen(url.url + path, timeout=60) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        kind = ""
        for raw in answer:
            name, _, value = raw.decode().rstrip("\n").partition(": ")
            if name == "event":
                kind = value
            if name == "data":
                yield kind, json.loads(value)


@pytest.mark.parametrize("path", DIALECTS)
def test_progress_is_told_as_it_happens(own: tuple[Process, Path], path: str) -> None:
    slow = [talk(f"[[mock:delay=0.2]] {n}") for n in range(60)]
    told = ask(own[0], "POST", path, body_of(path, *slow), LIVE)[1]
    seen = list(events(own[0], f"{path}/{told['id']}/events"))
    assert [kind for kind, _ in seen] == ["progress"] * (len(seen) - 1) + ["end"]
    done = [data["extra_fields"]["counts"]["succeeded"] for _, data in seen]
    assert done == sorted(done)
    assert len(set(done)) > 2
    assert (done[-1], seen[-1][1]["extra_fields"]["status"]) == (60, "ended")


def test_results_can_be_read_while_it_runs(own: tuple[Process, Path]) -> None:
    id = make(own[0], *(talk(f"early {n}") for n in range(3)), talk("[[mock:delay=4]]"), mode="live")
    found = until(lambda: len(rows := results(own[0], id)) == 3 and rows)
    assert found.keys() == {"c0", "c1", "c2"}
    official = f"{ANTHROPIC}/msgbatch_{id[6:]}/results"
    assert ask(own[0], "GET", official)[0] == 400
    with urllib.request.urlopen(f"{own[0].url}{official}?partial=true", timeout=30) as answer:
        assert answer.headers["x-asbru-batch-status"] == "in_progress"
        assert len(answer.read().splitlines()) == 3
    assert ask(own[0], "GET", f"{official}?partial=perhaps")[0] == 400
    ask(own[0], "POST", f"{UNIFIED}/{id}/cancel")
