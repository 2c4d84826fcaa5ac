"""What the panel Edit and the menus of the key editors show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.edit import operators
from mmm_blender.blender.edit.panel import DopeSheetEditPanel, EditPanel, GraphEditPanel
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.geometry.clip import MotionClip
from tests.blender.helpers.drawing import Layout
from tests.blender.helpers.edits import Press, bundle_that_predicts


def drawn(panel: Any = EditPanel) -> Layout:
    layout = Layout()
    panel.draw(SimpleNamespace(layout=layout), bpy.context)
    return layout


@pytest.mark.parametrize("panel", [EditPanel, DopeSheetEditPanel, GraphEditPanel])
def test_the_panel_offers_both(rig: ArmatureObject, panel: Any) -> None:
    layout = drawn(panel)
    shown = layout.buttons()
    assert shown["mmm.inpaint"] and shown["mmm.in_between"]
    assert "Frames 1 to 48: these fields" in layout.text


def test_the_panel_says_why_not(rig: ArmatureObject) -> None:
    rig.pose.bones["left_elbow"].constraints.new("LIMIT_ROTATION")
    layout = drawn()
    shown = layout.buttons()
    assert not shown["mmm.inpaint"] and not shown["mmm.in_between"]
    assert "Bake the action first" in layout.text
    bpy.context.scene.mmm.body_part = "LOWER"
    assert drawn().buttons()["mmm.inpaint"]


def test_a_bundle_that_cannot_greys_the_button(rig: ArmatureObject, tmp_path: Path) -> None:
    settings = bpy.context.scene.mmm
    settings.bundle = str(bundle_that_predicts(tmp_path / "whole", ["all"], []))
    assert drawn().buttons()["mmm.inpaint"]
    settings.body_part = "UPPER"
    assert not drawn().buttons()["mmm.inpaint"]
    assert "edit the whole body, not the upper" in drawn().text


def test_while_it_runs_there_is_progress(
    rig: ArmatureObject, press: Callable[..., Press], session: WorkerSession
) -> None:
    press()
    assert "Reading the motion" in drawn().text
    assert "mmm.cancel" in drawn().buttons() and "mmm.inpaint" not in drawn().buttons()
    session.cancel()


def test_a_clip_of_one_frame_is_read(rig: ArmatureObject) -> None:
    assert isinstance(read_motion(rig, 5, 5), MotionClip)


@pytest.mark.parametrize(
    "menu",
    ["DOPESHEET_MT_key", "DOPESHEET_MT_context_menu", "GRAPH_MT_key", "GRAPH_MT_context_menu"],
)
def test_the_editors_of_keys_offer_both(session: WorkerSession, menu: str) -> None:
    draws = getattr(bpy.types, menu).draw._draw_funcs
    assert draws.count(operators.draw_menu) == 1
    layout = Layout()
    layout.separator = lambda: None  # type: ignore[attr-defined]
    operators.draw_menu(SimpleNamespace(layout=layout), bpy.context)
    assert set(layout.buttons()) == {"mmm.inpaint", "mmm.in_between"}
    assert layout.invoked == set(layout.buttons()), "the window must go on meanwhile"
    assert layout.operator_context == "EXEC_REGION_WIN"
