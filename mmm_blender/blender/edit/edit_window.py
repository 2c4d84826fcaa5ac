"""The frames that an edit reads and regenerates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...common.arrays import BoolArray
from ...geometry.editing.edit_mask import EditMask, span_mask
from ...geometry.skeleton import SMPL_22
from ..actions.editability import BODY_PARTS
from ..fcurves.frame_range import FrameRange
from .chosen_range import CONTEXT_SECONDS


@dataclass(frozen=True)
class EditWindow(FrameRange):
    """Scene frames that an edit regenerates, and those around them that the model reads.

    read_first, read_last: both included.
    """

    first: int
    last: int
    read_first: int
    read_last: int

    @classmethod
    def around(cls, first: int, last: int, keyed: tuple[float, float], fps: float) -> EditWindow:
        """The range and what is kept on both sides, as far as there are keys and it matters.

        Between the range and keys that it does not touch, the motion stands still and is kept.
        """
        reach = math.ceil(CONTEXT_SECONDS * fps)
        start, end = min(math.floor(keyed[0]), first), max(math.ceil(keyed[1]), last)
        return cls(first, last, max(first - reach, start), min(last + reach, end))

    def mask(self, body_part: str, locked: Mapping[str, frozenset[float]]) -> EditMask:
        """What to regenerate of the frames that are read. locked: frames of each SMPL joint."""
        count = self.read_last - self.read_first + 1
        locked_TJ: BoolArray = np.zeros((count, len(SMPL_22)), dtype=np.bool_)
        for joint, name in enumerate(SMPL_22.names):
            inside = [f for f in locked.get(name, ()) if self.first <= f <= self.last]
            locked_TJ[[math.floor(f) - self.read_first for f in inside], joint] = True
            locked_TJ[[math.ceil(f) - self.read_first for f in inside], joint] = True
        start, stop = self.first - self.read_first, self.last + 1 - self.read_first
        return span_mask(count, start, stop, BODY_PARTS[body_part], locked_TJ)
