"""``make demo``: a batch on a real model, written with Anthropic's official SDK and read back with OpenAI's.

It starts a gateway of its own on a fresh SQLite directory with the local model, and then is nothing but a client of it.
Time and cost of every item come from the gateway's books, the SQLite file: neither dialect has a member for them.
"""

import argparse
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from asbru import local
from asbru.model.usage import NANO, Usage, cost
from asbru.providers.prices import bundled

if TYPE_CHECKING:
    from anthropic import Anthropic
    from anthropic.types.messages import MessageBatch
    from openai import OpenAI

PORT = 8080
MAX_TOKENS = 48
PATIENCE = 60.0
"""Seconds that the gateway may take to start, and the batch to move on."""
COMPARED = ("anthropic", "claude-haiku-4-5")
PROMPTS = {
    "norway": "What is the capital of Norway?",
    "rainbow": "Name the colours of the rainbow.",
    "sky": "Why is the sky blue? One sentence.",
    "haiku": "Write a haiku about a bridge.",
    "primes": "Name three prime numbers.",
    "http": "What does HTTP stand for?",
    "synonym": "Give a synonym for 'quick'.",
    "opposite": "What is the opposite of 'generous'?",
    "spanish": "Translate 'good morning' into Spanish.",
    "french": "Translate 'thank you very much' into French.",
    "moon": "How far away is the Moon?",
    "planets": "How many planets does the Sun have?",
    "water": "At what temperature does water boil?",
    "python": "What is Python, the programming language?",
    "list": "What is a list in Python?",
    "bridge": "What is a suspension bridge?",
    "myth": "Who is Thor in Norse mythology?",
    "ocean": "Which ocean is the largest?",
    "gold": "What is the chemical symbol of gold?",
    "leaves": "What is photosynthesis? One sentence.",
    "tea": "How does one make a cup of tea?",
    "title": "Suggest a title for a story about a lighthouse.",
    "thanks": "Write one sentence to thank a colleague.",
    "joke": "Tell a short joke about computers.",
}


class Booked(Struct, frozen=True):
    """What the gateway wrote down about an item: seconds, and nano-dollars out of the ledger."""

    took: float
    cost: int
    usage: Usage


