"""Pins: the list, where their objects are frame by frame, and what is said of bad ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.pins import panel
from mmm_blender.blender.pins.pin_reader import (
    PinnedFrames,
    left_out_note,
    pins_of,
    pins_poll_error,
    read_pins,
)
from mmm_blender.blender.pins.properties import pin_settings
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.world_space import world_space
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.editing.limb_pins import Pin
from tests.blender.helpers.drawing import drawn
from tests.blender.helpers.scene_lines import add_empty

FRAMES = PinnedFrames(start=1, first=11, last=34, fps=24.0)


@pytest.fixture
def rig(session: WorkerSession) -> Any:
    """A character, moved and scaled."""
    rig = create_character(bpy.context)
    rig.location, rig.scale = (1.0, 2.0, 0.0), (2.0, 2.0, 2.0)
    bpy.context.view_layer.update()
    return rig


def read(rig: Any, frames: PinnedFrames = FRAMES) -> tuple[Pin, ...]:
    reading = read_pins(pins_of(rig), world_space(rig), frames, rig)
    while True:
        try:
            assert 0.0 <= next(reading) <= 1.0
        except StopIteration as end:
            return end.value


def test_a_pin_begins_where_the_joint_is(rig: Any) -> None:
    bpy.context.scene.frame_set(20)
    rig.pose.bones["left_shoulder"].rotation_mode = "XYZ"
    rig.pose.bones["left_shoulder"].rotation_euler.x = 0.7
    bpy.context.view_layer.update()
    assert bpy.ops.mmm.pin_add(part="LEFT_HAND") == {"FINISHED"}
    (line,) = pin_settings(rig).pins
    wrist = rig.matrix_world @ rig.pose.bones["left_wrist"].head
    bpy.context.view_layer.update()
    assert tuple(line.object.matrix_world.translation) == pytest.approx(tuple(wrist), abs=1e-5)
    assert (line.first, line.last, line.object.name) == (20, 20, "Pin Left Hand")
    assert bpy.context.view_layer.objects.active == rig
    (message,) = read(rig)
    assert message.joint == "left_wrist" and not message.look
    assert message.first == message.last == pytest.approx(19 / 24)
    (place,) = message.target_K3
    np.testing.assert_allclose(world_space(rig).to_world(place), tuple(wrist), atol=1e-3)


def test_what_is_looked_at_lies_before_the_face(rig: Any) -> None:
    bpy.context.scene.frame_set(20)
    bpy.ops.mmm.pin_add(part="LOOK_AT")
    bpy.context.view_layer.update()
    (message,) = read(rig)
    assert message.joint == "head" and message.look
    (place,) = message.target_K3
    assert place[2] == pytest.approx(2.0, abs=0.1), "metres of the body"
    assert place[1] == pytest.approx(1.5, abs=0.2)


def test_an_object_that_moves_is_read_on_every_frame(rig: Any) -> None:
    parent, handle = add_empty("Door", (0, 0, 0)), add_empty("Handle", (0, 0, 1))
    handle.parent = parent
    for frame, x in ((11, 0.0), (21, 10.0)):
        parent.location.x = x
        parent.keyframe_insert("location", frame=frame)
    bpy.context.scene.frame_set(5)
    rig.pose.bones["head"].rotation_quaternion.x = 0.5  # posed, and nobody has keyed it
    bpy.ops.mmm.pin_add(part="RIGHT_HAND", object="Handle", first=16, last=90)
    (message,) = read(rig)
    assert (message.first, message.last) == (15 / 24, 33 / 24), "clipped to the motion"
    assert len(message.target_K3) == 34 - 16 + 1
    x_N = world_space(rig).to_world(message.target_K3)[:, 0]
    assert x_N[0] == pytest.approx(5.0, abs=0.01) and x_N[-1] == pytest.approx(10.0, abs=1e-2)
    assert bpy.context.scene.frame_current == 5
    assert rig.pose.bones["head"].rotation_quaternion.x == 0.5


def test_a_still_object_is_one_place(rig: Any) -> None:
    add_empty("Rail", (0, 0, 2))
    bpy.ops.mmm.pin_add(part="LEFT_HAND", object="Rail", first=11, last=34)
    (message,) = read(rig)
    assert len(message.target_K3) == 1


def test_pins_outside_of_the_motion_are_left_out_and_said(rig: Any) -> None:
    add_empty("Rail", (0, 0, 2))
    bpy.ops.mmm.pin_add(part="HEAD", object="Rail", first=100, last=120)
    assert read(rig) == ()
    note = left_out_note(pins_of(rig), FRAMES)
    assert note == (
        "The pin of Head (frames 100 to 120) lies outside of the frames 11 to 34 and was left out."
    )
    pin_settings(rig).pins[0].enabled = False
    assert pins_of(rig) == () and left_out_note((), FRAMES) == ""


def test_two_pins_that_exclude_each_other_are_said(rig: Any) -> None:
    for name, first, last in (("A", 1, 20), ("B", 15, 30)):
        add_empty(name, (0, 0, 2))
        bpy.ops.mmm.pin_add(part="LEFT_HAND", object=name, first=first, last=last)
    sentence = pins_poll_error(rig)
    assert "'A' and 'B' both hold Left Hand on frame 15" in sentence
    with pytest.raises(MMMError, match="give the pins different frames"):
        pins_of(rig)
    pin_settings(rig).pins[1].part = "RIGHT_HAND"
    assert not pins_poll_error(rig)


def test_pins_without_object_or_frames_are_said(rig: Any) -> None:
    add_empty("A", (0, 0, 2))
    bpy.ops.mmm.pin_add(part="HEAD", object="A", first=5, last=3)
    assert "ends (frame 3) before it starts (frame 5)" in pins_poll_error(rig)
    pin_settings(rig).pins[0].last = 9
    bpy.context.collection.objects.unlink(bpy.data.objects["A"])
    assert "'A' of the pin of Head is not in this scene" in pins_poll_error(rig)
    bpy.data.objects.remove(bpy.data.objects["A"])
    assert "has no object" in pins_poll_error(rig)
    bpy.ops.mmm.pin_remove()
    assert not pin_settings(rig).pins and not bpy.ops.mmm.pin_remove.poll()
    with pytest.raises(RuntimeError, match="no object 'Nobody'"):
        bpy.ops.mmm.pin_add(part="HEAD", object="Nobody")


def test_pins_stay_in_the_file_with_their_character(rig: Any, tmp_path: Any) -> None:
    bpy.ops.mmm.pin_add(part="LEFT_FOOT", first=3, last=8)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "pins.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "pins.blend"))
    (line,) = pin_settings(bpy.data.objects["MMM Character"]).pins
    assert (line.part, line.first, line.last) == ("LEFT_FOOT", 3, 8)


def test_the_panel_lists_them(rig: Any) -> None:
    bpy.ops.mmm.pin_add(part="HEAD", first=5, last=3)
    layout = drawn(panel.PinPanel)
    assert "list pins 1" in layout.text and "prop first" in layout.text
    assert "before it starts" in layout.text and "mmm.pin_remove" in layout.buttons()
    line = pin_settings(rig).pins[0]
    parts: Any = SimpleNamespace()
    panel.MMM_UL_pins.draw_item(parts, bpy.context, layout, None, line, 0, None, "", 0)
    bpy.ops.mmm.add_character()  # with one character in the scene, that one is meant
    bpy.context.view_layer.objects.active = None
    assert "Select a character" in drawn(panel.PinPanel).text
    assert not bpy.ops.mmm.pin_add.poll()
