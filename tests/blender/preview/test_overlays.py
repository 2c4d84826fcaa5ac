"""What is drawn over the editors: when, and of what."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender import viewport_lines
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.edit import open_panels
from mmm_blender.blender.edit.panel import EditPanel
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.preview import overlays
from mmm_blender.blender.preview.shown_range import meant_range, part_lines
from mmm_blender.blender.rig.armature import create_character
from tests.blender.helpers.drawing import drawn
from tests.blender.helpers.rigs import posed_heads, wild_clip


@pytest.fixture
def rig(session: WorkerSession, monkeypatch: pytest.MonkeyPatch) -> ArmatureObject:
    """A character with a motion on the frames 1 to 12, and the panel open."""
    monkeypatch.setattr(open_panels, "_areas", areas)
    monkeypatch.setattr(open_panels, "shows_tab", bool)
    open_panels.forget()
    open_panels.note_body(SimpleNamespace(area=Area()))
    open_panels.settle()
    rig = create_character(bpy.context)
    write_clip(rig, wild_clip(12), 1)
    settings = bpy.context.scene.mmm
    settings.edit_start, settings.edit_end = 3, 9
    return rig


def areas(_context: object) -> list[Area]:
    """Of the screen."""
    return [Area()]


class Area:
    """Of an editor."""

    type = "VIEW_3D"

    def as_pointer(self) -> int:
        return 7


def test_the_range_is_what_the_panel_says(rig: ArmatureObject) -> None:
    settings = bpy.context.scene.mmm
    settings.body_part = "UPPER"
    meant = meant_range(bpy.context)
    assert meant is not None and (meant.first, meant.last) == (3, 9)
    assert meant.text == "Upper Body, 3 \u2013 9"
    settings.edit_end = 1
    assert meant_range(bpy.context) is None, "it ends before it starts"
    settings.edit_end, settings.show_range = 9, False
    assert meant_range(bpy.context) is None
    settings.show_range = True
    rig.animation_data.action = None
    assert meant_range(bpy.context) is None
    bpy.data.objects.remove(rig)
    assert meant_range(bpy.context) is None


def test_nothing_is_meant_while_the_panel_is_closed(rig: ArmatureObject) -> None:
    context = SimpleNamespace(area=Area())
    EditPanel.draw_header(SimpleNamespace(), context)  # pyright: ignore[reportArgumentType]
    assert meant_range(bpy.context) is not None, "it is being drawn"
    open_panels.settle()
    assert meant_range(bpy.context) is None
    open_panels.note_body(context)
    open_panels.settle()
    assert meant_range(bpy.context) is not None


def test_the_bones_of_the_part_are_tinted_as_they_are_posed(rig: ArmatureObject) -> None:
    bpy.context.scene.mmm.body_part = "LOWER"
    rig.location.x = 2.0
    heads_1J3 = posed_heads(rig, ["pelvis", "left_knee", "right_foot"], [7])
    meant = meant_range(bpy.context)
    assert meant is not None
    ends_K3 = part_lines(bpy.context, meant)
    assert len(ends_K3) == 2 * 9, "pelvis and legs"
    for head_3 in heads_1J3[0]:
        assert np.abs(ends_K3[0::2] - head_3).max(axis=-1).min() < 1e-4


def test_tint_and_ghosts_have_switches(rig: ArmatureObject) -> None:
    assert len(overlays.view_lines(bpy.context)) >= 4
    settings = bpy.context.scene.mmm
    settings.show_ghosts = False
    bpy.context.scene.frame_set(5)
    (tint,) = overlays.view_lines(bpy.context)
    assert tint.on_top
    bpy.context.scene.frame_set(11)
    (faint,) = overlays.view_lines(bpy.context)
    assert faint.colour[3] < tint.colour[3], "the frame lies outside of the range"
    settings.show_range = False
    assert overlays.view_lines(bpy.context) == []
    assert "prop show_range" in drawn(EditPanel).text


def test_the_drawing_comes_and_goes_with_the_add_on(session: WorkerSession) -> None:
    assert not overlays.is_drawing(), "there is no window"
    overlays.start_drawing()
    overlays.start_drawing()
    assert overlays.is_drawing()
    overlays.unregister()
    assert not overlays.is_drawing()


def test_a_drawing_that_fails_is_said_once_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise ReferenceError("StructRNA has been removed")

    handler = viewport_lines.DrawHandler(fail, ("SpaceView3D",), "POST_VIEW")
    handler()
    handler()
    assert len(calls) == 1 and handler.failed
    assert "StructRNA has been removed" in capsys.readouterr().err


def test_a_screen_without_a_sidebar_shows_no_tab() -> None:
    view = {"type": "VIEW_3D", "as_pointer": lambda: 8}
    closed: Any = SimpleNamespace(
        spaces=SimpleNamespace(active=SimpleNamespace()), regions=[], **view
    )
    assert not open_panels.shows_tab(closed)
    narrow = [SimpleNamespace(type="UI", width=1, active_panel_category="MMM")]
    space = SimpleNamespace(active=SimpleNamespace(show_region_ui=True))
    area: Any = SimpleNamespace(spaces=space, regions=narrow, **view)
    open_panels.note_header(SimpleNamespace(area=area))  # pyright: ignore[reportArgumentType]
    assert not open_panels.shows_tab(area)
    narrow[0].width = 300
    assert open_panels.shows_tab(area)
    undrawn: Any = SimpleNamespace(**(vars(area) | {"as_pointer": lambda: 9}))
    assert not open_panels.shows_tab(undrawn)
    narrow[0].active_panel_category = "Item"
    assert not open_panels.shows_tab(area)


def test_a_sidebar_of_blender_4_is_not_asked_for_its_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_panels, "_SAFE", (99, 0, 0))
    open_panels.forget()
    space = SimpleNamespace(active=SimpleNamespace(show_region_ui=True))
    sidebar = SimpleNamespace(type="UI", width=300)
    area: Any = SimpleNamespace(
        type="DOPESHEET_EDITOR", as_pointer=lambda: 8, spaces=space, regions=[sidebar]
    )
    context: Any = SimpleNamespace(area=area)
    open_panels.note_header(context)
    assert not open_panels.shows_tab(area)
    open_panels.note_body(context)
    assert open_panels.shows_tab(area)
    open_panels.forget()
