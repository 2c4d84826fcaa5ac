"""From a mask of frames and joints, at any frame rate, to the cells of the token grid.

L token places, P columns of the grid, T frames of the clip, J joints. Frame f of a clip shows the
moment f / fps; place l stands for the model's frames 4 l to 4 l + 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...common.arrays import BoolArray, IntArray
from ...geometry.editing.edit_mask import EditMask, masked_runs
from ..config import TokenizerConfig
from ..features.layout import PART_JOINTS

_ROUNDING = 1e-6
"""Frame rates such as 23.976 are rounded numbers: what misses a border by less lies on it."""


@dataclass(frozen=True, eq=False)
class Places:
    """The frames of a clip that each place of a token grid hears of, first_L to last_L."""

    first_L: IntArray
    last_L: IntArray
    frames_a_place: float

    def __len__(self) -> int:
        return len(self.first_L)

    @classmethod
    def of(cls, frames: int, fps: float, config: TokenizerConfig) -> Places:
        """Of a clip of so many frames, at ``fps``."""
        pace = fps / config.feature_layout.fps  # the clip's frames for each of the model's
        per_place = config.frames_per_token * pace
        # so many that they last as long as the clip, to the nearest frame (see geometry.resample)
        place_L = np.arange(max(1, math.ceil((frames - 0.5) / per_place - _ROUNDING)))
        # the frames that lie in it, and the two that a sample of the model lies between
        last_sample_L = place_L * per_place + (config.frames_per_token - 1) * pace
        last_L = np.maximum(_ceil(last_sample_L), _ceil((place_L + 1) * per_place) - 1)
        first_L = np.floor(place_L * per_place + _ROUNDING).astype(np.int64)
        return cls(first_L, np.minimum(last_L, frames - 1), per_place)

    def overlapping(self, masked_T: BoolArray) -> BoolArray:
        """Places that hear of any such frame. (L,)."""
        before_T = np.concatenate([[0], np.cumsum(masked_T)])
        return np.asarray(before_T[self.last_L + 1] > before_T[self.first_L], dtype=np.bool_)

    def within(self, start: int, stop: int) -> BoolArray:
        """Places that hear of frames start..stop-1 alone. (L,)."""
        return np.asarray((self.first_L >= start) & (self.last_L < stop), dtype=np.bool_)


def _ceil(values_L: np.ndarray[tuple[int], np.dtype[np.float64]]) -> IntArray:
    return np.ceil(values_L - _ROUNDING).astype(np.int64)


def token_cells(mask: EditMask, fps: float, config: TokenizerConfig) -> BoolArray:
    """Cells to be sampled for an edit: all that overlap a masked frame of their part. (L, P).

    A stretch of kept poses that is too short to have a place of its own, as a single held key,
    shows the place that it lies in: else the model would not hear of it at all.
    """
    places = Places.of(mask.frames, fps, config)
    by_part = {part: _shown(places, _masked_frames(mask, part)) for part in config.parts}
    return np.stack([by_part[part] for part in config.columns], axis=1)


def _masked_frames(mask: EditMask, part: str) -> BoolArray:
    """Frames where something of a part is regenerated. (T,)."""
    if part == "all":
        return mask.frames_T
    masked_T = mask.rotations_TJ[:, list(PART_JOINTS[part])].any(axis=1)
    return masked_T | mask.root_T if part == "lower" else masked_T


def _shown(places: Places, masked_T: BoolArray) -> BoolArray:
    """The masked places of one part, less those that show a short kept stretch. (L,)."""
    masked_L = places.overlapping(masked_T)
    shown_L = masked_L.copy()
    for start, stop in masked_runs(~masked_T):
        if not places.within(start, stop).any():
            middle = int(0.5 * (start + stop) / places.frames_a_place)
            shown_L[min(middle, len(places) - 1)] = False
    # poses held in every place: the model would have no say, so it is given all
    return shown_L if shown_L.any() else masked_L
