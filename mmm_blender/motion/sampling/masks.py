"""The token grid and which of its cells are to be filled.

B batch, L token places, P body parts. A task is nothing but a choice of masked cells: all of them
(generate), a time span (in-between), one column (one body part), the seams (long sequences).
"""

from __future__ import annotations

import numpy as np

from ...common.arrays import BoolArray, IntArray
from ..vocabulary import Vocabulary


def motion_places(lengths_B: IntArray, places: int) -> BoolArray:
    """Boolean (B, L): True at a clip's motion tokens, False at END and PAD."""
    return np.arange(places) < lengths_B[:, None]


def close_grid(tokens_BLP: IntArray, lengths_B: IntArray, vocabulary: Vocabulary) -> IntArray:
    """The grid with END behind each clip's last motion token and PAD behind that, in all parts."""
    index_L1 = np.arange(tokens_BLP.shape[1])[:, None]
    end_B11 = lengths_B[:, None, None]
    closed_BLP = np.where(index_L1 == end_B11, vocabulary.end, tokens_BLP)
    return np.where(index_L1 > end_B11, vocabulary.pad, closed_BLP)


def masked_grid(lengths_B: IntArray, places: int, parts: int, vocabulary: Vocabulary) -> IntArray:
    """Integer (B, L, P): MASK at every motion token, then END, then PAD."""
    grid_BLP = np.full((len(lengths_B), places, parts), vocabulary.mask, dtype=np.int64)
    return close_grid(grid_BLP, lengths_B, vocabulary)
