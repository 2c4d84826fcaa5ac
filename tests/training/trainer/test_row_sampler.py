"""Rows of the transformer: true clips, legs under other arms, one clip after another."""

from __future__ import annotations

import numpy as np
import torch

from mmm_blender.motion.config import TokenizerConfig
from mmm_blender.training.data.clip_variants import CAPTIONS
from mmm_blender.training.data.composites import Pairs
from mmm_blender.training.trainer.device_bank import Draw, FeatureBank, TokenBank
from mmm_blender.training.trainer.probe import random_variants
from mmm_blender.training.trainer.row_sampler import (
    LOWER,
    MOST_TOKENS,
    UPPER,
    USUAL,
    PairTable,
    RowSampler,
    TextTable,
)

CLIPS, FRAMES = 6, 120
CONFIG = TokenizerConfig(codebooks=(2, 2), codes=1024, code_dim=16)
CPU = torch.device("cpu")
PAIRS = 5
FIRST, SECOND = np.array([0, 1, 4, 5, 2]), np.array([7, 6, 9, 8, 11])


def sampler() -> RowSampler:
    """Every token of item i is i, and so is the first word of its captions; the sentence of pair p
    is 100 + p (while) or 200 + p (then)."""
    variants = random_variants(CLIPS, FRAMES)
    bank = FeatureBank(variants, np.full(CLIPS, 1 / CLIPS), CPU)
    lengths = (FRAMES - torch.arange(4)).div(4, rounding_mode="floor").expand(2 * CLIPS, 4)
    ends = lengths.flatten().cumsum(0)
    starts = ends.view_as(lengths) - lengths
    items = torch.arange(2 * CLIPS).repeat_interleave(lengths.sum(1))
    tokens = TokenBank(items[:, None].expand(-1, 4).to(torch.int16), starts, lengths)
    words = [[item] for item in range(2 * CLIPS) for _ in range(CAPTIONS)]
    first = len(words)
    words += [[100 + pair] for pair in range(PAIRS)] + [[200 + pair] for pair in range(PAIRS)]
    tables = {
        name: PairTable.of(Pairs(FIRST, SECOND, []), first + at * PAIRS, CPU)
        for at, name in enumerate(("while_pairs", "then_pairs"))
    }
    texts = TextTable.of(words, [False] * len(words), CPU)
    odds = Draw(np.full(CLIPS, 1 / CLIPS), CPU)
    return RowSampler(bank, tokens, texts, odds, CONFIG, **tables)


def drawn(count: int = 800):
    torch.manual_seed(0)
    rows = sampler()
    return rows.rows(rows.plan(count))


def test_true_clips_are_the_majority_and_told_what_they_are() -> None:
    rows = drawn()
    word = rows.ids_BW[:, 0]
    plain = (word < 100) & (rows.task_B == USUAL)
    assert plain.float().mean() > 0.7
    for row in plain.nonzero()[:, 0].tolist():
        motion = rows.tokens_BLP[row, : rows.lengths_B[row]]
        assert (motion == word[row]).all()


def test_legs_and_arms_are_those_of_the_sentence() -> None:
    rows = drawn()
    both = ((rows.ids_BW[:, 0] >= 100) & (rows.ids_BW[:, 0] < 200)).nonzero()[:, 0].tolist()
    assert len(both) > 40
    for row in both:
        pair = int(rows.ids_BW[row, 0]) - 100
        motion = rows.tokens_BLP[row, : rows.lengths_B[row]]
        assert (motion[:, :2] == FIRST[pair]).all() and (motion[:, 2:] == SECOND[pair]).all()


def test_a_half_that_is_asked_for_is_told_by_its_own_caption() -> None:
    rows = drawn()
    for task, streams in ((UPPER, slice(2, 4)), (LOWER, slice(0, 2))):
        asked = ((rows.task_B == task) & (rows.ids_BW[:, 0] < 100)).nonzero()[:, 0].tolist()
        assert asked
        for row in asked:
            motion = rows.tokens_BLP[row, : rows.lengths_B[row], streams]
            assert (motion == rows.ids_BW[row, 0]).all()


def test_one_follows_the_other_with_a_gap_that_nobody_knows() -> None:
    rows = drawn()
    then = (rows.ids_BW[:, 0] >= 200).nonzero()[:, 0].tolist()
    assert len(then) > 60
    for row in then:
        pair, gap = int(rows.ids_BW[row, 0]) - 200, rows.gap_BL[row].nonzero()[:, 0]
        length = int(rows.lengths_B[row])
        assert 2 <= len(gap) <= 4 and gap[0] >= 8 and length - int(gap[-1]) > 8
        assert length <= MOST_TOKENS
        assert (rows.tokens_BLP[row, : gap[0]] == FIRST[pair]).all()
        assert (rows.tokens_BLP[row, gap[-1] + 1 : length] == SECOND[pair]).all()
        assert not rows.known_B[row]
    assert not rows.gap_BL[rows.ids_BW[:, 0] < 200].any()


def test_rows_are_closed() -> None:
    rows = drawn()
    vocabulary = CONFIG.vocabulary
    for row, length in enumerate(rows.lengths_B.tolist()):
        assert (rows.tokens_BLP[row, length] == vocabulary.end).all()
        assert (rows.tokens_BLP[row, length + 1 :] == vocabulary.pad).all()


def test_a_caption_that_counts_is_told_of_the_whole_clip() -> None:
    torch.manual_seed(0)
    rows = sampler()
    rows.texts.whole_N[:] = True
    plan = rows.plan(400)
    plain = (plan.gap_N == 0) & (plan.text_N < 2 * CLIPS * CAPTIONS) & (plan.task_N == USUAL)
    assert (plan.length_N[plain] >= FRAMES // 4 - 1).all()
