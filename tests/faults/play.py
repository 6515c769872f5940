"""One fault run: two batches, one live and one native, faults while they run, and the sums afterwards.

Rule 1. After each run: one result and one charge for every item, the right answer in it, no job upstream that we do
not know, and a ledger that is what the provider billed for the answers, each question counted once (native jobs at its
batch price).
Rule 2. What the provider answered a second time, because a crash took the first answer, is told and not charged.
"""

import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

from msgspec import Struct

from asbru.model.usage import Usage, cost
from asbru.providers.prices import batch_price_of, bundled, price_of
from faults.client import call, insist, lines
from faults.scene import Scene

BATCHES = "/anthropic/v1/messages/batches"
MODELS = {"live": "gpt-4o", "batch": "gpt-4o-mini"}
"""One model for each way, so that the bill tells them apart."""


class Report(Struct, frozen=True, kw_only=True):
    """What a run came to. ``faults``: how often each was played. ``again``: answers that the provider made twice."""

    store: str
    seed: int
    items: int
    seconds: float
    faults: dict[str, int]
    results: int
    charges: int
    again: int
    jobs: int
    orphans: int
    ledger: int
    bill: int

    @property
    def fine(self) -> bool:
        """Whether everything is as it must be."""
        return self.results == self.charges == self.items and self.orphans == 0 and self.ledger == self.bill


def play(folder: Path, store: str, seed: int, items: int) -> Report:
    """One run."""
    scene = Scene(folder, store, seed, items)
    began = time.monotonic()
    try:
        scene.start()
        urls = [each.url for each in scene.gateways]
        ids = {how: _create(urls, how, items // 2, seed) for how in MODELS}
        played = _disturb(scene, urls, list(ids.values()), items)
        results = sum(_read(urls, ids[how], how, items // 2) for how in MODELS)
        return _sums(scene, Report(
            store=store, seed=seed, items=items // 2 * 2, seconds=time.monotonic() - began, faults=dict(played),
            results=results, charges=0, again=0, jobs=0, orphans=0, ledger=0, bill=0,
        ))  # fmt: skip
    finally:
        scene.stop()


def _create(urls: list[str], how: str, count: int, seed: int) -> str:
    requests = [
        {
            "custom_id": f"item-{n}",
            "params": {
                "model": f"openai/{MODELS[how]}",
                "max_tokens": 30,
                "messages": [{"role": "user", "content": f"{how} number {n}"}],
            },
        }
        for n in range(count)
    ]
    mode = {"live": "live", "batch": "native"}[how]
    headers = {"x-bf-batch-mode": mode, "idempotency-key": f"{how}-{seed}"}
    made: str = insist(urls, BATCHES, {"requests": requests}, headers)["id"]
    return made


def _disturb(scene: Scene, urls: list[str], ids: list[str], items: int) -> Counter[str]:
    """Play faults until both batches have ended: each kind in turn, at moments that the dice choose."""
    played: Counter[str] = Counter()
    kinds = scene.faults()
    scene.dice.shuffle(kinds)
    deadline = time.monotonic() + 600 + items / 20
    rounds = max(1, items // 5_000)
    turns = kinds * rounds
    while not all(insist(urls, f"{BATCHES}/{id}")["processing_status"] == "ended" for id in ids):
        assert time.monotonic() < deadline, "the batches do not come to an end"
        time.sleep(scene.dice.uniform(0.05, 0.4) * min(4, 1 + items / 5_000))
        if turns:
            name, fault = turns.pop()
            fault()
            played[name] += 1
    return played


def _read(urls: list[str], id: str, how: str, count: int) -> int:
    """The lines of a batch: all of them there, once, with the answer to their own question."""
    rows = lines(urls, f"{BATCHES}/{id}/results")
    found = Counter(row["custom_id"] for row in rows)
    assert set(found) == {f"item-{n}" for n in range(count)}, "items are missing"
    for row in rows:
        n = row["custom_id"].removeprefix("item-")
        assert row["result"]["type"] == "succeeded", row
        assert row["result"]["message"]["content"][0]["text"] == f"echo: {how} number {n}", row
    return len(rows)


def _sums(scene: Scene, report: Report) -> Report:
    from msgspec.structs import replace

    deadline = time.monotonic() + 30
    while True:
        charges, ledger, known = _kept(scene)
        if charges >= report.items or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    bill = call(f"{scene.mock.url}/mock/stats")["bill"]
    upstream = call(f"{scene.mock.url}/v1/batches?limit=100", headers={"authorization": "Bearer sk-mock-openai"})[
        "data"
    ]
    return replace(
        report,
        charges=charges,
        ledger=ledger,
        jobs=len(upstream),
        orphans=sum(each["id"] not in known for each in upstream),
        again=sum(sums["calls"] for name, sums in bill.items() if name.endswith(" again")),
        bill=sum(_price(name, sums) for name, sums in bill.items() if not name.endswith(" again")),
    )


def _price(name: str, sums: dict[str, Any]) -> int:
    """What the provider asks for all answers of a kind, in nano-dollars."""
    how, model = name.split()
    price = price_of(bundled(), {}) if how == "live" else batch_price_of(bundled(), {})
    return cost(Usage(input=sums["input"], output=sums["output"]), price("openai", model))


def _kept(scene: Scene) -> tuple[int, int, set[str]]:
    """Charges of batches, their sum, and the upstream ids of our jobs."""
    charges = "SELECT count(*), COALESCE(sum(cost), 0) FROM ledger WHERE batch <> ''"
    jobs = "SELECT upstream_id FROM jobs"
    if scene.postgres is not None:
        with scene.postgres.connect(scene.database) as db:
            row = db.execute(charges).fetchone()
            assert row is not None
            return int(str(row[0])), int(str(row[1])), {str(each[0]) for each in db.execute(jobs).fetchall()}
    with sqlite3.connect(scene.folder / "g0" / "app" / "asbru.db") as lite:
        count, total = lite.execute(charges).fetchone()
        return count, total, {each[0] for each in lite.execute(jobs)}
