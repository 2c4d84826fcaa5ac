"""Whether keys alone make the pose that an edit would write into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mmm_blender.blender.actions.editability import editing_poll_error
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.frame_range import FrameRange
from mmm_blender.blender.fcurves.layered_actions import HAS_SLOTS
from mmm_blender.blender.history import new_action
from tests.blender.helpers.rigs import STYLES, build_rig, wild_clip

Change = Callable[[ArmatureObject], Any]


@pytest.fixture
def rig() -> ArmatureObject:
    """With twelve keyed frames from 1 on."""
    found = build_rig(STYLES["all bones up"])
    new_action.write_clip(found, wild_clip(12), 1)
    return found


def constrain(bone: str, kind: str = "COPY_ROTATION", **settings: Any) -> Change:
    def change(rig: ArmatureObject) -> Any:
        constraint = rig.pose.bones[bone].constraints.new(kind)
        constraint.target = rig
        constraint.subtarget = "right_hip"
        for name, value in settings.items():
            setattr(constraint, name, value)
        bpy.context.view_layer.update()
        return constraint

    return change


def drive(bone: str, name: str = "rotation_quaternion", index: int = 0) -> Change:
    def change(rig: ArmatureObject) -> Any:
        return rig.pose.bones[bone].driver_add(name, index)

    return change


def strip_at(first: int, **settings: Any) -> Change:
    """A strip that plays the rig's own Action once more."""

    def change(rig: ArmatureObject) -> Any:
        strip = rig.animation_data.nla_tracks.new().strips.new(
            "walk", first, rig.animation_data.action
        )
        for name, value in settings.items():
            setattr(strip, name, value)
        return strip

    return change


def solo(rig: ArmatureObject) -> None:
    strip_at(1)(rig)
    rig.animation_data.nla_tracks[0].is_solo = True


def tweak(rig: ArmatureObject) -> None:
    strip_at(1)(rig)
    rig.animation_data.action = None
    rig.animation_data.nla_tracks[0].strips[0].select = True
    rig.animation_data.nla_tracks.active = rig.animation_data.nla_tracks[0]
    rig.animation_data.use_tweak_mode = True


def rest(rig: ArmatureObject) -> None:
    rig.data.pose_position = "REST"


def without_action(rig: ArmatureObject) -> None:
    rig.animation_data.action = None


def with_strips_only(rig: ArmatureObject) -> None:
    strip_at(1)(rig)
    rig.animation_data.action = None


def without_animation(rig: ArmatureObject) -> None:
    rig.animation_data_clear()


def with_empty_action(rig: ArmatureObject) -> None:
    rig.animation_data.action = bpy.data.actions.new("empty")
    if HAS_SLOTS:
        slot = rig.animation_data.action.slots.new(id_type="OBJECT", name=rig.name)
        rig.animation_data.action_slot = slot


def fading_in(rig: ArmatureObject) -> None:
    constraint = constrain("neck", influence=0.0)(rig)
    constraint.keyframe_insert("influence", frame=1)


def mixed(name: str, value: Any) -> Change:
    """The NLA takes the Action in another way, above a strip that plays nothing of the body."""

    def change(rig: ArmatureObject) -> Any:
        beside_a_strip(rig)
        setattr(rig.animation_data, name, value)

    return change


def beside_a_strip(rig: ArmatureObject) -> Any:
    track = rig.animation_data.nla_tracks.new()
    track.strips.new("nothing", 500, bpy.data.actions.new("nothing"))
    return track


def fading(rig: ArmatureObject) -> None:
    beside_a_strip(rig)
    assert rig.keyframe_insert("animation_data.action_influence", frame=1)


def stretched(_rig: ArmatureObject) -> None:
    render = bpy.context.scene.render
    render.frame_map_old, render.frame_map_new = 100, 200


def mixed_nowhere(rig: ArmatureObject) -> None:
    """Without a strip that is heard, the NLA plays the Action as it is."""
    mixed("action_influence", 0.4)(rig)
    rig.animation_data.nla_tracks[0].mute = True
    rig.animation_data.nla_tracks.new()


def mixed_but_off(rig: ArmatureObject) -> None:
    mixed("action_influence", 0.4)(rig)
    rig.animation_data.use_nla = False


