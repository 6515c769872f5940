"""Writes docs/compatibility.md from the table that the tests run (tests/matrix/cells.py)."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "matrix"))

from cells import CLIENTS, FEATURES, PROVIDERS, Client  # noqa: E402

PAGE = ROOT / "docs" / "compatibility.md"
GENERATIONS = {"newest": "newest", "era": "April 2026", "frameworks": "newest", "node": "newest"}
HEAD = """# Compatibility

Official SDKs and frameworks as clients, unchanged but for their base URL. Every mark is a test (`tests/matrix`), run in
the generations that are named, against a gateway whose providers are played by `asbru mock` in their own dialects.
`scripts/compatibility.py` writes this page from the table of the tests.

✓: works with the client's own provider and with every other provider of the feature (below). A number points to what
cannot work. Empty: the client has no such call.

"""


def page() -> str:
    """The whole page."""
    notes: list[str] = []
    rows = [_row(client, notes) for client in CLIENTS]
    heads = ["client", "generations", *FEATURES]
    table = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads), *rows]
    providers = [f"- {feature}: {', '.join(PROVIDERS[feature])}" for feature in FEATURES]
    return "\n".join([HEAD + table[0], *table[1:], "", *notes, "", "Providers of each feature:", "", *providers, ""])


def _row(client: Client, notes: list[str]) -> str:
    marks = [_mark(client, feature, notes) for feature in FEATURES]
    generations = ", ".join(GENERATIONS[name] for name in client.generations)
    return f"| {client.name} | {generations} | {' | '.join(marks)} |"


def _mark(client: Client, feature: str, notes: list[str]) -> str:
    if feature not in client.features:
        return ""
    numbers = []
    for (of, provider), loss in client.losses.items():
        if of == feature:
            why = client.reasons[of, provider]
            notes.append(f"{len(notes) + 1}. {client.name}, {feature} with {provider}: {why} (`{loss}`)")
            numbers.append(str(len(notes)))
    return " ".join(["✓", *numbers])


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(page() != PAGE.read_text() and f"{PAGE.name} is not current: python scripts/compatibility.py")
    PAGE.write_text(page())
