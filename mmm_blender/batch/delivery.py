"""What becomes of a worker's answer in a script: a clip, and keys on an armature.

``recipe_of`` and ``key_clip`` need bpy, and the rest does not, so that files without Blender can be
written where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..geometry.clip import MotionClip
from ..geometry.placement import Placement, place, placement_of
from ..worker.protocol import Generated

if TYPE_CHECKING:
    from ..blender.bpy_types import Action, ArmatureObject
    from ..blender.history.recipe import Recipe

START_FRAME = 1
RATE_TOLERANCE = 1e-3
"""Frames per second: rates that are nearer are one, as for a replay."""


def clip_of(answer: Generated) -> MotionClip:
    """The clip in an answer: on its path, or first frame at the origin, facing +Z (model axes)."""
    return place(answer.clip, _placement(answer.recipe, answer.clip))


def _placement(worker_recipe: Mapping[str, Any], clip: MotionClip) -> Placement:
    """Where a clip is put, and which way it faces there. worker_recipe: as below."""
    has_path = worker_recipe.get("conditions", {}).get("path") is not None
    return placement_of(clip) if has_path else Placement()


def recipe_of(worker_recipe: Mapping[str, Any], clip: MotionClip, fps: float) -> Recipe:
    """The recipe of an answer that is keyed from START_FRAME on.

    worker_recipe: the worker's part of it. clip: where it was put. fps: the scene's rate.
    """
    from ..blender.history.recipe import Recipe, generate_step, sequence_step  # noqa: PLC0415  # see the module's docstring

    make_step = sequence_step if "prompts" in worker_recipe else generate_step
    placement = _placement(worker_recipe, clip)
    return Recipe((make_step(worker_recipe, START_FRAME, fps, placement),))


def key_clip(
    rig: ArmatureObject, clip: MotionClip, worker_recipe: Mapping[str, Any], root_motion: str = ""
) -> Action:
    """Key a clip on a character from START_FRAME on. worker_recipe: as in ``recipe_of``.
    root_motion: what carries its way, as the panel Rig has it; "" for what the character says."""
    from ..blender.rig.rig_options import taking_root_motion  # noqa: PLC0415

    with taking_root_motion(root_motion):
        return _keyed(rig, clip, worker_recipe)


def _keyed(rig: ArmatureObject, clip: MotionClip, worker_recipe: Mapping[str, Any]) -> Action:
    from ..blender.actions.object_way import way_to_object  # noqa: PLC0415
    from ..blender.history.fingerprint import store_fingerprint  # noqa: PLC0415
    from ..blender.history.new_action import write_clip  # noqa: PLC0415
    from ..blender.rig.rig_options import OBJECT, root_motion  # noqa: PLC0415
    from ..blender.rig.target import scene_fps, scene_of  # noqa: PLC0415

    scene_rate = scene_fps(scene_of(rig))
    # Blender keeps 29.97 as 29.969998: the recipe says what the worker was asked for
    fps = clip.fps if abs(clip.fps - scene_rate) < RATE_TOLERANCE else scene_rate
    recipe = _on_rig(recipe_of(worker_recipe, clip, fps), rig)
    action = write_clip(rig, clip, START_FRAME, recipe)
    if root_motion(rig) == OBJECT:
        way_to_object(rig, action)
    store_fingerprint(rig, action)
    return action


def _on_rig(recipe: Recipe, rig: ArmatureObject) -> Recipe:
    """The recipe with the map by which a character is keyed, and what carries its way."""
    from ..blender.history.recipe import Recipe  # noqa: PLC0415
    from ..blender.rig.binding import binding_of, recorded_root_motion  # noqa: PLC0415

    binding = binding_of(rig)
    root = recorded_root_motion(rig, binding)
    return Recipe(tuple(replace(step, rig=binding.recipe_name, root=root) for step in recipe.steps))
