"""The field's table of one held-out set: a row for each way to get a motion for a text.

N windows, E embedding. Every figure is repeated with other draws; see ``metrics``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray, IntArray
from . import metrics
from .held_out import Origin
from .metrics import R_BATCH, REPETITIONS, Interval

R1, R2, R3 = (f"R@{top}" for top in metrics.TOP)
FID, MATCHING, DIVERSITY, MODALITY = "FID", "MM-Dist", "Diversity", "MultiModality"
COLUMNS = (R1, R2, R3, FID, MATCHING, DIVERSITY, MODALITY)

_DIVERSITY_PAIRS = 300  # as in the field
_MODALITY_PAIRS = 20  # of a label
_DRAWN = 0.9  # of the windows make one repetition

Figures = dict[str, Interval]


@dataclass(frozen=True, eq=False)
class Judged:
    """Windows with the embeddings of their texts, their motions and, by the row's name, of what
    was made for the texts.

    more, more_ME: further real windows of the same clips, that halves of equal size may be drawn.
    """

    windows: Sequence[Origin]
    text_NE: FloatArray
    real_NE: FloatArray
    more: Sequence[Origin]
    more_ME: FloatArray

    @property
    def labels(self) -> list[object]:
        """Label of each window."""
        return [window.label for window in self.windows]

    @property
    def drawn(self) -> int:
        """Windows of one repetition, the same for all figures and rows."""
        return round(_DRAWN * len(self.windows))


@dataclass(frozen=True, eq=False)
class Fillers:
    """Windows of another set that fill batches where a set has fewer than 32 labels, each with the
    motion that the row in question makes for it."""

    judged: Judged
    motion_ME: FloatArray


def _repeat(figure: Callable[[np.random.Generator], float | FloatArray], seed: int) -> FloatArray:
    """(repetitions, ...)"""
    return np.array([figure(np.random.default_rng((seed, at))) for at in range(REPETITIONS)])


def figures_of(
    judged: Judged, motion_NE: FloatArray, seed: int, fillers: Fillers | None = None
) -> Figures:
    """A row's figures for motions (N, E) that belong to the windows' texts."""

    def drawn(rng: np.random.Generator) -> IntArray:
        return rng.permutation(len(motion_NE))[: judged.drawn]

    def fid(rng: np.random.Generator) -> float:
        rows = drawn(rng)
        return metrics.fid(judged.real_NE[rows], motion_NE[rows])

    def matching(rng: np.random.Generator) -> float:
        rows = drawn(rng)
        return metrics.matching_distance(judged.text_NE[rows], motion_NE[rows])

    def spread(rng: np.random.Generator) -> float:
        return metrics.diversity(motion_NE, _DIVERSITY_PAIRS, rng)

    def variety(rng: np.random.Generator) -> float:
        return modality(judged.windows, motion_NE, rng)

    figures = r_figures(judged, motion_NE, seed, fillers)
    for name, figure in (
        (FID, fid),
        (MATCHING, matching),
        (DIVERSITY, spread),
        (MODALITY, variety),
    ):
        values = _repeat(figure, seed)
        if not np.isnan(values).any():
            figures[name] = Interval.of(values.tolist())
    return figures


def r_figures(
    judged: Judged,
    motion_NE: FloatArray,
    seed: int,
    fillers: Fillers | None = None,
    shuffled: bool = False,
) -> Figures:
    """R-precision alone; shuffled: every text is asked for with another's motion as its own."""
    batches = max(1, judged.drawn // R_BATCH)

    def shares(rng: np.random.Generator) -> FloatArray:
        rows = [_r_batch(judged, motion_NE, rng, fillers, shuffled) for _ in range(batches)]
        return np.mean(rows, axis=0)

    values = _repeat(shares, seed)
    return {name: Interval.of(values[:, at].tolist()) for at, name in enumerate((R1, R2, R3))}


def _r_batch(
    judged: Judged,
    motion_NE: FloatArray,
    rng: np.random.Generator,
    fillers: Fillers | None,
    shuffled: bool,
) -> FloatArray:
    """Shares (3,) of one batch of 32 labels; fillers' texts are not asked for."""
    rows = metrics.distinct_batch(judged.labels, R_BATCH, rng)
    text, motion = judged.text_NE[rows], motion_NE[rows]
    if len(rows) < R_BATCH and fillers is not None:
        taken = set(judged.labels)
        others = fillers.judged.labels
        free = np.array([at for at, label in enumerate(others) if label not in taken])
        at = metrics.distinct_batch([others[i] for i in free], R_BATCH - len(rows), rng)
        text = np.concatenate([text, fillers.judged.text_NE[free[at]]])
        motion = np.concatenate([motion, fillers.motion_ME[free[at]]])
    if shuffled:
        motion = motion[rng.permutation(len(motion))]
    found = metrics.ranks(text, motion)[: len(rows)]
    return np.array([(found < top).mean() for top in metrics.TOP])


def modality(windows: Sequence[Origin], motion_NE: FloatArray, rng: np.random.Generator) -> float:
    """Mean distance of two motions of one label that stand for different clips; NaN where no label
    has two clips."""
    apart: list[float] = []
    for rows in _by_label(windows).values():
        names = np.array([windows[row].name for row in rows])
        first, second = rng.choice(rows, (2, _MODALITY_PAIRS * 4))
        differ = names[np.searchsorted(rows, first)] != names[np.searchsorted(rows, second)]
        pairs = np.flatnonzero(differ)[:_MODALITY_PAIRS]
        if len(pairs):
            steps = motion_NE[first[pairs]] - motion_NE[second[pairs]]
            apart.append(float(np.linalg.norm(steps, axis=1).mean()))
    return float(np.mean(apart)) if apart else np.nan


def _by_label(windows: Sequence[Origin]) -> Mapping[object, IntArray]:
    """Rows of each label, rising."""
    rows: dict[object, list[int]] = {}
    for row, window in enumerate(windows):
        rows.setdefault(window.label, []).append(row)
    return {label: np.array(found) for label, found in rows.items()}


def real_halves(judged: Judged, seed: int) -> Interval:
    """FID of real motion to real motion, the yardstick of the others.

    The takes of every label are parted into random halves, and equally many windows are drawn from
    both, so that the halves show the same labels, as a row and the real windows do. Labels of a
    single take are left out; where no label has two, takes are parted whatever they show.
    """
    takes = _takes_by_label(judged.more) or [_takes_of(judged.more, np.arange(len(judged.more)))]
    if len(takes[0]) < 2:
        return Interval(np.nan, 0.0)

    def half(rng: np.random.Generator) -> float:
        first: list[IntArray] = []
        second: list[IntArray] = []
        for groups in takes:
            order = rng.permutation(len(groups))
            a, b = (
                rng.permutation(np.concatenate([groups[at] for at in side]))
                for side in (order[: len(order) // 2], order[len(order) // 2 :])
            )
            count = min(len(a), len(b))
            first.append(a[:count])
            second.append(b[:count])
        rows = np.stack([np.concatenate(first), np.concatenate(second)])
        rows = rows[:, rng.permutation(rows.shape[1])[: judged.drawn]]
        return metrics.fid(judged.more_ME[rows[0]], judged.more_ME[rows[1]])

    return Interval.of(_repeat(half, seed).tolist())


def _takes_by_label(windows: Sequence[Origin]) -> list[list[IntArray]]:
    """Rows of every take, by label; labels of one take are left out."""
    groups = [_takes_of(windows, rows) for rows in _by_label(windows).values()]
    return [takes for takes in groups if len(takes) > 1]


def _takes_of(windows: Sequence[Origin], rows: IntArray) -> list[IntArray]:
    names = np.array([windows[row].take for row in rows])
    return [rows[names == take] for take in sorted(set(names.tolist()))]
