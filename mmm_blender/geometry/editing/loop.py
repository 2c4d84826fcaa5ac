"""A motion that goes round: its end leads into its start, as if the start came after it.

The end of the motion, and after it the start carried to where the body would go on, are one clip
whose middle is regenerated; that belongs to the last and to the first frames.

T frames, 3 xyz; model space, metres, Y up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ..clip import MotionClip
from ..placement import headings
from ..rotations import wrap_angle
from .edit_mask import EditMask, span_mask

SEAM_SECONDS = 0.4
"""What is made on each side of the seam."""
_CONTEXT_SECONDS = 2.5
_SPEED_SECONDS = 0.3
LEAST_SECONDS = 0.8
"""Of a loop."""
_MOST_TURN = 60.0  # degrees
_MOST_DROP = 0.25  # metres
_GROUND = np.array([1.0, 0.0, 1.0])


@dataclass(frozen=True, eq=False)
class LoopPlan:
    """motion: what is to go round. seam: the clip whose masked middle is to be made. shift_3: what
    each round adds to the root's place. edge: frames made on each side; context: of each side."""

    motion: MotionClip
    seam: MotionClip
    mask: EditMask
    shift_3: FloatArray
    edge: int
    context: int

    def closed(self, made: MotionClip) -> MotionClip:
        """The motion with its seam made, and one more frame: the first, a round later."""
        motion, at = self.motion, self.context
        rotations_TJ4, root_T3 = motion.rotations_TJ4.copy(), motion.root_T3.copy()
        rotations_TJ4[-self.edge :] = made.rotations_TJ4[at - self.edge : at]
        root_T3[-self.edge :] = made.root_T3[at - self.edge : at]
        rotations_TJ4[: self.edge] = made.rotations_TJ4[at : at + self.edge]
        root_T3[: self.edge] = made.root_T3[at : at + self.edge] - self.shift_3
        return motion.replace(
            rotations_TJ4=np.concatenate([rotations_TJ4, rotations_TJ4[:1]]),
            root_T3=np.concatenate([root_T3, root_T3[:1] + self.shift_3]),
        )


def plan_loop(motion: MotionClip) -> LoopPlan:
    """What has to be made so that a motion goes round.

    Raises MMMError for a motion that is too short, turns, or ends at another height.
    """
    _check(motion)
    frames, fps = motion.frames, motion.fps
    edge = max(2, min(round(SEAM_SECONDS * fps), frames // 4))
    context = min(round(_CONTEXT_SECONDS * fps), frames - edge)
    shift_3 = _shift(motion)
    tail, head = motion.slice(frames - context, frames), motion.slice(0, context)
    seam = motion.replace(
        rotations_TJ4=np.concatenate([tail.rotations_TJ4, head.rotations_TJ4]),
        root_T3=np.concatenate([tail.root_T3, head.root_T3 + shift_3]),
    )
    mask = span_mask(2 * context, context - edge, context + edge, "all")
    return LoopPlan(motion, seam, mask, shift_3, edge, context)


def seam_ratio(closed: MotionClip, joints_TJ3: FloatArray, shift_3: FloatArray) -> float:
    """Jerk of the joints where a round meets the next, relative to the strongest of twenty frames
    inside. joints_TJ3: of the closed clip, whose last frame is the first of the next round."""
    rounds = [joints_TJ3[:-1] + number * shift_3 for number in range(2)]
    jerks_T = np.linalg.norm(np.diff(np.concatenate(rounds), n=3, axis=0), axis=-1).mean(axis=-1)
    seam = closed.frames - 1
    inside = np.quantile(jerks_T, 0.95)
    return float(jerks_T[max(0, seam - 3) : seam].max() / max(float(inside), 1e-9))


def _shift(motion: MotionClip) -> FloatArray:
    """From the first frame to where it comes again: one step after the last, at the speed that the
    body has there and at the start."""
    count = max(1, round(_SPEED_SECONDS * motion.fps))
    steps_T3 = np.diff(motion.root_T3, axis=0)
    step_3 = (steps_T3[-count:].mean(axis=0) + steps_T3[:count].mean(axis=0)) / 2.0
    return np.asarray((motion.root_T3[-1] + step_3 - motion.root_T3[0]) * _GROUND)


def _check(motion: MotionClip) -> None:
    if motion.seconds < LEAST_SECONDS:
        raise MMMError(
            f"A loop needs at least {LEAST_SECONDS:g} seconds, and this has "
            f"{motion.seconds:.2f}: choose a longer range."
        )
    ways_T = headings(motion)
    turn = abs(float(np.degrees(wrap_angle(ways_T[-1] - ways_T[0]))))
    if turn > _MOST_TURN:
        raise MMMError(
            f"The motion ends turned by {turn:.0f} degrees, and a loop goes on as it began: choose "
            "a range that ends facing where it starts."
        )
    drop = abs(float(motion.root_T3[-1, 1] - motion.root_T3[0, 1]))
    if drop > _MOST_DROP:
        raise MMMError(
            f"The body ends {100 * drop:.0f} cm higher or lower than it starts, as after a fall: "
            "choose a range that ends in a pose like its first."
        )
