"""What is kept does not hear of what is masked: masked cells filled from kept cells alone.

The result is what a tokenizer may see of a clip before a part of it is regenerated. Every masked
cell lies between its channel's nearest kept cells in time: rotations by slerp, the root's place on
a straight line. The pelvis turns its heading and its tilt apart, so that a body that has turned
around on its way comes about upright instead of rolling over. Before the first and after the last
kept cell the pose is held. A channel of which nothing is kept takes the rest pose, standing: so
the arms of a whole clip can be regenerated over its legs.

Shape suffixes: T frames, J = 22 joints, C = 23 channels (rotations, root place). Quaternions w
first, metres, Y up.
"""

from __future__ import annotations

import numpy as np

from ...common.arrays import FloatArray, IntArray
from ...common.errors import MMMError
from ..clip import MotionClip
from ..rotations import identity_quats, quat_multiply, slerp, wrap_angle, yaw_of, yaw_quat
from ..skeleton import SMPL_22, SOLE_HEIGHT
from .edit_mask import PELVIS, EditMask, kept_neighbours

_STANDING = np.array([0.0, SOLE_HEIGHT - SMPL_22.rest_positions_J3[:, 1].min(), 0.0])
"""Place of the pelvis of a body that stands in rest pose at the origin, metres."""


def fill_masked(clip: MotionClip, mask: EditMask) -> MotionClip:
    """The clip with every masked cell made from kept cells; kept cells stay bit for bit.

    Raises ValueError for a mask of another length, MMMError where nothing at all is kept.
    """
    if mask.frames != clip.frames:
        raise ValueError(f"a mask of {mask.frames} frames does not fit {clip.frames} frames")
    if mask.cells_TC.all():
        raise MMMError(
            "The range covers the whole motion, so nothing is left to go by: generate a new motion "
            "or choose a shorter range or a body part."
        )
    clip = _with_rest_pose(clip, mask)
    before_TC, after_TC, weight_TC = _between(mask)
    joints = np.arange(len(SMPL_22))
    before_TJ4 = clip.rotations_TJ4[before_TC[:, :-1], joints]
    after_TJ4 = clip.rotations_TJ4[after_TC[:, :-1], joints]
    weight_TJ, weight_T = weight_TC[:, :-1], weight_TC[:, -1]
    turns_TJ4 = slerp(before_TJ4, after_TJ4, weight_TJ)
    turns_TJ4[:, PELVIS] = _upright_slerp(
        before_TJ4[:, PELVIS], after_TJ4[:, PELVIS], weight_TJ[:, PELVIS]
    )
    start_T3, end_T3 = clip.root_T3[before_TC[:, -1]], clip.root_T3[after_TC[:, -1]]
    root_T3 = start_T3 + weight_T[:, None] * (end_T3 - start_T3)
    return clip.replace(
        rotations_TJ4=np.where(mask.rotations_TJ[..., None], turns_TJ4, clip.rotations_TJ4),
        root_T3=np.where(mask.root_T[:, None], root_T3, clip.root_T3),
    )


def _with_rest_pose(clip: MotionClip, mask: EditMask) -> MotionClip:
    """The clip with the rest pose in every channel that is masked throughout."""
    lost_C = mask.cells_TC.all(axis=0)
    return clip.replace(
        rotations_TJ4=np.where(lost_C[:-1, None], identity_quats(1), clip.rotations_TJ4),
        root_T3=np.where(lost_C[-1], _STANDING, clip.root_T3),
    )


def _between(mask: EditMask) -> tuple[IntArray, IntArray, FloatArray]:
    """Kept frames on either side of each cell, and how far it lies from one to the other (0..1).

    Three (T, C); before the first and after the last kept frame both are that frame. A channel
    without one answers with its first or last frame.
    """
    before_TC, after_TC = kept_neighbours(mask.cells_TC)
    none_before, none_after = before_TC < 0, after_TC >= mask.frames
    before_TC = np.where(none_before, np.minimum(after_TC, mask.frames - 1), before_TC)
    after_TC = np.where(none_after, before_TC, after_TC)
    frame_T1 = np.arange(mask.frames)[:, None]
    gap_TC = np.maximum(after_TC - before_TC, 1)
    return before_TC, after_TC, np.clip((frame_T1 - before_TC) / gap_TC, 0.0, 1.0)


def _upright_slerp(before_T4: FloatArray, after_T4: FloatArray, weight_T: FloatArray) -> FloatArray:
    """Between pelvis rotations, the heading on its shorter way and the tilt by slerp. (T, 4)."""
    start_T, end_T = yaw_of(before_T4), yaw_of(after_T4)
    tilt_T4 = slerp(
        quat_multiply(yaw_quat(-start_T), before_T4),
        quat_multiply(yaw_quat(-end_T), after_T4),
        weight_T,
    )
    return quat_multiply(yaw_quat(start_T + weight_T * wrap_angle(end_T - start_T)), tilt_T4)
