"""What panels show is computed when something changed; nothing that they draw touches the disk."""

from __future__ import annotations

import builtins
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mmm_blender.blender.addon.bundle_choice import shown_bundle
from mmm_blender.blender.addon.device_panel import DevicePanel
from mmm_blender.blender.addon.disk_facts import find_shown_bundle, shown_cards
from mmm_blender.blender.addon.known_prompts import read_prompt
from mmm_blender.blender.addon.preferences import draw_page
from mmm_blender.blender.addon.setup_widgets import draw_setup
from mmm_blender.blender.addon.shown_target import shown_target
from mmm_blender.blender.addon.ui_state import FACT_SECONDS, UIState, ui_state
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.character.panel import CharacterPanel
from mmm_blender.blender.edit import chosen_range
from mmm_blender.blender.edit.operators import InBetween, RegenerateRange
from mmm_blender.blender.edit.panel import EditPanel
from mmm_blender.blender.generate.operators import GenerateMotion
from mmm_blender.blender.generate.panel import BundlesMenu, ExamplesMenu, MotionPanel
from mmm_blender.blender.jobs.session import Notice, WorkerSession
from mmm_blender.blender.jobs.setup_job import setup_session
from mmm_blender.blender.pins.operators import AddPin
from mmm_blender.blender.pins.panel import PinPanel
from mmm_blender.blender.replay.operators import Replay
from mmm_blender.blender.rig import target
from mmm_blender.blender.sequence.operators import (
    GenerateSequence,
    LoadSequence,
    RegenerateSegment,
)
from mmm_blender.blender.sequence.panel import SequencePanel
from mmm_blender.blender.takes.operators import KeepTake, StepTake
from mmm_blender.blender.takes.panel import TakesPanel
from mmm_blender.blender.transfer.operators import CopyMotion, ExportMotion
from mmm_blender.common.errors import MMMError
from tests.blender.helpers.drawing import Layout

SAVED = Path(__file__).resolve().parents[2] / "data" / "version_0_1_0" / "sequence.blend"
PANELS = (
    *(MotionPanel, EditPanel, SequencePanel, CharacterPanel, DevicePanel),
    *(BundlesMenu, ExamplesMenu),
)
OPERATORS = (
    *(GenerateMotion, RegenerateRange, InBetween, Replay),
    *(GenerateSequence, RegenerateSegment, LoadSequence),
)


@pytest.fixture
def live(session: WorkerSession) -> Iterator[UIState]:
    """Facts are kept, as in a Blender with a window; a sequence is open."""
    bpy.ops.wm.open_mainfile(filepath=str(SAVED), load_ui=False)
    bpy.ops.mmm.sequence_load()
    ui_state.clear()
    ui_state.live = True
    shown_cards()
    read_prompt(shown_bundle(bpy.context.scene), "a person walks", 2.0)
    GenerateMotion.poll(bpy.context)
    yield ui_state
    ui_state.live = False
    ui_state.clear()


