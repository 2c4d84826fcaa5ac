"""Messages about a motion while it is made; part of ``protocol``.

T frames, J = 22 joints, 3 xyz.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..common.arrays import FloatArray


@dataclass(frozen=True)
class Finish:
    """Blender to worker: keep what a job has made so far; after its next step it goes on to its
    result."""

    job: int


@dataclass(frozen=True, eq=False)
class Previewed:
    """Worker to Blender: what a job that asked for previews has made between two steps.

    joints_TJ3: metres, in the space of the Generated that follows, feet not held. fps: of these
    frames. start: seconds from the first frame of the Generated, or of the motion of an Edit, to
    the first of these. known_T: which share (0 to 1) of each frame is to stay.
    """

    job: int
    joints_TJ3: FloatArray
    known_T: FloatArray
    fps: float
    start: float = 0.0
