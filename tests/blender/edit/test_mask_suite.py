"""README's sentence, word for word, on random edits: what lies outside the mask stays bit for bit
as it was: keys, handles, other bones, other Actions. The one exception that it names: handles that
Blender would move turn Free where they are.

``MMM_MASK_EDITS`` says how many edits (6 if not given), ``MMM_MASK_SEED`` which.
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.actions.editability import part_joints
from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.keyframe_arrays import KEY_DTYPE, KeyArray
from mmm_blender.blender.fcurves.layered_actions import action_fcurves
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.armature import create_character
from tests.blender.helpers.rigs import wild_clip

EDITS = int(os.environ.get("MMM_MASK_EDITS", "6"))
SEED = int(os.environ.get("MMM_MASK_SEED", "0"))
RATES = ((24, 1.0), (25, 1.0), (30, 1.001), (12, 1.0), (60, 1.0))
MODES = ("QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE")
TYPES = ("handle_left_type", "handle_right_type")
FRAMES = 50


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
            if field not in TYPES:
                assert np.array_equal(kept[field], outside[field]), (name, field)


def keys_of(raw: Any) -> KeyArray:
    return np.frombuffer(raw.keys, dtype=KEY_DTYPE)


def values_outside(rig: ArmatureObject, first: int, last: int) -> np.ndarray[Any, Any]:
    curves = action_fcurves(rig.animation_data.action)
    extent = [curve.range() for curve in curves]
    start, stop = min(each[0] for each in extent), max(each[1] for each in extent)
    frames = [t for t in range(int(start) - 5, int(stop) + 6) if t < first or t > last]
    return np.array([[curve.evaluate(t) for t in frames if start <= t <= stop] for curve in curves])


@pytest.mark.parametrize("seed", range(SEED, SEED + EDITS))
def test_what_lies_outside_the_mask_stays_as_it_was(
    session: WorkerSession, tiny_bundle: Path, seed: int
):
    dice = random.Random(seed)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    render = bpy.context.scene.render
    render.fps, render.fps_base = dice.choice(RATES)
    other = character(dice)
    rig = character(dice)
    others = raw_curves(other.animation_data.action)
    action = rig.animation_data.action
    start, stop = (int(each) for each in action.frame_range)
    first = dice.randint(start + 1, stop - 4)
    last = dice.randint(first, stop - 2)
    part = dice.choice(("ALL", "UPPER", "LOWER"))
    before, said = raw_curves(action), values_outside(rig, first, last)
    done = bpy.ops.mmm.inpaint(
        prompt=dice.choice(("", "a person waves")),
        frame_start=first,
        frame_end=last,
        body_part=part,
        hold="NONE",
        seed=seed,
        pin_feet=dice.random() < 0.5,
        bundle=str(tiny_bundle),
    )
    assert done == {"FINISHED"}
    check_outside(before, raw_curves(action), set(part_joints(part)), first, last)
    assert raw_curves(other.animation_data.action) == others
    now = values_outside(rig, first, last)[: len(said)]
    assert np.abs(now - said).max(initial=0.0) < 1e-5
