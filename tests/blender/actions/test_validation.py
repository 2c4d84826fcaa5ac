from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.actions.range_writer import check_curves, raw_curves, write_range
from mmm_blender.blender.bpy_types import ArmatureObject, FCurve, bpy
from mmm_blender.blender.fcurves.curve_writer import CurveWriter
from mmm_blender.blender.fcurves.layered_actions import HAS_SLOTS, bone_path, curves_by_channel
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.skeleton import SMPL_22
from tests.blender.helpers.curve_layouts import generated, store_of
from tests.blender.helpers.rigs import STYLES, build_rig, wild_clip


@pytest.fixture
def rig() -> ArmatureObject:
    return create_character(bpy.context)


def spoil_modifier(curve: FCurve) -> None:
    curve.modifiers.new("NOISE")


def spoil_extrapolation(curve: FCurve) -> None:
    curve.extrapolation = "LINEAR"


def spoil_mute(curve: FCurve) -> None:
    curve.mute = True


def spoil_group_mute(curve: FCurve) -> None:
    assert curve.group is not None
    curve.group.mute = True


def spoil_lock(curve: FCurve) -> None:
    curve.lock = True


def spoil_group_lock(curve: FCurve) -> None:
    assert curve.group is not None
    curve.group.lock = True


def spoil_samples(curve: FCurve) -> None:
    curve.convert_to_samples(1, 40)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_modifier, "modifier Noise"),
        (spoil_extrapolation, "straight line"),
        (spoil_mute, "muted"),
        (spoil_group_mute, "muted"),
        (spoil_lock, "locked"),
        (spoil_group_lock, "locked"),
        (spoil_samples, "samples"),
    ],
)
def test_curves_that_refuse_say_why(rig: ArmatureObject, spoil: object, words: str) -> None:
    action = generated(rig)
    curve = curves_by_channel(store_of(rig, action).fcurves)[
        bone_path("head", "rotation_quaternion"), 2
    ]
    assert callable(spoil)
    spoil(curve)
    before = raw_curves(action)
    with pytest.raises(MMMError, match=words) as caught:
        write_range(rig, action, wild_clip(5), 3, 3, 7, SMPL_22.names, {})
    assert "'head'" in str(caught.value)
    assert str(caught.value).count(".") == 1
    assert raw_curves(action) == before
    check_curves(rig, action, ["left_elbow"], 3, 7)


def test_a_reversed_range_is_said(rig: ArmatureObject) -> None:
    with pytest.raises(MMMError, match="swap"):
        write_range(rig, generated(rig), wild_clip(5), 3, 7, 3, SMPL_22.names, {})


def test_a_linked_action_is_said(rig: ArmatureObject, tmp_path: Path) -> None:
    action = generated(rig)
    library = tmp_path / "library.blend"
    bpy.data.libraries.write(str(library), {action})
    bpy.data.actions.remove(action)
    with bpy.data.libraries.load(str(library), link=True) as (source, wanted):
        wanted.actions = source.actions
    rig.animation_data.action = wanted.actions[0]
    if HAS_SLOTS:
        rig.animation_data.action_slot = wanted.actions[0].slots[0]
    with pytest.raises(MMMError, match="linked from another file"):
        check_curves(rig, rig.animation_data.action, SMPL_22.names, 3, 7)


def test_an_animated_bone_above_the_pelvis_is_said() -> None:
    rig = build_rig(STYLES["smpl add-on"])
    action = generated(rig)
    for frame, x in ((1, 0.0), (20, 1.0)):
        rig.pose.bones["root"].location.x = x
        rig.pose.bones["root"].keyframe_insert("location", frame=frame)
    with pytest.raises(MMMError, match="above the pelvis"):
        check_curves(rig, action, ["pelvis"], 3, 7)
    check_curves(rig, action, ["head"], 3, 7)


@pytest.mark.skipif(not HAS_SLOTS, reason="no slots in this Blender")
def test_slots(rig: ArmatureObject) -> None:
    action = generated(rig)
    data = rig.animation_data
    mine = data.action_slot
    other = action.slots.new(id_type="OBJECT", name="Another")
    data.action_slot = other
    with pytest.raises(MMMError, match="choose the other slot"):
        check_curves(rig, action, ["head"], 3, 7)
    data.action_slot = None
    with pytest.raises(MMMError, match="uses no slot"):
        check_curves(rig, action, ["head"], 3, 7)
    friend = create_character(bpy.context)
    friend.animation_data_create().action = action
    friend.animation_data.action_slot = mine
    data.action_slot = other
    before = raw_curves(action)
    write_range(rig, action, wild_clip(5), 3, 3, 7, ["head"], {})
    after = raw_curves(action)
    assert {name: after[name] for name in before} == before
    assert {name[0] for name in after if name not in before} == {other.identifier}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("empty", [False, True])
def test_a_failure_half_way_leaves_all_as_it_was(
    rig: ArmatureObject, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], empty: bool
) -> None:
    if empty:
        action = bpy.data.actions.new("Empty")
        rig.animation_data_create().action = action
        if HAS_SLOTS:
            rig.animation_data.action_slot = action.slots.new(id_type="OBJECT", name="x")
    else:
        action = generated(rig)
        store = store_of(rig, action)
        for curve in [c for c in store.fcurves if '"spine' in c.data_path]:
            store.fcurves.remove(curve)
        if "spine1" in store.groups:
            store.groups.remove(store.groups["spine1"])
    before = raw_curves(action)
    write = CurveWriter.write
    calls: list[FCurve] = []

    def failing(writer: CurveWriter, curve: FCurve, *rest: Any, **named: Any) -> None:
        write(writer, curve, *rest, **named)
        calls.append(curve)
        if len(calls) == 60:
            raise error("in the middle")

    monkeypatch.setattr(CurveWriter, "write", failing)
    with pytest.raises(error):
        write_range(rig, action, wild_clip(20), 3, 3, 22, SMPL_22.names, {})
    assert raw_curves(action) == before
    if HAS_SLOTS and empty:
        assert len(action.layers) == 0
    if not empty:
        assert "spine1" not in {group.name for group in store_of(rig, action).groups}


def test_a_key_that_is_no_number_is_told(rig: ArmatureObject) -> None:
    action = generated(rig)
    store_of(rig, action).fcurves[0].keyframe_points[3].co.y = float("nan")
    with pytest.raises(MMMError, match="is no number: delete that key"):
        check_curves(rig, action, SMPL_22.names, 1, 20)


def test_an_action_that_moves_another_too_is_told(rig: ArmatureObject) -> None:
    """Before: the other character moved, too, without a word."""
    action = generated(rig)
    other = create_character(bpy.context)
    data = other.animation_data_create()
    data.action = action
    if HAS_SLOTS:
        data.action_slot = action.slots[0]
    with pytest.raises(MMMError, match="plays the same keys"):
        check_curves(rig, action, SMPL_22.names, 1, 20)
    data.action = None
    check_curves(rig, action, SMPL_22.names, 1, 20)


def test_a_rotation_mode_that_changes_is_told(rig: ArmatureObject) -> None:
    """Before: its state at the press was taken for all frames."""
    action = generated(rig)
    bone = rig.pose.bones["left_elbow"]
    bone.keyframe_insert("rotation_mode", frame=5)
    check_curves(rig, action, SMPL_22.names, 1, 20)
    bone.rotation_mode = "XYZ"
    bone.keyframe_insert("rotation_mode", frame=12)
    with pytest.raises(MMMError, match="rotation mode of the bone 'left_elbow' is keyed"):
        check_curves(rig, action, SMPL_22.names, 1, 20)
