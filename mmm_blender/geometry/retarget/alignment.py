"""From a rig's rest pose to SMPL's T-pose: the turn of each joint, and the rig's size.

A rig rests in a T, an A, or relaxed. ``alignments_J4`` say by which turn of each bone, in model
space, that pose becomes SMPL's T-pose: limbs point where SMPL's do, the roll about a bone stays the
mesh's own but for limbs that rest bent, whose elbow or knee is a hinge and turns to SMPL's side.
Trunk, collars and hands rest much as SMPL's in every rig, while their joints lie elsewhere in the
flesh: they are turned only where they differ by more than that. Feet rest on the floor and are
turned about the vertical alone.

Shape suffixes: J = 22 joints, 3 metres or armature units, 4 quaternions w first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ..rotations import (
    axis_angle_quat,
    cross,
    identity_quats,
    matrix_to_quat,
    normalize,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    quat_to_rotation_vector,
    rotation_vector_to_quat,
    shortest_arc,
    yaw_quat,
)
from ..skeleton import SMPL, SMPL_22, SOLE_HEIGHT, joint_index

_SNAP = np.cos(np.radians(10.0))
"""A body this near to an axis of its armature stands along it."""

_TRUNK, _COLLAR, _HAND, _FOOT = (np.radians(each) for each in (25.0, 35.0, 40.0, 40.0))
"""Joints of these parts may lie so far elsewhere than SMPL's in the same pose, radians."""

_STRAIGHT, _BENT, _FOLDED = (np.radians(each) for each in (12.0, 25.0, 150.0))
"""A limb that rests straighter than the first has no hinge to see; from the second on it has."""

_REACH = 0.15
"""Joints of a foot are at most so high over the floor, in leg lengths."""

