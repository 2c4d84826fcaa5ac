"""What the eye sees of a motion, in numbers: read off the exported rotations alone.

T frames, J = 22 joints; model space, metres, Y up, the floor at y = 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ...geometry.clip import MotionClip
from ...geometry.feet.contacts import CONTACT_JOINTS, foot_contacts, joint_speeds
from ...geometry.kinematics import clip_joints
from ...geometry.rotations import quat_to_rotation_vector
from ...geometry.skeleton import ANIMATED_JOINTS, SMPL_22, SOLE_HEIGHT, joint_index

SLIDE, BELOW, JERK = "foot slide, cm/s", "feet below floor, cm", "jerk, m/s³"
LIMITS, CONTACT = "frames beyond joint limits, %", "frames in contact, %"
FIGURES = (SLIDE, BELOW, JERK, LIMITS, CONTACT)

_GROUND = np.array([1.0, 0.0, 1.0])
_TOES = (joint_index("left_foot"), joint_index("right_foot"))

_HINGES: Mapping[str, tuple[float, float, float]] = {
    "left_knee": (1, 0, 0),
    "right_knee": (1, 0, 0),
    "left_elbow": (0, -1, 0),
    "right_elbow": (0, 1, 0),
}
"""Axis about which a joint bends by a positive angle."""

_HINGE_RANGE = (-20.0, 165.0)
"""Degrees about the axis: a little over what people straighten, and captured limbs overstretch."""

_LARGEST_TURN: Mapping[str, float] = {
    "hip": 140.0,
    "ankle": 80.0,
    "spine1": 60.0,
    "spine2": 60.0,
    "spine3": 60.0,
    "neck": 80.0,
    "head": 80.0,
    "collar": 60.0,
    "shoulder": 170.0,
    "wrist": 110.0,
}
"""Largest rotation from the rest pose, degrees: wide of what a person reaches, so that only broken
poses count."""


def clip_figures(clip: MotionClip) -> dict[str, float]:
    """The figures of one clip; foot slide is missing where no foot is in contact."""
    joints = clip_joints(clip)
    contacts = foot_contacts(joints, clip.fps)
    depth_T = np.maximum(0.0, SOLE_HEIGHT - joints[:, _TOES, 1].min(axis=1))
    figures = {
        BELOW: 100 * float(depth_T.mean()),
        LIMITS: 100 * float(beyond_limits(clip).any(axis=1).mean()),
        CONTACT: 100 * float(contacts.any(axis=1).mean()),
    }
    if contacts.any():
        speeds = joint_speeds(joints[:, CONTACT_JOINTS] * _GROUND, clip.fps)
        figures[SLIDE] = 100 * float(speeds[contacts].mean())
    if clip.frames > 3:
        figures[JERK] = float(jerk(joints, clip.fps).mean())
    return figures


def motion_figures(clips: Sequence[MotionClip]) -> dict[str, float]:
    """Means over clips, each over the clips that have the figure."""
    rows = [clip_figures(clip) for clip in clips]
    values = {name: [row[name] for row in rows if name in row] for name in FIGURES}
    return {name: float(np.mean(found)) for name, found in values.items() if found}


def jerk(joints_TJ3: FloatArray, fps: float) -> FloatArray:
    """Mean over joints of the third derivative's length, m/s³. (T - 3,); entry t is of the frames
    t to t + 3."""
    return np.linalg.norm(np.diff(joints_TJ3, n=3, axis=0), axis=-1).mean(axis=-1) * fps**3


def beyond_limits(clip: MotionClip) -> BoolArray:
    """Where a joint turns further than people can. (T, J)."""
    vectors_TJ3 = np.degrees(quat_to_rotation_vector(clip.rotations_TJ4))
    broken = np.zeros((clip.frames, ANIMATED_JOINTS), dtype=np.bool_)
    for joint, name in enumerate(SMPL_22.names):
        if name in _HINGES:
            bend = vectors_TJ3[:, joint] @ np.array(_HINGES[name], dtype=np.float64)
            broken[:, joint] = (bend < _HINGE_RANGE[0]) | (bend > _HINGE_RANGE[1])
        largest = _LARGEST_TURN.get(name.removeprefix("left_").removeprefix("right_"))
        if largest is not None:
            broken[:, joint] = np.linalg.norm(vectors_TJ3[:, joint], axis=-1) > largest
    return broken
