"""The manual's pictures: each scene is made in a windowed Blender, with the panel that it is about.

With MMM_UI_DOCS=1 the pictures are written to docs/manual; without, it is checked that they can be
made, that they show something, and that the manual has them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui import key_editor, manual_scenes
from tests.ui.panels import MANUAL, keep_picture, open_parts, show_panel, view_area
from tests.ui.rig import Rig

JOB_SECONDS = 240.0
WIDTH = 760  # pixels of a picture of the 3D view: the character and the sidebar
MOST_BYTES = 150_000
LEAST_BYTES = 5_000  # of one that is not blank
VIEWS = {  # picture: scene, panel, frame, tilt, turn and nearness of the view
    "first_motion": (
        manual_scenes.GENERATE.format(prompt="a tired person walks forward", seed=0),
        "motion",
        (30, 80, 60, 0.8),
    ),
    "upper_body": (
        manual_scenes.GENERATE.format(prompt="a person walks forward", seed=0) + manual_scenes.WAVE,
        "edit",
        (45, 85, 20, 0.8),
    ),
    "in_between": (manual_scenes.POSES, "edit", (20, 88, 10, 0.9)),
    "path": (manual_scenes.CURVE, "path", (40, 45, 40, 0.9)),
    "pins": (manual_scenes.PINS, "pins", (36, 80, 50, 0.9)),
    "sequence": (manual_scenes.SEQUENCE, "sequence", (90, 80, 40, 0.8)),
    "loop": (manual_scenes.LOOP, "shape", (20, 85, 70, 0.8)),
    "rig": (manual_scenes.HUMAN, "rig", (24, 80, 60, 0.8)),
    "copy_motion": (manual_scenes.COPY, "rig", (24, 80, 50, 0.8)),
    "unknown_words": (manual_scenes.UNKNOWN, "motion", (1, 80, 40, 1.0)),
}


def check(made: Path, name: str) -> None:
    """It shows something, is small, and the manual has it."""
    assert LEAST_BYTES < made.stat().st_size < MOST_BYTES, name
    assert (MANUAL / f"{name}.png").is_file(), f"make the manual's pictures: {name} is missing"


def begin(rig: Rig, scene: str) -> None:
    """A new file, and in it the scene."""
    rig.ask(manual_scenes.NEW_FILE)
    rig.ask(scene, JOB_SECONDS)


@pytest.mark.parametrize("name", VIEWS)
def test_a_picture_of_a_panel(rig: Rig, name: str) -> None:
    scene, panel, (frame, tilt, turn, distance) = VIEWS[name]
    begin(rig, scene)
    rig.open_sidebar_tab("MMM")
    if panel in ("path", "pins"):
        show_panel(rig, "motion")
        open_parts(rig)
    else:
        show_panel(rig, panel)
    rig.ask(manual_scenes.LOOK.format(frame=frame, tilt=tilt, turn=turn, distance=distance))
    check(keep_picture(rig, name, view_area(rig, WIDTH)), name)


def test_the_menu_of_selected_keys(rig: Rig) -> None:
    key_editor.open_motion(rig, "DOPESHEET")
    key_editor.select_keys(rig)
    rig.ask(manual_scenes.LOOK.format(frame=45, tilt=85, turn=60, distance=0.8))
    x, _, y = key_editor.place(rig, 45)
    rig.run(f"xdotool mousemove {x} {y} sleep 0.2 click 3 sleep 0.8")
    left, top, _, _ = rig.region("WINDOW")
    _, _, right, bottom = rig.region("WINDOW", key_editor.EDITOR)
    check(keep_picture(rig, "edit_range", (left, top, right, bottom)), "edit_range")
    rig.key("Escape")
    key_editor.close_motion(rig)


def test_simplified_curves(rig: Rig) -> None:
    begin(rig, manual_scenes.SIMPLIFY)
    rig.ask(key_editor.SPLIT.format(editor="FCURVES"))
    rig.settle()
    rig.ask(manual_scenes.LOOK.format(frame=30, tilt=85, turn=60, distance=0.8))
    rig.ask("with bpy.context.temp_override(**view('GRAPH_EDITOR')):\n    bpy.ops.graph.view_all()")
    left, top, _, _ = rig.region("WINDOW")
    _, _, right, bottom = rig.region("WINDOW", "GRAPH_EDITOR")
    check(keep_picture(rig, "simplified", (left, top, right, bottom)), "simplified")


def test_weights_in_the_preferences(rig: Rig) -> None:
    begin(rig, manual_scenes.WEIGHTS)
    left, top, right, bottom = rig.region("WINDOW", "PREFERENCES")
    check(keep_picture(rig, "weights", (left, top, right, bottom)), "weights")
    rig.ask(manual_scenes.NEW_FILE)
