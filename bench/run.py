"""``python -m bench.run``: measure, print tables, keep the numbers as JSON. All parts take about five minutes."""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.batches import batch, scale
from bench.live import speed, stream
from bench.processes import cores
from bench.report import Row, table
from bench.servers import Bench, build, limit_of_open_files, versions
from bench.starting import start

PARTS: dict[str, Callable[[Bench], list[Row]]] = {
    "speed": speed,
    "stream": stream,
    "start": start,
    "batch": batch,
    "scale": scale,
}


def options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Measure Asbru on this machine.")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas: %(default)s")
    parser.add_argument("--seconds", type=float, default=3.0, help="of one round of load (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="per target; medians are reported (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    chosen = parser.parse_args(words)
    unknown = set(chosen.only.split(",")) - set(PARTS)
    if unknown:
        parser.error(f"unknown part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return chosen


def main(words: list[str]) -> int:
    """Exit status 1 when a part could not be measured; a missed goal is a result, not an error."""
    chosen = options(words)
    limit_of_open_files()
    places = cores()
    os.sched_setaffinity(0, {places.others})
    results: dict[str, object] = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **versions()}
    failed = False
    with tempfile.TemporaryDirectory(prefix="asbru-bench-") as work:
        bench = Bench(work=Path(work), cores=places, seconds=chosen.seconds, rounds=chosen.rounds)
        build(bench.work)
        for part in chosen.only.split(","):
            try:
                rows = PARTS[part](bench)
            except (RuntimeError, OSError) as error:
                print(f"### {part}\n\ncould not be measured: {error}\n", flush=True)
                failed = True
                continue
            print(table(part, rows), flush=True)
            results[part] = {row.name: row.value for row in rows}
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=1) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
