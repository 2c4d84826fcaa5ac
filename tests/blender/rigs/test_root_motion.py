"""What carries the way over the ground belongs to the motion: recipes, edits, replays keep it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _rigs.blender_rigs import build_armature
from _rigs.skeletons import Build, Style, bones_of_preset

from mmm_blender.blender.actions.object_way import way_is_on_object
from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import Action, ArmatureObject, bpy
from mmm_blender.blender.fcurves.keyframe_arrays import KEY_DTYPE
from mmm_blender.blender.fcurves.slot_properties import ROOT_PROPERTY
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.retarget.presets import presets

BY_NAME = {preset.name: preset for preset in presets()}
FIRST, LAST = 10, 16
EDIT = {"prompt": "a person bows", "frame_start": FIRST, "frame_end": LAST, "seed": 2}


def generated(bundle: Path, kind: str, root: str) -> ArmatureObject:
    """A turned character with a motion by a choice of the panel, which says hips by now."""
    bpy.context.scene.mmm.bundle = str(bundle)
    style = Style(up="Y", scale=0.01) if kind == "Mixamo" else Style()
    rig = build_armature("Hero", bones_of_preset(BY_NAME[kind], Build(arms_down=40.0)), style)
    rig.location, rig.rotation_euler.z = (1.0, -2.0, 0.5), 0.8
    bpy.context.view_layer.update()
    rig.mmm_rig.root_motion = root
    assert bpy.ops.mmm.generate(prompt="a person walks", seconds=1.0, seed=4) == {"FINISHED"}
    rig.mmm_rig.root_motion = "HIPS"
    return rig


def played(rig: ArmatureObject) -> Action:
    return rig.animation_data.action


def keys(rig: ArmatureObject) -> dict[tuple[str, int], FloatArray]:
    """Frames and values of all curves."""
    return {
        (path, index): np.frombuffer(raw.keys, KEY_DTYPE)["co"]
        for (_, path, index), raw in raw_curves(played(rig)).items()
    }


def recipe_of(rig: ArmatureObject) -> dict[str, Any]:
    return json.loads(played(rig)["mmm_recipe"])


def replayed_alike(rig: ArmatureObject) -> None:
    """Replay makes the same keys in a new Action."""
    before, old = keys(rig), played(rig)
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    assert played(rig) != old
    after = keys(rig)
    assert after.keys() == before.keys()
    assert all(np.array_equal(after[name], co) for name, co in before.items())


def test_a_motion_on_the_root_bone_stays_there_whatever_the_panel_says_later(
    session: WorkerSession, tiny_bundle: Path, worker_python: Path
) -> None:
    rig = generated(tiny_bundle, "Unreal 4", "ROOT")
    assert ('pose.bones["root"].location', 0) in keys(rig)
    before = keys(rig)
    assert bpy.ops.mmm.inpaint(**EDIT) == {"FINISHED"}
    after = keys(rig)
    for name, co in before.items():
        outside = (co[:, 0] < FIRST) | (co[:, 0] > LAST)
        assert np.array_equal(after[name][outside], co[outside]), name
    way = ('pose.bones["root"].location', 0), ('pose.bones["root"].location', 1)
    assert any(not np.array_equal(before[name], after[name]) for name in way)
    assert recipe_of(rig)["version"] == 6
    assert [step["root"] for step in recipe_of(rig)["steps"]] == ["ROOT", "ROOT"]
    replayed_alike(rig)


def test_a_motion_on_the_object_is_made_again_there(
    session: WorkerSession, tiny_bundle: Path, worker_python: Path
) -> None:
    rig = generated(tiny_bundle, "Mixamo", "OBJECT")
    assert [step["root"] for step in recipe_of(rig)["steps"]] == ["OBJECT"]
    assert ("location", 0) in keys(rig)
    bpy.context.scene.frame_set(20)  # the object is elsewhere now
    replayed_alike(rig)
    assert way_is_on_object(rig, played(rig))
    assert bpy.ops.mmm.way_on_object() == {"FINISHED"}
    assert np.abs(np.array(rig.location) - (1.0, -2.0, 0.5)).max() < 1e-6
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    assert ("location", 0) not in keys(rig), "it was brought back"


def test_a_recipe_alone_says_where_the_way_goes(
    session: WorkerSession, tiny_bundle: Path, worker_python: Path
) -> None:
    rig = generated(tiny_bundle, "Unreal 4", "ROOT")
    wanted, text = keys(rig), played(rig)["mmm_recipe"]
    bringer = bpy.data.actions.new("bringer")
    bringer["mmm_recipe"] = text
    rig.animation_data.action = bringer
    rig.location = (1.0, -2.0, 0.5)
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    assert all(np.array_equal(keys(rig)[name], co) for name, co in wanted.items())


def test_a_recipe_that_does_not_say_goes_by_the_panel_as_before(
    session: WorkerSession, tiny_bundle: Path, worker_python: Path
) -> None:
    rig = generated(tiny_bundle, "Unreal 4", "ROOT")
    recipe = recipe_of(rig)
    for step in recipe["steps"]:
        del step["root"]
    played(rig)["mmm_recipe"] = json.dumps(recipe | {"version": 4})
    del played(rig)[ROOT_PROPERTY]
    with pytest.raises(RuntimeError, match="carries others"):
        bpy.ops.mmm.inpaint(**EDIT)
    rig.mmm_rig.root_motion = "ROOT"
    replayed_alike(rig)


def test_the_next_motion_on_the_hips_does_not_keep_the_root_bones_way(
    session: WorkerSession, tiny_bundle: Path, worker_python: Path
) -> None:
    rig = generated(tiny_bundle, "Unreal 4", "ROOT")
    assert bpy.ops.mmm.generate(prompt="a person bows", seconds=1.0) == {"FINISHED"}
    assert ('pose.bones["root"].location', 0) not in keys(rig)
    assert [step["root"] for step in recipe_of(rig)["steps"]] == ["HIPS"]
