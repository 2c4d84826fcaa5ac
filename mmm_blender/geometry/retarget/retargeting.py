"""Clips to orientations of a rig's bones, and back.

Bones and joints are slots of a few axes: a bone of a chain lies between two joints of SMPL, a joint
between two bones of a chain. Both ways are the same arithmetic with the ends exchanged.

Shape suffixes: T frames, J = 22 joints, B bones, 3 armature units, 4 quaternions w first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...common.arrays import ArrayLike, FloatArray, IntArray
from ..clip import MotionClip
from ..kinematics import global_rotations
from ..rotations import quat_conjugate, quat_multiply, quat_rotate, slerp
from ..skeleton import SMPL_22, SOLE_HEIGHT, joint_index
from .alignment import Alignment
from .rig_map import CHAINS, SLOTS, SPINE, anchors

HIPS_3 = SMPL_22.offsets_J3[[joint_index("left_hip"), joint_index("right_hip")]].mean(axis=0)
"""Middle of the model's hips from its pelvis joint."""

MODEL_HIP_HEIGHT: float = float(SOLE_HEIGHT - SMPL_22.rest_positions_J3[:, 1].min() + HIPS_3[1])
"""Height of the middle of the model's hips over its soles in the T-pose, metres."""


@dataclass(frozen=True, eq=False)
class Between:
    """Each of N things lies ``share_N`` of the way from number ``low_N`` to number ``high_N``."""

    low_N: IntArray
    high_N: IntArray
    share_N: FloatArray

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, float]]) -> Between:
        """From rows of low, high and share."""
        low, high, share = zip(*rows, strict=True) if rows else ((), (), ())
        return cls(np.array(low, np.intp), np.array(high, np.intp), np.array(share, np.float64))

    def blend(self, turns_TN4: FloatArray) -> FloatArray:
        """Turns of the things, (..., N, 4); those that lie on a number have exactly its."""
        low, high = turns_TN4[..., self.low_N, :], turns_TN4[..., self.high_N, :]
        mixed = low.copy()
        on_high = self.share_N >= 1.0
        mixed[..., on_high, :] = high[..., on_high, :]
        between = (self.share_N > 0.0) & ~on_high
        if between.any():
            mixed[..., between, :] = slerp(
                low[..., between, :], high[..., between, :], self.share_N[between]
            )
        return mixed


def bones_between_joints(slots: Sequence[tuple[str, int, int]]) -> Between:
    """Where bones lie among the joints. slots: of each bone its slot, its number in the slot's
    chain, and the chain's length."""
    rows: list[tuple[int, int, float]] = []
    for slot, at, count in slots:
        if slot not in CHAINS:
            joint = joint_index(slot)
            rows.append((joint, joint, 0.0))
            continue
        chain = [joint_index(name) for name in CHAINS[slot]]
        below = SMPL_22.parents[chain[0]]
        place = _place_in_chain(at, count, len(chain))
        low = int(np.ceil(place)) - 1
        rows.append(((below, *chain)[low], chain[low], place - low))
    return Between.of(rows)


def _place_in_chain(at: int, bones: int, joints: int) -> float:
    """Where a bone of a chain lies: 0 is what the chain begins on, 1 its first joint."""
    if bones < joints:
        return (at + 1) * joints / bones
    known = np.array([0, *(each + 1 for each in anchors(joints, bones))])
    return float(np.interp(at + 1, known, np.arange(joints + 1)))


def joints_between_bones(bones: Mapping[str, Sequence[int]]) -> Between:
    """Where the 22 joints lie among bones. bones: numbers of each slot's bones, in order; the
    pelvis has one. A joint without a bone takes what its parent has."""
    rows: dict[str, tuple[int, int, float]] = {}
    for slot in SLOTS:
        numbers = list(bones.get(slot, ()))
        for name in CHAINS.get(slot, (slot,)):
            if numbers:
                rows[name] = _among(numbers, slot, name, bones)
    spine = rows.get(SPINE[-1], rows["pelvis"])
    for joint, name in enumerate(SMPL_22.names):
        if name not in rows:
            parent = SMPL_22.names[SMPL_22.parents[joint]]
            rows[name] = spine if parent in SPINE else rows[parent]
    return Between.of([rows[name] for name in SMPL_22.names])


