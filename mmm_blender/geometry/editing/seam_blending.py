"""A generated motion that meets the kept one: bit for bit outside the mask, smoothly inside it.

What a generated clip lacks to the kept one at a kept frame (a residual) is added to the masked
frames near it and eased away. Nodes of the residual are the kept frames on either side of each run
of masked frames of a joint: there it takes the value that is missing and, where the kept frame's
other neighbour is kept too, the velocity as well, so that no joint changes speed at once. A pose
held for one frame alone has no velocity of its own: the motion passes it as fast as it was made.

Between nodes the residual is a quintic in time. At a node it takes the acceleration too, as far as
it can be read from the kept frames behind: the joint then passes the seam with the acceleration it
had before, so that a seam stands out no more than any other frame. At a pose held alone it has
none.

Rotations are eased as rotation vectors in the parent's frame, each taken to the turn nearest to its
neighbour's, so that a residual near a half turn cannot flip.

Shape suffixes: T frames, J = 22 joints, C = 23 channels (rotations, root place), 3 radians or
metres. Quaternions w first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...common.arrays import AnyArray, BoolArray, FloatArray, IntArray
from ..clip import MotionClip
from ..rotations import (
    dot,
    normalize,
    quat_conjugate,
    quat_multiply,
    quat_to_rotation_vector,
    rotation_vector_to_quat,
)
from .edit_mask import EditMask, kept_neighbours

EASE_SECONDS = 0.5
"""Time in which a residual dies away; nodes nearer than twice this are joined by one curve."""


_PUSH_SECONDS = 0.3
"""Time in which the acceleration of a residual dies away: long enough for three samples of a 20 fps
clip to feel it, short enough that a jittery one (10 m/s^2 from a millimetre) moves by little."""

_STRIDE_SECONDS = 0.05
"""Distance of the three kept samples from which acceleration is read: one sample of the model's
rate, so that jitter between the frames of a faster clip is not taken for it."""

_TURN = 2.0 * np.pi

_NO_TIME = 1e-9
"""Seconds under which a span counts as none."""


def meet(made: MotionClip, kept: MotionClip, mask: EditMask) -> MotionClip:
    """``kept`` in every cell outside the mask; inside it ``made``, led smoothly into ``kept``.

    made, kept: clips of the mask's length and the same rate, standing in the same place (see
    ``arrival.arrive``). Quaternions in masked cells take the sign of the kept frame before them.
    """
    if not made.frames == kept.frames == mask.frames or made.fps != kept.fps:
        raise ValueError("a generated clip, a kept clip and a mask must have the same frames")
    lacking_TJ4 = quat_multiply(kept.rotations_TJ4, quat_conjugate(made.rotations_TJ4))
    lacking = _Lacking(quat_to_rotation_vector(lacking_TJ4), mask.rotations_TJ, made.fps, True)
    shift = _Lacking((kept.root_T3 - made.root_T3)[:, None], mask.root_T[:, None], made.fps, False)
    turns_TJ4 = quat_multiply(rotation_vector_to_quat(lacking.eased()), made.rotations_TJ4)
    turns_TJ4 = np.where(mask.rotations_TJ[..., None], turns_TJ4, kept.rotations_TJ4)
    return kept.replace(
        rotations_TJ4=turns_TJ4 * continuous_signs(turns_TJ4, mask.rotations_TJ),
        root_T3=np.where(mask.root_T[:, None], made.root_T3 + shift.eased()[:, 0], kept.root_T3),
    )


@dataclass(frozen=True)
class Ease:
    """Seconds in which a residual dies away: its value, its speed and its acceleration (0: none
    is taken over). Nodes nearer than twice the first are joined by one curve."""

    value: float = EASE_SECONDS
    speed: float = EASE_SECONDS
    push: float = _PUSH_SECONDS


def eased(
    values_TC3: FloatArray, masked_TC: BoolArray, fps: float, ease: Ease, turning: bool = False
) -> FloatArray:
    """Offsets (T, C, 3) that are known where not masked, led smoothly through the masked cells.

    values_TC3: metres, or rotation vectors in radians if ``turning``; masked ones are not read.
    Cells further from a known one than the ease's time get exactly zero.
    """
    between_TC3 = _Lacking(values_TC3, masked_TC, fps, turning, ease).eased()
    return np.where(masked_TC[..., None], between_TC3, values_TC3)


@dataclass(frozen=True, eq=False)
class _Lacking:
    """What each cell of a generated clip lacks to the kept one; only kept cells are used.

    values_TC3: (T, C, 3) rotation vectors in radians if ``turning``, else metres.
    masked_TC: (T, C) True where the value means nothing.
    """

    values_TC3: FloatArray
    masked_TC: BoolArray
    fps: float
    turning: bool
    ease: Ease = Ease()

    def eased(self) -> FloatArray:
        """A smooth residual for every masked cell. (T, C, 3)."""
        before_TC, after_TC = kept_neighbours(self.masked_TC)
        seconds_TC = (after_TC - before_TC) / self.fps
        two_sided_TC = (before_TC >= 0) & (after_TC < len(self.values_TC3))
        joined_TC = two_sided_TC & (seconds_TC < 2.0 * self.ease.value)
        # cells that are kept themselves lie no time from their node; their value is not used
        span_TC = np.where(joined_TC & self.masked_TC, seconds_TC, self.ease.value)
        start_TC3, end_TC3 = self._at(before_TC), self._at(after_TC)
        end_TC3 = np.where(joined_TC[..., None], self._near(end_TC3, start_TC3), end_TC3)
        return self._side(start_TC3, before_TC, -1, span_TC) + self._side(
            end_TC3, after_TC, 1, span_TC
        )

    def _side(
        self, node_TC3: FloatArray, node_TC: IntArray, outward: int, span_TC: FloatArray
    ) -> FloatArray:
        """What the node at frames ``node_TC`` with value ``node_TC3`` adds to each cell. (T, C, 3).

        outward: -1 or 1, the way from the masked frames over the node to the kept frames behind
        it. span_TC: seconds in which its part dies away.
        """
        is_node_TC = self._kept(node_TC)
        speed_TC3, push_TC3 = self._motion_at(node_TC3, node_TC, outward)
        seconds_TC = np.abs(np.arange(len(self.values_TC3))[:, None] - node_TC) / self.fps
        speed_span_TC = np.minimum(span_TC, self.ease.speed)
        push_span_TC = np.minimum(span_TC, self.ease.push)
        part_TC3 = _quintic(seconds_TC, span_TC)[0][..., None] * node_TC3
        slope_TC = speed_span_TC * _quintic(seconds_TC, speed_span_TC)[1]
        part_TC3 += slope_TC[..., None] * speed_TC3
        bend_TC = push_span_TC**2 * _quintic(seconds_TC, push_span_TC)[2]
        part_TC3 += bend_TC[..., None] * push_TC3
        return np.where(is_node_TC[..., None], part_TC3, 0.0)

    def _motion_at(
        self, node_TC3: FloatArray, node_TC: IntArray, outward: int
    ) -> tuple[FloatArray, FloatArray]:
        """Speed and acceleration, towards the masked frames, at nodes. Two (T, C, 3), per second.

        Zero where the frames behind the node that tell them are not kept.
        """
        stride = max(1, round(_STRIDE_SECONDS * self.fps))
        next_TC, near_TC, far_TC = (node_TC + outward * k for k in (1, stride, 2 * stride))
        next_TC3 = self._near(self._at(next_TC), node_TC3)
        near_TC3 = self._near(self._at(near_TC), node_TC3)
        far_TC3 = self._near(self._at(far_TC), near_TC3)
        moving_TC = self._kept(next_TC)
        pushed_TC = moving_TC & self._kept(near_TC) & self._kept(far_TC)
        push_TC3 = (node_TC3 - 2.0 * near_TC3 + far_TC3) * (self.fps / stride) ** 2
        push_TC3 = np.where(pushed_TC[..., None], push_TC3, 0.0)
        # the difference is the speed half a frame back
        speed_TC3 = (node_TC3 - next_TC3) * self.fps + 0.5 / self.fps * push_TC3
        return np.where(moving_TC[..., None], speed_TC3, 0.0), push_TC3

    def _kept(self, frame_TC: IntArray) -> BoolArray:
        """True where a frame lies in the clip and the channel is kept there. (T, C)."""
        inside_TC = (frame_TC >= 0) & (frame_TC < len(self.values_TC3))
        return inside_TC & ~_taken(self.masked_TC, frame_TC)

    def _at(self, frame_TC: IntArray) -> FloatArray:
        return _taken(self.values_TC3, frame_TC)

    def _near(self, values_TC3: FloatArray, beside_TC3: FloatArray) -> FloatArray:
        return _nearest_turn(values_TC3, beside_TC3) if self.turning else values_TC3


def _taken(values_TC: AnyArray, frame_TC: IntArray) -> AnyArray:
    """Each channel's value at that channel's frame; frames beyond the ends read the end."""
    return values_TC[np.clip(frame_TC, 0, len(values_TC) - 1), np.arange(values_TC.shape[1])]


def _quintic(seconds: FloatArray, span: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights of value, slope and second derivative at the start in the quintic that ends after
    ``span`` seconds with all three zero; time is counted in spans."""
    u = np.minimum(seconds / np.maximum(span, _NO_TIME), 1.0)
    square, rest = u * u, 1.0 - u
    value = 1.0 - square * u * (10.0 - u * (15.0 - 6.0 * u))
    slope = u - square * u * (6.0 - u * (8.0 - 3.0 * u))
    return value, slope, 0.5 * square * rest * rest * rest


def _nearest_turn(vectors: FloatArray, beside: FloatArray) -> FloatArray:
    """The same rotations as vectors (..., 3) of whatever length comes nearest to ``beside``."""
    axis = normalize(vectors)
    laps = np.round((dot(axis, beside) - dot(axis, vectors)) / _TURN)
    return vectors + _TURN * laps * axis


def continuous_signs(turns_TJ4: FloatArray, masked_TJ: BoolArray) -> FloatArray:
    """+1 or -1 for each quaternion: kept ones stay as they are, masked ones follow the kept frame
    before them (without one, the frame after) without a jump. (T, J, 1)."""
    before_TJ, after_TJ = kept_neighbours(masked_TJ)
    anchor_TJ = np.where(before_TJ >= 0, before_TJ, after_TJ)
    same_side_TJ = np.ones(masked_TJ.shape)
    same_side_TJ[1:][dot(turns_TJ4[1:], turns_TJ4[:-1])[..., 0] < 0.0] = -1.0
    since_start_TJ: FloatArray = np.cumprod(same_side_TJ, axis=0)
    return (since_start_TJ * _taken(since_start_TJ, anchor_TJ))[..., None]
