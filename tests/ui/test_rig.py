"""A Rigify human in the window, by mouse: a motion keyed on its controls, its hands closed, a range
of it made anew from keys that are selected in the dope sheet, and the file for a game engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui import key_editor
from tests.ui.jobs import press_generate, run_job
from tests.ui.key_editor import FIRST, LAST, RAW, changed_frames
from tests.ui.panels import open_tab, show_panel
from tests.ui.rig import BUTTON_COLUMN, HEIGHT, PRESSES, SEARCH_STEP, Rig, RigError
from tests.ui.scene_parts import RIGIFY_HUMAN
from tests.ui.test_first_session import SEARCHLESS, search

FILE_MENU = (45, 12)
"""Pixels of the word File in the top bar."""
ACROSS = 320
"""Pixels from the left to a line of a menu that the menu File opens."""
LOWEST = HEIGHT - 20
EXPORT = "bpy.ops.mmm.export_motion"
SLOW_SECONDS = 180.0
"""For what takes ten on a quiet machine: Rigify's human, an export."""

HUMAN = (
    RIGIFY_HUMAN
    + """
mmm = bpy.context.scene.mmm
mmm.prompt, mmm.seconds, mmm.scene_end = "a person walks forward", 3.0, "FIT"
bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
with bpy.context.temp_override(**view()):
    bpy.ops.view3d.view_all()
answer = human.name
"""
)
KEYED = """
action = bpy.context.object.animation_data.action
curves = getattr(action, "fcurves", None)
if curves is None:
    curves = action.layers[0].strips[0].channelbag(action.slots[0]).fcurves
answer = sorted({curve.data_path.split('"')[1] for curve in curves})
"""
FIST = "bpy.ops.mmm.pose_hands(pose='FIST'"
FINGERS = ("thumb.01.L", "f_index.01.L", "f_pinky.02.R")
STEPS = """
import json
recipe = json.loads(bpy.context.object.animation_data.action["mmm_recipe"])
answer = [(step["kind"], step["rig"]) for step in recipe["steps"]]
"""


ALL_SELECTED = """
human = bpy.context.view_layer.objects.active
for bone in human.pose.bones:
    (bone if hasattr(bone, "select") else bone.bone).select = True
"""
SIDE = """
with bpy.context.temp_override(**view()):
    bpy.ops.view3d.view_axis(type="LEFT")
    bpy.ops.view3d.view_selected()
bpy.context.scene.frame_set({frame})
"""
BROWSED = """
areas = bpy.context.window_manager.windows[0].screen.areas
answer = any(area.type == "FILE_BROWSER" for area in areas)
"""


@pytest.fixture
def human(rig: Rig) -> Iterator[Rig]:
    """The generated human, active; afterwards no job is left, and the window as it was."""
    rig.ask("bpy.ops.wm.read_homefile(use_empty=True, load_ui=True)", SLOW_SECONDS)
    rig.ask(HUMAN, SLOW_SECONDS)
    rig.settle()
    yield rig
    key_editor.close_motion(rig)


def test_a_rigify_human_gets_a_motion_and_a_new_range_and_goes_out(human: Rig) -> None:
    human.open_sidebar_tab("MMM")
    run_job(human, lambda: press_generate(human))
    assert {"torso", "upper_arm_fk.L", "foot_ik.R"} <= set(human.ask(KEYED))
    assert human.ask(STEPS) == [["generate", "Rigify"]]
    human.ask(SIDE.format(frame=30))
    human.settle()
    human.screenshot("rigify_generated.png")

    close_hands(human)
    assert {*FINGERS} <= set(human.ask(KEYED))
    assert human.ask(STEPS) == [["generate", "Rigify"]]

    before = regenerate_from_keys(human)
    changed = changed_frames(before, human.ask(RAW))
    frames = set().union(*changed.values())
    assert frames and min(frames) >= FIRST and max(frames) <= LAST
    assert human.ask(STEPS) == [["generate", "Rigify"], ["edit", "Rigify"]]
    human.screenshot("rigify_range.png")

    path = export_by_mouse(human)
    assert path.read_bytes()[:20] == b"Kaydara FBX Binary  "
    assert b"DEF-forearm.L" in path.read_bytes()


def close_hands(rig: Rig) -> None:
    """Open the panel Rig, which has the panel Hands inside, and press Fist, at its right."""
    open_tab(rig)
    show_panel(rig, "rig")
    rig.screenshot("rigify_hands.png")
    _, top, right, bottom = rig.region("UI")
    rows = range((top + bottom) // 2, bottom, SEARCH_STEP)
    found = rig.find_command([(right - BUTTON_COLUMN, y) for y in rows], FIST)
    if found:
        return rig.click(*found)
    raise RigError("the panel Hands shows no button Fist")


def regenerate_from_keys(rig: Rig) -> list[object]:
    """Box-select a range's keys below the view and press Regenerate Range; the keys before that."""
    rig.ask(ALL_SELECTED)
    rig.ask(f"bpy.context.scene.mmm.edit_prompt = {key_editor.PROMPT!r}")
    key_editor.split(rig, "DOPESHEET")
    key_editor.select_keys(rig)
    rig.screenshot("rigify_keys.png")
    before = rig.ask(RAW)
    key_editor.regenerate(rig)
    return before


def export_by_mouse(rig: Rig) -> Path:
    """File > Export > Motion of Character, and the button of the file browser; the file. Blender 4
    closes a menu that the mouse leaves: there the entry is searched for."""
    if rig.ask("answer = bpy.app.version[0]") < SEARCHLESS:
        search(rig, "Motion of Character", EXPORT)
    else:
        choose_in_file_menu(rig, EXPORT)
    rig.wait_until(lambda: rig.ask(BROWSED), SLOW_SECONDS, "the file browser")
    rig.settle()
    rig.screenshot("rigify_export.png")
    _, _, right, bottom = rig.region("EXECUTE", "FILE_BROWSER")
    rig.press_until(
        lambda: rig.click(right - 60, bottom - 18), lambda: not rig.ask(BROWSED), "the export's end"
    )
    return next(rig.folder.rglob("*.fbx"))


def choose_in_file_menu(rig: Rig, command: str) -> None:
    """Press the line of File > Export that runs a command."""
    lines = [(ACROSS, y) for y in range(FILE_MENU[1] + SEARCH_STEP, LOWEST, SEARCH_STEP)]
    for _ in range(PRESSES):
        rig.click(*FILE_MENU)
        rig.key("e")  # the menu's own letter for Export
        if rig.find_command(lines, command):
            rig.event("click 1")
            return
        rig.key("Escape")
    rig.screenshot("file_menu.png")
    raise RigError(f"the menu File shows no line that runs {command}")
