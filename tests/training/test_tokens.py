from __future__ import annotations

import torch

from mmm_blender.motion.config import Vocabulary
from mmm_blender.motion.masks import close_grid
from mmm_blender.motion.text import TextFeatures
from mmm_blender.training.tokens import TokenBatch, blur, hide

VOCABULARY = Vocabulary(codes=50)


def batch(rows: int = 400) -> TokenBatch:
    rng = torch.Generator().manual_seed(0)
    lengths = torch.randint(8, 30, (rows,), generator=rng)
    tokens = torch.randint(50, (rows, 31, 2), generator=rng)
    empty = torch.zeros(rows, 1)
    text = TextFeatures(empty, empty[..., None], torch.ones(rows, 1, dtype=torch.bool))
    return TokenBatch(close_grid(tokens, lengths, VOCABULARY), lengths, text)


def test_end_and_pad_are_never_hidden() -> None:
    given = batch()
    hidden = hide(given, VOCABULARY, torch.Generator().manual_seed(1))
    special = given.tokens_BLP >= VOCABULARY.codes
    assert torch.equal(hidden[special], given.tokens_BLP[special])
    assert (hidden[~special] != VOCABULARY.end).all()


def test_masks_are_those_of_the_tasks() -> None:
    given = batch()
    masked = hide(given, VOCABULARY, torch.Generator().manual_seed(1)) == VOCABULARY.mask
    shares = masked.sum((1, 2)) / (2 * given.lengths_B)
    one_part = (masked.any(1).sum(-1) == 1).float().mean()
    both_alike = (masked[..., 0] == masked[..., 1]).all(1).float().mean()
    assert 0.1 < one_part < 0.3
    assert 0.1 < both_alike < 0.35
    assert 0.5 < shares.mean() < 0.8


def test_some_kept_tokens_are_corrupted_and_most_rows_keep_some() -> None:
    given = batch()
    hidden = hide(given, VOCABULARY, torch.Generator().manual_seed(2))
    kept = (hidden != VOCABULARY.mask) & (given.tokens_BLP < VOCABULARY.codes)
    wrong = (hidden != given.tokens_BLP) & kept
    assert 0.35 < wrong.sum() / kept.sum() < 0.6


def test_the_same_generator_hides_the_same() -> None:
    given = batch(20)
    first, second = (hide(given, VOCABULARY, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)


def test_a_blurred_text_stays_near_and_keeps_its_words() -> None:
    text = TextFeatures(
        torch.zeros(50, 384), torch.zeros(50, 4, 384), torch.ones(50, 4, dtype=torch.bool)
    )
    blurred = blur(text, torch.Generator().manual_seed(0))
    assert 0.3 < blurred.words_BWC.std() < 0.5
    assert torch.equal(blurred.word_mask_BW, text.word_mask_BW)
    assert (text.sentence_BC == 0).all()
