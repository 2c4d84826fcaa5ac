"""Entries of Blender's own menus."""

from __future__ import annotations

import pytest

import mmm_blender
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.edit import operators


def test_a_menu_that_blender_renamed_does_not_keep_the_add_on_from_enabling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operators, "_MENUS", ("DOPESHEET_MT_gone", "DOPESHEET_MT_key"))
    mmm_blender.register()
    try:
        assert operators.draw_menu in bpy.types.DOPESHEET_MT_key._dyn_ui_initialize()
    finally:
        mmm_blender.unregister()
    assert operators.draw_menu not in bpy.types.DOPESHEET_MT_key._dyn_ui_initialize()
