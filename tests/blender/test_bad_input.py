"""Bad input of every kind to Inpaint: it works, or one sentence says what to do, nothing changed.

Through the real worker process.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.curve_snapshot import CurveId, raw_curves
from mmm_blender.blender.fcurves.keyframe_arrays import (
    KEY_DTYPE,
    KeyArray,
    key_frames,
    read_keys,
    write_keys,
)
from mmm_blender.blender.fcurves.layered_actions import HAS_SLOTS, action_fcurves, enum_value
from mmm_blender.blender.jobs.session import WorkerSession

LAST = 48
FIRST, STOP = 17, 32
FREE = enum_value("handle_left_type", "FREE")

Change = Callable[[ArmatureObject], None]


@pytest.fixture(scope="module")
def walk(
    registered: WorkerSession, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A file with a character that has a generated motion on the frames 1 to 48."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.mmm.generate(prompt="a person waves", seconds=LAST / 24, bundle=str(tiny_bundle))
    cast = bpy.data.collections.new("Cast")
    bpy.context.scene.collection.children.link(cast)
    for item in list(bpy.context.scene.collection.objects):
        cast.objects.link(item)
        bpy.context.scene.collection.objects.unlink(item)
    rig = next(item for item in cast.objects if item.type == "ARMATURE")
    bpy.context.view_layer.objects.active = rig
    rig.select_set(True)
    path = tmp_path_factory.mktemp("bad") / "walk.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


@pytest.fixture
def rig(session: WorkerSession, walk: Path, tiny_bundle: Path) -> ArmatureObject:
    bpy.ops.wm.open_mainfile(filepath=str(walk))
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    return bpy.context.view_layer.objects.active


def inpaint(first: int, last: int, **more: str) -> set[str]:
    arguments = {"prompt": "a person walks", "seed": 3, "hold": "NONE"} | more
    return set(bpy.ops.mmm.inpaint(frame_start=first, frame_end=last, **arguments))


def all_curves() -> dict[str, Any]:
    return {action.name_full: raw_curves(action) for action in bpy.data.actions}


def keys_of(rig: ArmatureObject) -> dict[CurveId, KeyArray]:
    raw = raw_curves(rig.animation_data.action)
    return {name: np.frombuffer(each.keys, KEY_DTYPE) for name, each in raw.items()}


def scene_state() -> tuple[Any, ...]:
    scene = bpy.context.scene
    ends = scene.frame_start, scene.frame_end, scene.frame_current, scene.frame_subframe
    return (*ends, [each.name for each in bpy.data.objects])


# --- what works ----------------------------------------------------------------------------------


def euler_bones(rig: ArmatureObject) -> None:
    """Every other bone in Euler angles, keyed as such."""
    for index, bone in enumerate(rig.pose.bones):
        if index % 2:
            bone.rotation_mode = "YZX"
            for frame in range(1, LAST + 1, 4):
                bone.rotation_euler = (0.01 * frame, 0.02 * index, 0.0)
                bone.keyframe_insert("rotation_euler", frame=frame)


def scaled_and_rotated(rig: ArmatureObject) -> None:
    rig.scale, rig.rotation_euler = (2.0, 2.0, 2.0), (0.4, 0.3, 2.0)


def unevenly_scaled(rig: ArmatureObject) -> None:
    rig.scale = (1.0, 3.0, 0.5)


def fractional_keys(rig: ArmatureObject) -> None:
    """All keys a third of a frame late."""
    for curve in action_fcurves(rig.animation_data.action):
        keys = read_keys(curve)
        for name in ("co", "handle_left", "handle_right"):
            keys[name][:, 0] += 1.0 / 3.0
        write_keys(curve, keys)


def film_rate(_rig: ArmatureObject) -> None:
    render = bpy.context.scene.render
    render.fps, render.fps_base = 24, 1.001


def frame_step(_rig: ArmatureObject) -> None:
    bpy.context.scene.frame_step = 3


def negative_frames(rig: ArmatureObject) -> None:
    """The motion starts at frame -39."""
    for curve in action_fcurves(rig.animation_data.action):
        keys = read_keys(curve)
        for name in ("co", "handle_left", "handle_right"):
            keys[name][:, 0] -= 40.0
        write_keys(curve, keys)


def nothing(_rig: ArmatureObject) -> None:
    pass


@dataclass(frozen=True)
class Case:
    change: Change = nothing
    first: int = FIRST
    last: int = STOP


WORKS = {
    "a range behind the clip": Case(first=LAST + 10, last=LAST + 20),
    "a range before the clip": Case(first=-30, last=-20),
    "a range over the clip's end": Case(first=40, last=LAST + 20),
    "a range over the clip's start": Case(first=-10, last=8),
    "a range shorter than a token": Case(first=FIRST, last=FIRST + 1),
    "a range of one frame": Case(first=FIRST, last=FIRST),
    "Euler bones": Case(euler_bones),
    "a scaled and rotated armature": Case(scaled_and_rotated),
    "an unevenly scaled armature": Case(unevenly_scaled),
    "keys at fractional frames": Case(fractional_keys),
    "a scene at 23.976": Case(film_rate),
    "a frame step": Case(frame_step),
    "negative frames": Case(negative_frames, first=-20, last=-8),
}


@pytest.mark.parametrize("name", WORKS)
def test_it_works(rig: ArmatureObject, name: str) -> None:
    case = WORKS[name]
    case.change(rig)
    bpy.context.view_layer.update()
    before, placed = keys_of(rig), rig.matrix_world.copy()
    others = all_curves()
    assert inpaint(case.first, case.last) == {"FINISHED"}
    after, changed = keys_of(rig), 0
    for path, keys in after.items():
        inside = within(keys, case)
        if inside.tobytes() != within(before.get(path, keys[:0]), case).tobytes():
            changed += 1
            assert key_frames(inside).tolist() == list(range(case.first, case.last + 1))
        assert_kept(before.get(path, keys[:0]), keys, case)
    assert changed > 60
    assert rig.matrix_world == placed
    del others[rig.animation_data.action.name_full]
    assert {path: all_curves()[path] for path in others} == others


@pytest.mark.parametrize("first", [FIRST, FIRST + 15])
def test_a_pose_that_is_not_keyed_yet_stays(rig: ArmatureObject, first: int) -> None:
    """The legs are regenerated around the current frame, or later."""
    bpy.context.scene.frame_set(FIRST + 3)
    rig.pose.bones["left_elbow"].rotation_quaternion = (0.5, 0.5, 0.5, 0.5)
    bpy.context.view_layer.update()
    knee = rig.pose.bones["left_knee"].rotation_quaternion.copy()
    assert inpaint(first, STOP, body_part="LOWER") == {"FINISHED"}
    bpy.context.view_layer.update()
    assert tuple(rig.pose.bones["left_elbow"].rotation_quaternion) == (0.5, 0.5, 0.5, 0.5)
    assert (rig.pose.bones["left_knee"].rotation_quaternion == knee) == (first > FIRST)


def within(keys: KeyArray, case: Case) -> KeyArray:
    frames = key_frames(keys)
    return keys[(frames >= case.first) & (frames <= case.last)]


def assert_kept(before: KeyArray, after: KeyArray, case: Case) -> None:
    """Keys outside the range are there as they were; only automatic handles may be free now."""
    frames = key_frames(before)
    kept = before[(frames < case.first) | (frames > case.last)]
    found = after[np.isin(after["co"][:, 0], kept["co"][:, 0])].copy()
    for name in ("handle_left_type", "handle_right_type"):
        freed = found[name] == FREE
        found[name][freed] = kept[name][freed]
    assert found.tobytes() == kept.tobytes()


# --- what is refused -----------------------------------------------------------------------------


def no_action(rig: ArmatureObject) -> None:
    rig.animation_data_clear()


def no_rig(rig: ArmatureObject) -> None:
    """Two characters, and nothing that says which is meant."""
    bpy.context.collection.objects.link(rig.copy())
    bpy.context.view_layer.objects.active = None


def muted(rig: ArmatureObject) -> None:
    knee_curve(rig).mute = True


def locked(rig: ArmatureObject) -> None:
    knee_curve(rig).lock = True


def knee_curve(rig: ArmatureObject) -> Any:
    curves = action_fcurves(rig.animation_data.action)
    return next(curve for curve in curves if "left_knee" in curve.data_path)


def missing_bones(rig: ArmatureObject) -> None:
    bpy.ops.object.mode_set(mode="EDIT")
    for name in ("left_hand", "left_wrist", "left_elbow"):
        rig.data.edit_bones.remove(rig.data.edit_bones[name])
    bpy.ops.object.mode_set(mode="OBJECT")


def linked_action(rig: ArmatureObject) -> None:
    """The same motion, from another file."""
    name = rig.animation_data.action.name
    path = shutil.copyfile(bpy.data.filepath, Path(bpy.data.filepath).with_name("other.blend"))
    rig.animation_data_clear()
    with bpy.data.libraries.load(str(path), link=True) as (_, wanted):
        wanted.actions = [name]
    data = rig.animation_data_create()
    data.action = wanted.actions[0]
    if HAS_SLOTS:
        data.action_slot = data.action.slots[0]


def linked_collection(_rig: ArmatureObject) -> None:
    """A character that came with a collection of another file, active and selected."""
    path = bpy.data.filepath
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.collections = ["Cast"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    linked = next(each for each in bpy.context.scene.objects if each.type == "ARMATURE")
    bpy.context.view_layer.objects.active = linked
    linked.select_set(True)


def instance_of_a_linked_collection(_rig: ArmatureObject) -> None:
    """The empty that Blender puts for a linked collection."""
    path = bpy.data.filepath
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.collections = ["Cast"]
    empty = bpy.data.objects.new("Cast", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", wanted.collections[0]
    bpy.context.scene.collection.objects.link(empty)
    bpy.context.view_layer.objects.active = empty
    empty.select_set(True)


def stretched_time(_rig: ArmatureObject) -> None:
    render = bpy.context.scene.render
    render.frame_map_old, render.frame_map_new = 100, 200


REFUSED = {
    "a reversed range": (Case(first=STOP, last=FIRST), "swap the two"),
    "a range over all of the Action": (Case(first=-20, last=LAST + 30), "covers the whole motion"),
    "no Action": (Case(no_action), "has no Action to edit: generate a motion or set two keys"),
    "no armature": (Case(no_rig), "Select the character"),
    "a linked Action": (Case(linked_action), "is linked from another file"),
    "a muted curve": (Case(muted), "is muted: turn its channel"),
    "a locked curve": (Case(locked), "is locked: unlock its channel"),
    "time stretching": (Case(stretched_time), "set Old and New to the same value"),
    "missing bones": (Case(missing_bones), "it has none for left elbow"),
    "an armature in a linked collection": (Case(linked_collection), "library override"),
    "an instance of a linked collection": (
        Case(instance_of_a_linked_collection),
        "Select the character",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_says_what_to_do_and_changes_nothing(
    rig: ArmatureObject, tiny_bundle: Path, name: str
) -> None:
    case, words = REFUSED[name]
    case.change(rig)
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    before = all_curves(), scene_state()
    with pytest.raises(RuntimeError) as caught:
        inpaint(case.first, case.last)
    assert (all_curves(), scene_state()) == before
    lines = str(caught.value).strip().splitlines()
    assert len(lines) == 1 and words in lines[0], lines


def test_an_action_of_another_object(rig: ArmatureObject) -> None:
    """Before slots it is anybody's; since then the rig has to have a slot in it."""
    other = bpy.data.objects.new("Other", bpy.data.cameras.new("Other"))
    bpy.context.collection.objects.link(other)
    other.keyframe_insert("location", frame=1)
    other.keyframe_insert("location", frame=20)
    rig.animation_data.action = other.animation_data.action
    before = all_curves(), scene_state()
    try:
        inpaint(FIRST, STOP)
    except RuntimeError as error:
        assert (all_curves(), scene_state()) == before
        assert len(str(error).strip().splitlines()) == 1
        words = ("slot", "no keys") if HAS_SLOTS else ("plays the same keys",)
        assert any(each in str(error) for each in words)
    else:
        assert not HAS_SLOTS
        kept = raw_curves(other.animation_data.action)
        name = other.animation_data.action.name_full
        assert all(kept[path] == raw for path, raw in before[0][name].items())
