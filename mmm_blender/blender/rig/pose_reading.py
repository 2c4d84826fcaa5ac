"""Evaluated bones as a clip, by whichever map the rig has.

Shape suffixes: T frames, B read bones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ...common.arrays import ArrayLike, FloatArray
from ...geometry.clip import MotionClip
from ...geometry.retarget.retargeting import from_armature_points, to_armature_points
from ..bpy_types import ArmatureObject
from .binding import RigBinding, binding_of
from .mapped_pose import MappedPose
from .pose_space import PoseSpace, orientation_quats, pose_space


class PoseReading(Protocol):
    """Between a rig's armature space and model space. scale: armature units a model metre."""

    @property
    def read_bones(self) -> tuple[str, ...]:
        """Bones whose evaluated matrices make a clip."""
        ...

    @property
    def scale(self) -> float:
        """Armature units a model metre."""
        ...

    def clip(self, linear_TB33: FloatArray, heads_TB3: FloatArray, fps: float) -> MotionClip:
        """Matrices of ``read_bones`` in armature space, which may carry scale, as a clip."""
        ...

    def to_armature_points(self, points: ArrayLike) -> FloatArray:
        """Model space to armature space, (..., 3)."""
        ...

    def to_model_points(self, points: ArrayLike) -> FloatArray:
        """Armature space to model space, (..., 3)."""
        ...


def pose_reading(rig: ArmatureObject, binding: RigBinding | None = None) -> PoseReading:
    """Of a character. MMMError where it is none. binding: of the rig, where it is known."""
    binding = binding or binding_of(rig)
    if binding.smpl is not None:
        return _SmplReading(pose_space(rig, binding.smpl))
    return _MappedReading(MappedPose(rig, binding))


@dataclass(frozen=True, eq=False)
class _SmplReading:
    space: PoseSpace

    @property
    def read_bones(self) -> tuple[str, ...]:
        return self.space.bones

    @property
    def scale(self) -> float:
        return self.space.scale

    def clip(self, linear_TB33: FloatArray, heads_TB3: FloatArray, fps: float) -> MotionClip:
        return MotionClip(
            rotations_TJ4=self.space.to_local_rotations(orientation_quats(linear_TB33)),
            root_T3=self.space.to_model_points(heads_TB3[:, 0]),
            fps=fps,
        )

    def to_armature_points(self, points: ArrayLike) -> FloatArray:
        return self.space.to_armature_points(points)

    def to_model_points(self, points: ArrayLike) -> FloatArray:
        return self.space.to_model_points(points)


@dataclass(frozen=True, eq=False)
class _MappedReading:
    pose: MappedPose

    @property
    def read_bones(self) -> tuple[str, ...]:
        return self.pose.read_bones

    @property
    def scale(self) -> float:
        return self.pose.alignment.scale

    def clip(self, linear_TB33: FloatArray, heads_TB3: FloatArray, fps: float) -> MotionClip:
        return self.pose.clip(linear_TB33, heads_TB3, fps)

    def to_armature_points(self, points: ArrayLike) -> FloatArray:
        return to_armature_points(self.pose.alignment, points)

    def to_model_points(self, points: ArrayLike) -> FloatArray:
        return from_armature_points(self.pose.alignment, points)
