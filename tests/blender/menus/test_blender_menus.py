"""The add-on's commands in Blender's own menus, where its search finds them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.menus import blender_menus
from tests.blender.helpers.drawing import Layout, drawn


@pytest.mark.parametrize("name", ["VIEW3D_MT_object", "VIEW3D_MT_pose"])
def test_object_and_pose_menus_open_the_motion_menu(session: WorkerSession, name: str) -> None:
    entries: list[Any] = getattr(bpy.types, name)._dyn_ui_initialize()
    assert blender_menus.draw_motion_menu in entries
    layout = Layout()
    blender_menus.draw_motion_menu(SimpleNamespace(layout=layout), bpy.context)
    assert "MMM_MT_motion" in layout.text


def test_a_search_finds_the_commands_by_their_names(session: WorkerSession) -> None:
    layout = drawn(blender_menus.MotionMenu)
    buttons = layout.buttons()
    assert layout.invoked == set(buttons), "the window must go on meanwhile"
    labels = {
        getattr(bpy.ops.mmm, name.removeprefix("mmm.")).get_rna_type().name for name in buttons
    }
    assert {"Generate Motion", "Regenerate Range", "Make Loop"} <= labels


def test_add_armature_offers_a_character(session: WorkerSession) -> None:
    entries: list[Any] = bpy.types.VIEW3D_MT_armature_add._dyn_ui_initialize()
    assert blender_menus.draw_character in entries
    layout = Layout()
    blender_menus.draw_character(SimpleNamespace(layout=layout), bpy.context)
    assert list(layout.buttons()) == ["mmm.add_character"]
