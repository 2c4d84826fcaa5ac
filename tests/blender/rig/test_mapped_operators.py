"""The buttons on rigs of other conventions, through the real worker process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _rigs.blender_rigs import build_armature
from _rigs.skeletons import Build, Style, bones_of_preset

from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.keyframe_arrays import KEY_DTYPE
from mmm_blender.blender.history.fingerprint import is_untouched
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.sequence.lists import sequence_list
from mmm_blender.geometry.retarget.presets import presets
from tests.blender.helpers.sequences import SEAM, fill_list

FIRST, LAST = 20, 34


@pytest.fixture
def rig(session: WorkerSession, tiny_bundle: Path, worker_python: Path) -> ArmatureObject:
    """A Mixamo character in A-pose, in centimetres and Y up, with nothing on it."""
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    mixamo = next(preset for preset in presets() if preset.name == "Mixamo")
    bones = bones_of_preset(mixamo, Build(arms_down=50.0, elbows=15.0))
    return build_armature("Hero", bones, Style(up="Y", scale=0.01))


def generate_and_edit(**params: Any) -> None:
    assert bpy.ops.mmm.generate(prompt="a person waves", seconds=2.0, seed=4) == {"FINISHED"}
    wanted = {"prompt": "a person bows", "frame_start": FIRST, "frame_end": LAST, "seed": 2}
    assert bpy.ops.mmm.inpaint(**(wanted | params)) == {"FINISHED"}


def outside(rig: ArmatureObject) -> dict[Any, bytes]:
    kept = {}
    for name, raw in raw_curves(rig.animation_data.action).items():
        at = np.frombuffer(raw.keys, KEY_DTYPE)["co"]
        kept[name] = at[(at[:, 0] < FIRST) | (at[:, 0] > LAST)].tobytes()
    return kept


def test_a_motion_an_edit_and_their_replay_on_a_mixamo_character(rig: ArmatureObject) -> None:
    assert bpy.ops.mmm.generate(prompt="a person waves", seconds=2.0, seed=4) == {"FINISHED"}
    assert bpy.context.view_layer.objects.active == rig
    before = outside(rig)
    edit = {"prompt": "a person bows", "frame_start": FIRST, "frame_end": LAST, "seed": 2}
    assert bpy.ops.mmm.inpaint(**edit, body_part="UPPER") == {"FINISHED"}
    assert outside(rig) == before
    steps = json.loads(rig.animation_data.action["mmm_recipe"])["steps"]
    assert [step["rig"] for step in steps] == ["Mixamo", "Mixamo"]
    made = raw_curves(rig.animation_data.action)
    old = rig.animation_data.action
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    assert rig.animation_data.action != old
    again = raw_curves(rig.animation_data.action)
    assert again.keys() == made.keys()
    for name, raw in made.items():
        old, new = (np.frombuffer(each.keys, KEY_DTYPE)["co"] for each in (raw, again[name]))
        assert np.array_equal(old, new), name
    assert is_untouched(rig, rig.animation_data.action)


def test_a_hand_edit_on_a_mixamo_character_is_kept(rig: ArmatureObject) -> None:
    assert bpy.ops.mmm.generate(prompt="a person waves", seconds=2.0, seed=4) == {"FINISHED"}
    bpy.context.scene.frame_set(27)
    bone = rig.pose.bones["LeftForeArm"]
    bone.rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    bone.keyframe_insert("rotation_quaternion")
    edit = {"prompt": "a person bows", "frame_start": FIRST, "frame_end": LAST}
    assert bpy.ops.mmm.inpaint(**edit) == {"FINISHED"}
    bpy.context.scene.frame_set(27)
    assert np.allclose(bone.rotation_quaternion, (0.8, 0.6, 0.0, 0.0), atol=1e-6)
    step = json.loads(rig.animation_data.action["mmm_recipe"])["steps"][1]
    assert step["held"] == {"left_elbow": [27.0]}


def test_another_map_is_named_before_a_replay(rig: ArmatureObject) -> None:
    assert bpy.ops.mmm.generate(prompt="a person waves", seconds=1.0, seed=4) == {"FINISHED"}
    made = rig.animation_data.action
    assert bpy.ops.object.select_all(action="DESELECT") == {"FINISHED"}
    bpy.context.view_layer.objects.active = None
    assert bpy.ops.mmm.add_character() == {"FINISHED"}
    character: Any = bpy.context.view_layer.objects.active
    character.animation_data_create().action = made
    with pytest.raises(RuntimeError, match="made by the map 'Mixamo'"):
        bpy.ops.mmm.replay()


def test_a_sequence_and_a_longer_segment_of_it_on_a_mixamo_character(rig: ArmatureObject) -> None:
    fill_list(("a person walks", "a person waves", "a person bows"))
    assert bpy.ops.mmm.generate_sequence() == {"FINISHED"}
    before = raw_curves(rig.animation_data.action)
    sequence_list(bpy.context).lines[1].seconds = 1.5
    assert bpy.ops.mmm.regenerate_segment(index=1) == {"FINISHED"}
    after = raw_curves(rig.animation_data.action)
    for name, raw in before.items():
        old, new = (np.frombuffer(each.keys, KEY_DTYPE)["co"] for each in (raw, after[name]))
        kept = old[old[:, 0] < 24 - SEAM]
        assert np.array_equal(kept, new[: len(kept)])
        assert len(new) == len(old) + 12


def test_a_rigify_human_from_prompt_to_edit(
    session: WorkerSession, rigify: ArmatureObject, tiny_bundle: Path, worker_python: Path
) -> None:
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    rig = rigify
    assert bpy.ops.mmm.generate(prompt="a person waves", seconds=2.0, seed=4) == {"FINISHED"}
    before = outside(rig)
    edit = {"prompt": "a person bows", "frame_start": FIRST, "frame_end": LAST}
    assert bpy.ops.mmm.inpaint(**edit) == {"FINISHED"}
    assert outside(rig) == before
    steps = json.loads(rig.animation_data.action["mmm_recipe"])["steps"]
    assert [step["rig"] for step in steps] == ["Rigify", "Rigify"]
