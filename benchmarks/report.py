"""The table: what was measured, beside what, and whether the goal is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import Machine

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"

_INTRODUCTION = """# Benchmarks

Made by `make bench` (`python -m benchmarks --write`). Every ratio is between two figures of one run on one machine,
because the time of an fsync alone moves between machines, and within hours on one, by more than any of these ratios.

The load generator is a process of its own on the same cores as the server. Documents have a 384-dimensional vector, a
text of 172 characters and two small fields; those that queries look for have no vector, a text of 688 characters and
eight fields, five of them indexed. "Durable" means that the answer comes after the commit was synced.
Latencies of the open-loop probes count from the planned moment of a request, so a stall is not hidden by the requests
that it kept from being sent.
"""


@dataclass(frozen=True)
class Row:
    """``ratio`` is against the peer or limit in ``beside``; ``goal`` says what it should be, ``met`` whether it is."""

    what: str
    measured: str
    beside: str = ""
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None

    def cells(self) -> list[str]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        met = {True: "yes", False: "**no**", None: ""}[self.met]
        return [self.what, self.measured, self.beside, ratio, self.goal, met]


def at_least(what: str, measured: str, beside: str, ratio: float, goal: float) -> Row:
    return Row(what, measured, beside, ratio, f"≥ {goal:g}", ratio >= goal)


def at_most(what: str, measured: str, beside: str, ratio: float, goal: float) -> Row:
    return Row(what, measured, beside, ratio, f"≤ {goal:g}", ratio <= goal)


def table(rows: Sequence[Row]) -> str:
    lines = ["| what | Headwater | beside | ratio | goal | met |", "|---|---|---|---|---|---|"]
    lines += ["| " + " | ".join(row.cells()) + " |" for row in rows]
    return "\n".join(lines)


def write(machine: Machine, rows: Sequence[Row]) -> None:
    """Replace ``docs/benchmarks.md`` with this run."""
    facts = "\n".join(f"* {line}" for line in machine.lines())
    PAGE.write_text(f"{_INTRODUCTION}\n{facts}\n\n{table(rows)}\n")
