"""Whose list of prompts is meant: each character has its own.

The scene has one too: for prompts that were written before there was a character, and in files of
earlier versions, which knew no other. It belongs to the character that plays what was made from it,
and is moved to that one when the list is changed.
"""

from __future__ import annotations

from ..addon.shown_target import shown_character
from ..bpy_types import ArmatureObject, Context, Scene
from ..fcurves.layered_actions import assigned_action
from ..takes.take_list import listed_takes
from .properties import SegmentParams, SequenceList, scene_list


def sequence_list(context: Context) -> SequenceList:
    """The list of the active character; the scene's where there is none, or that is this one's."""
    return list_of(shown_character(context), context.scene)


def list_of(rig: ArmatureObject | None, scene: Scene) -> SequenceList:
    """The list that counts for a character, or for nobody yet."""
    old = scene_list(scene)
    own = _own(rig)
    if rig is None or own is None:
        return old
    is_used = len(own.lines) or own.action is not None
    return old if not is_used and len(old.lines) and _is_of(old, rig) else own


def own_list(rig: ArmatureObject | None, scene: Scene) -> SequenceList:
    """The same to be changed: what the scene had for this character is the character's from now."""
    found, old = list_of(rig, scene), scene_list(scene)
    own = _own(rig)
    if own is None or found != old:
        return found
    for line in old.lines:
        new = own.lines.add()
        params = SegmentParams.of(line)
        new.prompt, new.seconds, new.seed = params.prompt, params.seconds, params.seed
        new.segment = line.segment
    own.active, own.action = old.active, old.action
    old.lines.clear()
    old.active, old.action = 0, None
    return own


def _own(rig: ArmatureObject | None) -> SequenceList | None:
    """A character's list; a library override has none, since Blender saves no rows that are added
    to one: there the scene's counts."""
    if rig is None or rig.override_library is not None:
        return None
    return getattr(rig, "mmm_sequence", None)


def changed_list(context: Context) -> SequenceList:
    """The list of the active character, to be changed."""
    return own_list(shown_character(context), context.scene)


def _is_of(found: SequenceList, rig: ArmatureObject) -> bool:
    """The list is nobody's yet, or was made into what this character plays or has as a take."""
    if found.action is None or found.action == assigned_action(rig):
        return True
    takes = listed_takes(rig)
    return takes is not None and any(each.action == found.action for each in takes.takes)