def strip_of_more(first: int, **settings: Any) -> Change:
    """A strip that plays a channel which the Action does not key."""

    def change(rig: ArmatureObject) -> Any:
        action, data = rig.animation_data.action, rig.animation_data
        rig.animation_data.action = None
        rig.pose.bones["neck"].keyframe_insert("scale", frame=1)
        rig.pose.bones["neck"].keyframe_insert("scale", frame=20)
        more, data.action = data.action, action
        if hasattr(data, "action_slot") and data.action_slot is None:
            data.action_slot = action.slots[0]
        strip = data.nla_tracks.new().strips.new("more", first, more)
        for name, value in settings.items():
            setattr(strip, name, value)
        return strip

    return change


POLL_ERRORS: list[tuple[Change, str]] = [
    (without_animation, "has no Action"),
    (without_action, "has no Action"),
    (with_strips_only, "Bake the action first"),
    (with_empty_action, "has no keys"),
    (tweak, "leave tweak mode"),
    (rest, "rest position"),
    (constrain("neck"), ": the constraint 'Copy Rotation' on 'neck'"),
    (constrain("neck", influence=0.3), "Bake the action first"),
    (fading_in, "Bake the action first"),
    (constrain("left_wrist", "IK", chain_count=3), "Bake the action first"),
    (drive("neck"), ": a driver moves 'neck' too"),
    (drive("pelvis", "location"), "Bake the action first"),
    (strip_of_more(1), ": the NLA strip 'more'"),
    (solo, "plays alone"),
    (mixed("action_influence", 0.4), "first (Pose > Animation > Bake Action): the Action's own In"),
    (mixed("action_blend_type", "ADD"), "Blending in the NLA is not Replace"),
    (mixed("action_extrapolation", "NOTHING"), "Extrapolation in the NLA is not Hold"),
    (fading, "Influence in the NLA is not 1 all the time"),
    (stretched, "Time Stretching is on: set Old and New to the same value"),
]


@pytest.mark.parametrize(("change", "words"), POLL_ERRORS)
def test_what_stands_in_the_way_is_said(rig: ArmatureObject, change: Change, words: str) -> None:
    change(rig)
    sentence = editing_poll_error(rig, "ALL")
    assert words in sentence
    assert sentence.endswith(".") and sentence.count(".") == 1


HARMLESS: list[Change] = [
    lambda rig: None,
    constrain("neck", influence=0.0),
    constrain("neck", mute=True),
    constrain("neck", target=None),
    lambda rig: setattr(drive("neck")(rig), "mute", True),
    drive("neck", "custom_shape_scale_xyz"),
    strip_at(1, mute=True),
    strip_at(1),  # the Action above replaces all that it plays
    strip_of_more(1, mute=True),
    lambda rig: setattr(strip_at(1)(rig).id_data.animation_data, "use_nla", False),
    beside_a_strip,
    mixed_nowhere,
    mixed_but_off,
    lambda rig: rig.constraints.new("COPY_LOCATION"),
    lambda rig: rig.driver_add("location", 0),
]


@pytest.mark.parametrize("change", HARMLESS)
def test_what_does_not_move_the_pose_is_let_be(rig: ArmatureObject, change: Change) -> None:
    before = seen(rig)
    change(rig)
    assert editing_poll_error(rig, "ALL") == ""
    assert seen(rig) == before


@pytest.mark.parametrize("value", [("action_influence", 0.4), ("action_extrapolation", "NOTHING")])
def test_what_the_nla_does_to_the_action_is_seen(
    rig: ArmatureObject, value: tuple[str, Any]
) -> None:
    before = seen(rig)
    mixed(*value)(rig)
    assert seen(rig) != before


def seen(rig: ArmatureObject) -> list[Any]:
    """The pelvis in the middle of the motion and beyond its end."""
    places: list[Any] = []
    for frame in (6, 20):
        bpy.context.scene.frame_set(frame)
        places.append(rig.pose.bones["pelvis"].matrix.copy())
    return places


def test_only_the_edited_body_part_counts(rig: ArmatureObject) -> None:
    constrain("left_wrist", "IK", chain_count=3)(rig)
    drive("head")(rig)
    assert editing_poll_error(rig, "UPPER")
    assert editing_poll_error(rig, "LOWER") == ""


