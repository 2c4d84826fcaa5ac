"""Where a motion that is still being made would stand: the body that a job shows meanwhile.

It is measured when the job is sent, and holds no reference into the scene.

T frames, J = 22 joints, 3 xyz.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.placement import Placement, joint_headings
from ...geometry.rotations import quat_rotate, yaw_quat
from ...worker.preview_messages import Previewed
from ..bpy_types import ArmatureObject, Context
from ..rig.target import scene_fps
from ..rig.world_space import WorldSpace, space_of_new_character, world_space


@dataclass(frozen=True, eq=False)
class PreviewStage:
    """space: of the character. scene_uid: its scene. first: scene frame of the answer's first; fps:
    of the scene. placement: where the answer is put, None where it stands already."""

    space: WorldSpace
    scene_uid: int
    first: int
    fps: float
    placement: Placement | None = None

    @classmethod
    def of(
        cls,
        context: Context,
        rig: ArmatureObject | None,
        first: int,
        placement: Placement | None,
        origin_3: tuple[float, float, float] | None = None,
    ) -> PreviewStage:
        """For a character as it lies now, or one that is still to be added, at a place of the world
        or the 3D cursor."""
        origin = tuple(context.scene.cursor.location) if origin_3 is None else origin_3
        space = space_of_new_character(origin) if rig is None else world_space(rig)
        scene = context.scene
        return cls(space, int(scene.session_uid), first, scene_fps(scene), placement)

    def in_world(self, seen: Previewed) -> FloatArray:
        """Joints (T, J, 3) of a preview in the world."""
        joints_TJ3 = seen.joints_TJ3
        if self.placement is not None and len(joints_TJ3):
            joints_TJ3 = _placed(joints_TJ3, self.placement)
        return self.space.to_world(joints_TJ3)

    def frames(self, seen: Previewed) -> FloatArray:
        """Scene frames (T,) of a preview."""
        seconds_T = seen.start + np.arange(len(seen.joints_TJ3)) / seen.fps
        return self.first + seconds_T * self.fps


StageMaker = Callable[[Context, ArmatureObject | None], PreviewStage | None]
"""Measures the stage of a job's target when the job is sent; None where nothing can be shown."""


def _placed(joints_TJ3: FloatArray, placement: Placement) -> FloatArray:
    """Rigidly over the ground, so that the first frame stands at the placement."""
    start_3 = joints_TJ3[0, 0] * np.array([1.0, 0.0, 1.0])
    turn = placement.yaw - float(joint_headings(joints_TJ3[:1])[0])
    target_3 = np.array([placement.x, 0.0, placement.z])
    return quat_rotate(yaw_quat(turn), joints_TJ3 - start_3) + target_3
