"""A first session by mouse and key: generate, pick a take, regenerate, loop, simplify, save, go on.

Its pictures are those of the manual: with MMM_UI_DOCS=1 they are written to docs/manual.
"""

from tests.ui.jobs import notice, press_generate, run_job
from tests.ui.panels import keep_picture, view_area
from tests.ui.rig import Rig

SEARCHLESS = 5
POPUP = (300, 200)  # pixels around the mouse where a popup is drawn
IN_MANUAL = ("takes",)
WIDTH = 900  # pixels of a picture of the 3D view
MOST_BYTES = 150_000
PROMPT = "a person walks forward"
TAKES = 3
START = f"""
bpy.ops.wm.read_homefile(use_empty=True, load_ui=False)
mmm = bpy.context.scene.mmm
mmm.prompt, mmm.seconds, mmm.takes, mmm.scene_end = {PROMPT!r}, 3.0, {TAKES}, "FIT"
mmm.play_takes = False
"""
SHOW = """
rig = bpy.context.view_layer.objects.active
bpy.context.scene.frame_set(24)
with bpy.context.temp_override(**view()):
    bpy.ops.view3d.view_axis(type="LEFT")
    bpy.ops.view3d.view_all()
"""
STATE = """
rig = bpy.context.view_layer.objects.active
holder = (lambda bone: bone if hasattr(bone, "select") else bone.bone)
action = rig.animation_data.action
layered = not hasattr(action, "fcurves")
curves = action.layers[0].strips[0].channelbags[0].fcurves if layered else action.fcurves
answer = {
    "rigs": sum(each.type == "ARMATURE" for each in bpy.data.objects),
    "selected": sum(bool(holder(bone).select) for bone in rig.pose.bones),
    "bones": len(rig.pose.bones),
    "action": action.name,
    "takes": [take.action.name for take in rig.mmm_takes.takes],
    "active": rig.mmm_takes.active,
    "keys": sum(len(curve.keyframe_points) for curve in curves),
    "cycles": sum(len(curve.modifiers) for curve in curves),
    "frames": [int(frame) for frame in action.frame_range],
    "fake": sum(each.use_fake_user for each in bpy.data.actions),
}
"""
MAKE_ROOM = """
import sys
sys.modules["bl_ext.user_default.mmm_blender.blender.jobs.session"].session.forget_notice()
bpy.context.scene.frame_set(1)
for area in bpy.context.window_manager.windows[0].screen.areas:
    area.tag_redraw()
"""
SELECT_KEYS = """
rig = bpy.context.view_layer.objects.active
action = rig.animation_data.action
layered = not hasattr(action, "fcurves")
curves = action.layers[0].strips[0].channelbags[0].fcurves if layered else action.fcurves
for curve in curves:
    for key in curve.keyframe_points:
        key.select_control_point = 30 <= key.co[0] <= 50
"""


def picture(rig: Rig, name: str) -> None:
    """A screenshot among the other pictures, and in the manual where that is asked for."""
    rig.settle()
    rig.screenshot(f"session_{name}.png")
    if name in IN_MANUAL:
        assert keep_picture(rig, name, view_area(rig, WIDTH)).stat().st_size < MOST_BYTES


def keep_button(rig: Rig) -> tuple[int, int]:
    """Beside Discard, in the left half of the sidebar."""
    left, _, _, _ = rig.region("UI")
    _, y = rig.find_button("bpy.ops.mmm.discard_take")
    return left + 60, y


def search(rig: Rig, words: str, command: str) -> None:
    """F3 over the scene, the words, Enter. Blender 5 opens no search here, where the screen has no
    window manager: there the command is invoked as its menu entry would."""
    if rig.ask("answer = bpy.app.version[0]") >= SEARCHLESS:
        invoked = f"with bpy.context.temp_override(**view()):\n    {command}('INVOKE_DEFAULT')"
        rig.ask(invoked)
        rig.settle()
        return
    left, top, right, bottom = rig.region("WINDOW")
    x, y = (left + right) // 2, (top + bottom) // 2
    rig.move(x, y)
    rig.settle()
    around = (x - POPUP[0], y - POPUP[1], x + POPUP[0], y + POPUP[1])
    before = rig.pixels(around)
    # without the popup, the letters would be commands of the view
    rig.press_until(lambda: rig.key("F3"), lambda: rig.pixels(around) != before, "the popup")
    rig.event(f"type --delay 40 '{words}'")
    rig.settle()
    picture(rig, words.replace(" ", "_").lower())
    rig.key("Return")


