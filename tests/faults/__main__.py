"""``python -m faults``: seeded fault runs on both stores; a table of what they came to, exit 1 when one is not fine."""

import argparse
import sys
import tempfile
from pathlib import Path

from faults.play import Report, play

HEAD = (
    "| store | seed | items | seconds | faults | results | charges | answered twice | jobs | orphans | ledger = bill |"
)


def main() -> int:
    """Run them."""
    parser = argparse.ArgumentParser(prog="faults")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; the next has the next")
    parser.add_argument("--store", choices=["both", "sqlite", "postgres"], default="both")
    said = parser.parse_args()
    stores = ["sqlite", "postgres"] if said.store == "both" else [said.store]
    print(HEAD, "|" + " --- |" * 11, sep="\n", flush=True)
    fine = True
    for n in range(said.runs):
        with tempfile.TemporaryDirectory(prefix="asbru-faults-") as folder:
            report = play(Path(folder), stores[n % len(stores)], said.seed + n, said.items)
        fine &= report.fine
        print(row(report), flush=True)
    return 0 if fine else 1


def row(report: Report) -> str:
    """A line of the table."""
    faults = ", ".join(f"{name} {count}" for name, count in sorted(report.faults.items()))
    equal = f"{report.ledger:,} n$" if report.ledger == report.bill else f"NO: {report.ledger} and {report.bill}"
    cells = (report.store, report.seed, report.items, f"{report.seconds:.0f}", faults, report.results, report.charges)
    return "| " + " | ".join(map(str, (*cells, report.again, report.jobs, report.orphans, equal))) + " |"


if __name__ == "__main__":
    sys.exit(main())
