"""``make demo`` as a user runs it: the gateway, the real model, both official SDKs."""

import os
import re
import subprocess
import sys
from pathlib import Path

from asbru.demo import PROMPTS


def demo(tmp_path: Path, *options: str) -> str:
    env = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "asbru.demo", *options]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env=env, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_runs_to_its_end_and_leaves_nothing(tmp_path: Path) -> None:
    said = demo(tmp_path, "--exit")
    assert f"{len(PROMPTS)} of {len(PROMPTS)} answered" in said
    rows = re.findall(r"^│ (\w+) +│.*│ +(\d+) │ +(\d+) │ +([\d.]+) s │ (\$[\d.]+) │$", said, re.MULTILINE)
    assert [row[0] for row in rows] == list(PROMPTS)
    assert all(int(row[1]) > 10 and int(row[2]) > 0 and float(row[3]) > 0 for row in rows)
    assert re.search(r"The same batch in OpenAI's format: batch_\w+, completed", said)
    assert list(tmp_path.iterdir()) == []
