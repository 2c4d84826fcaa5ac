"""From a zip to the first motion, as on an animator's machine that has nothing and no network.

The window belongs to a Blender that was never started before; the zip is dragged into it.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.jobs import JOB_SECONDS, MODULE, SESSION
from tests.ui.rig import HERE, PRESSES, SEARCH_STEP, Rig, RigError
from tests.ui.test_windowed import KEYS

INSTALL_SECONDS = 240.0
START_SECONDS = 240.0
DROP_AT = (700, 450)
OK_FROM_DROP = (-60, 91)  # pixels from the place of a drop to the button of its dialog
OK_SIZE = (40, 10)
POINTER = "bpy.ops.mmm.show_tab"
CLICKS = 4
"""The splash, OK, what points to the tab, and Generate, above which the licence is said once."""

TAB = "answer = region('UI').active_panel_category"
PRESENT = f"answer = {MODULE!r} in bpy.context.preferences.addons"
ONLINE = "answer = bpy.app.online_access"
KEYED = """
active = bpy.context.view_layer.objects.active
data = active.animation_data if active else None
answer = bool(data and data.action)
"""


KNOWN = f"answer = bpy.context.preferences.addons[{MODULE!r}].preferences.known_licences"


@pytest.fixture
def new(root: Path, extension: Path, tmp_path: Path) -> Iterator[Rig]:
    """A Blender without settings, network or another Python, and the zip on its disk."""
    shutil.copy(extension, tmp_path / extension.name)
    shutil.copy(HERE / "drop_file.py", tmp_path)
    with Rig(root, tmp_path, alone=True) as started:
        started.open_blender()
        # the first picture is drawn: the splash can be clicked away
        started.ask("bpy.ops.wm.redraw_timer(type='DRAW_WIN_SWAP', iterations=1)", START_SECONDS)
        yield started


def test_a_zip_dragged_into_blender_makes_a_motion_without_set_up(
    new: Rig, extension: Path
) -> None:
    left, top, right, bottom = new.region("WINDOW")
    new.click((left + right) // 2, bottom - 60)  # beside the splash
    began = time.monotonic()
    drag_in(new, extension)
    new.wait_until(lambda: new.ask(PRESENT, INSTALL_SECONDS), INSTALL_SECONDS, "the extension")
    assert new.run("cat /proc/net/dev").count(":") == 1  # the loopback alone
    searched = time.monotonic()
    new.move((left + right) // 2, (top + bottom) // 2)
    new.click(*pointer(new))
    new.wait_until(lambda: new.ask(TAB) == "MMM", INSTALL_SECONDS, "the tab")
    generate = new.find_button("bpy.ops.mmm.generate")
    new.screenshot("first_press.png")  # the licence stands above the button
    pressed = time.monotonic()
    new.click(*generate)
    new.wait_until(lambda: new.ask(KEYED), JOB_SECONDS, "the first motion")
    keyed = time.monotonic()
    assert "starter: CC-BY-NC-4.0" in new.ask(KNOWN)
    keys = new.ask(KEYS)
    assert keys["bones"] == 22 and keys["types"] == ["GENERATED"] and keys["moving"] > 22
    assert not new.ask(SESSION + "answer = bool(session.python_errors)")
    python = new.ask("import sys; answer = sys.executable")
    assert python in new.run("cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'").splitlines()
    assert "torch" not in new.run(f"ls {new.folder}/user/extensions/.local/lib/*/site-packages")
    show(new)
    new.screenshot("first_motion.png")
    print(
        f"From the drop to the tab {searched - began:.0f} s, from Generate to the keys "
        f"{keyed - pressed:.0f} s, and {pressed - searched:.0f} s of the test's own search for the "
        f"tab and the button; {new.clicks} clicks."
    )
    assert new.clicks == CLICKS


def pointer(new: Rig) -> tuple[int, int]:
    """The button in the 3D view's header that is there once, after installing."""
    left, top, right, bottom = new.region("HEADER")
    columns = range(left + SEARCH_STEP, right, 2 * SEARCH_STEP)
    for _ in range(PRESSES):  # it may not be drawn yet
        if found := new.find_command([(x, (top + bottom) // 2) for x in columns], POINTER):
            return found
    raise RigError("the header does not point to the tab")


def drag_in(new: Rig, extension: Path) -> None:
    """Drop the zip over the scene and press OK."""
    x, y = DROP_AT
    x_ok, y_ok = x + OK_FROM_DROP[0], y + OK_FROM_DROP[1]
    button = (x_ok - OK_SIZE[0], y_ok - OK_SIZE[1], x_ok + OK_SIZE[0], y_ok + OK_SIZE[1])
    before = new.pixels(button)
    new.run(f"python3 {new.folder}/drop_file.py {new.folder}/{extension.name} {x} {y}")
    new.wait_until(lambda: new.pixels(button) != before, INSTALL_SECONDS, "the dialog")
    new.settle()
    new.click(x_ok, y_ok)


def show(new: Rig) -> None:
    """The character in the middle of a step, from the side where it is seen best."""
    new.ask(
        "bpy.context.scene.frame_set(30)\n"
        "with bpy.context.temp_override(**view()):\n"
        "    bpy.ops.view3d.view_selected()\n"
    )
    new.settle()
