"""Filling masked cells step by step, the most certain first. Knows no network.

B batch, L token places, P body parts, K motion codes, N places, M cells of one row. In every step
the least certain cells are masked again and each masked cell takes a code from the logits; cells
that are not in the mask are never written to.

Codes that are chosen in one step do not know of each other, and such that do not belong together
slow the decoded body down. A revision mends that: a network that was trained with corrupted tokens
tells of every code of the full grid how likely it is beside all others, and the least likely ones
are chosen again from what it expects in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...common.arrays import AnyArray, BoolArray, FloatArray, IntArray
from ..config import SamplerConfig
from ..schedule import SCHEDULES, masked_count, step_progress
from ..vocabulary import Vocabulary
from .noise import CODES, RANKS, Noise

TokensToLogits = Callable[[IntArray, BoolArray], AnyArray]
"""Token grid (B, L, P) and the places (B, L) that are asked for to logits of the motion codes
(N, P, K), the places' row by row."""

OnTokens = Callable[[IntArray, BoolArray], bool]
"""Token grid (B, L, P) whose cells all have codes, and which of them are masked again next; True
where that is enough. The grid is not to be written to."""

_OUTSIDE = -1.0  # below every score: a cell that must keep its token is never picked
_UNKNOWN = 1.0  # the score of a cell that has no code yet
_REVISED_SHARE = 0.4  # of the mask's cells in the first revision, falling to none behind the last
_REVISION_TEMPERATURE = 0.5  # times the sampler's: a revision mends, it does not invent


class Cancelled(Exception):  # noqa: N818  (it is asked for, not an error)
    """The caller asked to stop between two steps."""


@dataclass(frozen=True, eq=False)
class _Row:
    """One row of the batch. counts: cells that are masked at each of its steps."""

    index: int
    length: int
    counts: list[int]
    noise: Noise


def sample(
    tokens_to_logits: TokensToLogits,
    tokens_BLP: IntArray,
    mask_BLP: BoolArray,
    *,
    vocabulary: Vocabulary,
    config: SamplerConfig,
    noises: Sequence[Noise],
    on_step: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    on_tokens: OnTokens | None = None,
) -> IntArray:
    """The grid with every cell of ``mask_BLP`` filled with a motion code.

    tokens_BLP holds given codes, END and PAD outside the mask; its codes inside are ignored.
    noises: one per row, so that a row's result does not hang on its batch.
    on_step(done, total) is called before the first step and after each; cancelled() is asked
    before each, and Cancelled is raised if it says so. on_tokens sees the grid after each step but
    the last, when every cell has a code, and ends the filling there if it says so.
    """
    rows = _rows(tokens_BLP, mask_BLP, vocabulary, config, noises)
    steps = max((len(row.counts) for row in rows), default=0)
    revisions = config.revisions if steps else 0
    tokens_BLP = np.where(mask_BLP, vocabulary.mask, tokens_BLP)
    scores_BLP = np.where(mask_BLP, _UNKNOWN, _OUTSIDE)
    for step in _told(steps + revisions, on_step, cancelled):
        if step >= steps:
            number = step - steps
            share = _REVISED_SHARE * (revisions - number) / revisions
            _revise(
                tokens_to_logits,
                tokens_BLP,
                mask_BLP,
                rows,
                config=config,
                number=number,
                share=share,
            )
            continue
        drawing = [row for row in rows if step < len(row.counts)]
        opened = {
            row.index: _least_certain(scores_BLP[row.index], row.counts[step]) for row in drawing
        }
        for index, open_LP in opened.items():
            tokens_BLP[index][open_LP] = vocabulary.mask
        logits = _Logits.of(tokens_to_logits, tokens_BLP, opened)
        for row in drawing:
            open_LP = opened[row.index]
            logits_MK = logits.cells(row.index, open_LP)
            codes_M = _choose(logits_MK, open_LP, row, config, step)
            tokens_BLP[row.index][open_LP] = codes_M
            doubt_M = _doubt(logits_MK, codes_M, _rank_noise(open_LP, row, config, step))
            scores_LP = scores_BLP[row.index]
            scores_LP[mask_BLP[row.index]] = 0.0
            scores_LP[open_LP] = doubt_M
        if on_tokens is not None and on_tokens(tokens_BLP, _opened_next(rows, scores_BLP, step)):
            break
    return tokens_BLP


