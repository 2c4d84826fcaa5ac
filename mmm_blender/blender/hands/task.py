"""Pose Hands without buttons."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.retarget.rig_map import SIDES
from ...geometry.rotation_modes import EULER_PROPERTY, PROPERTY, values_after
from ...geometry.rotations import quat_conjugate, quat_multiply
from ..bpy_types import Action, ArmatureObject, Context
from ..fcurves.layered_actions import (
    assigned_action,
    bone_path,
    curves_by_channel,
    rig_curves,
    temporarily_assigned,
)
from ..rig.pose_space import orientation_quats
from ..rig.rig_options import BOTH, PLAYHEAD, RELAXED_START, finger_choice
from ..rig.target import scene_of
from .rig_hands import RigHand, rig_hands

_TURNING = frozenset(
    {
        *("COPY_ROTATION", "COPY_TRANSFORMS", "CHILD_OF", "TRANSFORM", "ARMATURE", "IK"),
        *("DAMPED_TRACK", "TRACK_TO", "LOCKED_TRACK", "STRETCH_TO", "SPLINE_IK", "ACTION"),
    }
)
"""Constraints that would turn a finger away from its keys."""


def hands_poll_error(rig: ArmatureObject | None) -> str:
    """Why no hand of a rig can be posed, in a sentence; else ""."""
    if rig is None:
        return "Select a character whose hands have fingers."
    if rig.library is not None:
        return f"'{rig.name}' is linked from another file: make a library override of it."
    if not rig_hands(rig):
        return f"'{rig.name}' has no fingers that are known: hands of two fingers or more bend."
    return _action_error(rig)


def _action_error(rig: ArmatureObject) -> str:
    data = rig.animation_data
    action: Action | None = None if data is None else data.action
    if action is not None and (action.library or not action.is_editable):
        return f"The Action '{action.name}' is linked from another file: make it local first."
    return ""


def pose_hands(
    context: Context, rig: ArmatureObject, pose: str, side: str = BOTH, at: str = PLAYHEAD
) -> str:
    """Key a pose of the fingers; the sentence that says so. at: PLAYHEAD or the frames of selected
    keys. MMMError, with nothing changed, where there are none, or a finger follows something else.
    """
    if reason := hands_poll_error(rig):
        raise MMMError(reason)
    frames = [float(context.scene.frame_current)] if at == PLAYHEAD else _selected_frames(rig)
    if not frames:
        raise MMMError("No keys are selected: select some, or key the hands at the playhead.")
    sides = SIDES if side == BOTH else (side.lower(),)
    hands = {name: hand for name, hand in rig_hands(rig).items() if name in sides}
    if not hands:
        raise MMMError(f"The {side.lower()} hand of '{rig.name}' has no fingers that are known.")
    turns = _turns(rig, hands, pose)
    for each in turns:
        if held := _held_by(rig, each.bone):
            raise MMMError(
                f"The constraint '{held}' turns the finger '{each.bone}' of '{rig.name}': mute it "
                "first."
            )
    _key(rig, turns, frames)
    where = f"on frame {frames[0]:g}" if len(frames) == 1 else f"on {len(frames)} frames"
    return f"Keyed {len(turns)} finger bones of '{rig.name}' {where}."


def relax_at_start(rig: ArmatureObject, action: Action, frame: int) -> None:
    """A relaxed hand at the start of a motion that an Action of the rig holds, where the person
    wants one, on fingers that have no keys in it and follow nothing else."""
    if finger_choice(rig) != RELAXED_START:
        return
    keyed = {str(curve.data_path) for curve in rig_curves(rig, action)}
    free = [
        each
        for each in _turns(rig, rig_hands(rig), "RELAXED")
        if bone_path(each.bone, each.kind) not in keyed and not _held_by(rig, each.bone)
    ]
    with temporarily_assigned(rig, action):
        _key(rig, free, [float(frame)])


@dataclass(frozen=True, eq=False)
class _Turn:
    """A finger's bone: its property that is keyed, its mode, and its turn (4,) from rest."""

    bone: str
    kind: str
    mode: str
    turn_4: FloatArray


def _turns(rig: ArmatureObject, hands: dict[str, RigHand], pose: str) -> list[_Turn]:
    """What is keyed, in the bones' own channels."""
    found: list[_Turn] = []
    for hand in hands.values():
        for finger, turns_P4 in hand.hand.turns(pose).items():
            for name, turn_4 in zip(hand.bones[finger], turns_P4, strict=True):
                rest_4 = orientation_quats(_rest_33(rig, name)[None])[0]
                own_4 = quat_multiply(quat_conjugate(rest_4), quat_multiply(turn_4, rest_4))
                mode = str(rig.pose.bones[name].rotation_mode)
                found.append(_Turn(name, PROPERTY.get(mode, EULER_PROPERTY), mode, own_4))
    return found


def _rest_33(rig: ArmatureObject, name: str) -> FloatArray:
    return np.array(rig.data.bones[name].matrix_local, dtype=np.float64)[:3, :3]


def _held_by(rig: ArmatureObject, name: str) -> str:
    """The constraint that turns a finger away from its keys; "" where none does."""
    for constraint in rig.pose.bones[name].constraints:
        if str(constraint.type) in _TURNING and not constraint.mute and constraint.influence > 0:
            return str(constraint.name)
    return ""


def _key(rig: ArmatureObject, turns: Sequence[_Turn], frames: Collection[float]) -> None:
    now = float(scene_of(rig).frame_current_final)
    for each in turns:
        bone = rig.pose.bones[each.bone]
        before = np.array(getattr(bone, each.kind), dtype=np.float64)
        for frame in frames:
            near = _said(rig, each, frame, before)
            values = values_after(each.turn_4[None], each.mode, near)[0]
            setattr(bone, each.kind, values.tolist())
            bone.keyframe_insert(each.kind, frame=frame, group=each.bone)
        setattr(bone, each.kind, _said(rig, each, now, before).tolist())


def _said(rig: ArmatureObject, turn: _Turn, frame: float, otherwise: FloatArray) -> FloatArray:
    """What the curves of a bone's rotation say on a frame; ``otherwise`` where there are none."""
    action = assigned_action(rig)
    if action is None:
        return otherwise
    curves = curves_by_channel(rig_curves(rig, action))
    path = bone_path(turn.bone, turn.kind)
    found = [curves.get((path, index)) for index in range(len(otherwise))]
    if any(curve is None or curve.is_empty for curve in found):
        return otherwise
    return np.array([curve.evaluate(frame) for curve in found if curve is not None])


def _selected_frames(rig: ArmatureObject) -> list[float]:
    """Frames of the character's selected keys."""
    action = assigned_action(rig)
    curves = [] if action is None else rig_curves(rig, action)
    found: set[float] = set()
    for curve in curves:
        keys = curve.keyframe_points
        chosen = np.empty(len(keys), dtype=np.bool_)
        keys.foreach_get("select_control_point", chosen)
        if chosen.any():
            co = np.empty(2 * len(keys), dtype=np.float32)
            keys.foreach_get("co", co)
            found.update(float(each) for each in co[0::2][chosen])
    return sorted(found)
