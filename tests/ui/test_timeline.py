"""Keys that are selected in the timeline, whose filter and menus differ from the dope sheet's."""

import json
from collections.abc import Iterator

import pytest

from tests.ui import key_editor
from tests.ui.key_editor import FIRST, LAST, RAW, changed_frames
from tests.ui.rig import Rig

BONES = 22

# In Pose Mode with one selected bone the filter would hide the keys of all others.
POSE_MODE = """
rig = bpy.context.view_layer.objects.active
with bpy.context.temp_override(**view()):
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.select_all(action="DESELECT")
bone = rig.pose.bones["left_wrist"]
(bone if hasattr(bone, "select") else bone.bone).select = True
scene = bpy.context.scene
scene.show_keys_from_selected_only = {only_selected}
scene.mmm.edit_start, scene.mmm.edit_end = 1, 48
"""
RECIPE = """
action = bpy.context.view_layer.objects.active.animation_data.action
answer = [str(action[name]) for name in action.keys() if name.startswith("mmm_recipe")]
"""


@pytest.fixture
def motion(rig: Rig) -> Iterator[Rig]:
    """A generated walk with its keys in a timeline below the 3D view, nothing selected."""
    key_editor.open_motion(rig, "TIMELINE")
    yield rig
    key_editor.close_motion(rig)


def test_the_keys_selected_in_the_timeline_are_the_range(motion: Rig) -> None:
    motion.ask(POSE_MODE.format(only_selected=False))
    motion.settle()
    key_editor.select_keys(motion)
    motion.screenshot("timeline_before.png")
    before = motion.ask(RAW)

    key_editor.regenerate(motion)
    motion.screenshot("timeline_after.png")
    changed = changed_frames(before, motion.ask(RAW))
    assert min(min(frames) for frames in changed.values() if frames) >= FIRST
    assert max(max(frames) for frames in changed.values() if frames) <= LAST
    assert sum(bool(frames) for frames in changed.values()) >= BONES
    step = json.loads(motion.ask(RECIPE)[0])["steps"][-1]
    assert (step["kind"], step["first"], step["last"]) == ("edit", FIRST, LAST)
