"""The token grid and which of its cells are to be filled.

B batch, L token places, P body parts. A task is nothing but a choice of masked cells: all of them
(generate), a time span (in-between), one column (one body part), the seams (long sequences).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..vocabulary import Vocabulary


def motion_places(lengths_B: Tensor, places: int) -> Tensor:
    """Boolean (B, L): True at a clip's motion tokens, False at END and PAD."""
    return torch.arange(places, device=lengths_B.device) < lengths_B[:, None]


def close_grid(tokens_BLP: Tensor, lengths_B: Tensor, vocabulary: Vocabulary) -> Tensor:
    """The grid with END behind each clip's last motion token and PAD behind that, in all parts."""
    index_L1 = torch.arange(tokens_BLP.shape[1], device=tokens_BLP.device)[:, None]
    end_B11 = lengths_B[:, None, None]
    closed_BLP = torch.where(index_L1 == end_B11, vocabulary.end, tokens_BLP)
    return torch.where(index_L1 > end_B11, vocabulary.pad, closed_BLP)


def masked_grid(lengths_B: Tensor, places: int, parts: int, vocabulary: Vocabulary) -> Tensor:
    """Integer (B, L, P): MASK at every motion token, then END, then PAD."""
    shape = (len(lengths_B), places, parts)
    grid_BLP = torch.full(shape, vocabulary.mask, dtype=torch.long, device=lengths_B.device)
    return close_grid(grid_BLP, lengths_B, vocabulary)
