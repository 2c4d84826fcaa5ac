"""An editor of keys below the 3D view: what the tests do with the mouse in it."""

import time
from typing import Any

from tests.ui.jobs import JOB_SECONDS, run_job, shut_down
from tests.ui.rig import PRESSES, Rig

EDITOR = "DOPESHEET_EDITOR"
SCROLL_BAR = 45  # pixels at the lower edge where a drag would move the view
FIRST, LAST = 30, 60
PROMPT = "a person waves with both hands"

SPLIT = """
with bpy.context.temp_override(**view()):
    bpy.ops.screen.area_split(direction="HORIZONTAL", factor=0.55)
areas = [a for a in bpy.context.window_manager.windows[0].screen.areas if a.type == "VIEW_3D"]
min(areas, key=lambda a: a.y).ui_type = "{editor}"
"""
SHOW = """
with bpy.context.temp_override(**view()):
    bpy.ops.view3d.view_axis(type="FRONT")
    bpy.ops.view3d.view_all()
with bpy.context.temp_override(**view("DOPESHEET_EDITOR")):
    bpy.ops.action.select_all(action="DESELECT")
    bpy.ops.action.view_all()
bpy.context.scene.frame_set(45)
for area in bpy.context.window_manager.windows[0].screen.areas:
    area.tag_redraw()
"""
PLACE = """
v = region("WINDOW", "DOPESHEET_EDITOR")
answer = v.view2d.view_to_region({frame}, 0.0, clip=False)[0] + v.x
"""
RAW = """
import numpy as np
action = bpy.context.view_layer.objects.active.animation_data.action
layered = not hasattr(action, "fcurves")
curves = action.layers[0].strips[0].channelbags[0].fcurves if layered else action.fcurves
answer = [[c.data_path, c.array_index, [[*p.co, *p.handle_left, *p.handle_right] for p in
    c.keyframe_points]] for c in curves]
"""
SELECTED = """
action = bpy.context.view_layer.objects.active.animation_data.action
layered = not hasattr(action, "fcurves")
curves = action.layers[0].strips[0].channelbags[0].fcurves if layered else action.fcurves
frames = sorted({p.co[0] for c in curves for p in c.keyframe_points if p.select_control_point})
answer = [frames[0], frames[-1]] if frames else []
"""


def open_motion(rig: Rig, editor: str) -> None:
    """A generated walk, its keys in an editor below the 3D view, nothing selected."""
    rig.ask("bpy.ops.wm.read_homefile(use_empty=True, load_ui=True)")
    rig.ask("bpy.ops.mmm.generate(prompt='a person walks forward', seconds=4, seed=0)", JOB_SECONDS)
    rig.ask(f"bpy.context.scene.mmm.edit_prompt = {PROMPT!r}")
    split(rig, editor)


def close_motion(rig: Rig) -> None:
    """No job is left, and the window as it was."""
    shut_down(rig)
    rig.ask("bpy.ops.wm.read_homefile(use_empty=True, load_ui=True)")


def split(rig: Rig, editor: str) -> None:
    """An editor of keys below the 3D view, both showing all that there is."""
    rig.ask(SPLIT.format(editor=editor))
    time.sleep(1.0)  # until the new editor is drawn, there is nothing to frame
    for _ in range(2):
        rig.ask(SHOW)
        rig.settle()


def place(rig: Rig, frame: float) -> tuple[int, int, int]:
    """Of a frame in the dope sheet: x, and the lowest and highest y of its keys, on the screen."""
    x = rig.ask(PLACE.format(frame=frame))
    _, top, _, bottom = rig.region("WINDOW", EDITOR)
    return round(x), bottom - SCROLL_BAR, top + 36


def select_keys(rig: Rig) -> None:
    """Drag a box around the keys of a range; the box begins above the summary's row of keys."""
    left, low, high = place(rig, FIRST - 0.4)
    right, _, _ = place(rig, LAST + 0.4)
    for _ in range(PRESSES):
        rig.move(left, low)
        rig.key("b")  # else a press on a key would drag it
        rig.drag((left, low), (right, high))
        if rig.ask(SELECTED) == [FIRST, LAST]:
            return
    raise AssertionError(f"selected are {rig.ask(SELECTED)}")


def press_inpaint(rig: Rig) -> None:
    """By the context menu of the keys."""
    x, _, y = place(rig, (FIRST + LAST) / 2)
    rig.choose_in_context_menu(x, y, "bpy.ops.mmm.inpaint")


def regenerate(rig: Rig) -> None:
    """``press_inpaint``, and wait until the range is there."""
    run_job(rig, lambda: press_inpaint(rig))
    rig.settle()


def by_curve(raw: list[Any]) -> dict[tuple[str, int], dict[float, list[float]]]:
    return {(path, index): {key[0]: key for key in keys} for path, index, keys in raw}


def changed_frames(before: list[Any], after: list[Any]) -> dict[str, set[float]]:
    """Frames whose keys differ, by the path of their curve; the curves are the same ones."""
    old, new = by_curve(before), by_curve(after)
    assert new.keys() == old.keys()
    found: dict[str, set[float]] = {}
    for (path, index), keys in old.items():
        now = new[path, index]
        differing = {frame for frame in keys | now if keys.get(frame) != now.get(frame)}
        found.setdefault(path, set()).update(differing)
    return found