@pytest.fixture
def no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks at the disk gets an error."""

    def fail(*asked: Any, **_named: Any) -> Any:
        raise AssertionError(f"the disk is asked for {asked}")

    for name in ("stat", "lstat", "scandir", "listdir", "open"):
        monkeypatch.setattr(os, name, fail)
    monkeypatch.setattr(builtins, "open", fail)
    monkeypatch.setattr(importlib.util, "find_spec", fail)


def draw(panel: Any) -> Layout:
    layout = Layout()
    panel.draw(SimpleNamespace(layout=layout), bpy.context)
    return layout


@pytest.mark.parametrize("panel", PANELS)
def test_no_panel_looks_at_the_disk(live: UIState, no_disk: None, panel: Any) -> None:
    assert draw(panel).book


@pytest.mark.parametrize("operator", OPERATORS)
def test_no_poll_looks_at_the_disk(live: UIState, no_disk: None, operator: Any) -> None:
    assert operator.poll(bpy.context) in {True, False}


def test_the_preferences_look_at_the_disk_once(
    live: UIState, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(setup_session, "notice", Notice("It failed.", is_error=True))
    stored = SimpleNamespace(python_source="OWN", bl_rna=Anything(), **{})
    draw_setup(Layout(), bpy.context)
    draw_page(Layout(), bpy.context, stored)
    request.getfixturevalue("no_disk")
    draw_setup(Layout(), bpy.context)
    draw_page(Layout(), bpy.context, stored)


class Anything:
    """Has every property."""

    @property
    def properties(self) -> Anything:
        return self

    def __contains__(self, _name: str) -> bool:
        return True


@pytest.mark.parametrize("named", ["//server/share", "\\\\server\\share", "/nowhere/weights"])
def test_weights_that_a_file_names_are_not_looked_up_before_a_press(
    live: UIState, no_disk: None, named: str
) -> None:
    assert find_shown_bundle(named).folder == Path(named)


def test_what_a_press_found_is_shown(live: UIState) -> None:
    live.name_bundle("/nowhere/weights", MMMError("They are not there."))
    with pytest.raises(MMMError, match="They are not there"):
        find_shown_bundle("/nowhere/weights")


def test_the_choice_of_weights_is_looked_up_at_once(live: UIState, tiny_bundle: Path) -> None:
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    assert find_shown_bundle(str(tiny_bundle)).limits is not None
    with pytest.raises(MMMError, match="are not there"):
        bpy.context.scene.mmm.bundle = "/nowhere/weights"
        find_shown_bundle("/nowhere/weights")


def test_a_fact_is_computed_again_when_the_scene_changed(live: UIState) -> None:
    asked: list[int] = []

    def compute() -> int:
        asked.append(1)
        return len(asked)

    assert (live.fact("a", compute), live.fact("a", compute)) == (1, 1)
    rig = bpy.context.view_layer.objects.active
    rig.location.x += 1.0
    bpy.context.view_layer.update()
    assert live.fact("a", compute) == 2
    live.look_at_disk()
    assert live.fact("a", compute) == 2


def test_a_fact_is_kept_for_a_moment_only() -> None:
    clock, values = [0.0], iter(range(9))
    state = UIState(live=True, clock=lambda: clock[0])
    assert state.fact("a", lambda: next(values)) == 0
    clock[0] += 0.9 * FACT_SECONDS
    assert state.fact("a", lambda: next(values)) == 0
    clock[0] += 0.2 * FACT_SECONDS
    assert state.fact("a", lambda: next(values)) == 1
    state.live = False
    assert state.fact("a", lambda: next(values)) == 2


def test_the_disk_is_looked_at_again_only_for_what_is_shown() -> None:
    state, disk = UIState(live=True), {"a": 1}
    assert state.disk_fact("a", lambda: disk["a"]) == 1
    assert not state.look_at_disk(only_asked=True)
    disk["a"] = 2
    assert not state.look_at_disk(only_asked=True), "nobody asked since"
    assert state.disk_fact("a", lambda: disk["a"]) == 1
    assert state.look_at_disk(only_asked=True)
    assert state.disk_fact("a", lambda: disk["a"]) == 2


def test_a_change_that_a_user_makes_is_seen_by_the_panel(live: UIState) -> None:
    assert "mmm.inpaint" in draw(EditPanel).buttons()
    rig = bpy.context.view_layer.objects.active
    bpy.context.scene.mmm.edit_start, bpy.context.scene.mmm.edit_end = 9, 3
    assert "swap the two" in draw(EditPanel).text
    rig.animation_data.action = None
    bpy.context.view_layer.update()
    assert "has no Action to edit" in draw(EditPanel).text.replace("  ", " ")


def test_a_bone_that_is_renamed_or_deleted_is_seen_at_once(live: UIState) -> None:
    rig = bpy.context.view_layer.objects.active
    for _ in range(2):
        assert shown_target(bpy.context) == (rig, "")
    bone = next(each for each in rig.data.bones if each.name.lower().endswith("left_knee"))
    name, bone.name = bone.name, "x"
    bpy.context.view_layer.update()
    assert "left knee" in shown_target(bpy.context)[1]
    assert not KeepTake.poll(bpy.context) and not ExportMotion.poll(bpy.context)
    bone.name = name
    bpy.context.view_layer.update()
    assert shown_target(bpy.context) == (rig, "")
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.edit_bones.remove(rig.data.edit_bones[name])
    bpy.ops.object.mode_set(mode="OBJECT")
    assert "left knee" in shown_target(bpy.context)[1]


def test_the_character_is_recognised_once(live: UIState, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def find(rig: object) -> str:
        calls.append(rig)
        return "no character"

    monkeypatch.setattr(target, "find_binding", find)
    live.scene_changed()
    for panel in (TakesPanel, PinPanel, EditPanel, MotionPanel):
        draw(panel)
    for operator in (KeepTake, StepTake, AddPin, CopyMotion, ExportMotion):
        assert not operator.poll(bpy.context)
    # once for each fact that is kept: the target, all that are selected, the only one there is
    assert len([rig for rig in calls if rig == bpy.context.view_layer.objects.active]) <= 3


def test_no_timer_outlives_the_add_on() -> None:
    redraw = chosen_range._redraw_editors  # pyright: ignore[reportPrivateUsage]
    bpy.app.timers.register(redraw, first_interval=60.0)
    chosen_range.unregister()
    assert not bpy.app.timers.is_registered(redraw)