def _opened_next(rows: Sequence[_Row], scores_BLP: FloatArray, step: int) -> BoolArray:
    """Cells that the next step masks again: what stands in them is not to stay."""
    opened_BLP = np.zeros(scores_BLP.shape, dtype=np.bool_)
    for row in rows:
        if step + 1 < len(row.counts):
            opened_BLP[row.index] = _least_certain(scores_BLP[row.index], row.counts[step + 1])
    return opened_BLP


def _rows(
    tokens_BLP: IntArray,
    mask_BLP: BoolArray,
    vocabulary: Vocabulary,
    config: SamplerConfig,
    noises: Sequence[Noise],
) -> list[_Row]:
    """The rows with their steps."""
    schedule = SCHEDULES[config.schedule]
    is_motion_BLP = (tokens_BLP != vocabulary.end) & (tokens_BLP != vocabulary.pad)
    lengths = is_motion_BLP.any(axis=2).sum(axis=1).tolist()
    rows: list[_Row] = []
    for index, (length, noise) in enumerate(zip(lengths, noises, strict=True)):
        cells = int(mask_BLP[index].sum())
        steps = step_progress(length, config.full_length_steps, config.closing_step, config.steps)
        counts = [masked_count(schedule, t, cells) for t in steps] if cells else []
        rows.append(_Row(index, length, counts, noise))
    return rows


def _told(
    total: int, on_step: Callable[[int, int], None] | None, cancelled: Callable[[], bool] | None
) -> Iterator[int]:
    """Numbers of the steps; says how far it is, and raises Cancelled where that is wished."""
    for step in range(total):
        if cancelled is not None and cancelled():
            raise Cancelled
        if on_step is not None and step == 0:
            on_step(0, total)
        yield step
        if on_step is not None:
            on_step(step + 1, total)


@dataclass(frozen=True, eq=False)
class _Logits:
    """Logits of the places that were asked for. number_BL: at which a place stands."""

    logits_NPK: AnyArray
    number_BL: IntArray

    @classmethod
    def of(
        cls, tokens_to_logits: TokensToLogits, tokens_BLP: IntArray, cells: dict[int, BoolArray]
    ) -> _Logits:
        """For cells of some rows, by the rows' numbers."""
        wanted_BL = np.zeros(tokens_BLP.shape[:2], dtype=np.bool_)
        for index, open_LP in cells.items():
            wanted_BL[index] = open_LP.any(axis=1)
        number_BL = np.cumsum(wanted_BL.ravel()).reshape(wanted_BL.shape) - 1
        return cls(tokens_to_logits(tokens_BLP, wanted_BL), number_BL)

    def cells(self, row: int, open_LP: BoolArray) -> AnyArray:
        """Logits (M, K) of a row's cells, place by place."""
        place_M, column_M = np.nonzero(open_LP)
        return self.logits_NPK[self.number_BL[row, place_M], column_M]


def _least_certain(scores_LP: FloatArray, count: int) -> BoolArray:
    """Boolean (L, P): the ``count`` highest scores, of equal ones the first."""
    flat_C = scores_LP.ravel()
    chosen_C = np.zeros(flat_C.shape, dtype=np.bool_)
    chosen_C[np.argsort(-flat_C, kind="stable")[:count]] = True
    return (chosen_C & (flat_C > _OUTSIDE)).reshape(scores_LP.shape)


def _choose(
    logits_MK: AnyArray, open_LP: BoolArray, row: _Row, config: SamplerConfig, step: int
) -> IntArray:
    """A code for each open cell (M,): the likeliest, or drawn by one number a cell."""
    if config.greedy or config.temperature == 0:
        return logits_MK.argmax(axis=1)
    uniform_M = _numbers(row.noise.uniform(step, CODES, _cells(row, open_LP)), open_LP)
    return draw_codes(logits_MK, uniform_M, config.temperature)


