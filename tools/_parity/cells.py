"""Masks of whole tasks, as the reference has them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mmm_blender.motion.networks.masks import motion_places


def all_cells(lengths_B: Tensor, places: int, parts: int) -> Tensor:
    """Boolean (B, L, P): every motion token of every part."""
    return motion_places(lengths_B, places)[:, :, None].expand(-1, -1, parts)


def time_span(
    lengths_B: Tensor, places: int, parts: int, start_B: Tensor, stop_B: Tensor
) -> Tensor:
    """Boolean (B, L, P): places start..stop-1 of every part, within the clip."""
    index_L = torch.arange(places, device=lengths_B.device)
    span_BL = (index_L >= start_B[:, None]) & (index_L < stop_B[:, None])
    return all_cells(lengths_B, places, parts) & span_BL[:, :, None]


def only_parts(mask_BLP: Tensor, columns: Sequence[int]) -> Tensor:
    """The mask limited to those body parts (columns of the grid)."""
    kept_P = torch.zeros(mask_BLP.shape[2], dtype=torch.bool, device=mask_BLP.device)
    kept_P[list(columns)] = True
    return mask_BLP & kept_P
