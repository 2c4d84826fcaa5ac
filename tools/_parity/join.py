"""Tasks that are more than a mask: joining clips of several prompts into one.

L token places, P body parts, B clips.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from _parity.cells import time_span

from mmm_blender.common.arrays import IntArray
from mmm_blender.motion.config import SamplerConfig
from mmm_blender.motion.motion_model import MotionModel
from mmm_blender.motion.pipeline.sequence import LONGEST_HALF
from mmm_blender.motion.sampling import masks
from mmm_blender.motion.sampling.noise import Noise

if TYPE_CHECKING:
    from mmm_blender.motion.text import TextFeatures

TRANSITION_TOKENS = 2


@dataclass(frozen=True)
class Seam:
    """Where two clips meet: tokens of the first, new ones, tokens of the second."""

    before_LP: IntArray
    after_LP: IntArray

    @property
    def start(self) -> int:
        """Place of the first new token."""
        return len(self.before_LP)

    @property
    def length(self) -> int:
        """Motion tokens of the seam's grid."""
        return self.start + TRANSITION_TOKENS + len(self.after_LP)


def join(
    model: MotionModel,
    clips_LP: Sequence[IntArray],
    text: TextFeatures,
    *,
    sampler: SamplerConfig,
    noises: Sequence[Noise],
    on_step: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> IntArray:
    """Motion tokens (L, P) of all clips in a row, with new tokens between neighbours.

    text and noises: one row for each clip; a transition follows the text of the clip before
    it. Transitions are filled in one step.
    """
    if len(clips_LP) == 1:
        return clips_LP[0]
    seams = [_seam(first, second) for first, second in pairwise(clips_LP)]
    lengths_B = np.array([seam.length for seam in seams])
    starts_B = np.array([seam.start for seam in seams])
    size = (model.places, len(model.columns))
    filled_BLP = model.fill(
        _grid(model, seams, lengths_B),
        time_span(lengths_B, *size, starts_B, starts_B + TRANSITION_TOKENS),
        lengths_B,
        _first_rows(text, len(seams)),
        sampler=replace(sampler, steps=1),
        noises=noises[: len(seams)],
        on_step=on_step,
        cancelled=cancelled,
    )
    pieces = [clips_LP[0]]
    for clip_LP, row_LP, seam in zip(clips_LP[1:], filled_BLP, seams, strict=True):
        pieces += [row_LP[seam.start : seam.start + TRANSITION_TOKENS], clip_LP]
    return np.concatenate(pieces)


def _seam(first_LP: IntArray, second_LP: IntArray) -> Seam:
    """The last half of one clip and the first half of the next."""
    before = min(len(first_LP) // 2, LONGEST_HALF)
    after = min(len(second_LP) // 2, LONGEST_HALF)
    return Seam(first_LP[len(first_LP) - before :], second_LP[:after])


def _grid(model: MotionModel, seams: Sequence[Seam], lengths_B: IntArray) -> IntArray:
    """Token grid with MASK between the two halves."""
    grid_BLP = masks.masked_grid(lengths_B, model.places, len(model.columns), model.vocabulary)
    for row_LP, seam in zip(grid_BLP, seams, strict=True):
        row_LP[: seam.start] = seam.before_LP
        row_LP[seam.start + TRANSITION_TOKENS : seam.length] = seam.after_LP
    return grid_BLP


def _first_rows(text: TextFeatures, rows: int) -> TextFeatures:
    return type(text)(text.sentence_BC[:rows], text.words_BWC[:rows], text.word_mask_BW[:rows])
