"""What a person does with the mouse in a real Blender window: the parts that no script can show.

The tests share one Blender; each begins with an empty file and leaves no job behind.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ui.jobs import (
    begin_job,
    hold_worker,
    is_busy,
    let_worker_go,
    press_generate,
    run_job,
    shut_down,
    worker_processes,
)
from tests.ui.rig import Rig

PROMPT = "a person waves with the right hand"
SECONDS = 3.0
KEYED_BONES = 22
# A hanging worker is killed after two seconds; the rest is a busy machine.
KILL_SECONDS = 60.0
WAITING_SECONDS = 4.0
# A window that waited for the worker, which stands still, would be frozen for ever.
LONGEST_FREEZE_SECONDS = 20.0

INVENTORY = """
answer = {
    "objects": sorted(item.name for item in bpy.data.objects),
    "armatures": len(bpy.data.armatures),
    "actions": sorted(item.name for item in bpy.data.actions),
    "frame_end": bpy.context.scene.frame_end,
}
"""
KEYS = """
action = bpy.context.view_layer.objects.active.animation_data.action
layered = not hasattr(action, "fcurves")
curves = action.layers[0].strips[0].channelbags[0].fcurves if layered else action.fcurves
values = [[round(point.co[1], 6) for point in curve.keyframe_points] for curve in curves]
answer = {
    "bones": len({curve.data_path.rpartition(".")[0] for curve in curves}),
    "counts": sorted({len(row) for row in values}),
    "types": sorted({point.type for curve in curves for point in curve.keyframe_points}),
    "moving": sum(len(set(row)) > 1 for row in values),
    "recipe": [str(action[name]) for name in action.keys()],
}
"""
SHOW_POSE = """
scene = bpy.context.scene
scene.frame_set(scene.frame_start + {frame})
with bpy.context.temp_override(**view()):
    bpy.ops.view3d.view_axis(type="FRONT")
    bpy.ops.view3d.view_all()
"""


@pytest.fixture
def panel(rig: Rig) -> Iterator[Rig]:
    """The MMM tab in an empty file, with a short prompt; afterwards no job is left."""
    rig.ask("bpy.ops.wm.read_homefile(use_empty=True, load_ui=False)")
    rig.ask(f"mmm = bpy.context.scene.mmm; mmm.prompt = {PROMPT!r}; mmm.seconds = {SECONDS}")
    rig.open_sidebar_tab("MMM")
    yield rig
    shut_down(rig)


@pytest.fixture
def stuck_job(panel: Rig) -> Rig:
    """A job whose worker does not answer: its process stood still before the press."""
    hold_worker(panel)
    begin_job(panel, lambda: press_generate(panel))
    assert is_busy(panel)
    return panel


def test_the_tab_shows_its_panel(panel: Rig) -> None:
    panel.find_button("bpy.ops.mmm.add_character")
    panel.find_button("bpy.ops.mmm.generate")
    panel.screenshot("panel.png")


def test_a_press_makes_keys_and_one_undo_takes_all_back(panel: Rig) -> None:
    before = inventory(panel)
    run_job(panel, lambda: press_generate(panel))
    after = inventory(panel)
    assert after["armatures"] == before["armatures"] + 1
    assert len(after["actions"]) == len(before["actions"]) + 1
    check_keys(panel)
    show_pose(panel, frame=30)
    panel.screenshot("generated.png")

    press_until_scene_is(panel, "ctrl+z", before)
    press_until_scene_is(panel, "ctrl+shift+z", after)


def test_while_a_job_runs_there_is_no_second_press_and_escape_ends_it(stuck_job: Rig) -> None:
    before = inventory(stuck_job)
    assert stuck_job.ask("answer = bpy.ops.mmm.generate.poll()") is False
    assert stuck_job.ask("answer = bpy.ops.mmm.add_character.poll()") is False
    stuck_job.find_button("bpy.ops.mmm.cancel")
    stuck_job.screenshot("running.png")

    stuck_job.press_until(
        lambda: stuck_job.key_in_view("Escape"), lambda: not is_busy(stuck_job), "the job's end"
    )
    assert inventory(stuck_job) == before
    stuck_job.wait_until(
        lambda: not worker_processes(stuck_job), KILL_SECONDS, "the end of the hanging worker"
    )
    assert stuck_job.ask("answer = bpy.ops.mmm.generate.poll()") is True


def test_waiting_does_not_freeze_the_window(stuck_job: Rig) -> None:
    stuck_job.ask("longest_freeze()")
    time.sleep(WAITING_SECONDS)
    assert stuck_job.ask("answer = longest_freeze()") < LONGEST_FREEZE_SECONDS
    assert is_busy(stuck_job)


def test_opening_a_file_during_a_job_cancels_it(stuck_job: Rig) -> None:
    stuck_job.ask("bpy.ops.wm.read_homefile(use_empty=True, load_ui=False)")
    assert not is_busy(stuck_job)
    before = inventory(stuck_job)
    let_worker_go(stuck_job)  # a late answer must find nothing to write to
    time.sleep(WAITING_SECONDS)
    assert inventory(stuck_job) == before
    assert before["armatures"] == 0


def test_an_added_character_is_taken_back_by_one_undo(panel: Rig) -> None:
    before = inventory(panel)
    panel.press_until(
        lambda: panel.click(*panel.find_button("bpy.ops.mmm.add_character")),
        lambda: inventory(panel)["armatures"] == 1,
        "a character",
    )
    show_pose(panel, frame=0)
    panel.screenshot("character.png")
    press_until_scene_is(panel, "ctrl+z", before)


def press_until_scene_is(panel: Rig, keys: str, scene: dict[str, Any]) -> None:
    panel.press_until(
        lambda: panel.key_in_view(keys), lambda: inventory(panel) == scene, f"{scene} by {keys}"
    )


def show_pose(panel: Rig, frame: int) -> None:
    """Turn the view to the character from the front, that many frames after the first."""
    panel.ask(SHOW_POSE.format(frame=frame))
    panel.settle()


def inventory(panel: Rig) -> dict[str, Any]:
    return panel.ask(INVENTORY)


def check_keys(panel: Rig) -> None:
    """One key a frame on 22 bones, of the type and with the recipe that mark generated motion."""
    keys = panel.ask(KEYS)
    frames_per_second = panel.ask("r = bpy.context.scene.render; answer = r.fps / r.fps_base")
    assert keys["bones"] == KEYED_BONES
    assert keys["types"] == ["GENERATED"]
    (count,) = keys["counts"]
    assert abs(count - SECONDS * frames_per_second) <= 1
    assert keys["moving"] > KEYED_BONES
    assert any(PROMPT in text for text in keys["recipe"])
