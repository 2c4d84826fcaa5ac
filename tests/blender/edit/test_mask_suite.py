"""README's sentence, word for word, on random edits over frame rates, rotation modes, layouts of
keys, slots, body parts and locks.

``MMM_MASK_EDITS`` says how many edits (6 if not given), ``MMM_MASK_SEED`` which.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.actions.editability import part_joints
from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import Action, ArmatureObject, bpy
from mmm_blender.blender.fcurves.keyframe_arrays import KEY_DTYPE, KeyArray
from mmm_blender.blender.fcurves.layered_actions import (
    HAS_SLOTS,
    action_fcurves,
    enum_value,
    rig_curves,
    slot_identifier,
)
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.armature import create_character
from tests.blender.helpers.rigs import wild_clip

EDITS = int(os.environ.get("MMM_MASK_EDITS", "6"))
EDITS_PER_SCENE = 10
SEED = int(os.environ.get("MMM_MASK_SEED", "0"))
RATES = ((24, 1.0), (25, 1.0), (30, 1.001), (12, 1.0), (60, 1.0))
MODES = ("QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE")
TYPES = ("handle_left_type", "handle_right_type")
FRAMES = 50
ROOT = Path(__file__).resolve().parents[3]
WORD_FOR_WORD = (
    "what lies outside it stays bit for bit as it was: keys, handles, other bones, other Actions. "
    "(Blender moves automatic handles beside a key that changes: those, and only those, turn "
    "*Free* where they are."
)
AUTOMATIC = [enum_value("handle_left_type", name) for name in ("AUTO", "AUTO_CLAMPED", "VECTOR")]
FREE = enum_value("handle_left_type", "FREE")


def character(dice: random.Random) -> ArmatureObject:
    """A character with a motion in rotation modes, keys and handles of any kind."""
    rig = create_character(bpy.context)
    for bone in rig.pose.bones:
        bone.rotation_mode = dice.choice(MODES)
    action = write_clip(rig, wild_clip(FRAMES, wildness=0.3), dice.randint(-20, 40))
    for curve in action_fcurves(action):
        if dice.random() < 0.5:
            thin(curve, dice)
    if dice.random() < 0.4:
        rig.pose.bones["head"].keyframe_insert("scale", frame=dice.randint(0, 60))
    if dice.random() < 0.4:
        rig.scale = [dice.uniform(0.5, 2.0)] * 3
    return rig


def thin(curve: Any, dice: random.Random) -> None:
    """Fewer keys, with the handles and interpolations that an animator gives them."""
    handles, kind = dice.choice(("AUTO", "AUTO_CLAMPED", "VECTOR", "ALIGNED", "FREE")), "BEZIER"
    for at in range(len(curve.keyframe_points) - 2, 0, -1):
        if dice.random() < 0.8:
            curve.keyframe_points.remove(curve.keyframe_points[at])
    for key in curve.keyframe_points:
        key.handle_left_type = key.handle_right_type = handles
        key.interpolation = dice.choice((kind, kind, "LINEAR", "CONSTANT", "SINE"))
    for _ in range(20):
        curve.update()


def check_outside(
    before: Mapping[Any, Any], after: Mapping[Any, Any], bones: set[str], first: int, last: int
) -> None:
    for name, raw in before.items():
        is_masked = any(f'"{bone}"' in name[1] for bone in bones) and "scale" not in name[1]
        old, new = keys_of(raw), keys_of(after[name])
        if not is_masked:
            assert raw == after[name], name
            continue
        at = old["co"][:, 0]
        outside = old[(at < first) | (at > last)]
        kept = new[np.isin(new["co"][:, 0], outside["co"][:, 0])]
        assert len(kept) == len(outside)
        for field in KEY_DTYPE.names or ():
            same = kept[field] == outside[field]
            if field in TYPES:
                same |= (kept[field] == FREE) & np.isin(outside[field], AUTOMATIC)
            assert same.all(), (name, field)


def keys_of(raw: Any) -> KeyArray:
    return np.frombuffer(raw.keys, dtype=KEY_DTYPE)


def action_extent(rig: ArmatureObject) -> tuple[int, int]:
    ends = [curve.range() for curve in rig_curves(rig, rig.animation_data.action)]
    return int(min(each[0] for each in ends)), int(max(each[1] for each in ends))


def values_outside(rig: ArmatureObject, first: int, last: int) -> dict[Any, np.ndarray[Any, Any]]:
    """What each curve says on the frames that the Action has outside the range."""
    start, stop = action_extent(rig)
    frames = [t for t in range(start, stop + 1) if t < first or t > last]
    return {
        (str(curve.data_path), int(curve.array_index)): np.array(
            [curve.evaluate(t) for t in frames]
        )
        for curve in rig_curves(rig, rig.animation_data.action)
    }


def second_on_the_same_action(rig: ArmatureObject, dice: random.Random) -> ArmatureObject:
    """Another character whose keys lie in another slot of the first one's Action, where Blender has
    slots; with an Action of its own where not."""
    other, action = character(dice), rig.animation_data.action
    if not HAS_SLOTS or dice.random() < 0.5:
        return other
    other.animation_data.action = action
    other.animation_data.action_slot = action.slots.new(id_type="OBJECT", name="other")
    for frame in (1, 20, 40):
        for bone in other.pose.bones:
            bone.rotation_mode = "QUATERNION"
            bone.rotation_quaternion = [dice.uniform(-1.0, 1.0) for _ in range(4)]
            bone.keyframe_insert("rotation_quaternion", frame=frame)
    return other


def one_edit(rig: ArmatureObject, others: list[Action], dice: random.Random, bundle: Path) -> None:
    """Any edit of the rig's Action, and all that it must leave as it was."""
    action = rig.animation_data.action
    start, stop = action_extent(rig)
    first = dice.randint(start + 1, stop - 4)
    last = dice.randint(first, min(stop - 2, first + dice.choice((2, 8, 30))))
    part, lock = dice.choice(("ALL", "UPPER", "LOWER")), dice.choice(("NONE", "NONE", "KEYFRAME"))
    before, said = raw_curves(action), values_outside(rig, first, last)
    rest = {each.name: raw_curves(each) for each in others}
    own = {name for name in before if name[0] == slot_identifier(rig, action)}
    try:
        done = bpy.ops.mmm.inpaint(
            prompt=dice.choice(("", "a person waves")),
            frame_start=first,
            frame_end=last,
            body_part=part,
            hold=lock,
            seed=dice.randrange(1000),
            pin_feet=dice.random() < 0.5,
            bundle=str(bundle),
        )
    except RuntimeError as error:
        assert "nothing is left to make" in str(error)
        assert raw_curves(action) == before
        return
    assert done == {"FINISHED"}
    after = raw_curves(action)
    check_outside({name: before[name] for name in own}, after, set(part_joints(part)), first, last)
    assert {name: after[name] for name in before.keys() - own} == {
        name: before[name] for name in before.keys() - own
    }
    assert {each.name: raw_curves(each) for each in others} == rest
    now = values_outside(rig, first, last)
    assert all(np.abs(now[name] - old).max(initial=0.0) < 1e-5 for name, old in said.items())


@pytest.mark.parametrize("seed", range(SEED, SEED + math.ceil(EDITS / EDITS_PER_SCENE)))
def test_what_lies_outside_the_mask_stays_as_it_was(
    session: WorkerSession, tiny_bundle: Path, seed: int
):
    assert WORD_FOR_WORD in " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    dice = random.Random(seed)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    render = bpy.context.scene.render
    render.fps, render.fps_base = dice.choice(RATES)
    rig = character(dice)
    second = second_on_the_same_action(rig, dice)
    others = [each for each in bpy.data.actions if each != rig.animation_data.action]
    bpy.context.view_layer.objects.active = rig
    second.select_set(False)
    for _ in range(min(EDITS, EDITS_PER_SCENE)):
        one_edit(rig, others, dice, tiny_bundle)
