"""Token grids end with END and PAD, and masks stay within the motion."""

import numpy as np
import torch
from _parity.cells import all_cells, only_parts, time_span
from hypothesis import given
from hypothesis import strategies as st

from mmm_blender.common.arrays import IntArray
from mmm_blender.motion.networks import masks as torch_masks
from mmm_blender.motion.sampling import masks
from mmm_blender.motion.vocabulary import Vocabulary

VOCABULARY = Vocabulary(16)
PLACES = 12
RNG = np.random.default_rng(0)
LENGTHS = st.lists(st.integers(1, PLACES - 1), min_size=1, max_size=4).map(np.array)


@given(LENGTHS, st.integers(1, 3))
def test_every_row_is_motion_then_one_end_then_padding(lengths_B: IntArray, parts: int):
    grid_BLP = masks.masked_grid(lengths_B, PLACES, parts, VOCABULARY)
    for row_LP, length in zip(grid_BLP, lengths_B.tolist(), strict=True):
        assert (row_LP[:length] == VOCABULARY.mask).all()
        assert (row_LP[length] == VOCABULARY.end).all()
        assert (row_LP[length + 1 :] == VOCABULARY.pad).all()


@given(LENGTHS)
def test_closing_a_grid_keeps_its_motion(lengths_B: IntArray):
    tokens_BLP = RNG.integers(VOCABULARY.codes, size=(len(lengths_B), PLACES, 2))
    closed_BLP = masks.close_grid(tokens_BLP, lengths_B, VOCABULARY)
    motion_BL = masks.motion_places(lengths_B, PLACES)
    assert np.array_equal(closed_BLP[motion_BL], tokens_BLP[motion_BL])
    assert (closed_BLP[~motion_BL] >= VOCABULARY.codes).all()


@given(LENGTHS, st.integers(0, PLACES), st.integers(0, PLACES))
def test_a_span_is_cut_to_the_clip(lengths_B: IntArray, start: int, stop: int):
    every_B = np.full_like(lengths_B, 1)
    mask_BLP = time_span(lengths_B, PLACES, 2, start * every_B, stop * every_B)
    expected = (np.minimum(lengths_B, stop * every_B) - start).clip(min=0)
    assert np.array_equal(mask_BLP[:, :, 0].sum(1), expected)
    assert np.array_equal(mask_BLP[:, :, 0], mask_BLP[:, :, 1])


def test_one_column_of_the_grid():
    mask_BLP = only_parts(all_cells(np.array([5, 3]), PLACES, 2), [1])
    assert not mask_BLP[:, :, 0].any()
    assert mask_BLP[:, :, 1].sum(1).tolist() == [5, 3]


@given(LENGTHS)
def test_the_masks_of_training_are_the_same(lengths_B: IntArray):
    tokens_BLP = RNG.integers(VOCABULARY.codes, size=(len(lengths_B), PLACES, 2))
    given = torch.from_numpy(lengths_B)
    closed = torch_masks.close_grid(torch.from_numpy(tokens_BLP), given, VOCABULARY)
    assert np.array_equal(closed.numpy(), masks.close_grid(tokens_BLP, lengths_B, VOCABULARY))
    grid = torch_masks.masked_grid(given, PLACES, 2, VOCABULARY)
    assert np.array_equal(grid.numpy(), masks.masked_grid(lengths_B, PLACES, 2, VOCABULARY))
