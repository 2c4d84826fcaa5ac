"""Motions that are seen while they are made: what the tokens of a step decode to.

Nothing that is made hangs on it. Decoding costs time, so it is done only as far as a share of the
time that the rest takes allows.

L token places, P columns of the grid, T frames, J joints, 3 xyz.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from ...common.arrays import BoolArray, FloatArray, IntArray
from ...geometry.clip import MotionClip
from ...geometry.kinematics import clip_joints
from .windows import OnGrid, WindowFiller

SHARE = 0.08
"""Of the time since a job began that its previews may take."""
_FIRST_COST = 0.008
"""What a preview is held to take before the first was made, seconds."""

Decode = Callable[[IntArray], MotionClip]


@dataclass(frozen=True, eq=False)
class Preview:
    """A motion between two steps. joints_TJ3: metres, in the space of the answer, at ``fps``.
    known_T: which share (0 to 1) of what the frame was decoded from is to stay. start: seconds from
    the answer's first frame to the first of these."""

    joints_TJ3: FloatArray
    known_T: FloatArray
    fps: float
    start: float = 0.0


def _not_enough() -> bool:
    return False


@dataclass
class Previews:
    """Those of one job. show: takes them; None for nobody. enough: what is there between two steps
    is to be kept. clock: seconds."""

    show: Callable[[Preview], None] | None = None
    enough: Callable[[], bool] = _not_enough
    clock: Callable[[], float] = time.perf_counter
    _begun: float = field(init=False)
    _spent: float = 0.0
    _cost: float = _FIRST_COST

    def __post_init__(self) -> None:
        """The time begins."""
        self._begun = self.clock()

    def of(
        self,
        filler: WindowFiller,
        decode: Decode,
        frames: slice = slice(None),
        start: float = 0.0,
    ) -> WindowFiller:
        """The filler whose grids are shown. decode: to the clip of the answer. frames, start:
        frames of it that are shown, and how far into the answer its first frame lies, seconds."""

        def on_grid(tokens_LP: IntArray, known_LP: BoolArray) -> bool:
            if self.show is not None and self._affordable:
                begun = self.clock()
                self.show(_preview(decode(tokens_LP), known_LP, frames, start))
                self._cost = self.clock() - begun
                self._spent += self._cost
            return self.enough()

        return replace(filler, on_grid=on_grid)

    @property
    def _affordable(self) -> bool:
        return self._spent + self._cost <= SHARE * (self.clock() - self._begun)


def _preview(clip: MotionClip, known_LP: BoolArray, frames: slice, start: float) -> Preview:
    first, stop, _ = frames.indices(clip.frames)
    places_T = np.arange(clip.frames) * len(known_LP) // max(clip.frames, 1)
    known_T = known_LP.mean(axis=1)[places_T]
    joints_TJ3 = clip_joints(clip.slice(first, stop))
    return Preview(joints_TJ3, known_T[first:stop], clip.fps, start + first / clip.fps)


def hook_of(previews: Previews | None) -> OnGrid | None:
    """For fillers of what is not shown: whether it is enough can be asked all the same."""
    if previews is None:
        return None
    asked = previews

    def on_grid(_tokens_LP: IntArray, _known_LP: BoolArray) -> bool:
        return asked.enough()

    return on_grid