def pressed(rig: Rig, left: bool, takes: int) -> dict[str, object]:
    """Keep (left) or Discard by mouse, until so many takes are left."""
    x, y = keep_button(rig) if left else rig.find_button("bpy.ops.mmm.discard_take")
    rig.press_until(
        lambda: rig.click(x, y), lambda: len(rig.ask(STATE)["takes"]) == takes, f"{takes} takes"
    )
    return rig.ask(STATE)


def undo_is_a_step_each(rig: Rig, before: dict[str, object]) -> None:
    """Discard and Keep by mouse, and both taken back by Ctrl Z over the view."""
    rig.ask(MAKE_ROOM)

    def undone() -> bool:
        now = rig.ask(STATE)
        return all(now[name] == before[name] for name in ("takes", "active", "action", "fake"))

    for left, takes in ((False, TAKES - 1), (True, 1)):
        pressed(rig, left, takes)
        rig.press_until(lambda: rig.key_in_view("ctrl+z"), undone, f"{before} after an undo")


def pick_a_take(rig: Rig, takes: list[str]) -> None:
    """Click a row, flip on by the arrow keys, and keep what plays."""
    rig.ask(MAKE_ROOM)
    keep = keep_button(rig)
    rig.click(keep[0], keep[1] - 60)  # a row of the list above
    picked = rig.ask(STATE)
    assert picked["action"] in takes
    rig.key("Down")  # the mouse is over the list
    rig.key("Down")
    flipped = rig.ask(STATE)
    assert flipped["action"] == flipped["takes"][flipped["active"]]
    kept = pressed(rig, True, 1)
    assert kept["takes"] == [flipped["action"]] == [kept["action"]]


def test_a_first_session(rig: Rig) -> None:
    rig.ask(START)
    rig.open_sidebar_tab("MMM")
    run_job(rig, lambda: press_generate(rig))
    rig.ask(SHOW)
    state = rig.ask(STATE)
    assert (state["rigs"], state["selected"]) == (1, state["bones"]), "its keys show"
    assert len(state["takes"]) == TAKES and state["fake"] == 0
    picture(rig, "takes")

    undo_is_a_step_each(rig, state)
    pick_a_take(rig, state["takes"])
    rig.ask("bpy.context.scene.mmm.takes = 1\n" + SELECT_KEYS)
    run_job(rig, lambda: search(rig, "Regenerate Range", "bpy.ops.mmm.inpaint"))
    assert "frames 30 to 50" in notice(rig)
    rig.ask(SELECT_KEYS.replace("30 <= key.co[0] <= 50", "False"))
    run_job(rig, lambda: search(rig, "Make Loop", "bpy.ops.mmm.make_loop"))
    looped = rig.ask(STATE)
    assert looped["cycles"] > 0 and "loop" in looped["action"] and len(looped["takes"]) == 2
    rig.ask(SHOW)
    picture(rig, "loop")

    search(rig, "Simplify Keys", "bpy.ops.mmm.simplify_keys")
    rig.press_until(
        lambda: rig.key("Return"),  # the dialog's own button
        lambda: rig.ask(STATE)["keys"] < looped["keys"],
        "fewer keys",
    )
    simple = rig.ask(STATE)
    assert simple["keys"] < 0.7 * looped["keys"] and simple["cycles"] == looped["cycles"]
    picture(rig, "simplified")

    path = rig.folder / "session.blend"
    rig.ask(f"bpy.ops.wm.save_as_mainfile(filepath={str(path)!r})")
    rig.ask(f"bpy.ops.wm.open_mainfile(filepath={str(path)!r}, load_ui=False)")
    again = rig.ask(STATE)
    assert again["takes"] == simple["takes"] and again["keys"] == simple["keys"]
    rig.open_sidebar_tab("MMM")
    rig.ask("bpy.context.scene.frame_set(1)")
    run_job(rig, lambda: press_generate(rig))
    later = rig.ask(STATE)
    assert later["rigs"] == 1 and len(later["takes"]) == len(again["takes"]) + 1
    picture(rig, "again")
