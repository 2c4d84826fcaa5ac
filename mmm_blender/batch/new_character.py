"""A character with the motion of a row, in a scene that was empty."""

from __future__ import annotations

from pathlib import Path

from ..blender.addon.availability import mode_poll_error
from ..blender.bpy_types import Action, ArmatureObject, bpy
from ..blender.history.recipe_store import load_recipe
from ..blender.rig.armature import create_character
from ..blender.rig.target import scene_fps
from ..blender.sequence.layout import sequence_segments
from ..blender.sequence.markers import replace_markers
from ..common.errors import MMMError
from .delivery import START_FRAME
from .open_motion import open_blend, open_motion


def new_character(fps: float) -> ArmatureObject:
    """A new file at a frame rate, with a character."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = max(1, round(fps))
    scene.render.fps_base = scene.render.fps / fps
    scene.frame_start = scene.frame_end = scene.frame_current = START_FRAME
    return create_character(bpy.context)


def character_for(fps: float, file: Path | None) -> ArmatureObject:
    """The character of a Blender file, which is open from here on and keeps its frame rate; without
    one ``new_character``. MMMError where it has none that can be keyed."""
    if file is None:
        return new_character(fps)
    rig = open_motion(file)
    if reason := mode_poll_error(bpy.context, "Generate"):
        raise MMMError(reason)
    return rig


def rate_of(file: Path) -> float:
    """Frames per second of a Blender file, which is open from here on."""
    open_blend(file)
    return scene_fps(bpy.context.scene)


def mark_segments(action: Action) -> None:
    """Markers where the segments of a sequence begin."""
    replace_markers(bpy.context.scene, (), sequence_segments(load_recipe(action)))


NAME_LENGTH = 20  # of an Action that soon goes
