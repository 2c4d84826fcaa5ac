"""The goals that a bundle is held to, each with what was reached beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

NOT_MEASURED = math.nan


def ratio(made: float, real: float) -> float:
    """Made over real; not measured where real is nothing."""
    return made / real if real else NOT_MEASURED


@dataclass(frozen=True)
class Goal:
    """least, most: bounds of the figure, None where there is none. value: NaN if not measured.
    beside: the figure of real motion or of what else it is to be read against."""

    name: str
    value: float
    least: float | None = None
    most: float | None = None
    beside: str = ""

    @property
    def wanted(self) -> str:
        """The bounds in words."""
        if self.least is not None and self.most is not None:
            return f"{self.least:g} to {self.most:g}"
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"

    @property
    def verdict(self) -> str:
        """Met, missed or not measured."""
        if math.isnan(self.value):
            return "not measured"
        above = self.least is None or self.value >= self.least
        below = self.most is None or self.value <= self.most
        return "met" if above and below else "**missed**"

    @property
    def row(self) -> list[str]:
        """The goal as cells of a table."""
        reached = "" if math.isnan(self.value) else f"{self.value:.3g}"
        return [self.name, self.wanted, reached, self.verdict, self.beside]


HEADER = ("goal", "wanted", "reached", "", "beside")


def markdown(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
