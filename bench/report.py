"""The results as a table for the eye and as JSON."""

from collections.abc import Sequence

from msgspec import Struct


class Row(Struct, frozen=True):
    """One number. ``goal``: what was promised, such as ``< 0.7``, or "". ``spread``: the values of the rounds."""

    name: str
    value: float
    unit: str
    goal: str = ""
    spread: Sequence[float] = ()

    def met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if not self.goal:
            return None
        sign, bound = self.goal.split()
        limit = float(bound.replace(",", ""))
        return {"<": self.value < limit, "<=": self.value <= limit, ">=": self.value >= limit}[sign]


def table(part: str, rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [f"### {part}", "", "| what | value | goal | |", "| --- | ---: | ---: | --- |"]
    for row in rows:
        spread = f"{min(row.spread):.2f} to {max(row.spread):.2f}" if row.spread else ""
        verdict = {None: spread, True: f"reached {spread}", False: f"**missed** {spread}"}[row.met()]
        lines.append(f"| {row.name} | {number(row.value)} {row.unit} | {row.goal} | {verdict.strip()} |")
    return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """Three digits that mean something."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
