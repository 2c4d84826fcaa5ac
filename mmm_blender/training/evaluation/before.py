"""What the weights of version 0.1.0 reach, by the goals' names; ``before.toml`` has the figures."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Before:
    """measured: by this program, on the clips that are judged now. card: of the weights' own card,
    whose held-out clips are others."""

    measured: Mapping[str, float]
    card: Mapping[str, float]
    words: str

    @cached_property
    def shown(self) -> Mapping[str, str]:
        """The figures as a table shows them, those of the card with an asterisk."""
        known = {name: f"{value:.3g}" for name, value in self.measured.items()}
        return known | {name: f"{value:.3g}*" for name, value in self.card.items()}


VERSION_0_1_0 = Before(**_TABLE)
