"""Named layouts of the feature vector: nobody indexes it with a bare number.

A layout says which joints and blocks a vector holds and in which order. Three are known:

humanml3d_263  HumanML3D (Guo et al., CVPR 2022): 22 joints at 20 fps. Rotations are derived from
               joint positions, joints 1..21; the pelvis has no tilt.
kit_251        KIT-ML in the same form: 21 joints at 12.5 fps.
smpl_269       ours: 22 joints at 20 fps, true SMPL local rotations, and the pelvis' rotation
               relative to the heading leads the rotation block.

All lengths in metres and frames, Y up; positions and velocities stand in the heading frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...common.arrays import IntArray
from ...common.errors import MMMError
from ...geometry.conventions import MODEL_FPS
from ...geometry.skeleton import LOWER_JOINTS, MIRROR, UPPER_JOINTS, joint_index

_KIT_FPS = 12.5
_CONTACTS = 4  # left ankle, left toe, right ankle, right toe
_XYZ = 3
_SIX = 6

_LEFT_ARM = tuple(map(joint_index, ("left_collar", "left_shoulder", "left_elbow", "left_wrist")))
_RIGHT_ARM = tuple(MIRROR[joint] for joint in _LEFT_ARM)

PART_JOINTS = {
    "lower": LOWER_JOINTS,
    "upper": UPPER_JOINTS,
    "torso": tuple(j for j in UPPER_JOINTS if j not in _LEFT_ARM + _RIGHT_ARM),
    "left_arm": _LEFT_ARM,
    "right_arm": _RIGHT_ARM,
}
"""Body parts that a tokenizer may treat apart; the root and the contacts go with "lower"."""


@dataclass(frozen=True)
class FeatureLayout:
    """One order of blocks in a feature vector.

    name: the key in ``LAYOUTS``. joints: J. fps: frames per second. true_rotations: the rotation
    block holds SMPL's local rotations (pelvis included), so a clip is read off it exactly; else
    joints are placed and the pose is fitted.
    """

    name: str
    joints: int
    fps: float
    true_rotations: bool

    @property
    def rotation_joints(self) -> tuple[int, ...]:
        """Joints whose rotation is stored, in order."""
        return tuple(range(0 if self.true_rotations else 1, self.joints))

    @cached_property
    def _starts(self) -> dict[str, int]:
        starts, at = {}, 0
        sizes = {
            "root_yaw_velocity": 1,
            "root_xz_velocity": 2,
            "root_height": 1,
            "positions": _XYZ * (self.joints - 1),
            "rotations": _SIX * len(self.rotation_joints),
            "velocities": _XYZ * self.joints,
            "contacts": _CONTACTS,
        }
        for block, size in sizes.items():
            starts[block] = at
            at += size
        return starts | {"end": at}

    def block(self, name: str) -> slice:
        """Channels of a block, by the block's name."""
        names = list(self._starts)
        return slice(self._starts[name], self._starts[names[names.index(name) + 1]])

    @property
    def channels(self) -> int:
        """Length C of the vector."""
        return self._starts["end"]

    @property
    def root_yaw_velocity(self) -> slice:
        """Turn of the heading to the next frame about +Y (units: see the encoder). 1 channel."""
        return self.block("root_yaw_velocity")

    @property
    def root_xz_velocity(self) -> slice:
        """Root step to the next frame in the heading frame, metres. 2 channels: x, z."""
        return self.block("root_xz_velocity")

    @property
    def root_height(self) -> slice:
        """Root height over the floor, metres. 1 channel."""
        return self.block("root_height")

    @property
    def positions(self) -> slice:
        """Joints 1..J-1: x and z from the root, y from the floor, metres. 3 (J - 1) channels."""
        return self.block("positions")

    @property
    def rotations(self) -> slice:
        """6D rotations of ``rotation_joints``."""
        return self.block("rotations")

    @property
    def velocities(self) -> slice:
        """Steps of joints 0..J-1 to the next frame in the heading frame, metres. 3 J channels."""
        return self.block("velocities")

    @property
    def contacts(self) -> slice:
        """Left ankle, left toe, right ankle, right toe: 1 on the ground, else 0."""
        return self.block("contacts")

    def joint_channels(self, joint: int) -> IntArray:
        """All channels of one joint: position, rotation, velocity (what the layout holds of it)."""
        parts = [np.arange(_XYZ) + self.velocities.start + _XYZ * joint]
        if joint > 0:
            parts.append(np.arange(_XYZ) + self.positions.start + _XYZ * (joint - 1))
        if joint in self.rotation_joints:
            at = self.rotation_joints.index(joint)
            parts.append(np.arange(_SIX) + self.rotations.start + _SIX * at)
        return np.sort(np.concatenate(parts))

    def part_channels(self, part: str) -> IntArray:
        """Sorted channels of "all" or of a part; lower owns the root and the contacts."""
        if part == "all":
            return np.arange(self.channels)
        if part not in PART_JOINTS:
            raise MMMError(
                f"Body part '{part}' is not known: use all or {' or '.join(PART_JOINTS)}."
            )
        channels = [self.joint_channels(j) for j in PART_JOINTS[part] if j < self.joints]
        if part == "lower":
            channels += [np.arange(self.positions.start), np.arange(self.channels)[self.contacts]]
        return np.sort(np.concatenate(channels))


def upper_joints(layout: FeatureLayout) -> tuple[int, ...]:
    """Joints of the upper body that a layout has."""
    return tuple(joint for joint in UPPER_JOINTS if joint < layout.joints)


HUMANML3D_263 = FeatureLayout("humanml3d_263", joints=22, fps=MODEL_FPS, true_rotations=False)
KIT_251 = FeatureLayout("kit_251", joints=21, fps=_KIT_FPS, true_rotations=False)
SMPL_269 = FeatureLayout("smpl_269", joints=22, fps=MODEL_FPS, true_rotations=True)

LAYOUTS = {layout.name: layout for layout in (HUMANML3D_263, KIT_251, SMPL_269)}


def layout_named(name: str) -> FeatureLayout:
    """The layout of that name; MMMError if a bundle speaks one that is not known."""
    if name not in LAYOUTS:
        raise MMMError(
            f"These weights speak the feature layout '{name}', which this version does not know "
            f"({', '.join(LAYOUTS)}): update the extension."
        )
    return LAYOUTS[name]
