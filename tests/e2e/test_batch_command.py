"""``asbru batch`` as a user runs it, against a running gateway."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from running import Process


def run(gateway: Process, *words: str, given: str = "", fails: bool = False) -> str:
    """What a command prints; its words of failure when it is to fail."""
    command = [sys.executable, "-m", "asbru", "batch", *words, "--url", gateway.url]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=90, check=False)
    assert (done.returncode != 0) is fails, done.stdout + done.stderr
    return done.stderr if fails else done.stdout


def anthropic(*texts: str, model: str = "openai/gpt-4o") -> str:
    def one(n: int, text: str) -> dict[str, Any]:
        params = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": text}]}
        return {"custom_id": f"c{n}", "params": params}

    return "\n".join(json.dumps(one(n, text)) for n, text in enumerate(texts)) + "\n\n"


def openai(*texts: str) -> str:
    def one(n: int, text: str) -> dict[str, Any]:
        body = {"model": "gpt-4o-mini", "max_tokens": 50, "messages": [{"role": "user", "content": text}]}
        return {"custom_id": f"c{n}", "method": "POST", "url": "/v1/chat/completions", "body": body}

    return "\n".join(json.dumps(one(n, text)) for n, text in enumerate(texts))


def test_submitted_from_standard_input_and_watched(running_gateway: Process, tmp_path: Path) -> None:
    printed = run(running_gateway, "submit", "-", "--mode", "live", "--watch", given=anthropic("one", "two"))
    id = printed.split()[0]
    assert id.startswith("msgbatch_")
    assert "succeeded 2" in printed
    assert "cost $0.0" in printed
    run(running_gateway, "results", id, "-o", str(tmp_path / "out.jsonl"))
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert {row["custom_id"]: row["result"]["type"] for row in rows} == {"c0": "succeeded", "c1": "succeeded"}
    assert id.removeprefix("msg") in run(running_gateway, "list", "--limit", "50")


def test_openai_s_lines_come_back_as_openai_s(running_gateway: Process, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(openai("one", "one"))
    printed = run(running_gateway, "submit", str(tmp_path / "in.jsonl"), "--mode", "live", "--dedupe", "--watch")
    id = printed.split()[0]
    assert id.startswith("batch_")
    assert "copies 1" in printed
    rows = [json.loads(line) for line in run(running_gateway, "results", id).splitlines()]
    assert [row["response"]["status_code"] for row in rows] == [200, 200]
    assert rows[0]["response"]["body"]["object"] == "chat.completion"


def test_a_dry_run_prints_prices_and_makes_nothing(running_gateway: Process) -> None:
    before = run(running_gateway, "list", "--limit", "1")
    printed = run(running_gateway, "submit", "-", "--dry-run", given=anthropic("one", "two"))
    assert "openai/gpt-4o" in printed
    assert "2 items, about" in printed
    assert "Nothing was stored." in printed
    assert run(running_gateway, "list", "--limit", "1") == before


def test_paused_resumed_canceled(running_gateway: Process) -> None:
    slow = anthropic(*(f"[[mock:delay=0.5]] {n}" for n in range(3_000)))
    id = run(running_gateway, "submit", "-", "--mode", "live", given=slow).strip()
    assert run(running_gateway, "pause", id).startswith("paused")
    assert "--partial" in run(running_gateway, "results", id, fails=True)
    run(running_gateway, "results", id, "--partial")
    assert run(running_gateway, "resume", id).startswith("in_progress")
    assert run(running_gateway, "cancel", id).startswith("canceling")
    assert "canceled" in run(running_gateway, "watch", id)


def test_what_failed_is_tried_again(running_gateway: Process) -> None:
    fault = anthropic("[[mock:status=400;times=1;id=cli-retry]] x")
    id = run(running_gateway, "submit", "-", "--mode", "live", "--watch", given=fault).split()[0]
    printed = run(running_gateway, "retry", id, "--watch")
    assert "succeeded 1" in printed
    assert "nothing to run again" in run(running_gateway, "retry", printed.split()[0], fails=True)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--max-cost", "lots"), "x-bf-batch-max-cost"),
        (("--deadline", "soon"), "x-bf-batch-deadline"),
        (("--webhook", "nonsense"), "x-bf-batch-webhook"),
        (("--mode", "fast"), "x-bf-batch-mode"),
    ],
)
def test_mistakes_are_one_line(running_gateway: Process, words: tuple[str, ...], named: str) -> None:
    told = run(running_gateway, "submit", "-", *words, given=anthropic("x"), fails=True)
    assert named in told
    assert len(told.splitlines()) == 1


def test_a_gateway_that_is_not_there_is_told(running_gateway: Process) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "asbru", "batch", "list", "--url", "http://127.0.0.1:9"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "no gateway answers" in done.stderr