_REST_J3 = SMPL.rest_positions_J3
_UP, _FORWARD = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, eq=False)
class RestBody:
    """A rig in its rest pose, armature space.

    heads: places of joints by name, those of missing ones left out. tips: places that end hands
    ("left_wrist") and toes, or feet without toes, where they are known.
    """

    heads: Mapping[str, FloatArray]
    tips: Mapping[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Alignment:
    """axes_4: takes model axes to armature axes. scale: armature units a model metre.
    alignments_J4: of each joint, from rest pose to T-pose, model space. hips_3: middle of the hips
    at rest, armature space. floor_3: what of that point lies on the floor. height: of that point
    over the soles in the T-pose, armature units. legs_S43: of both legs in the T-pose, model axes
    and metres: from the middle of the hips to the hip, the knee, the ankle, the toes.
    """

    axes_4: FloatArray
    scale: float
    alignments_J4: FloatArray
    hips_3: FloatArray
    floor_3: FloatArray
    height: float
    legs_S43: FloatArray

    @property
    def turned(self) -> float:
        """How far the rest pose is from a T-pose: the largest turn of an arm or leg, radians."""
        names = [f"{side}_{part}" for side in ("left", "right") for part in ("shoulder", "hip")]
        turns = quat_to_rotation_vector(self.alignments_J4[[joint_index(name) for name in names]])
        return float(np.linalg.norm(turns, axis=-1).max())


def align(body: RestBody) -> Alignment:
    """Measure a rig. MMMError where its rest pose is no person's."""
    axes_33 = _body_axes(body)
    axes_4 = matrix_to_quat(axes_33)
    inward = quat_conjugate(axes_4)
    heads = {name: quat_rotate(inward, place) for name, place in body.heads.items()}
    tips = {name: quat_rotate(inward, place) for name, place in body.tips.items()}
    leg = _leg_length(heads)
    _check_person(heads, leg)
    alignments_J4 = _alignments(heads, tips)
    hips_3 = _middle(heads, "hip")
    low, height = _standing(heads, alignments_J4, leg)
    floor = hips_3 * (1.0, 0.0, 1.0) + (0.0, low, 0.0)
    return Alignment(
        axes_4=axes_4,
        scale=leg / SMPL_22.leg_length,
        alignments_J4=alignments_J4,
        hips_3=quat_rotate(axes_4, hips_3),
        floor_3=quat_rotate(axes_4, floor),
        height=height,
        legs_S43=_legs(heads, tips, alignments_J4) * (SMPL_22.leg_length / leg),
    )


# --- the body as a whole -------------------------------------------------------------------------


def _body_axes(body: RestBody) -> FloatArray:
    """Matrix (3, 3) whose columns are the body's left, up and forward in armature space."""
    heads = body.heads
    across = [heads[f"left_{part}"] - heads[f"right_{part}"] for part in ("hip", "shoulder")]
    left = normalize(np.sum([normalize(each) for each in across], axis=0))
    trunk = _middle(heads, "shoulder") - _middle(heads, "hip")
    trunk = normalize(trunk - (trunk @ left) * left)
    lean = _model_middle("shoulder") - _model_middle("hip")
    angle = np.arctan2(lean[2], lean[1])  # the model's trunk is not quite upright either
    up = _snapped(np.cos(angle) * trunk - np.sin(angle) * cross(left, trunk))
    left = normalize(left - (left @ up) * up)
    if np.abs(up).max() > 1.0 - 1e-9:  # stands along an axis, so mostly it looks along one too
        left = _snapped(left)
    forward = cross(left, up)
    if not np.isfinite(forward).all() or np.linalg.norm(forward) < 1.0 - 1e-6:
        raise MMMError("The rig's rest pose is no person's: its hips and shoulders lie in a line.")
    return np.stack([left, up, forward], axis=-1)


def _snapped(direction: FloatArray) -> FloatArray:
    """The axis that a direction nearly follows; itself where there is none."""
    axis = int(np.argmax(np.abs(direction)))
    if np.abs(direction[axis]) < _SNAP:
        return direction
    return np.eye(3)[axis] * np.sign(direction[axis])


def _middle(heads: Mapping[str, FloatArray], part: str) -> FloatArray:
    return 0.5 * (heads[f"left_{part}"] + heads[f"right_{part}"])


def _leg_length(heads: Mapping[str, FloatArray]) -> float:
    """Mean of both legs, from hip over knee to ankle."""
    lengths = [
        np.linalg.norm(heads[f"{side}_{lower}"] - heads[f"{side}_{upper}"])
        for side in ("left", "right")
        for upper, lower in (("hip", "knee"), ("knee", "ankle"))
    ]
    if not min(lengths) > 0.0:
        raise MMMError("A leg of the rig has no length: its thigh or shin begins where it ends.")
    return float(sum(lengths)) / 2.0


def _check_person(heads: Mapping[str, FloatArray], leg: float) -> None:
    """MMMError where bones of a body's names do not make a person. heads: model axes."""
    hips, ankles = _middle(heads, "hip"), _middle(heads, "ankle")
    shoulders = _middle(heads, "shoulder")
    if hips[1] - ankles[1] < 0.3 * leg or shoulders[1] - hips[1] < 0.1 * leg:
        raise MMMError(
            "The rig's rest pose is no standing person's (hips are not between feet and "
            "shoulders): apply a standing pose as rest pose, or mend the map in the Rig panel."
        )
    feet = [f"{side}_foot" for side in ("left", "right")]
    ahead = [
        heads[name][2] - heads[name.replace("foot", "ankle")][2] for name in feet if name in heads
    ]
    if ahead and np.mean(ahead) < -0.05 * leg:
        raise MMMError(
            "The rig's toes point backwards: left and right of the map are swapped, or the "
            "character is mirrored; apply its scale, or swap the sides in the Rig panel."
        )


def _standing(
    heads: Mapping[str, FloatArray], alignments_J4: FloatArray, leg: float
) -> tuple[float, float]:
    """Height of the floor (model axes, armature units), and of the hips over it in the T-pose."""
    lowest = min(heads[name][1] for name in heads if name.endswith(("ankle", "foot")))
    sole = lowest if 0.0 <= lowest <= _REACH * leg else SOLE_HEIGHT * leg / SMPL_22.leg_length
    below = []
    for side in ("left", "right"):
        place = 0.0
        joints = [f"{side}_{part}" for part in ("hip", "knee", "ankle", "foot")]
        known = [name for name in joints if name in heads]
        for upper, lower in pairwise(known):
            bone = heads[lower] - heads[upper]
            place += float(quat_rotate(alignments_J4[joint_index(upper)], bone)[1])
            below.append(place)
    return lowest - sole, sole - min(below)


def _legs(
    heads: Mapping[str, FloatArray], tips: Mapping[str, FloatArray], alignments_J4: FloatArray
) -> FloatArray:
    """Bones of both legs in the T-pose, (2, 4, 3), armature units. heads, tips: model axes."""
    middle, leg = _middle(heads, "hip"), _leg_length(heads)
    sides: list[list[FloatArray]] = []
    for side in ("left", "right"):
        hip, knee, ankle, foot = (f"{side}_{part}" for part in ("hip", "knee", "ankle", "foot"))
        bones = [heads[hip] - middle]
        for upper, lower in ((hip, knee), (knee, ankle)):
            turn_4 = alignments_J4[joint_index(upper)]
            bones.append(quat_rotate(turn_4, heads[lower] - heads[upper]))
        toe = heads.get(foot, tips.get(ankle))
        if toe is None:
            bones.append(_model_bone(ankle, foot) * (leg / SMPL_22.leg_length))
        else:
            bones.append(quat_rotate(alignments_J4[joint_index(ankle)], toe - heads[ankle]))
        sides.append(bones)
    return np.array(sides)


# --- joint by joint ------------------------------------------------------------------------------


def _alignments(heads: Mapping[str, FloatArray], tips: Mapping[str, FloatArray]) -> FloatArray:
    """Turn (22, 4) of each joint from rest pose to T-pose. heads, tips: model axes."""
    turns_J4 = identity_quats(len(SMPL_22))
    trunk = _within(
        identity_quats(),
        _middle(heads, "shoulder") - _middle(heads, "hip"),
        _model_middle("shoulder") - _model_middle("hip"),
        _TRUNK,
    )
    for step, name in enumerate(("spine1", "spine2", "spine3"), start=1):
        turns_J4[joint_index(name)] = _part_of(trunk, step / 3.0)
    turns_J4[joint_index("neck")] = turns_J4[joint_index("head")] = _neck(heads, trunk)
    for side in ("left", "right"):
        _align_arm(turns_J4, heads, tips, side, trunk)
        _align_leg(turns_J4, heads, tips, side)
    return turns_J4


def _part_of(turn_4: FloatArray, share: float) -> FloatArray:
    return rotation_vector_to_quat(quat_to_rotation_vector(turn_4) * share)


def _model_middle(part: str) -> FloatArray:
    return 0.5 * (_REST_J3[joint_index(f"left_{part}")] + _REST_J3[joint_index(f"right_{part}")])


def _neck(heads: Mapping[str, FloatArray], trunk_4: FloatArray) -> FloatArray:
    if "head" not in heads or "neck" not in heads:
        return trunk_4
    bone = heads["head"] - heads["neck"]
    return _within(trunk_4, bone, _model_bone("neck", "head"), _COLLAR)


def _model_bone(upper: str, lower: str) -> FloatArray:
    return _REST_J3[joint_index(lower)] - _REST_J3[joint_index(upper)]


def _within(
    carried_4: FloatArray, bone: FloatArray, wanted: FloatArray, slack: float
) -> FloatArray:
    """A carried turn, and where the bone then differs by more than ``slack`` from the wanted
    direction, the turn that brings it there too."""
    arc = shortest_arc(quat_rotate(carried_4, bone), wanted)
    angle = float(np.linalg.norm(quat_to_rotation_vector(arc)))
    return carried_4 if angle <= slack else quat_multiply(arc, carried_4)


def _align_arm(
    turns_J4: FloatArray,
    heads: Mapping[str, FloatArray],
    tips: Mapping[str, FloatArray],
    side: str,
    trunk_4: FloatArray,
) -> None:
    collar, shoulder, elbow, wrist = (
        f"{side}_{part}" for part in ("collar", "shoulder", "elbow", "wrist")
    )
    carried = trunk_4
    if collar in heads:
        bone = heads[shoulder] - heads[collar]
        carried = _within(trunk_4, bone, _model_bone(collar, shoulder), _COLLAR)
    turns_J4[joint_index(collar)] = carried
    end = heads.get(wrist, tips.get(elbow))
    upper, fore = _align_limb(heads, (shoulder, elbow), end, carried, _FORWARD, wrist)
    turns_J4[joint_index(shoulder)], turns_J4[joint_index(elbow)] = upper, fore
    turns_J4[joint_index(wrist)] = fore
    if wrist in heads and wrist in tips:
        hand = f"{side}_hand"
        bone = tips[wrist] - heads[wrist]
        turns_J4[joint_index(wrist)] = _within(fore, bone, _model_bone(wrist, hand), _HAND)


def _align_leg(
    turns_J4: FloatArray,
    heads: Mapping[str, FloatArray],
    tips: Mapping[str, FloatArray],
    side: str,
) -> None:
    hip, knee, ankle, foot = (f"{side}_{part}" for part in ("hip", "knee", "ankle", "foot"))
    still = identity_quats()
    thigh, shin = _align_limb(heads, (hip, knee), heads[ankle], still, -_FORWARD, ankle)
    turns_J4[joint_index(hip)], turns_J4[joint_index(knee)] = thigh, shin
    toe = heads.get(foot, tips.get(ankle))
    turn = _flat_foot(toe - heads[ankle], ankle, foot, shin) if toe is not None else still
    turns_J4[joint_index(ankle)] = turns_J4[joint_index(foot)] = turn


def _align_limb(  # noqa: PLR0917  # a limb's two bones and where they lead
    heads: Mapping[str, FloatArray],
    joints: tuple[str, str],
    end: FloatArray | None,
    carried_4: FloatArray,
    fold_3: FloatArray,
    end_name: str,
) -> tuple[FloatArray, FloatArray]:
    """Turns of a limb's two bones. end: where the second ends, None where nobody knows. fold_3:
    the side to which the limb folds."""
    upper, lower = joints
    along = _model_bone(upper, lower)
    bone = heads[lower] - heads[upper]
    first = quat_multiply(shortest_arc(quat_rotate(carried_4, bone), along), carried_4)
    if end is None:
        return first, first
    second_bone = end - heads[lower]
    first = quat_multiply(_hinge(quat_rotate(first, second_bone), along, fold_3), first)
    arc = shortest_arc(quat_rotate(first, second_bone), _model_bone(lower, end_name))
    return first, quat_multiply(arc, first)


def _hinge(second: FloatArray, along: FloatArray, fold_3: FloatArray) -> FloatArray:
    """The turn about a limb's first bone that brings its bent second bone to the side to which
    the limb folds; none where it rests straight."""
    axis = normalize(along)
    bend = float(np.arccos(np.clip(normalize(second) @ axis, -1.0, 1.0)))
    if not _STRAIGHT < bend < _FOLDED:
        return identity_quats()
    aside = [normalize(each - (each @ axis) * axis) for each in (second, fold_3)]
    angle = np.arctan2(cross(aside[0], aside[1]) @ axis, aside[0] @ aside[1])
    return axis_angle_quat(
        axis, angle * np.clip((bend - _STRAIGHT) / (_BENT - _STRAIGHT), 0.0, 1.0)
    )


def _flat_foot(bone: FloatArray, ankle: str, foot: str, shin_4: FloatArray) -> FloatArray:
    """A foot that rests on the floor turns about the vertical alone."""
    wanted = _model_bone(ankle, foot)
    pitch = [np.arctan2(each[1], np.hypot(each[0], each[2])) for each in (bone, wanted)]
    if abs(pitch[0] - pitch[1]) > _FOOT:
        return quat_multiply(shortest_arc(quat_rotate(shin_4, bone), wanted), shin_4)
    yaw = [np.arctan2(each[0], each[2]) for each in (bone, wanted)]
    return yaw_quat(yaw[1] - yaw[0])
