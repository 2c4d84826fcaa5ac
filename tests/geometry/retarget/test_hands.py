"""Fingers found by what hangs on the wrist, and poses of hands, whatever the rest pose.

Shape suffixes: P joints and tip, 3 metres, 4 quaternions w first.
"""

from __future__ import annotations

import numpy as np
import pytest
from _rigs.skeletons import BoneSpec, Build, bones_of_preset
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.retarget.fingers import find_fingers
from mmm_blender.geometry.retarget.hand_poses import FIST, OPEN, POINT, RELAXED, Hand
from mmm_blender.geometry.retarget.presets import FINGERS, fingers_named, presets
from mmm_blender.geometry.retarget.proposal import Bone
from mmm_blender.geometry.rotations import (
    identity_quats,
    normalize,
    quat_multiply,
    quat_rotate,
    rotation_vector_to_quat,
)

AHEAD = np.array([0.0, 0.0, 1.0])
MIXAMO = next(each for each in presets() if each.name == "Mixamo")
some = settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
turns = st.tuples(*[st.floats(-2.0, 2.0)] * 3)


def rig_bones(specs: list[BoneSpec], rename: bool = False) -> list[Bone]:
    numbers = {each.name: at for at, each in enumerate(specs)}
    return [
        Bone(
            f"bone {at}" if rename else each.name,
            numbers.get(each.parent, -1),
            each.head,
            each.tail,
        )
        for at, each in enumerate(specs)
    ]


def hand(side: str, turn_4: FloatArray, build: Build | None = None) -> Hand:
    """A hand of a rig whose armature is turned."""
    specs = {each.name: each for each in bones_of_preset(MIXAMO, build or Build())}
    chains = fingers_named(specs, side)
    points = {
        finger: np.array([*(specs[name].head for name in chain), specs[chain[-1]].tail])
        for finger, chain in chains.items()
    }
    wrist = specs[f"{side.title()}Hand"].head
    turned = {finger: quat_rotate(turn_4, each) for finger, each in points.items()}
    return Hand(1.0 if side == "left" else -1.0, quat_rotate(turn_4, wrist), turned)


def posed(one: Hand, pose: str) -> dict[str, FloatArray]:
    """Joints and tips of the fingers in a pose, in lengths along, aside and out of the palm."""
    places: dict[str, FloatArray] = {}
    for finger, turns_P4 in one.turns(pose).items():
        points, whole = one.fingers[finger], identity_quats()
        place = [points[0]]
        for turn_4, bone in zip(turns_P4, np.diff(points, axis=0), strict=True):
            whole = quat_multiply(whole, turn_4)
            place.append(place[-1] + quat_rotate(whole, bone))
        places[finger] = (np.array(place) - one.wrist_3) @ one.axes_33.T
    return places


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", [each.name for each in presets() if each.fingers])
def test_every_convention_names_its_fingers(name: str, side: str) -> None:
    preset = next(each for each in presets() if each.name == name)
    specs = bones_of_preset(preset, Build(arms_down=30.0))
    found = fingers_named([each.name for each in specs], side)
    assert tuple(found) == FINGERS
    assert all(len(chain) == 3 for chain in found.values())


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("arms_down", [0.0, 50.0, 80.0])
def test_fingers_without_names_are_found_by_shape(side: str, arms_down: float) -> None:
    specs = bones_of_preset(MIXAMO, Build(arms_down=arms_down, elbows=20.0))
    wanted = fingers_named([each.name for each in specs], side)
    bones = rig_bones(specs, rename=True)
    names = [each.name for each in specs]
    found = find_fingers(bones, names.index(f"{side.title()}Hand"), AHEAD)
    assert {
        finger: tuple(names[int(name.split()[1])] for name in chain)
        for finger, chain in found.items()
    } == wanted