def test_an_ik_chain_reaches_as_far_as_it_is_long(rig: ArmatureObject) -> None:
    constraint = constrain("left_wrist", "IK", chain_count=4)(rig)
    assert editing_poll_error(rig, "LOWER") == ""
    constraint.chain_count = 0  # up to the root
    assert editing_poll_error(rig, "LOWER")


def test_a_strip_counts_where_it_plays(rig: ArmatureObject) -> None:
    strip = strip_of_more(101, extrapolation="NOTHING")(rig)
    assert editing_poll_error(rig, "ALL", FrameRange(1, 99)) == ""
    assert editing_poll_error(rig, "ALL", FrameRange(1, 101))
    assert editing_poll_error(rig, "ALL", FrameRange(130, 140)) == ""
    strip.extrapolation = "HOLD_FORWARD"
    assert editing_poll_error(rig, "ALL", FrameRange(1, 99)) == ""
    assert editing_poll_error(rig, "ALL", FrameRange(130, 140))
    strip.extrapolation = "HOLD"
    assert editing_poll_error(rig, "ALL", FrameRange(1, 99))


def test_a_strip_of_other_bones_is_let_be(rig: ArmatureObject) -> None:
    other = bpy.data.actions.new("fingers")
    rig.animation_data.action, mine = other, rig.animation_data.action
    rig.keyframe_insert("location", frame=1)
    rig.animation_data.nla_tracks.new().strips.new("fingers", 1, other)
    rig.animation_data.action = mine
    assert editing_poll_error(rig, "ALL") == ""


def test_a_bone_that_does_not_turn_with_its_parent_is_named_where_it_is_edited(
    rig: ArmatureObject,
) -> None:
    rig.data.bones["pelvis"].use_inherit_rotation = False
    rig.data.bones["neck"].inherit_scale = "NONE"
    assert editing_poll_error(rig, "ALL") == ""
    rig.data.bones["head"].use_inherit_rotation = False
    wanted = "Turn Inherit Rotation on for 'head' (Bone properties, Relations)."
    assert editing_poll_error(rig, "ALL") == editing_poll_error(rig, "UPPER") == wanted
    assert editing_poll_error(rig, "LOWER") == ""


def test_a_posed_bone_between_two_of_the_body_is_named() -> None:
    rig = build_rig(STYLES["all bones up"])
    bpy.ops.object.mode_set(mode="EDIT")
    bones = rig.data.edit_bones
    twist = bones.new("twist")
    twist.head, twist.tail = bones["left_elbow"].head, bones["left_elbow"].tail
    twist.parent, bones["left_elbow"].parent = bones["left_shoulder"], twist
    bpy.ops.object.mode_set(mode="OBJECT")
    new_action.write_clip(rig, wild_clip(12), 1)
    assert editing_poll_error(rig, "ALL") == ""
    rig.data.bones["twist"].use_inherit_rotation = False
    assert "Inherit Rotation on for 'twist'" in editing_poll_error(rig, "UPPER")
    rig.data.bones["twist"].use_inherit_rotation = True
    rig.pose.bones["twist"].rotation_quaternion = (0.9, 0.1, 0.0, 0.0)
    bpy.context.view_layer.update()
    assert "'twist' between two of the body is posed" in editing_poll_error(rig, "UPPER")
    assert editing_poll_error(rig, "LOWER") == ""


def test_a_bone_above_the_pelvis_with_a_constraint_is_in_the_way_of_the_pelvis() -> None:
    rig = build_rig(STYLES["smpl add-on"])
    new_action.write_clip(rig, wild_clip(12), 1)
    constraint = rig.pose.bones["root"].constraints.new("LIMIT_ROTATION")
    assert constraint.influence > 0
    assert editing_poll_error(rig, "LOWER")
    assert editing_poll_error(rig, "UPPER") == ""


def test_another_kind_of_rig_is_named() -> None:
    rig = bpy.data.objects.new("Crane", bpy.data.armatures.new("Crane"))
    assert "follow no convention that is known" in editing_poll_error(rig, "ALL")
    assert "Select" in editing_poll_error(None, "ALL")