def draw_codes(logits_MK: AnyArray, uniform_M: FloatArray, temperature: float) -> IntArray:
    """For each row of logits the code at which the sum of probabilities passes a number in 0..1."""
    below_MK = logits_MK - logits_MK.max(axis=1, keepdims=True)
    least = float(np.finfo(logits_MK.dtype).tiny)
    with np.errstate(over="ignore"):  # nearly no temperature: the likeliest alone is left
        shares_MK = np.exp(below_MK / logits_MK.dtype.type(max(temperature, least)))
    sums_MK = np.cumsum(shares_MK, axis=1, dtype=np.float64)
    passed_MK = sums_MK > uniform_M[:, None] * sums_MK[:, -1:]
    return passed_MK.argmax(axis=1)


def _cells(row: _Row, open_LP: BoolArray) -> int:
    return row.length * open_LP.shape[1]


def _numbers(values_C: FloatArray, open_LP: BoolArray) -> FloatArray:
    """Of one number for each cell of a row's motion those of the open cells (M,)."""
    return values_C[np.flatnonzero(open_LP)]


def _rank_noise(
    open_LP: BoolArray, row: _Row, config: SamplerConfig, step: int
) -> FloatArray | None:
    """Gumbel noise (M,) that falls to none at the row's last step; None where not asked."""
    if config.greedy or not config.confidence_noise:
        return None
    left = 1 - (step + 1) / len(row.counts)
    noise_M = _numbers(row.noise.gumbel(step, RANKS, _cells(row, open_LP)), open_LP)
    return config.confidence_noise * left * noise_M


def _doubt(logits_MK: AnyArray, codes_M: IntArray, noise_M: FloatArray | None) -> FloatArray:
    """How doubtful codes are (M,): 1 - probability.

    noise_M: added to the log-probability, whose doubt then only keeps the order.
    """
    log_M = _log_certainty(logits_MK, codes_M)
    if noise_M is None:
        # rounding may carry a probability just above 1, and a score must not fall to "outside"
        return np.maximum(1.0 - np.exp(log_M), 0.0)
    return 0.5 * (
        1.0 + np.tanh(-0.5 * (log_M + noise_M))
    )  # the logistic function, which can't overflow


def _log_certainty(logits_MK: AnyArray, codes_M: IntArray) -> FloatArray:
    """Log-probability (M,) of codes."""
    return log_probabilities(logits_MK)[np.arange(len(codes_M)), codes_M].astype(np.float64)


def log_probabilities(logits_MK: AnyArray) -> AnyArray:
    """Logarithm of the softmax over the last axis."""
    lower_MK = logits_MK - logits_MK.max(axis=-1, keepdims=True)
    return lower_MK - np.log(np.exp(lower_MK).sum(axis=-1, keepdims=True))


def _revise(
    tokens_to_logits: TokensToLogits,
    tokens_BLP: IntArray,
    mask_BLP: BoolArray,
    rows: Sequence[_Row],
    *,
    config: SamplerConfig,
    number: int,
    share: float,
) -> None:
    """The share of each row's cells that the full grid holds for the least likely, drawn again.

    number: of this revision; it draws the noise of so many steps after the row's own last one,
    which other rows of the batch do not know of.
    """
    colder = replace(config, temperature=_REVISION_TEMPERATURE * config.temperature)
    masks = {row.index: mask_BLP[row.index] for row in rows}
    logits = _Logits.of(tokens_to_logits, tokens_BLP, masks)
    for row in rows:
        mask_LP, tokens_LP = mask_BLP[row.index], tokens_BLP[row.index]
        logits_MK = logits.cells(row.index, mask_LP)
        doubts_LP = np.full(mask_LP.shape, _OUTSIDE)
        doubts_LP[mask_LP] = np.maximum(-_log_certainty(logits_MK, tokens_LP[mask_LP]), 0.0)
        open_LP = _least_certain(doubts_LP, int(share * len(logits_MK)))
        chosen_MK = logits_MK[open_LP[mask_LP]]
        tokens_LP[open_LP] = _choose(chosen_MK, open_LP, row, colder, len(row.counts) + number)
