"""README's sentence, word for word, on random edits over frame rates, rotation modes, layouts of
keys, slots, rigs, body parts and locks.

``MMM_MASK_EDITS`` says how many edits (6 if not given), ``MMM_MASK_SEED`` which.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _rigs.blender_rigs import build_armature, rigify_human
from _rigs.skeletons import Build, Style, bones_of_preset

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
from mmm_blender.blender.rig import armature
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.binding import binding_of
from mmm_blender.geometry.retarget.presets import presets
from tests.blender.helpers.rigs import wild_clip

EDITS = int(os.environ.get("MMM_MASK_EDITS", "6"))
EDITS_PER_SCENE = 25
SEED = int(os.environ.get("MMM_MASK_SEED", "0"))
RATES = ((24, 1.0), (25, 1.0), (30, 1.001), (12, 1.0), (60, 1.0))
MODES = ("QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE")
TYPES = ("handle_left_type", "handle_right_type")
ROTATIONS = ("rotation_quaternion", "rotation_euler", "rotation_axis_angle")
MAKES = (
    *("MMM", "Mixamo", "MMM", "Unreal 5", "Rigify", "MMM", "VRM", "MMM"),
    *("MMM", "Mixamo", "MMM", "Unreal 5", "MMM", "MMM", "VRM", "MMM"),
)
"""Whose rig a scene has, one scene after the other; an edit of Rigify's takes six of another's."""
FRAMES = 50
ROOT = Path(__file__).resolve().parents[3]
WORD_FOR_WORD = (
    "what lies outside it stays bit for bit as it was: keys, handles, other bones, other Actions. "
    "(Blender moves automatic handles beside a key that changes: those, and only those, turn "
    "*Free* where they are."
)
AUTOMATIC = [enum_value("handle_left_type", name) for name in ("AUTO", "AUTO_CLAMPED", "VECTOR")]
FREE = enum_value("handle_left_type", "FREE")


@pytest.fixture(autouse=True, scope="module")
def one_mannequin() -> Iterator[None]:
    """Which takes half a second to make, for each character that is added."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(armature, "mannequin", cache(armature.mannequin))
        yield


def character(dice: random.Random, make: str = "MMM") -> ArmatureObject:
    """A character whose motion has rotation modes, keys and handles of any kind. make: of its
    rig."""
    rig = rig_of(make, dice)
    if make != "Rigify":  # which has its own on its controls
        for bone in rig.pose.bones:
            bone.rotation_mode = dice.choice(MODES)
    action = write_clip(rig, wild_clip(FRAMES, wildness=0.3), dice.randint(-20, 40))
    for curve in action_fcurves(action):
        if dice.random() < 0.5:
            thin(curve, dice)
    if dice.random() < 0.4:
        # of Rigify's bones most carry others: keys on these are refused in a sentence
        bone = rig.pose.bones["head"] if make == "Rigify" else dice.choice(rig.pose.bones)
        bone.keyframe_insert("scale", frame=dice.randint(0, 60))
    if dice.random() < 0.4 and make != "Rigify":
        rig.scale = [dice.uniform(0.5, 2.0) * each for each in rig.scale]
    return rig


def rig_of(make: str, dice: random.Random) -> ArmatureObject:
    """A rig of ours, Rigify's human, or one that is named as its makers do, in any rest pose."""
    if make == "MMM":
        rig = create_character(bpy.context)
        for body in rig.children:  # Blender would bend it at every frame, and no edit looks at it
            bpy.data.objects.remove(body)
        return rig
    if make == "Rigify":
        return rigify_human()
    preset = next(each for each in presets() if each.name == make)
    build = Build(arms_down=dice.uniform(0.0, 60.0), elbows=dice.uniform(0.0, 20.0))
    style = dice.choice((Style(), Style(up="Y", scale=0.01)))
    return build_armature(make, bones_of_preset(preset, build), style)


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


def masked_channels(rig: ArmatureObject, part: str) -> set[str]:
    """Data paths of what an edit of a part may key: rotations, and where the body is."""
    ends = {"rotation": ROTATIONS, "location": ("location",)}
    return {
        f'pose.bones["{each.bone}"].{end}'
        for each in binding_of(rig).written
        if each.joint in part_joints(part)
        for kind in ends
        if getattr(each, kind)
        for end in ends[kind]
    }


def check_outside(
    before: Mapping[Any, Any], after: Mapping[Any, Any], masked: set[str], first: int, last: int
) -> None:
    for name, raw in before.items():
        old, new = keys_of(raw), keys_of(after[name])
        if name[1] not in masked:
            assert raw == after[name], name
            continue
        at = old["co"][:, 0]
        outside = old[(at < first) | (at > last)]
        kept = new[np.isin(new["co"][:, 0], outside["co"][:, 0])]
        lost = np.setdiff1d(outside["co"][:, 0], new["co"][:, 0])
        assert len(kept) == len(outside), (name, first, last, lost, at)
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
    masked = masked_channels(rig, part)
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
    check_outside({name: before[name] for name in own}, after, masked, first, last)
    assert {name: after[name] for name in before.keys() - own} == {
        name: before[name] for name in before.keys() - own
    }
    assert {each.name: raw_curves(each) for each in others} == rest
    now = values_outside(rig, first, last)
    for name, old in said.items():  # Blender's numbers have seven digits
        far = 1e-5 * max(1.0, np.abs(old).max(initial=0.0))
        assert np.abs(now[name] - old).max(initial=0.0) < far, name


@pytest.mark.parametrize("seed", range(SEED, SEED + math.ceil(EDITS / EDITS_PER_SCENE)))
def test_what_lies_outside_the_mask_stays_as_it_was(
    session: WorkerSession, tiny_bundle: Path, seed: int
):
    assert WORD_FOR_WORD in " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    dice = random.Random(seed)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    render = bpy.context.scene.render
    render.fps, render.fps_base = dice.choice(RATES)
    rig = character(dice, MAKES[seed % len(MAKES)])
    second = second_on_the_same_action(rig, dice)
    others = [each for each in bpy.data.actions if each != rig.animation_data.action]
    bpy.context.view_layer.objects.active = rig
    second.select_set(False)
    for _ in range(min(EDITS, EDITS_PER_SCENE)):
        one_edit(rig, others, dice, tiny_bundle)
