"""When to stop: held-out scores of the averaged weights, a few minutes apart, and the best kept.

Token accuracy says little about motion: it rises long after the motions have become copies. So a
judge looks at motions that the network makes for held-out captions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...common.atomic_files import replacing
from .distributed import ALONE, DistributedContext
from .loop import Run

Score = Callable[[Mapping[str, Tensor]], Mapping[str, float]]
"""Averaged weights to ``fid`` and ``r3`` on held-out clips."""

_GAP_SECONDS = 180.0  # between two looks at least
_COST_SHARE = 0.12  # of a run's time that looking may cost
_LOOK_STEPS = 25  # steps between two questions whether a look is due
_FID_WEIGHT = 0.2  # halving the FID is worth so much of R@3
PATIENCE = 4  # looks without a better one, before the run is stopped
_NOTE = "held-out scores"


def value_of(scores: Mapping[str, float]) -> float:
    """One number to compare checkpoints by: higher is better."""
    return scores["r3"] - _FID_WEIGHT * math.log2(max(scores["fid"], 1e-6))


class EarlyStopping:
    """Looks at a run now and then; keeps the best averaged weights in a file beside it."""

    def __init__(
        self,
        run: Run,
        score: Score,
        best: Path,
        team: DistributedContext = ALONE,
        *,
        gap_seconds: float = _GAP_SECONDS,
        patience: int = PATIENCE,
    ) -> None:
        self._run, self._score, self._best, self._team = run, score, best, team
        self._gap, self._cost, self._patience = gap_seconds, 0.0, patience
        self._last = run.seconds

    @property
    def looks(self) -> list[dict[str, Any]]:
        """What was found so far, in order: step, fid, r3 and their value."""
        return self._run.notes.setdefault(_NOTE, [])

    def after_step(self, clock: Callable[[], float]) -> None:
        """Look if it is time. Every process calls this after every step; the first one looks.
        clock: seconds, to tell what a look costs."""
        if self._run.step % _LOOK_STEPS:
            return
        since = self._run.seconds - self._last
        due = since >= max(self._gap, self._cost / _COST_SHARE)
        if not self._team.agree(float(due)):
            return
        if self._team.leads:
            began = clock()
            self.look()
            self._cost = clock() - began
            self._last = self._run.seconds + self._cost
        self._run.finished = bool(self._team.agree(float(self._run.finished)))

    def look(self) -> None:
        """Score the averaged weights now; keep them if they are the best, and say so."""
        scores = dict(self._score(self._run.ema))
        found: dict[str, Any] = {"step": self._run.step, **scores, "value": value_of(scores)}
        best = max((look["value"] for look in self.looks), default=-math.inf)
        self.looks.append(found)
        if found["value"] > best:
            with replacing(self._best) as part:
                torch.save(self._run.ema, part)
        values = [look["value"] for look in self.looks]
        self._run.finished = len(values) - 1 - values.index(max(values)) >= self._patience
        print("held out:", {name: round(value, 4) for name, value in found.items()}, flush=True)


def best_weights(file: Path) -> dict[str, Tensor]:
    """The averaged weights that scored best."""
    return torch.load(file, map_location="cpu", weights_only=True)
