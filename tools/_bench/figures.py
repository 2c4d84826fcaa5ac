"""Figures of the bench: what was measured, what was wanted, and how a peer does in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_REPEATS = 10
_HEADINGS = ("what", "measured", "target", "", "peer", "the peer's", "ratio")


@dataclass(frozen=True)
class Figure:
    """One row. value, target (an upper limit) and peer_value: in ``unit``."""

    what: str
    value: float
    unit: str
    peer: str
    peer_value: float
    target: float | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """The row's texts, one a heading."""
        target, verdict = "", ""
        if self.target is not None:
            target = f"< {self._say(self.target)}"
            verdict = "met" if self.value < self.target else "MISSED"
        return (
            *(self.what, self._say(self.value), target, verdict),
            *(self.peer, self._say(self.peer_value), f"{self.value / self.peer_value:.3g}"),
        )

    def _say(self, value: float) -> str:
        return f"{value:.3g} {self.unit}" if value < 1000 else f"{value:.0f} {self.unit}"


@dataclass(frozen=True)
class Skipped:
    """A row that could not be measured here, and why."""

    what: str
    reason: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The row's texts, one a heading."""
        return (self.what, "skipped", "", "", self.reason, "", "")


Row = Figure | Skipped


def seconds(work: Callable[[], object], repeats: int = _REPEATS) -> float:
    """Seconds of the fastest run of ``work``: what else the machine does only ever adds to it.

    One run before them is not counted.
    """
    work()
    return min(seconds_once(work) for _ in range(repeats))


def seconds_once(work: Callable[[], object]) -> float:
    """Seconds of one run."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def table(rows: Sequence[Row]) -> str:
    """All rows as a Markdown table with aligned columns."""
    lines = [_HEADINGS, *(row.cells for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"
        for cells in lines
    )