class Gateway:
    """``asbru serve`` as a process of its own, in a directory of its own."""

    def __init__(self) -> None:
        self.app_dir = Path(tempfile.mkdtemp(prefix="asbru-demo-"))
        self.port = PORT if _is_free(PORT) else 0
        self.port = self.port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.app_dir / "gateway.log"
        options = ["--port", str(self.port), "--app-dir", str(self.app_dir), "--local", "--log-style", "pretty"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "asbru", "serve", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in this terminal ends the demo, not a gateway that is to stay.
            )
        self.pid = self._process.pid

    def wait(self) -> None:
        """Until it answers. Raises SystemExit with its log when it does not."""
        end = time.monotonic() + PATIENCE
        while self._process.poll() is None and time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=1):  # noqa: S310
                    return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise SystemExit(f"demo: the gateway does not start:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Let it drain, and wait for its end."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def books(self, batch: str) -> dict[str, Booked]:
        """What it wrote down about the items of a batch (bare id), by custom_id."""
        with sqlite3.connect(f"file:{self.app_dir}/asbru.db?mode=ro", uri=True) as db:
            charged = db.execute("SELECT sum(cost), count(*) FROM ledger WHERE batch = ?", (batch,)).fetchone()
            rows = db.execute(
                "SELECT custom_id, took, items.cost, usage FROM items JOIN batches ON batches.seq = items.batch"
                " WHERE batches.id = ?",
                (batch,),
            ).fetchall()
        db.close()
        books = {name: Booked(took, cost, msgspec.json.decode(usage, type=Usage)) for name, took, cost, usage in rows}
        assert charged == (sum(row.cost for row in books.values()), len(books)), "one charge for every item"
        return books


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def submit(client: "Anthropic") -> "MessageBatch":
    """All prompts as one message batch for the local model."""
    return client.messages.batches.create(
        requests=[
            {
                "custom_id": name,
                "params": {
                    "model": local.MODEL,
                    "max_tokens": MAX_TOKENS,
                    "messages": [{"role": "user", "content": prompt}],
                },
            }
            for name, prompt in PROMPTS.items()
        ],
        extra_headers={"x-model-provider": "local"},
    )


def watch(client: "OpenAI", console: Console, batch: str) -> None:
    """Follow the batch to its end. OpenAI's view of it counts as it goes; Anthropic's only at the end."""
    moved = time.monotonic()
    with _progress(console) as progress:
        task = progress.add_task("answering", total=len(PROMPTS))
        before = -1
        while before < len(PROMPTS):
            counts = client.batches.retrieve(f"batch_{batch}").request_counts
            assert counts is not None
            done = counts.completed + counts.failed
            if done != before:
                before, moved = done, time.monotonic()
                progress.update(task, completed=done)
                if not console.is_terminal:
                    console.print(f"  {done} of {len(PROMPTS)} answered")
            elif time.monotonic() - moved > PATIENCE:
                raise SystemExit(f"demo: the batch stands still at {done} of {len(PROMPTS)}")
            time.sleep(0.2)


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def ended(client: "Anthropic", batch_id: str) -> "MessageBatch":
    """The batch once it says so in Anthropic's words too."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        batch = client.messages.batches.retrieve(batch_id)
        if batch.processing_status == "ended":
            return batch
        time.sleep(0.1)
    raise SystemExit(f"demo: {batch_id} does not end")


def answers(client: "Anthropic", batch_id: str) -> Iterator[tuple[str, str]]:
    """custom_id and text of every result. Raises SystemExit for one that did not succeed."""
    for line in client.messages.batches.results(batch_id):
        if line.result.type != "succeeded":
            raise SystemExit(f"demo: {line.custom_id}: {line.result.to_json()}")
        yield line.custom_id, "".join(part.text for part in line.result.message.content if part.type == "text")


def show(console: Console, replies: dict[str, str], books: dict[str, Booked], seconds: float) -> None:
    """The table of results."""
    table = Table(title="What came back, in Anthropic's format", title_justify="left", show_footer=True)
    totals = [booked.usage for booked in books.values()]
    spent = Usage(input=sum(usage.input for usage in totals), output=sum(usage.output for usage in totals))
    table.add_column("custom_id", f"{len(replies)} items")
    table.add_column("prompt", "", no_wrap=True, max_width=34)
    table.add_column("answer", "", no_wrap=True, max_width=52)
    table.add_column("in", str(spent.input), justify="right")
    table.add_column("out", str(spent.output), justify="right")
    table.add_column("time", f"{seconds:.1f} s", justify="right")
    table.add_column("cost", _dollars(sum(booked.cost for booked in books.values())), justify="right")
    for name, text in replies.items():
        booked = books[name]
        figures = (str(booked.usage.input), str(booked.usage.output), f"{booked.took:.1f} s", _dollars(booked.cost))
        table.add_row(name, PROMPTS[name], " ".join(text.split()), *figures)
    console.print(table)
    tiers = bundled().batch_price(*COMPARED)
    compared = f"the same tokens in a batch of {COMPARED[1]}: {_dollars(cost(spent, tiers))}" if tiers else ""
    console.print(f"The local model costs nothing; {compared}\n", highlight=False)


def _dollars(nano: int) -> str:
    return f"${nano / NANO:.5f}"


def read_back(client: "OpenAI", console: Console, batch: str, replies: dict[str, str]) -> None:
    """The same batch and its output file in OpenAI's format; checks that both say the same."""
    seen = client.batches.retrieve(f"batch_{batch}")
    assert seen.output_file_id is not None
    lines = client.files.content(seen.output_file_id).text.splitlines()
    table = Table(title=f"The same batch in OpenAI's format: {seen.id}, {seen.status}", title_justify="left")
    for column in ("custom_id", "object", "finish_reason", "choices[0].message.content"):
        table.add_column(column, no_wrap=True, max_width=60)
    for line in map(msgspec.json.decode, lines):
        body = line["response"]["body"]
        choice = body["choices"][0]
        text = choice["message"]["content"]
        assert text == replies[line["custom_id"]], f"{line['custom_id']} reads differently"
        if table.row_count < 3:
            table.add_row(line["custom_id"], body["object"], choice["finish_reason"], " ".join(text.split()))
    assert len(lines) == len(replies)
    table.add_row("…", "", "", f"and {len(lines) - 3} more, equal to the above")
    console.print(table)


def farewell(console: Console, gateway: Gateway) -> None:
    """What to try next, and how to stop."""
    body = '{"model": "local/smollm2-135m", "max_tokens": 40, "messages": [{"role": "user", "content": "Hello!"}]}'
    console.print(f"\nThe gateway keeps running at [bold]{gateway.url}[/bold]. Try:", highlight=False)
    for path in ("/v1/chat/completions", "/anthropic/v1/messages"):
        console.out(
            f"\n  curl {gateway.url}{path} -H 'content-type: application/json' \\\n    -d '{body}'", highlight=False
        )
    console.out(f"\nIts files: {gateway.app_dir}\nStop it:   kill {gateway.pid}", highlight=False)


def run(console: Console, gateway: Gateway) -> None:
    """The demo proper, as a client."""
    from anthropic import Anthropic
    from openai import OpenAI

    claude = Anthropic(base_url=f"{gateway.url}/anthropic", api_key="none needed")
    gpt = OpenAI(base_url=f"{gateway.url}/openai/v1", api_key="none needed")
    console.print(f"Gateway: {gateway.url}, SQLite in {gateway.app_dir}, model: {local.MODEL}", highlight=False)
    began = time.monotonic()
    batch_id = submit(claude).id
    console.print(f"{batch_id}: {len(PROMPTS)} prompts by the official anthropic SDK", highlight=False)
    bare = batch_id.removeprefix("msgbatch_")
    watch(gpt, console, bare)
    ended(claude, batch_id)
    seconds = time.monotonic() - began
    replies = dict(answers(claude, batch_id))
    if replies.keys() != PROMPTS.keys():
        raise SystemExit(f"demo: {len(replies)} results for {len(PROMPTS)} prompts")
    show(console, replies, gateway.books(bare), seconds)
    read_back(gpt, console, bare, replies)


def main(words: list[str] | None = None) -> int:
    """``python -m asbru.demo [--exit]``."""
    parser = argparse.ArgumentParser(prog="python -m asbru.demo", description="A batch on a real model, end to end.")
    parser.add_argument("--exit", action="store_true", help="stop the gateway at the end")
    options = parser.parse_args(words)
    if not local.available():
        raise SystemExit("demo: needs the local model and the SDKs: pip install 'asbru[local,demo]'")
    # A proxy of this machine's environment has nothing to do with the loopback.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    console = Console() if sys.stdout.isatty() else Console(width=140)
    gateway = Gateway()
    stays = False
    try:
        gateway.wait()
        run(console, gateway)
        stays = not options.exit
    finally:
        if not stays:
            gateway.stop()
            shutil.rmtree(gateway.app_dir, ignore_errors=True)
    if stays:
        farewell(console, gateway)
    return 0


if __name__ == "__main__":
    sys.exit(main())
