"""Every client with every provider: each cell works, or fails with the loss that is declared for it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cells import CLIENTS, PYTHONS, Client

from running import Process

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RUNS = [(client, generation) for client in CLIENTS for generation in client.generations]


def command(client: Client, generation: str) -> list[str]:
    """How the client's script is started."""
    if generation == "node":
        return [str(ROOT / ".venv/bin/node"), str(HERE / "node" / client.script)]
    return [str(ROOT / PYTHONS[generation] / "bin/python"), str(HERE / "clients" / client.script)]


@pytest.mark.parametrize(("client", "generation"), RUNS, ids=lambda value: getattr(value, "name", value))
def test_every_cell(client: Client, generation: str, running_gateway: Process) -> None:
    cells = list(client.cells())
    done = subprocess.run(
        [*command(client, generation), running_gateway.url],
        input="".join(f"{feature} {provider}\n" for feature, provider in cells),
        capture_output=True,
        text=True,
        timeout=180,
    )
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    seen = {(one["feature"], one["provider"]): one["error"] for one in told}
    assert set(seen) == set(cells), done.stderr[-3000:]
    wrong = [
        f"{feature} with {provider}: {error}"
        for (feature, provider), error in seen.items()
        if error and not client.losses.get((feature, provider))
    ]
    kept = [cell for cell, loss in client.losses.items() if loss not in seen[cell]]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)
    assert not kept, "declared as lost, but it works, or fails for another reason"


def test_the_page_is_the_table() -> None:
    subprocess.run([sys.executable, ROOT / "scripts/compatibility.py", "--check"], check=True, timeout=30)
