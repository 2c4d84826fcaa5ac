"""What is seen before it is done: the range in the timeline, the bones, ghosts and footprints."""

from collections.abc import Iterator

import pytest

from tests.ui import key_editor
from tests.ui.jobs import MODULE
from tests.ui.rig import ANSWER_SECONDS, Rig

IMPORTS = (
    f"import sys; overlays = sys.modules['{MODULE}.blender.preview.overlays']; "
    f"drawn = sys.modules['{MODULE}.blender.preview.shown_range']\n"
)
SHOW = """
mmm = bpy.context.scene.mmm
mmm.edit_start, mmm.edit_end, mmm.body_part = 30, 60, "UPPER"
bpy.context.scene.frame_set(45)
with bpy.context.temp_override(**view()):
    bpy.ops.view3d.view_axis(type="LEFT")
    bpy.ops.view3d.view_all()
"""
MEANT = """
with bpy.context.temp_override(**view()):
    meant = drawn.meant_range(bpy.context)
    answer = None if meant is None else [meant.first, meant.last, meant.part]
"""
COST = """
import time
with bpy.context.temp_override(**view()):
    overlays.view_lines(bpy.context)
    started = time.perf_counter()
    for _ in range(200):
        overlays.view_lines(bpy.context)
    answer = 1e3 * (time.perf_counter() - started) / 200
"""
LINES = """
with bpy.context.temp_override(**view()):
    answer = len(overlays.view_lines(bpy.context))
"""
# its state cannot be set: a panel that nobody has drawn yet is open unless it says otherwise
OPEN_BY_DEFAULT = """
panel = bpy.types.MMM_PT_edit
bpy.utils.unregister_class(panel)
panel.bl_options = {options}
bpy.utils.register_class(panel)
"""
CLOSE = """
view()["area"].spaces.active.show_region_ui = False
"""


@pytest.fixture
def motion(rig: Rig) -> Iterator[Rig]:
    """A generated walk with its keys in a timeline below the 3D view."""
    key_editor.open_motion(rig, "TIMELINE")
    yield rig
    rig.ask(OPEN_BY_DEFAULT.format(options="{'DEFAULT_CLOSED'}"))
    key_editor.close_motion(rig)


def test_the_range_and_the_take_are_drawn_while_the_panel_is_open(motion: Rig) -> None:
    motion.ask(SHOW)
    motion.ask(OPEN_BY_DEFAULT.format(options="set()"))
    motion.ask(CLOSE)
    motion.settle()
    assert motion.ask(IMPORTS + MEANT) is None, "no panel is open"
    motion.open_sidebar_tab("MMM")
    motion.settle()
    meant = [30, 60, "UPPER"]
    motion.wait_until(lambda: motion.ask(IMPORTS + MEANT) == meant, ANSWER_SECONDS, f"{meant}")
    assert motion.ask(IMPORTS + LINES) == 6, "bones, three ghosts and the prints of both feet"
    motion.screenshot("preview_range.png")
    print("ms a drawing:", motion.ask(IMPORTS + COST))
    motion.ask("bpy.context.scene.mmm.show_range = bpy.context.scene.mmm.show_ghosts = False")
    motion.settle()
    motion.screenshot("preview_off.png")
    assert motion.ask(IMPORTS + LINES) == 0
    assert motion.ask(IMPORTS + "answer = overlays.is_drawing()") is True, motion.log()