def _among(
    numbers: list[int], slot: str, name: str, bones: Mapping[str, Sequence[int]]
) -> tuple[int, int, float]:
    if slot not in CHAINS:
        return numbers[0], numbers[0], 0.0
    chain = CHAINS[slot]
    below = bones["pelvis"] if slot == "spine" else bones.get("spine") or bones["pelvis"]
    if len(numbers) >= len(chain):
        own = numbers[anchors(len(chain), len(numbers))[chain.index(name)]]
        return own, own, 0.0
    place = (chain.index(name) + 1) * len(numbers) / len(chain)
    low = int(np.ceil(place)) - 1
    return (below[-1], *numbers)[low], numbers[low], place - low


@dataclass(frozen=True, eq=False)
class Retargeting:
    """How a rig's bones go with a clip.

    alignment: of the rig. rest_B4: orientations of the bones at rest, armature space. bones: where
    they lie among the joints. joints: where the joints lie among them, None where nothing is read
    from them.
    """

    alignment: Alignment
    rest_B4: FloatArray
    bones: Between
    joints: Between | None = None

    def orientations(self, clip: MotionClip) -> FloatArray:
        """Of the bones in armature space, (T, B, 4), that show a clip."""
        axes_4 = self.alignment.axes_4
        turned = self.bones.blend(global_rotations(clip.rotations_TJ4, SMPL_22.parents))
        return quat_multiply(axes_4, quat_multiply(turned, self._tpose_B4))

    def rotations(self, orientations_TB4: FloatArray) -> FloatArray:
        """Local rotations (T, 22, 4) that orientations of the bones show."""
        assert self.joints is not None
        inward = quat_conjugate(self.alignment.axes_4)
        turned = quat_multiply(
            quat_multiply(inward, orientations_TB4), quat_conjugate(self._tpose_B4)
        )
        world = self.joints.blend(turned)
        local = world.copy()
        parents = world[..., SMPL_22.parents[1:], :]
        local[..., 1:, :] = quat_multiply(quat_conjugate(parents), world[..., 1:, :])
        return local

    @property
    def _tpose_B4(self) -> FloatArray:
        """Orientations of the bones in the T-pose, model axes."""
        inward = quat_conjugate(self.alignment.axes_4)
        aligned = self.bones.blend(self.alignment.alignments_J4)
        return quat_multiply(aligned, quat_multiply(inward, self.rest_B4))


def hips_of_clip(alignment: Alignment, clip: MotionClip) -> FloatArray:
    """Where the middle of the rig's hips belongs, (T, 3), armature space.

    The way over the ground and the height go in leg lengths, so that feet stay on the floor.
    """
    hips_T3 = clip.root_T3 + quat_rotate(clip.rotations_TJ4[:, 0], HIPS_3)
    return to_armature_points(alignment, hips_T3)


def to_armature_points(alignment: Alignment, points: ArrayLike) -> FloatArray:
    """Model space to armature space, (..., 3): as the middle of the hips goes, so does all."""
    up_3 = np.array([0.0, 1.0, 0.0])
    raised = (np.asarray(points) - MODEL_HIP_HEIGHT * up_3) * alignment.scale
    standing = quat_rotate(alignment.axes_4, raised + alignment.height * up_3)
    return standing + alignment.floor_3


def root_of_hips(alignment: Alignment, hips_T3: FloatArray, rotations_T4: FloatArray) -> FloatArray:
    """The model's pelvis (T, 3) for where the middle of the rig's hips is, the reverse of
    ``hips_of_clip``. rotations_T4: of the pelvis, model space."""
    middle_T3 = from_armature_points(alignment, hips_T3)
    return middle_T3 - quat_rotate(rotations_T4, HIPS_3)


def from_armature_points(alignment: Alignment, points: ArrayLike) -> FloatArray:
    """The reverse of ``to_armature_points``."""
    up_3 = np.array([0.0, 1.0, 0.0])
    inward = quat_conjugate(alignment.axes_4)
    standing = quat_rotate(inward, np.asarray(points) - alignment.floor_3)
    return (standing - alignment.height * up_3) / alignment.scale + MODEL_HIP_HEIGHT * up_3