def test_palm_bones_and_ends_are_left_out() -> None:
    specs = bones_of_preset(MIXAMO, Build())
    wrist = next(each for each in specs if each.name == "LeftHand")
    more = []
    for each in specs:
        if each.name == "LeftHandIndex1":
            palm = wrist.head + 0.2 * (each.head - wrist.head)
            more.append(BoneSpec("palm", "LeftHand", palm, each.head))
            each = BoneSpec(each.name, "palm", each.head, each.tail)  # noqa: PLW2901
        more.append(each)
        if each.name == "LeftHandMiddle3":
            more.append(BoneSpec("end", each.name, each.tail, 2 * each.tail - each.head))
    names = [each.name for each in more]
    found = find_fingers(rig_bones(more), names.index("LeftHand"), AHEAD)
    assert found == fingers_named([each.name for each in specs], "left")


def test_a_bone_that_carries_a_prop_has_no_fingers() -> None:
    bones = [
        Bone("hand", -1, np.zeros(3), np.array([0.1, 0.0, 0.0])),
        Bone("sword", 0, np.array([0.1, 0.0, 0.0]), np.array([0.1, 0.9, 0.0])),
    ]
    assert find_fingers(bones, 0, AHEAD) == {}


@some
@given(st.sampled_from(["left", "right"]), turns, st.floats(0.0, 80.0))
def test_poses_look_alike_from_any_rest(
    side: str, turn: tuple[float, float, float], arms_down: float
) -> None:
    turn_4 = rotation_vector_to_quat(np.array(turn))
    plain = hand("left", identity_quats())
    other = hand(side, turn_4, Build(arms_down=arms_down))
    for pose in (RELAXED, FIST, POINT, OPEN):
        wanted, found = posed(plain, pose), posed(other, pose)
        for finger in FINGERS:
            assert np.allclose(found[finger], wanted[finger], atol=0.004), (pose, finger)


def test_a_fist_is_closed_and_the_thumb_lies_over_it() -> None:
    fist = posed(hand("left", identity_quats()), FIST)
    for finger in FINGERS[1:]:
        tip, knuckle = fist[finger][-1], fist[finger][0]
        assert tip[0] < knuckle[0], "the tip has come back"
        assert 0.005 < tip[2] < 0.06, "in front of the palm"
    thumb, index = fist["thumb"], fist["index"]
    assert thumb[-1][2] > index[1][2] - 0.005, "outside of the fingers"
    assert thumb[-1][1] < index[0][1] + 0.005, "across them"


def test_pointing_has_a_straight_index_finger_alone() -> None:
    point = posed(hand("right", identity_quats()), POINT)
    for finger in FINGERS[1:]:
        ways = normalize(np.diff(point[finger], axis=0))
        straight = float(ways[0] @ ways[-1]) > 0.97 and ways[0][0] > 0.9
        assert straight == (finger == "index")


def test_an_open_hand_is_straight_and_spread() -> None:
    opened = posed(hand("left", identity_quats()), OPEN)
    tips = [opened[finger][-1][1] - opened[finger][0][1] for finger in FINGERS[1:]]
    assert tips[0] > 0.005 and tips[-1] < -0.01
    for finger in FINGERS[1:]:
        assert np.ptp(opened[finger][:, 2]) < 0.02


@some
@given(st.sampled_from([RELAXED, FIST, POINT, OPEN]))
def test_what_a_finger_rests_bent_by_counts(pose: str) -> None:
    plain = hand("left", identity_quats())
    bent = {}
    for finger, points in plain.fingers.items():
        turns_P4 = plain.turns(RELAXED)[finger]
        whole, place = identity_quats(), [points[0]]
        for turn_4, bone in zip(turns_P4, np.diff(points, axis=0), strict=True):
            whole = quat_multiply(whole, turn_4)
            place.append(place[-1] + quat_rotate(whole, bone))
        bent[finger] = np.array(place)
    wanted, found = posed(plain, pose), posed(Hand(1.0, plain.wrist_3, bent), pose)
    for finger in FINGERS:
        assert np.allclose(found[finger], wanted[finger], atol=0.006)


def test_a_hand_without_fingers_or_in_a_line_is_said() -> None:
    assert Hand(1.0, np.zeros(3), {}).fault
    line = np.array([[0.1, 0.0, 0.0], [0.15, 0.0, 0.0]])
    assert Hand(1.0, np.zeros(3), {"index": line}).fault
    assert Hand(1.0, np.zeros(3), {"index": line, "little": line * 0.9}).fault
