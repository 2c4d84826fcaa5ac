"""Edits of motions whose way over the ground lies on the object: as if bones carried it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmm_blender.blender.actions.object_way import way_is_on_object
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.keyframe_arrays import POINTS, KeyArray
from mmm_blender.blender.fcurves.layered_actions import rig_curves
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.sequence.lists import sequence_list
from mmm_blender.common.arrays import FloatArray
from tests.blender.helpers.object_way import STAND, character, played, raw_keys, seen
from tests.blender.helpers.sequences import SEAM, fill_list

KINDS = ("MMM", "Mixamo")
FIRST, LAST, END = 10, 16, 24
EDIT = {"prompt": "a person bows", "frame_start": FIRST, "frame_end": LAST, "seed": 2}
ALIKE = 1e-3
"""Metres: a motion that is read from the object and from the bones is rounded otherwise."""


@pytest.fixture(autouse=True)
def alone(session: WorkerSession, worker_python: Path) -> None:
    """The add-on is registered, and its worker has a Python."""


def walk() -> None:
    assert bpy.ops.mmm.generate(prompt="a person walks", seconds=1.0, seed=4) == {"FINISHED"}


def both_ways(
    bundle: Path, kind: str, act: Callable[[ArmatureObject], None], last: int
) -> tuple[ArmatureObject, FloatArray]:
    """The character on its object after something was done, and how far the world sees it from the
    same on the bones."""
    places = []
    for root in ("HIPS", "OBJECT"):
        rig = character(bundle, kind, root)
        act(rig)
        places.append(seen(rig, 1, last))
    assert way_is_on_object(rig, played(rig))
    return rig, np.abs(places[1] - places[0]).max(axis=(1, 2))


def numbers(keys: KeyArray) -> bytes:
    """All that makes a curve; what kind a handle is may change to hold it where it is."""
    return b"".join(keys[name].tobytes() for name in (*POINTS, "interpolation", "easing"))


def outside(keys: dict[tuple[str, int], KeyArray]) -> dict[tuple[str, int], bytes]:
    return {
        name: numbers(each[(each["co"][:, 0] < FIRST) | (each["co"][:, 0] > LAST)])
        for name, each in keys.items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_range_is_the_one_that_bones_would_get(tiny_bundle: Path, kind: str) -> None:
    before: list[dict[tuple[str, int], KeyArray]] = []

    def act(rig: ArmatureObject) -> None:
        walk()
        before.append(raw_keys(rig))
        bpy.context.scene.frame_set(20)  # the object is elsewhere when it is read
        assert bpy.ops.mmm.inpaint(**EDIT) == {"FINISHED"}

    rig, apart_T = both_ways(tiny_bundle, kind, act, END)
    assert apart_T.max() < ALIKE
    after = raw_keys(rig)
    assert outside(after) == outside(before[1])
    changed = {name for name in after if numbers(after[name]) != numbers(before[1][name])}
    assert {("location", 0), ("location", 1)} <= changed
    steps = json.loads(played(rig)["mmm_recipe"])["steps"]
    assert [step["root"] for step in steps] == ["OBJECT", "OBJECT"]
    old = played(rig)
    bpy.context.scene.frame_set(7)
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    assert played(rig) != old
    again = raw_keys(rig)
    assert again.keys() == after.keys()
    assert all(np.array_equal(again[name]["co"], each["co"]) for name, each in after.items())


def test_an_upper_body_leaves_the_object_alone(tiny_bundle: Path) -> None:
    rig = character(tiny_bundle, "Mixamo", "OBJECT")
    walk()
    before = raw_keys(rig)
    assert bpy.ops.mmm.inpaint(**EDIT, body_part="UPPER") == {"FINISHED"}
    after = raw_keys(rig)
    for index in range(3):
        assert numbers(after["location", index]) == numbers(before["location", index])


def move_key(rig: ArmatureObject, frame: int) -> None:
    """Move the object by hand on a frame, as the graph editor does."""
    [curve] = [
        each
        for each in rig_curves(rig, played(rig))
        if each.data_path == "location" and each.array_index == 0
    ]
    [key] = [each for each in curve.keyframe_points if each.co[0] == frame]
    key.co[1] += 0.2
    curve.update()


@pytest.mark.parametrize("kind", ["MMM", "Mixamo"])
def test_a_place_of_the_object_that_a_person_has_moved_stays(tiny_bundle: Path, kind: str) -> None:
    rig = character(tiny_bundle, kind, "OBJECT")
    walk()
    move_key(rig, 13)
    before, wanted = raw_keys(rig), seen(rig, 13, 13)
    assert bpy.ops.mmm.inpaint(**EDIT) == {"FINISHED"}
    after = raw_keys(rig)
    for name in (("location", 0), ("location", 1)):
        said = [keys[keys["co"][:, 0] == 13]["co"] for keys in (before[name], after[name])]
        assert np.array_equal(*said)
    assert np.abs(seen(rig, 13, 13) - wanted)[:, 0].max() < ALIKE, "the pelvis"
    steps = json.loads(played(rig)["mmm_recipe"])["steps"]
    assert steps[1]["held"] == {"pelvis": [13.0]}
    assert outside(after) == outside(before)
    made = raw_keys(rig)
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    again = raw_keys(rig)
    assert all(np.array_equal(again[name]["co"], each["co"]) for name, each in made.items())


def test_a_motion_is_continued(tiny_bundle: Path) -> None:
    def act(_rig: ArmatureObject) -> None:
        walk()
        bpy.context.scene.frame_set(END)
        again = {"prompt": "a person bows", "seconds": 1.0, "seed": 3, "existing": "CONTINUE"}
        assert bpy.ops.mmm.generate(**again) == {"FINISHED"}

    rig, apart_T = both_ways(tiny_bundle, "Mixamo", act, END + 20)
    assert apart_T.max() < ALIKE
    assert played(rig).frame_range[1] > END + 20


def test_two_poses_are_in_betweened(tiny_bundle: Path) -> None:
    def act(rig: ArmatureObject) -> None:
        walk()
        for frame in (FIRST, LAST):
            bpy.context.scene.frame_set(frame)
            bone = rig.pose.bones["LeftForeArm"]
            bone.rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
            bone.keyframe_insert("rotation_quaternion", keytype="KEYFRAME")
        between = {"frame_start": FIRST, "frame_end": LAST, "seed": 1}
        assert bpy.ops.mmm.in_between(prompt="a person bows", **between) == {"FINISHED"}

    _, apart_T = both_ways(tiny_bundle, "Mixamo", act, END)
    assert apart_T.max() < ALIKE


@pytest.mark.parametrize("kind", KINDS)
def test_a_longer_segment_carries_the_object_along(tiny_bundle: Path, kind: str) -> None:
    before: list[dict[tuple[str, int], KeyArray]] = []

    def act(rig: ArmatureObject) -> None:
        fill_list(("a person walks", "a person waves", "a person bows"))
        assert bpy.ops.mmm.generate_sequence() == {"FINISHED"}
        before.append(raw_keys(rig))
        sequence_list(bpy.context).lines[1].seconds = 1.5
        assert bpy.ops.mmm.regenerate_segment(index=1) == {"FINISHED"}

    rig, apart_T = both_ways(tiny_bundle, kind, act, 3 * END + 12)
    assert apart_T.max() < 5.0 * ALIKE
    after = raw_keys(rig)
    for name, old in before[1].items():
        kept = old[old["co"][:, 0] < END - SEAM]
        assert numbers(kept) == numbers(after[name][: len(kept)])
        assert len(after[name]) == len(old) + 12
    bpy.ops.mmm.way_on_object()
    assert np.abs(np.array(rig.location) - STAND).max() < 1e-6


def test_goals_and_poles_of_a_rigify_human_go_along(tiny_bundle: Path, rigify_file: str) -> None:
    places = []
    for root in ("HIPS", "OBJECT"):
        bpy.ops.wm.open_mainfile(filepath=rigify_file)
        [rig] = [each for each in bpy.data.objects if each.type == "ARMATURE"]
        bpy.context.view_layer.objects.active = rig
        rig.select_set(True)
        bpy.context.scene.mmm.bundle = str(tiny_bundle)
        rig.mmm_rig.root_motion = root
        fill_list(("a person walks", "a person waves", "a person bows"))
        assert bpy.ops.mmm.generate_sequence() == {"FINISHED"}
        sequence_list(bpy.context).lines[1].seconds = 1.5
        assert bpy.ops.mmm.regenerate_segment(index=1) == {"FINISHED"}
        places.append(seen(rig, 1, 3 * END + 12))
        steps_T = np.linalg.norm(np.diff(places[-1][:, 0], axis=0), axis=-1)
        assert steps_T[60:75].max() < 3.0 * np.median(steps_T), "nobody leaps to what follows"
    assert np.abs(places[1] - places[0]).max() < 5.0 * ALIKE
