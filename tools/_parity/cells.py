"""Masks of whole tasks, as the reference has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmm_blender.common.arrays import BoolArray, IntArray
from mmm_blender.motion.sampling.masks import motion_places


def all_cells(lengths_B: IntArray, places: int, parts: int) -> BoolArray:
    """Boolean (B, L, P): every motion token of every part."""
    return motion_places(lengths_B, places)[:, :, None] & np.ones(parts, dtype=np.bool_)


def time_span(
    lengths_B: IntArray, places: int, parts: int, start_B: IntArray, stop_B: IntArray
) -> BoolArray:
    """Boolean (B, L, P): places start..stop-1 of every part, within the clip."""
    index_L = np.arange(places)
    span_BL = (index_L >= start_B[:, None]) & (index_L < stop_B[:, None])
    return all_cells(lengths_B, places, parts) & span_BL[:, :, None]


def only_parts(mask_BLP: BoolArray, columns: Sequence[int]) -> BoolArray:
    """The mask limited to those body parts (columns of the grid)."""
    kept_P = np.zeros(mask_BLP.shape[2], dtype=np.bool_)
    kept_P[list(columns)] = True
    return mask_BLP & kept_P
