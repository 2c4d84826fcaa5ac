"""Clips to keys and poses back: what the operators and the command-line tools call.

Keys are in armature space, so the object can be moved, turned and scaled afterwards. Hands and
the object's own transform are never written.
"""

from __future__ import annotations

import numpy as np

from ...common.errors import MMMError
from ...common.untrusted import LAST_FRAME
from ...geometry.clip import MotionClip
from ...geometry.resample import resample
from ..bpy_types import Action, ArmatureObject, bpy
from ..fcurves.layered_actions import assign_action, build_action
from ..fcurves.rollback import all_or_nothing
from ..fcurves.slot_properties import ROOT_PROPERTY, write_text
from ..rig.binding import binding_of
from ..rig.clip_channels import clip_channels, switch_channels
from ..rig.rig_options import root_motion, taking_root_motion
from ..rig.scene_end import follow_motion
from ..rig.target import scene_fps, scene_of
from .recipe import Recipe
from .recipe_store import store_recipe

_NAME_LENGTH = 48
"""Letters of a prompt in an Action's name: Blender 4 takes 63 bytes, and adds .001."""

_DEFAULT_NAME = "MMM motion"


def write_clip(
    rig: ArmatureObject, clip: MotionClip, start_frame: int, recipe: Recipe | None = None
) -> Action:
    """Key ``clip`` on a character, in a new Action that becomes the active one.

    One linear key of type GENERATED at every scene frame from ``start_frame`` on, on the bones that
    its map writes, in their own rotation modes. The Action before it is kept; the scene ends as its
    setting says. Raises MMMError, with nothing changed, if the rig cannot take it.
    """
    action = make_action(rig, clip, start_frame, recipe)
    with all_or_nothing(lambda: bpy.data.actions.remove(action)):
        assign_action(rig, action)
    follow_motion(scene_of(rig), int(action.frame_range[1]))
    return action


def make_action(
    rig: ArmatureObject,
    clip: MotionClip,
    start_frame: int,
    recipe: Recipe | None = None,
    fps: float | None = None,
) -> Action:
    """The Action of ``write_clip``, which the rig does not have yet. fps: of its keys, the scene's
    if not given."""
    sampled = resample(clip, fps or scene_fps(scene_of(rig)))
    if max(abs(start_frame), abs(start_frame + sampled.frames)) > LAST_FRAME:
        raise MMMError(f"Blender has no frame beyond {LAST_FRAME}: start the motion earlier.")
    frames_T = start_frame + np.arange(sampled.frames)
    choice = root_motion(rig)
    with taking_root_motion(choice):
        binding = binding_of(rig)
        channels = clip_channels(rig, binding, sampled)
    channels += switch_channels(rig, binding, sampled.frames)
    action = build_action(action_name(recipe), frames_T, channels, owner=rig.name)
    if binding.smpl is None:
        write_text(action, ROOT_PROPERTY, choice)
    if recipe is not None:
        store_recipe(action, recipe)
    return action


def action_name(recipe: Recipe | None) -> str:
    """A name for the Action: the prompt, on one line, cut between words."""
    words = "" if recipe is None else " ".join(recipe.prompt.split())
    if len(words) > _NAME_LENGTH:
        words = words[:_NAME_LENGTH].rsplit(" ", 1)[0] + "…"
    return words or _DEFAULT_NAME
