"""Motion that goes on from what the character does already, instead of replacing it.

To continue is an edit of frames from the playhead on: what stands before it is what the model sees,
keys after the new frames are met, and everything else in the Action stays.
"""

from __future__ import annotations

from ...common.errors import MMMError
from ..actions.range_writer import keyed_extent
from ..addon.bundle_choice import chosen_bundle
from ..addon.known_prompts import prompt_parts
from ..addon.scene_settings import CONTINUE
from ..bpy_types import ArmatureObject, Context
from ..edit.chosen_range import ChosenRange, Source
from ..edit.task import EditParams
from ..fcurves.layered_actions import assigned_action
from ..path.planned_path import has_path
from ..path.properties import FREE, POSE
from ..rig.target import scene_fps, target_armature
from .task import GenerateParams


def motion_before(context: Context, rig: ArmatureObject | None) -> str:
    """Name of the Action that has keys before the playhead; "" where there is none."""
    action = None if rig is None else assigned_action(rig)
    if rig is None or action is None:
        return ""
    keyed = keyed_extent(rig, action)
    if keyed is None or keyed[0] >= context.scene.frame_current:
        return ""
    return str(action.name)


def continues(existing: str, start: str, end: str, has_path: bool) -> bool:
    """What the person asks for can be had by going on: from the pose, to no end of its own, and on
    no path, which takes its own time."""
    return existing == CONTINUE and start == POSE and end == FREE and not has_path


def continuation(context: Context, params: GenerateParams, existing: str) -> EditParams | None:
    """The edit that continues the character's motion; None where a new one is made. existing: what
    the person wants to become of motion before the playhead.

    Raises MMMError where only a new motion can be made of the prompt.
    """
    targets = params.targets
    on_path = has_path(context, targets.path)
    if params.loop or not continues(existing, targets.start, targets.end, on_path):
        return None
    if not motion_before(context, target_armature(context)):
        return None
    if not params.prompt.strip():
        raise MMMError("The prompt is empty: say in a few words what the body does.")
    card = chosen_bundle(context.scene, params.bundle)
    if prompt_parts(card, params.prompt, params.seconds):
        raise MMMError(
            "This prompt has several parts: continue with one after the other, or choose Replace."
        )
    first = int(context.scene.frame_current)
    frames = max(1, round(params.seconds * scene_fps(context.scene)))
    return EditParams(
        params.prompt,
        ChosenRange(first, first + frames - 1, Source.GIVEN),
        seed=params.seed,
        pin_feet=params.pin_feet,
        bundle=params.bundle,
        takes=params.takes,
        claim_tries=params.claim_tries,
    )
