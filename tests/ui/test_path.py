"""A path in the 3D view: its line and marks before the press, footprints after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ui.conftest import CHOOSE_PYTHON
from tests.ui.jobs import MODULE, press_generate, run_job, shut_down
from tests.ui.rig import Rig
from tests.ui.scene_parts import WALK_CURVE

IMPORTS = (
    f"import sys; overlay = sys.modules['{MODULE}.blender.path.overlay']; "
    f"overlays = sys.modules['{MODULE}.blender.preview.overlays']\n"
)

DRAW = (
    WALK_CURVE
    + """
bpy.context.scene.mmm.prompt = "a person walks forward"
with bpy.context.temp_override(**view()):
    bpy.ops.view3d.view_axis(type="TOP")
    bpy.ops.view3d.view_all()
"""
)
SHOW = """
bpy.context.scene.frame_set(30)
with bpy.context.temp_override(**view()):
    bpy.ops.view3d.view_all()
"""


@pytest.fixture
def path(rig: Rig) -> Iterator[Rig]:
    """A curve as the panel's path, seen from above; afterwards no job is left."""
    rig.ask("bpy.ops.wm.read_homefile(use_empty=True, load_ui=False)")
    rig.ask(DRAW)
    rig.settle()
    yield rig
    shut_down(rig)


def test_the_path_is_drawn_before_the_press_and_footprints_after(path: Rig) -> None:
    assert path.ask(IMPORTS + "answer = overlay.is_drawing()") is True
    drawn = path.ask(IMPORTS + "answer = len(overlay.drawing(bpy.context))")
    assert drawn == 3, "line, marks and arrows"
    path.screenshot("path_before.png")

    path.open_sidebar_tab("MMM")
    run_job(path, lambda: press_generate(path))
    path.ask(SHOW)
    path.settle()
    path.screenshot("path_after.png")
    drawn = path.ask(IMPORTS + "answer = len(overlays.view_lines(bpy.context))")
    assert drawn == 5, "three ghosts and the prints of both feet"


def test_no_drawing_is_left_when_the_add_on_is_off(path: Rig) -> None:
    path.ask(f"bpy.ops.preferences.addon_disable(module='{MODULE}')")
    path.settle()
    path.screenshot("path_off.png")
    path.ask(f"bpy.ops.preferences.addon_enable(module='{MODULE}')")
    # Blender forgets the preferences of an add-on that is turned off
    path.ask(CHOOSE_PYTHON)
    assert path.ask(IMPORTS + "answer = overlay.is_drawing()") is True
