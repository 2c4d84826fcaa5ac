"""Which frames and joints of a clip are regenerated: a mask is a grid of time x joint.

Shape suffixes: T frames, J = 22 joints, C = 23 channels (the 22 joints' rotations, then the root's
place). Frames count from 0; a span is start..stop, stop exclusive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np

from ...common.arrays import BoolArray, IntArray
from ...common.errors import MMMError
from ..skeleton import ANIMATED_JOINTS, LOWER_JOINTS, UPPER_JOINTS

PELVIS = 0
"""The joint whose bone carries the root's place."""

BodyPart: TypeAlias = Literal["all", "lower", "upper"]

PART_JOINTS: Mapping[BodyPart, tuple[int, ...]] = MappingProxyType(
    {"all": tuple(range(ANIMATED_JOINTS)), "lower": LOWER_JOINTS, "upper": UPPER_JOINTS}
)
"""Joints that an edit of a body part regenerates; the root's place goes with the pelvis."""


@dataclass(frozen=True, eq=False)
class EditMask:
    """What an edit regenerates; every other cell is kept bit for bit.

    rotations_TJ: (T, 22) True where a joint's rotation is regenerated.
    root_T: (T,) True where the root's place is regenerated.

    Raises ValueError for shapes that do not fit, MMMError where nothing is left to make.
    """

    rotations_TJ: BoolArray
    root_T: BoolArray

    def __post_init__(self) -> None:
        frames = len(self.root_T)
        if self.root_T.ndim != 1 or self.rotations_TJ.shape != (frames, ANIMATED_JOINTS):
            raise ValueError(
                f"a mask needs (T, {ANIMATED_JOINTS}) rotations and (T,) root places, "
                f"not {self.rotations_TJ.shape} and {self.root_T.shape}"
            )
        if self.rotations_TJ.dtype != np.bool_ or self.root_T.dtype != np.bool_:
            raise ValueError("a mask holds truth values")
        if not self.frames_T.any():
            raise MMMError(
                "Every pose in the range is held, so nothing is left to make: choose a longer "
                "range or hold fewer keys."
            )

    @property
    def frames(self) -> int:
        """Number of frames T of the clip."""
        return len(self.root_T)

    @property
    def cells_TC(self) -> BoolArray:
        """Rotations and root place in one grid, (T, 23); the root's place is the last column."""
        return np.concatenate([self.rotations_TJ, self.root_T[:, None]], axis=1)

    @property
    def frames_T(self) -> BoolArray:
        """True at frames where anything is regenerated. (T,)."""
        return self.rotations_TJ.any(axis=1) | self.root_T

    @property
    def start(self) -> int:
        """First frame where anything is regenerated."""
        return int(np.argmax(self.frames_T))

    @property
    def stop(self) -> int:
        """One after the last frame where anything is regenerated."""
        return self.frames - int(np.argmax(self.frames_T[::-1]))

    @property
    def touches_lower(self) -> bool:
        """The pelvis, its place or a leg is regenerated somewhere."""
        return bool(self.root_T.any() or self.rotations_TJ[:, LOWER_JOINTS].any())

    @property
    def touches_upper(self) -> bool:
        """A joint of spine, head or arms is regenerated somewhere."""
        return bool(self.rotations_TJ[:, UPPER_JOINTS].any())


def span_mask(
    frames: int, start: int, stop: int, part: BodyPart, held_TJ: BoolArray | None = None
) -> EditMask:
    """The mask of a span of frames and a body part, in a clip of ``frames`` frames.

    held_TJ: (T, 22) True where a joint's pose is held inside the span; a held pelvis also holds
    the root's place there. Raises MMMError for a span that is not inside the clip.
    """
    if not 0 <= start < stop <= frames:
        raise MMMError(
            f"The range {start} to {stop} does not lie in a clip of {frames} frames: choose a "
            "range inside it whose end comes after its start."
        )
    masked_TJ = np.zeros((frames, ANIMATED_JOINTS), dtype=np.bool_)
    masked_TJ[start:stop, PART_JOINTS[part]] = True
    if held_TJ is not None:
        masked_TJ &= ~held_TJ
    return EditMask(masked_TJ, masked_TJ[:, PELVIS].copy())


def kept_neighbours(masked_TC: BoolArray) -> tuple[IntArray, IntArray]:
    """Nearest kept frame at or before, and at or after, each frame of each channel. Two (T, C).

    -1 where no kept frame lies before, T where none lies after.
    """
    frames = len(masked_TC)
    index_TC = np.broadcast_to(np.arange(frames)[:, None], masked_TC.shape)
    before = np.maximum.accumulate(np.where(masked_TC, -1, index_TC), axis=0)
    after = np.minimum.accumulate(np.where(masked_TC, frames, index_TC)[::-1], axis=0)[::-1]
    return before.astype(np.int64), after.astype(np.int64)


def masked_runs(masked_T: BoolArray) -> list[tuple[int, int]]:
    """Every unbroken run of masked frames in order, as (start, stop), stop exclusive."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], masked_T, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
