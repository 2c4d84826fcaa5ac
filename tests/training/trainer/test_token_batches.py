from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmm_blender.motion.features.layout import SMPL_269
from mmm_blender.motion.networks.masks import close_grid
from mmm_blender.motion.networks.text.features import TextFeatures
from mmm_blender.motion.vocabulary import Vocabulary
from mmm_blender.training.data.dataset import Example
from mmm_blender.training.data.motion_file import ClipRecord
from mmm_blender.training.trainer import token_batches as tokens
from mmm_blender.training.trainer.token_batches import TokenBatch, blur, hide, part_groups

VOCABULARY = Vocabulary(codes=50)
COLUMNS = ("lower", "lower", "upper", "upper")
ROWS = 600


def batch(rows: int = ROWS, columns: int = len(COLUMNS)) -> TokenBatch:
    rng = torch.Generator().manual_seed(0)
    lengths = torch.randint(8, 30, (rows,), generator=rng)
    tokens_BLP = torch.randint(50, (rows, 31, columns), generator=rng)
    empty = torch.zeros(rows, 1)
    text = TextFeatures(empty, empty[..., None], torch.ones(rows, 1, dtype=torch.bool))
    return TokenBatch(close_grid(tokens_BLP, lengths, VOCABULARY), lengths, text)


def hidden(given: TokenBatch, seed: int = 1, columns: tuple[str, ...] = COLUMNS) -> torch.Tensor:
    return hide(given, VOCABULARY, columns, torch.Generator().manual_seed(seed))


def test_end_and_pad_are_never_hidden() -> None:
    given = batch()
    seen = hidden(given)
    special = given.tokens_BLP >= VOCABULARY.codes
    assert torch.equal(seen[special], given.tokens_BLP[special])
    assert (seen[~special] != VOCABULARY.end).all()


def test_masks_are_those_of_the_tasks() -> None:
    given = batch()
    masked = hidden(given) == VOCABULARY.mask
    shares = masked.sum((1, 2)) / (len(COLUMNS) * given.lengths_B)
    assert 0.45 < shares.mean() < 0.8
    touched = [tuple(row) for row in masked.any(1).tolist()]
    spans = masked.any(-1)
    alike = (masked == spans[..., None]).all(-1).all(-1) & spans.any(-1)
    assert 0.23 < alike.float().mean() < 0.45  # a time span of the whole body
    for part in ((True, True, False, False), (False, False, True, True)):
        assert 0.05 < touched.count(part) / ROWS < 0.15  # a body part with all its codebooks
    single = sum(sum(row) == 1 for row in touched)
    assert 0.02 < single / ROWS < 0.1


def test_a_masked_body_part_leaves_none_of_its_codebooks() -> None:
    """Over a span, the codebooks of a part are hidden in the same places."""
    masked = hidden(batch()) == VOCABULARY.mask
    lower, upper = masked[..., :2], masked[..., 2:]
    rows = lower.any((1, 2)) & ~upper.any((1, 2))
    whole = (lower[..., 0] == lower[..., 1]).all(1)
    assert (rows & whole).sum() > 0.6 * (rows & lower.any(1).all(-1)).sum() > 0


@pytest.mark.parametrize(
    ("columns", "groups"),
    [
        (("all",), {(True,)}),
        (COLUMNS, {(True, True, False, False), (False, False, True, True)}),
        (
            ("lower", "torso", "left_arm", "right_arm"),
            {
                (True, False, False, False),
                (False, True, False, False),
                (False, False, True, False),
                (False, False, False, True),
                (False, True, True, True),
            },
        ),
    ],
)
def test_an_edit_may_mask_every_part_and_the_upper_body(
    columns: tuple[str, ...], groups: set[tuple[bool, ...]]
) -> None:
    assert {tuple(group) for group in part_groups(columns).tolist()} == groups


def test_kept_tokens_are_corrupted_and_fewer_around_an_edit() -> None:
    given = batch()
    seen = hidden(given, 2)
    masked = seen == VOCABULARY.mask
    kept = ~masked & (given.tokens_BLP < VOCABULARY.codes)
    wrong = (seen != given.tokens_BLP) & kept
    borders = masked.diff(dim=1).sum(1)  # of each column: two where one span is masked
    scattered, spans = (borders > 2).all(-1), (borders <= 2).all(-1)
    for rows, least, most in ((scattered, 0.35, 0.6), (spans, 0.05, 0.15)):
        assert rows.sum() > ROWS // 10
        assert least < wrong[rows].sum() / kept[rows].sum() < most


def test_the_same_generator_hides_the_same() -> None:
    given = batch(20)
    assert torch.equal(hidden(given, 3), hidden(given, 3))
    assert not torch.equal(hidden(given, 3), hidden(given, 4))


def test_rows_of_a_batch_are_its_rows() -> None:
    given = batch(10)
    own = given.rows(slice(5, 10))
    assert torch.equal(own.tokens_BLP, given.tokens_BLP[5:])
    assert torch.equal(own.lengths_B, given.lengths_B[5:])
    assert len(own.text.sentence_BC) == 5


def test_a_crop_of_a_turn_still_turns() -> None:
    features = np.zeros((40, SMPL_269.channels))
    features[20:30, SMPL_269.root_yaw_velocity] = np.pi / 20  # half a turn, in ten frames
    record = ClipRecord("t#0", "t", "bandai", "walk-turn-left", "normal", "", 40)
    example = Example(record, False, features)
    keeps = tokens._keeps_turn  # pyright: ignore[reportPrivateUsage]  (what decides is private)
    assert keeps(example, 10, 40)
    assert not keeps(example, 0, 22)
    still = replace(example, features_TC=np.zeros_like(features))
    assert keeps(still, 0, 10)


def test_a_blurred_text_stays_near_and_keeps_its_words() -> None:
    text = TextFeatures(
        torch.zeros(50, 384), torch.zeros(50, 4, 384), torch.ones(50, 4, dtype=torch.bool)
    )
    blurred = blur(text, torch.Generator().manual_seed(0))
    assert 0.3 < blurred.words_BWC.std() < 0.5
    assert torch.equal(blurred.word_mask_BW, text.word_mask_BW)
    assert (text.sentence_BC == 0).all()
