"""The fingers of a rig: by the names of a convention, else by what hangs on the wrist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.retarget.fingers import find_fingers
from ...geometry.retarget.hand_poses import Hand
from ...geometry.retarget.presets import fingers_named
from ...geometry.retarget.proposal import Bone
from ...geometry.retarget.rig_map import SIDES, Bones
from ...geometry.rotations import quat_rotate
from ..bpy_types import ArmatureObject
from ..rig.binding import find_binding
from ..rig.rig_maps import MOST_BONES
from ..rig.rig_rest import rig_alignment


@dataclass(frozen=True, eq=False)
class RigHand:
    """bones: of each finger that are keyed, from the palm out. hand: how it rests."""

    bones: Mapping[str, Bones]
    hand: Hand


def rig_hands(rig: ArmatureObject) -> dict[str, RigHand]:
    """Hands with fingers, by side. Empty where the rig is no character or has none."""
    binding = find_binding(rig)
    if isinstance(binding, str) or len(rig.data.bones) > MOST_BONES:
        return {}
    try:
        axes_4 = rig_alignment(rig, binding.rig_map).axes_4
    except MMMError:
        return {}
    ahead_3 = quat_rotate(axes_4, np.array([0.0, 0.0, 1.0]))
    found: dict[str, RigHand] = {}
    for side in SIDES:
        slot, rig_map = f"{side}_wrist", binding.rig_map
        wrists = [*rig_map.read.get(slot, ())[-1:], *rig_map.written(slot)[-1:]]
        hands = (_rig_hand(rig, side, wrist, ahead_3) for wrist in wrists)
        hand = next((each for each in hands if each is not None), None)
        if hand is not None:
            found[side] = hand
    return found


def _rig_hand(rig: ArmatureObject, side: str, wrist: str, ahead_3: FloatArray) -> RigHand | None:
    names = [str(bone.name) for bone in rig.data.bones]
    fingers = fingers_named(names, side) or find_fingers(
        _bones(rig, names), names.index(wrist), ahead_3
    )
    sign = 1.0 if side == SIDES[0] else -1.0
    points = {finger: _points(rig, chain) for finger, chain in fingers.items()}
    hand = Hand(sign, _point(rig.data.bones[wrist].head_local), points)
    return None if hand.fault else RigHand(fingers, hand)


def _bones(rig: ArmatureObject, names: list[str]) -> list[Bone]:
    numbers = {name: at for at, name in enumerate(names)}
    return [
        Bone(
            str(bone.name),
            -1 if bone.parent is None else numbers[bone.parent.name],
            _point(bone.head_local),
            _point(bone.tail_local),
        )
        for bone in rig.data.bones
    ]


def _points(rig: ArmatureObject, chain: Bones) -> FloatArray:
    """Joints of a finger and its tip. (P, 3)."""
    bones = [rig.data.bones[name] for name in chain]
    return np.array([*(_point(bone.head_local) for bone in bones), _point(bones[-1].tail_local)])


def _point(vector: object) -> FloatArray:
    return np.array(vector, dtype=np.float64)
