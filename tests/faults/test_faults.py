"""A short fault run on each store; ``make faults`` plays the long ones (docs/reliability.md)."""

from pathlib import Path

import pytest

from faults.play import play


@pytest.mark.slow
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_nothing_is_lost_or_charged_twice(store: str, tmp_path: Path) -> None:
    report = play(tmp_path, store, 4, 400)
    assert report.fine, report
    assert report.jobs >= 1
