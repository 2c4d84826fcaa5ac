"""The SMPL skeleton: names, parents and rest offsets of a mean adult.

The joint order and names are SMPL's (Loper et al., SIGGRAPH Asia 2015). The offsets are our own
round figures for an adult of about 1.7 m, not taken from a licensed model file; a person's own
model replaces them through ``motion.body_model``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..common.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A tree of joints in rest pose.

    names: one a joint, parents before children. parents: index of each joint's parent, -1 for
    the root. offsets_J3: rest position of each joint relative to its parent, metres, model space
    (Y up, facing +Z); the root's own offset is zero.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets_J3: FloatArray

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.parents) == len(self.offsets_J3):
            raise ValueError("names, parents and offsets must have one entry a joint")
        if any(parent >= joint for joint, parent in enumerate(self.parents)):
            raise ValueError("every parent must come before its children")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def rest_positions_J3(self) -> FloatArray:
        """Rest position of every joint relative to the root, metres. (J, 3)."""
        positions = np.zeros((len(self), 3))
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                positions[joint] = positions[parent] + self.offsets_J3[joint]
        return positions

    @property
    def leg_length(self) -> float:
        """Rest distance from left hip over the knee to the ankle, metres."""
        chain = [self.names.index("left_knee"), self.names.index("left_ankle")]
        return float(np.linalg.norm(self.offsets_J3[chain], axis=-1).sum())

    def children(self, joint: int) -> tuple[int, ...]:
        """Indices of the joints whose parent is ``joint``."""
        return tuple(j for j, parent in enumerate(self.parents) if parent == joint)

    def subset(self, count: int) -> Skeleton:
        """The first ``count`` joints (22 leaves SMPL's hands out)."""
        return Skeleton(self.names[:count], self.parents[:count], self.offsets_J3[:count])

    def with_offsets(self, offsets_J3: FloatArray) -> Skeleton:
        """The same joints with other proportions."""
        return replace(self, offsets_J3=np.asarray(offsets_J3, dtype=np.float64))


# name, parent, rest offset in metres (left is +X, up +Y, forward +Z)
_SMPL_JOINTS: tuple[tuple[str, int, tuple[float, float, float]], ...] = (
    ("pelvis", -1, (0.0, 0.0, 0.0)),
    ("left_hip", 0, (0.060, -0.085, -0.010)),
    ("right_hip", 0, (-0.060, -0.085, -0.010)),
    ("spine1", 0, (0.0, 0.115, -0.030)),
    ("left_knee", 1, (0.040, -0.385, 0.005)),
    ("right_knee", 2, (-0.040, -0.385, 0.005)),
    ("spine2", 3, (0.0, 0.135, 0.020)),
    ("left_ankle", 4, (-0.015, -0.410, -0.035)),
    ("right_ankle", 5, (0.015, -0.410, -0.035)),
    ("spine3", 6, (0.0, 0.055, 0.0)),
    ("left_foot", 7, (0.040, -0.055, 0.125)),
    ("right_foot", 8, (-0.040, -0.055, 0.125)),
    ("neck", 9, (0.0, 0.215, -0.030)),
    ("left_collar", 9, (0.075, 0.115, -0.020)),
    ("right_collar", 9, (-0.075, 0.115, -0.020)),
    ("head", 12, (0.0, 0.090, 0.045)),
    ("left_shoulder", 13, (0.115, 0.040, -0.015)),
    ("right_shoulder", 14, (-0.115, 0.040, -0.015)),
    ("left_elbow", 16, (0.260, -0.010, -0.020)),
    ("right_elbow", 17, (-0.260, -0.010, -0.020)),
    ("left_wrist", 18, (0.250, 0.010, -0.005)),
    ("right_wrist", 19, (-0.250, 0.010, -0.005)),
    ("left_hand", 20, (0.085, -0.010, -0.015)),
    ("right_hand", 21, (-0.085, -0.010, -0.015)),
)

SMPL = Skeleton(
    names=tuple(name for name, _, _ in _SMPL_JOINTS),
    parents=tuple(parent for _, parent, _ in _SMPL_JOINTS),
    offsets_J3=np.array([offset for _, _, offset in _SMPL_JOINTS]),
)
"""All 24 joints of SMPL."""

ANIMATED_JOINTS = 22
"""Joints that the model animates: all but the two hands."""

SMPL_22 = SMPL.subset(ANIMATED_JOINTS)

SOLE_HEIGHT = 0.035
"""Height of the toe joint over the sole in rest pose, metres (a bare adult foot)."""

LOWER_JOINTS = (0, 1, 2, 4, 5, 7, 8, 10, 11)
"""Pelvis and legs: the lower body part."""

UPPER_JOINTS = tuple(j for j in range(ANIMATED_JOINTS) if j not in LOWER_JOINTS)
"""Spine, head and arms: the upper body part."""


def joint_index(name: str) -> int:
    """Index of an SMPL joint by name."""
    return SMPL.names.index(name)


def _mirrored(name: str) -> str:
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    if name.startswith("right_"):
        return "left_" + name.removeprefix("right_")
    return name


MIRROR = tuple(SMPL.names.index(_mirrored(name)) for name in SMPL_22.names)
"""For each of the 22 joints the joint on the other side."""
