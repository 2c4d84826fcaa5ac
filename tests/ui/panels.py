"""The MMM tab with one panel open, by clicks on the panels' headers, and pictures cut out of it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.ui.rig import CHECKOUT, Rig

MANUAL = CHECKOUT / "docs" / "manual"
DOCS_VARIABLE = "MMM_UI_DOCS"
HEADER = 28  # pixels from one closed panel's header to the next one's
FIRST_HEADER = 16  # from the sidebar's top to the middle of the first header
HEADER_LEFT = 50
PANELS = """
import sys
widgets = sys.modules["bl_ext.user_default.mmm_blender.blender.widgets"]
shown = []
for cls in bpy.types.Panel.__subclasses__():
    if getattr(cls, "bl_category", "") == "MMM" and cls.bl_space_type == "VIEW_3D":
        if not hasattr(cls, "bl_parent_id"):
            with bpy.context.temp_override(**view()):
                if not hasattr(cls, "poll") or cls.poll(bpy.context):
                    shown.append((cls.bl_order, cls.bl_idname.removeprefix("MMM_PT_")))
answer = [name for _, name in sorted(shown)]
"""


def show_panel(rig: Rig, name: str) -> None:
    """Open one panel of the tab, by its id without MMM_PT_, and close the others.

    The first header is clicked, as it is open; then the second has its place, and Ctrl closes all
    others; then it is closed too, and every header has its place.
    """
    names = rig.ask(PANELS)
    left, top, _, _ = rig.region("UI")
    x, y = left + HEADER_LEFT, top + FIRST_HEADER
    rig.click(x, y)
    _press(rig, x, y + HEADER, "ctrl")
    if names.index(name) == 1:
        return
    rig.click(x, y + HEADER)
    rig.click(x, y + HEADER * names.index(name))


def open_parts(rig: Rig) -> None:
    """Open the panels inside the first one, which is the open one."""
    left, top, _, _ = rig.region("UI")
    _press(rig, left + HEADER_LEFT, top + FIRST_HEADER, "ctrl")


def _press(rig: Rig, x: int, y: int, key: str) -> None:
    rig.run(f"xdotool keydown {key}")
    rig.click(x, y)
    rig.run(f"xdotool keyup {key}")
    rig.settle()


def view_area(rig: Rig, width: int) -> tuple[int, int, int, int]:
    """The right part of the 3D view with its sidebar: left, top, right, bottom on the screen."""
    left, top, right, bottom = rig.region("WINDOW")
    return max(left, right - width), top, right, bottom


def keep_picture(rig: Rig, name: str, area: tuple[int, int, int, int], colours: int = 64) -> Path:
    """A picture of a part of the screen, in few colours; in the manual too where that is asked."""
    left, top, right, bottom = area
    shot, small = rig.folder / "shot.png", rig.folder / "small.png"
    rig.settle()
    rig.run(
        f"import -window root {shot} && convert {shot} -crop "
        f"{right - left}x{bottom - top}+{left}+{top} +repage +dither -colors {colours} "
        f"-strip png8:{small}"
    )
    made = CHECKOUT / "out" / "ui" / rig.root_name / f"manual_{name}.png"
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_bytes(small.read_bytes())
    if os.environ.get(DOCS_VARIABLE):
        (MANUAL / f"{name}.png").write_bytes(small.read_bytes())
    return made
