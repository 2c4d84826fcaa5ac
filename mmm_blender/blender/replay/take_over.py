"""The user's own keys, carried from the old Action to the one that was made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from ...common.errors import MMMError
from ..actions.validation import LOCATION
from ..bpy_types import Action, ArmatureObject, bpy
from ..fcurves.curve_snapshot import CurveId, RawCurve, raw_curves, restore
from ..fcurves.frame_range import ALL_FRAMES
from ..fcurves.keyframe_arrays import KEY_DTYPE
from ..fcurves.layered_actions import BONE_PATH, curve_store, slot_identifier
from ..fcurves.rollback import all_or_nothing
from ..fcurves.slot_properties import read_text, write_text
from ..history.fingerprint import FINGERPRINT_PROPERTY, load_fingerprint, store_fingerprint
from ..history.locked_keys import LockedKeys, user_keys_after
from ..history.recipe_store import RECIPE_PROPERTY, load_recipe
from ..history.user_edits import user_edits
from ..rig.pose_reading import pose_reading

_Curves: TypeAlias = Mapping[tuple[str, int], RawCurve]
"""Curves of the rig, by data path and index."""


_ALIKE = 0.05
"""How far keys may come from those that the steps once made: metres, radians, or parts of a
quaternion. Other machines and versions of PyTorch stay far below, other armatures do not."""


def taken_over(rig: ArmatureObject, old: Action, made: Action) -> Action:
    """The Action that takes the place of ``made``, which goes: all of ``old``, but the bones that
    nobody changed since the last step as they were made. If it cannot be, both go.

    Its fingerprint is of what the steps made, as the old one's, so that user edits stay known.
    """
    with all_or_nothing(lambda: bpy.data.actions.remove(made)) as undo:
        again = _made_again(rig, old, made)
        _check_alike(rig, old, again)
        store_fingerprint(rig, made, user_keys_after(rig, old, ALL_FRAMES, (), LockedKeys({})))
        if curve_store(rig, old) is None:  # nothing but a recipe
            return made
        action: Action = old.copy()
        undo.callback(bpy.data.actions.remove, action)
        restore(action, _merged(rig, old, again))
        for name in (RECIPE_PROPERTY, FINGERPRINT_PROPERTY):
            write_text(action, name, read_text(made, name, rig), rig)
    name = str(made.name)
    bpy.data.actions.remove(made)
    action.name = name
    return action


def _check_alike(rig: ArmatureObject, old: Action, again: _Curves) -> None:
    """MMMError where the steps do not come to the same keys on this rig, if that can be known."""
    recipe = load_recipe(old, rig)
    sampled = recipe is None or not all(step.tokens for step in recipe.steps)
    if recipe is None or sampled or load_fingerprint(old, rig) is None:
        return
    simplified = any(getattr(step, "tolerance", ()) for step in recipe.steps)
    once, scale = raw_curves(old), pose_reading(rig).scale
    for (path, index), each in again.items():
        before = once.get((slot_identifier(rig, old), path, index))
        unit = scale if path.endswith(LOCATION) else 1.0
        if before is not None and simplified and len(before.keys) != len(each.keys):
            continue  # which keys are enough can hang on the last bit of another machine
        if before is not None and _distance(before, each) > _ALIKE * unit:
            raise MMMError(
                f"On '{rig.name}' the keys would not be those that the steps once made: its rest "
                "pose, or the pose of a bone above the pelvis, is another one now."
            )


def _distance(first: RawCurve, second: RawCurve) -> float:
    """How far two curves' keys are from each other, in time or value."""
    points = [np.frombuffer(each.keys, KEY_DTYPE)["co"] for each in (first, second)]
    if points[0].shape != points[1].shape:
        return np.inf
    return float(np.abs(points[0] - points[1]).max(initial=0.0))


def _merged(rig: ArmatureObject, old: Action, again: _Curves) -> dict[CurveId, RawCurve]:
    """The curves of ``old``, those of the rig's unchanged bones as they were made again."""
    raw, slot = raw_curves(old), slot_identifier(rig, old)
    replaced = {_bone(path) for path, _ in again}
    kept = {
        name: each
        for name, each in raw.items()
        if name[0] != slot or _bone(name[1]) not in replaced
    }
    for channel, each in again.items():
        before = raw.get((slot, *channel), each)
        kept[slot, *channel] = replace(each, settings=before.settings, group=before.group)
    return kept


def _made_again(rig: ArmatureObject, old: Action, made: Action) -> _Curves:
    """What ``made`` has of bones that nobody changed in ``old`` since the last step."""
    slot, own = slot_identifier(rig, made), {*user_edits(rig, old).bones, ""}
    return {
        name[1:]: each
        for name, each in raw_curves(made).items()
        if name[0] == slot and _bone(name[1]) not in own
    }


def _bone(data_path: str) -> str:
    """The bone of a curve as its data path spells it; "" for other curves."""
    found = BONE_PATH.match(data_path)
    return found[1] if found else ""
