"""What a person did by hand between two steps: stored as what changed, and repeated to the bit."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import Action, ArmatureObject, bpy
from mmm_blender.blender.fcurves.layered_actions import action_fcurves
from mmm_blender.blender.history import recipe_store
from mmm_blender.blender.history.fingerprint import FINGERPRINT_PROPERTY
from mmm_blender.blender.history.recipe import EditStep, parse_recipe, recipe_text
from mmm_blender.blender.history.recipe_store import RECIPE_PROPERTY
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.common.errors import MMMError

SECONDS = 3.0
LAST = round(SECONDS * 24)


@pytest.fixture
def rig(session: WorkerSession, tiny_bundle: Path) -> ArmatureObject:
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    bpy.ops.mmm.generate(prompt="a person waves", seconds=SECONDS)
    return bpy.context.view_layer.objects.active


def edit(seed: int, first: int) -> None:
    done = bpy.ops.mmm.inpaint(
        prompt="", frame_start=first, frame_end=first + 10, seed=seed, pin_feet=False, hold="NONE"
    )
    assert done == {"FINISHED"}


def move_pose(action: Action, frame: int) -> None:
    """As a person does who turns all bones and keys them."""
    for curve in action_fcurves(action):
        for key in curve.keyframe_points:
            if key.co[0] == frame:
                key.co[1] += 0.01
        curve.update()


def recipe_bytes(rig: ArmatureObject) -> int:
    return len(rig.animation_data.action[RECIPE_PROPERTY])


def test_an_edit_stores_of_a_moved_pose_what_changed(rig: ArmatureObject):
    """Before: 176 kB an edit, the motion that it read and every curve that changed."""
    action = rig.animation_data.action
    move_pose(action, 20)
    edit(1, 40)
    before = recipe_bytes(rig)
    for seed in (2, 3):
        move_pose(action, 15 + seed)
        edit(seed, 40)
    assert recipe_bytes(rig) - before < 2 * 25_000


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_person_did_comes_back_bit_for_bit(rig: ArmatureObject, seed: int):
    dice, action = random.Random(seed), rig.animation_data.action
    for number in range(3):
        for _ in range(dice.randint(1, 3)):
            by_hand(rig, action, dice)
        edit(number, dice.randint(10, LAST - 15))
    before = raw_curves(action)
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    again = rig.animation_data.action
    assert again != action
    after = {name[1:]: raw.keys for name, raw in raw_curves(again).items()}
    assert after == {name[1:]: raw.keys for name, raw in before.items()}


def by_hand(rig: ArmatureObject, action: Action, dice: random.Random) -> None:
    """Something that animators do to keys."""
    curves = list(action_fcurves(action))
    curve = dice.choice(curves)
    keys = curve.keyframe_points
    match dice.randrange(7):
        case 0:
            move_pose(action, dice.randint(1, LAST))
        case 1 if len(keys) > 5:
            keys.remove(keys[dice.randrange(len(keys))])
        case 2:
            keys.insert(dice.randint(1, LAST) + dice.choice((0.0, 0.25, 0.5)), 0.3)
        case 3:
            key = keys[dice.randrange(len(keys))]
            key.interpolation = dice.choice(("BEZIER", "CONSTANT", "SINE"))
            key.handle_left_type = key.handle_right_type = dice.choice(("AUTO", "FREE", "VECTOR"))
        case 4:
            bone = rig.pose.bones[dice.choice(("head", "left_elbow"))]
            bone.keyframe_insert("scale", frame=dice.randint(1, LAST))
        case 5:
            for key in keys:
                key.co[1] += 0.02
        case _:
            keys[0].co[1] += 0.1
    for each in action_fcurves(action):
        each.update()


def test_a_fingerprint_of_an_earlier_version_stores_whole_curves(rig: ArmatureObject):
    action = rig.animation_data.action
    content = json.loads(action[FINGERPRINT_PROPERTY])
    del content["rows"]
    action[FINGERPRINT_PROPERTY] = json.dumps(content)
    move_pose(action, 20)
    edit(1, 40)
    found = recipe_store.load_recipe(action)
    assert found is not None and isinstance(found.steps[1], EditStep)
    hand = found.steps[1].hand
    assert len(hand.curves) == 4 * 22 + 3 and not hand.frames and not hand.keys
    assert json.loads(recipe_text(found))["version"] == 2
    before = raw_curves(action)
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    after = raw_curves(rig.animation_data.action)
    assert {name[1:]: raw.keys for name, raw in after.items()} == {
        name[1:]: raw.keys for name, raw in before.items()
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("counts", {'pose.bones["head"].rotation_quaternion': [10**9]}),
        ("counts", {'pose.bones["head"].rotation_quaternion': [-2]}),
        ("counts", {'pose.bones["head"].rotation_quaternion': [1.5]}),
        ("counts", {'pose.bones["head"].rotation_quaternion': [0] * 100}),
        ("counts", {'pose.bones["head"].rotation_quaternion': [1, 2, 3, 4]}),
        ("counts", {"location": [0, 0, 0]}),
        ("counts", []),
        ("keys", "x"),
        ("keys", 3),
        ("frames", {"head": 3}),
        ("frames", {"head": "x"}),
    ],
)
def test_changes_that_nobody_made_are_one_sentence(rig: ArmatureObject, name: str, value: object):
    action = rig.animation_data.action
    move_pose(action, 20)
    edit(1, 40)
    content = json.loads(action[RECIPE_PROPERTY])
    content["steps"][1]["hand"][name] = value
    text = json.dumps(content)
    try:
        parse_recipe(text)
    except MMMError:
        return
    action[RECIPE_PROPERTY] = text
    actions = list(bpy.data.actions)
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.mmm.replay()
    assert len(str(caught.value).strip().splitlines()) == 1
    assert list(bpy.data.actions) == actions
