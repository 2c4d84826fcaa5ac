"""What becomes of a worker's answer in a script: a clip, and keys on an armature.

Only ``key_clip`` needs bpy, so that files without Blender can be written where there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.placement import Placement, place
from mmm_blender.worker.protocol import Generated

if TYPE_CHECKING:
    from mmm_blender.blender.host import Action, ArmatureObject

START_FRAME = 1


def clip_of(answer: Generated) -> MotionClip:
    """The clip in an answer, first frame at the origin, facing +Z (model axes)."""
    clip = MotionClip(answer.rotations_TJ4, answer.root_T3, answer.fps, answer.twist_estimated)
    return place(clip, Placement())


def key_clip(rig: ArmatureObject, clip: MotionClip, told: dict[str, Any]) -> Action:
    """Key a clip on an SMPL armature from START_FRAME on. told: the worker's recipe."""
    from mmm_blender.blender.animation import scene_fps, scene_of, write_clip  # noqa: PLC0415
    from mmm_blender.blender.recipe import Recipe  # noqa: PLC0415  # see the module's docstring

    fps = scene_fps(scene_of(rig))
    recipe = Recipe.from_worker(told, START_FRAME, fps, Placement())
    return write_clip(rig, clip, START_FRAME, recipe)
