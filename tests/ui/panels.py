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
found = []
for cls in bpy.types.Panel.__subclasses__():
    if getattr(cls, "bl_category", "") == "MMM" and cls.bl_space_type == "VIEW_3D":
        if not hasattr(cls, "bl_parent_id"):
            with bpy.context.temp_override(**view()):
                if not hasattr(cls, "poll") or cls.poll(bpy.context):
                    is_open = "DEFAULT_CLOSED" not in getattr(cls, "bl_options", ())
                    found.append((cls.bl_order, cls.bl_idname.removeprefix("MMM_PT_"), is_open))
answer = [[name, is_open] for _, name, is_open in sorted(found)]
"""
OPEN_TAB = """
view()["area"].spaces.active.show_region_ui = True
try:
    region("UI").active_panel_category = "MMM"
except (AttributeError, TypeError):
    pass  # its tabs are known when it was drawn, and older versions only tell
answer = region("UI").active_panel_category
"""
WHEEL_DOWN = 5


def open_tab(rig: Rig) -> None:
    """The MMM tab: by name where Blender takes it, which is faster than by mouse."""
    rig.ask(OPEN_TAB)
    rig.settle()
    if rig.ask(OPEN_TAB) != "MMM":
        rig.open_sidebar_tab("MMM")
    rig.settle()


def scroll_down(rig: Rig, times: int) -> None:
    """Turn the mouse wheel over the sidebar."""
    left, top, right, bottom = rig.region("UI")
    rig.move((left + right) // 2, (top + bottom) // 2)
    rig.run(f"xdotool click --repeat {times} --delay 60 {WHEEL_DOWN}")
    rig.settle()


def show_panel(rig: Rig, name: str) -> None:
    """Open one panel of the tab, by its id without MMM_PT_, and close the others.

    The tab is as in a new file: those that are open are closed from the top, so that each header
    has its place."""
    panels = rig.ask(PANELS)
    for number, (_, is_open) in enumerate(panels):
        if is_open:
            _press_header(rig, number)
    _press_header(rig, [each for each, _ in panels].index(name))


def _press_header(rig: Rig, number: int) -> None:
    left, top, _, _ = rig.region("UI")
    rig.click(left + HEADER_LEFT, top + FIRST_HEADER + HEADER * number)
    for _ in range(2):
        rig.settle()  # panels open and close in steps


def open_parts(rig: Rig) -> None:
    """Open the panels inside the first one, which is the open one."""
    left, top, _, _ = rig.region("UI")
    rig.run("xdotool keydown ctrl")
    rig.click(left + HEADER_LEFT, top + FIRST_HEADER)
    rig.run("xdotool keyup ctrl")
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
