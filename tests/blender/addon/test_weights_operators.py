"""Weights in the preferences, and the licence that is shown once before a first use."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mmm_blender.blender.addon import licence_notice
from mmm_blender.blender.addon.preferences import draw_page
from mmm_blender.blender.addon.scene_settings import scene_settings
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.generate.panel import MotionPanel
from mmm_blender.blender.jobs import motion_operator
from mmm_blender.blender.jobs.session import WorkerSession
from tests.blender.addon.test_bundle_library import make
from tests.blender.helpers.drawing import Layout, drawn


@pytest.fixture
def stored(stored: Any, tmp_path: Path) -> Any:
    """The same, with a folder of own weights."""
    stored.bundles_folder = str(tmp_path / "own")
    return stored


def page(stored: Any) -> Layout:
    layout = Layout()
    draw_page(layout, bpy.context, stored)
    return layout


def test_the_page_lists_weights_with_licence_size_and_what_they_edit(
    stored: Any, tmp_path: Path
) -> None:
    source = make(tmp_path / "dance", b"x" * 3_000_000)
    assert bpy.ops.mmm.add_weights(filepath=str(source / "config.json")) == {"FINISHED"}
    layout = page(stored)
    assert "starter, 4" in layout.text and "CC BY-NC 4.0, Not for commercial use." in layout.text
    assert "Edits: whole body" in layout.text.replace("  ", " ")
    assert "Dance, 3 MB CC0-1.0" in layout.text
    assert layout.buttons()["mmm.remove_weights"]
    assert bpy.ops.mmm.remove_weights(bundle="dance") == {"FINISHED"}
    assert "mmm.remove_weights" not in page(stored).buttons()  # the starter stays
    with pytest.raises(RuntimeError, match="no weights called 'dance'"):
        bpy.ops.mmm.remove_weights(bundle="dance")
    with pytest.raises(RuntimeError, match="do not lie in"):
        bpy.ops.mmm.remove_weights(bundle="starter")


def test_what_is_no_bundle_is_said(stored: Any, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="is no folder of weights"):
        bpy.ops.mmm.add_weights(filepath=str(tmp_path))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Dialogs that were opened; without a window there are none."""
    opened: list[dict[str, Any]] = []

    def show(_mode: str, **values: Any) -> None:
        opened.append(values)

    fake = SimpleNamespace(ops=SimpleNamespace(mmm=SimpleNamespace(first_use=show)))
    monkeypatch.setattr(licence_notice, "bpy", fake)
    monkeypatch.setattr(licence_notice, "_drawn", set[str]())
    return opened


class Pressed:
    """``mmm.walk_to`` as Blender hands it to its own methods."""

    bl_idname = "MMM_OT_walk_to"
    bundle = ""

    def __init__(self, bl_idname: str = bl_idname) -> None:
        self.bl_idname = bl_idname

    properties = SimpleNamespace(is_property_set=lambda name: name == "goal")  # pyright: ignore[reportUnknownLambdaType]

    def as_keywords(self) -> dict[str, Any]:
        return {"goal": "CURSOR", "prompt": "not given"}


def test_the_licence_of_a_first_use_is_shown_once(stored: Any, shown: list[dict[str, Any]]) -> None:
    assert licence_notice.asks_first(Pressed(), bpy.context)
    (dialog,) = shown
    assert dialog == {
        "bundle": "starter", "operator": "mmm.walk_to", "arguments": '{"goal": "CURSOR"}',
    }  # fmt: skip
    assert bpy.ops.mmm.first_use(bundle="starter") == {"FINISHED"}
    assert not licence_notice.asks_first(Pressed(), bpy.context)
    assert json.loads(stored.known_licences) == ["starter: CC-BY-NC-4.0"]
    stored.known_licences = "strange"
    assert licence_notice.asks_first(Pressed(), bpy.context)


def test_the_panel_says_it_above_the_button_which_then_goes_on_at_once(
    stored: Any, shown: list[dict[str, Any]]
) -> None:
    generate = Pressed("MMM_OT_generate")
    assert licence_notice.asks_first(generate, bpy.context) and shown  # by a search: not seen yet
    layout = drawn(MotionPanel)
    said = layout.text.replace("  ", " ")
    assert "CC BY-NC 4.0" in said and "not be sold or used in paid work" in said
    pressed = [each[0] for each in layout.book if isinstance(each, tuple)]
    assert pressed.index("wm.path_open") < pressed.index("mmm.generate")
    assert licence_notice.asks_first(Pressed(), bpy.context) and not stored.known_licences
    assert not licence_notice.asks_first(generate, bpy.context)
    assert json.loads(stored.known_licences) == ["starter: CC-BY-NC-4.0"]
    assert bpy.context.preferences.is_dirty
    assert "paid work" not in drawn(MotionPanel).text
    assert not licence_notice.asks_first(Pressed(), bpy.context)


def test_free_weights_ask_nothing(stored: Any, shown: list[dict[str, Any]], tmp_path: Path) -> None:
    make(tmp_path / "own" / "dance")
    scene_settings(bpy.context.scene).bundle = "dance"
    assert not licence_notice.asks_first(Pressed(), bpy.context)
    scene_settings(bpy.context.scene).bundle = "missing"
    assert not licence_notice.asks_first(Pressed(), bpy.context) and not shown


def test_the_add_on_asks_while_it_is_enabled(session: WorkerSession) -> None:
    assert motion_operator.first_use is licence_notice.asks_first
