"""The manual's pictures: each scene is made in a windowed Blender, with the panel that it is about.

With MMM_UI_DOCS=1 the pictures are written to docs/manual; without, it is checked that they can be
made, that they show something, and that the manual has them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.ui import key_editor, manual_scenes
from tests.ui.panels import (
    DOCS_VARIABLE,
    MANUAL,
    keep_picture,
    open_parts,
    open_tab,
    scroll_down,
    show_panel,
    view_area,
)
from tests.ui.rig import Rig

JOB_SECONDS = 240.0
WIDTH = 760  # pixels of a picture of the 3D view: the character and the sidebar
MOST_BYTES = 150_000
AWAY = 300  # pixels below the upper edge, beside the character
LEAST_BYTES = 5_000  # of one that is not blank
PREFERENCES_TOP = 220  # pixels of Blender's own lines about an add-on


class Look(NamedTuple):
    """Where the picture is taken from: frame, degrees of tilt and turn, metres away, of the point
    looked at above the floor, and of the view's middle to the right of the character."""

    frame: int
    tilt: float = 80.0
    turn: float = 50.0
    distance: float = 4.0
    height: float = 0.9
    aside: float = -0.58


class Picture(NamedTuple):
    """What stands in the scene, the panel that is open, and how far the sidebar is scrolled."""

    scene: str
    panel: str
    look: Look
    scrolled: int = 0


WALK = manual_scenes.GENERATE.format(prompt="a person walks forward", seed=0)
TIRED = manual_scenes.GENERATE.format(prompt="a tired person walks forward", seed=0)
VIEWS = {
    "first_motion": Picture(TIRED, "motion", Look(30, turn=60)),
    "upper_body": Picture(WALK + manual_scenes.WAVE, "edit", Look(45, turn=20)),
    "in_between": Picture(manual_scenes.POSES, "edit", Look(20, turn=10)),
    "path": Picture(manual_scenes.CURVE, "path", Look(75, 50, -50, 8.0, 0.3, -0.9), 5),
    "pins": Picture(manual_scenes.PINS, "pins", Look(36), 9),
    "sequence": Picture(manual_scenes.SEQUENCE, "sequence", Look(90, turn=40)),
    "loop": Picture(manual_scenes.LOOP, "shape", Look(20, turn=70)),
    "rig": Picture(manual_scenes.HUMAN, "rig", Look(24, turn=60, distance=5.2)),
    "hands": Picture(manual_scenes.HANDS, "rig", Look(24, turn=60, distance=3.2)),
    "copy_motion": Picture(manual_scenes.COPY, "rig", Look(24, 80, 40, 6.5, 0.9, -0.4)),
}

SEEN_ELSEWHERE = {"path", "rig", "hands", "copy_motion", "edit_range"}
"""Scenes that other tests of this folder make too, or that take long: here for the manual alone."""


def picture_of_panel(rig: Rig, name: str) -> Path:
    picture = VIEWS[name]
    begin(rig, picture.scene)
    open_tab(rig)
    inside = picture.panel in ("path", "pins")
    show_panel(rig, "motion" if inside else picture.panel)
    if inside:
        open_parts(rig)
        scroll_down(rig, picture.scrolled)
    look(rig, picture.look)
    left, top, _, _ = area = view_area(rig, WIDTH)
    rig.move(left, top + AWAY)  # where no tooltip opens
    return keep_picture(rig, name, area)


def picture_of_words(rig: Rig, name: str) -> Path:
    """A prompt with a word that is not known, and a slip."""
    begin(rig, manual_scenes.UNKNOWN)
    open_tab(rig)
    return keep_picture(rig, name, rig.region("UI"))


def picture_of_menu(rig: Rig, name: str) -> Path:
    """The menu of keys that were selected with the mouse."""
    key_editor.open_motion(rig, "DOPESHEET")
    key_editor.select_keys(rig)
    look(rig, Look(45, turn=60, aside=0.0))
    x, _, y = key_editor.place(rig, 45)
    rig.click(x, y, button=3)
    made = keep_picture(rig, name, editor_and_view(rig, key_editor.EDITOR))
    rig.key("Escape")
    key_editor.close_motion(rig)
    return made


def picture_of_curves(rig: Rig, name: str) -> Path:
    """The knee's, after Simplify Keys."""
    begin(rig, manual_scenes.SIMPLIFY)
    rig.ask(key_editor.SPLIT.format(editor="FCURVES"))
    rig.settle()
    look(rig, Look(30, turn=60, aside=0.0))
    rig.ask("with bpy.context.temp_override(**view('GRAPH_EDITOR')):\n    bpy.ops.graph.view_all()")
    return keep_picture(rig, name, editor_and_view(rig, "GRAPH_EDITOR"))


def picture_of_weights(rig: Rig, name: str) -> Path:
    """The add-on's part of the preferences."""
    begin(rig, manual_scenes.WEIGHTS)
    left, top, right, bottom = rig.region("WINDOW", "PREFERENCES")
    made = keep_picture(rig, name, (left, top + PREFERENCES_TOP, right, bottom))
    rig.ask(manual_scenes.BACK)
    rig.ask(manual_scenes.NEW_FILE)
    return made


def begin(rig: Rig, scene: str) -> None:
    """A new file, and in it the scene."""
    rig.ask(manual_scenes.NEW_FILE)
    rig.ask(scene, JOB_SECONDS)


def look(rig: Rig, at: Look) -> None:
    rig.ask(manual_scenes.LOOK.format(**at._asdict()))


def editor_and_view(rig: Rig, editor: str) -> tuple[int, int, int, int]:
    """The 3D view and the editor below it on the screen."""
    left, top, _, _ = rig.region("WINDOW")
    _, _, right, bottom = rig.region("WINDOW", editor)
    return left, top, right, bottom


OTHERS: dict[str, Callable[[Rig, str], Path]] = {
    "unknown_words": picture_of_words,
    "edit_range": picture_of_menu,
    "simplified": picture_of_curves,
    "weights": picture_of_weights,
}
ASKED = bool(os.environ.get(DOCS_VARIABLE))
NAMES = [name for name in (*VIEWS, *OTHERS) if ASKED or name not in SEEN_ELSEWHERE]


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_shows_something_and_the_manual_has_it(rig: Rig, name: str) -> None:
    made = OTHERS.get(name, picture_of_panel)(rig, name)
    assert LEAST_BYTES < made.stat().st_size < MOST_BYTES
    assert (MANUAL / f"{name}.png").is_file(), "make the manual's pictures"
