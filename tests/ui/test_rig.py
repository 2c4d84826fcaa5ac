"""A Rigify human in the window: a motion by mouse, keyed on its controls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ui.rig import Rig

JOB_SECONDS = 240.0
MODULE = "bl_ext.user_default.mmm_blender"
SESSION = f"import sys; session = sys.modules['{MODULE}.blender.jobs.session'].session; "

HUMAN = """

bpy.ops.preferences.addon_enable(module="rigify")
with bpy.context.temp_override(**view()):
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.pose.rigify_generate()
human = bpy.context.object
bpy.data.objects.remove(metarig)
bpy.context.view_layer.objects.active = human
human.select_set(True)
bpy.context.scene.mmm.prompt = "a person walks forward"
with bpy.context.temp_override(**view()):
    bpy.ops.view3d.view_all()
answer = human.name
"""
KEYED = """
action = bpy.context.object.animation_data.action
curves = getattr(action, "fcurves", None)
if curves is None:
    curves = action.layers[0].strips[0].channelbag(action.slots[0]).fcurves
answer = sorted({curve.data_path.split('"')[1] for curve in curves})
"""
STEPS = """
import json
recipe = json.loads(bpy.context.object.animation_data.action["mmm_recipe"])
answer = [(step["kind"], step["rig"]) for step in recipe["steps"]]
"""


@pytest.fixture
def human(rig: Rig) -> Iterator[Rig]:
    """The generated human, active; afterwards no job is left."""
    rig.ask("bpy.ops.wm.read_homefile(use_empty=True, load_ui=False)")
    rig.ask(HUMAN)
    rig.settle()
    yield rig
    rig.ask(SESSION + "session.shut_down()")


def test_a_rigify_human_gets_a_motion_by_mouse(human: Rig) -> None:
    human.open_sidebar_tab("MMM")
    human.click(*human.find_button("bpy.ops.mmm.generate"))
    wait(human)
    assert {"torso", "upper_arm_fk.L", "foot_ik.R"} <= set(human.ask(KEYED))
    human.screenshot("rigify_generated.png")
    assert human.ask(STEPS) == [["generate", "Rigify"]]


def wait(rig: Rig) -> None:
    """Until the worker's job has ended."""
    rig.settle()
    rig.wait_until(
        lambda: not rig.ask(SESSION + "answer = session.busy"), JOB_SECONDS, "the job's end"
    )
