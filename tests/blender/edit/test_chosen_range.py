"""Which frames an edit is about, and what of the motion around it is read."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.edit import chosen_range as chosen_range_module
from mmm_blender.blender.edit.chosen_range import ChosenRange, Source, chosen_range, shown_range
from mmm_blender.blender.edit.edit_window import EditWindow
from mmm_blender.blender.fcurves.layered_actions import action_fcurves
from mmm_blender.blender.history import new_action
from mmm_blender.blender.jobs.session import WorkerSession
from tests.blender.helpers.rigs import STYLES, build_rig, wild_clip

FPS = 24.0


@pytest.fixture
def rig(session: WorkerSession) -> ArmatureObject:
    """With keys on the frames 1 to 24, none of them selected."""
    found = build_rig(STYLES["all bones up"])
    new_action.write_clip(found, wild_clip(24), 1)
    for curve in action_fcurves(found.animation_data.action):
        curve.keyframe_points.foreach_set(
            "select_control_point", [False] * len(curve.keyframe_points)
        )
    return found


def select(rig: ArmatureObject, bone: str, *frames: float) -> None:
    for curve in action_fcurves(rig.animation_data.action):
        if f'"{bone}"' in curve.data_path:
            for key in curve.keyframe_points:
                key.select_control_point = key.co[0] in frames


@contextmanager
def editor(kind: str) -> Generator[Any]:
    """Blender's context in an editor of that kind."""
    window = bpy.context.window
    area = next(area for area in window.screen.areas if area.type == "DOPESHEET_EDITOR")
    before = area.ui_type
    area.ui_type = kind
    try:
        with bpy.context.temp_override(window=window, area=area):
            yield bpy.context
    finally:
        area.ui_type = before


def frames(found: ChosenRange) -> tuple[int, int, Source]:
    return found.first, found.last, found.source


def test_the_fields_count_where_nothing_else_does(rig: ArmatureObject) -> None:
    settings = bpy.context.scene.mmm
    settings.edit_start, settings.edit_end = 5, 9
    assert frames(chosen_range(bpy.context, rig)) == (5, 9, Source.FIELDS)
    assert frames(chosen_range(bpy.context, None)) == (5, 9, Source.FIELDS)


def test_the_preview_range_goes_before_the_fields(rig: ArmatureObject) -> None:
    scene = bpy.context.scene
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 3, 8
    assert frames(chosen_range(bpy.context, rig)) == (3, 8, Source.PREVIEW)


@pytest.mark.parametrize("kind", ["TIMELINE", "DOPESHEET", "FCURVES"])
def test_selected_keys_go_before_everything_in_an_editor_of_keys(
    rig: ArmatureObject, kind: str
) -> None:
    bpy.context.scene.use_preview_range = True
    with editor(kind) as context:
        assert chosen_range(context, rig).source is Source.PREVIEW
        select(rig, "neck", 7, 12)
        assert frames(chosen_range(context, rig)) == (7, 12, Source.KEYS)
        assert chosen_range(context, None).source is Source.PREVIEW
        select(rig, "neck", 9)
        assert frames(chosen_range(context, rig)) == (9, 9, Source.KEYS)
    assert chosen_range(bpy.context, rig).source is Source.PREVIEW, "a key that was just set"
    select(rig, "neck", 7, 12)
    assert frames(chosen_range(bpy.context, rig)) == (7, 12, Source.KEYS), "wherever one presses"


def test_a_panel_looks_at_many_keys_a_tenth_of_the_time(
    rig: ArmatureObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, looks = [100.0], [0]
    look = chosen_range_module._selected_range  # pyright: ignore[reportPrivateUsage]

    def slow(*asked: Any) -> ChosenRange | None:
        looks[0] += 1
        clock[0] += 0.05
        return look(*asked)

    monkeypatch.setattr(chosen_range_module, "_selected_range", slow)
    monkeypatch.setattr(chosen_range_module.time, "perf_counter", lambda: clock[0])
    with editor("DOPESHEET") as context:
        select(rig, "neck", 7, 12)
        assert frames(shown_range(context, rig)) == (7, 12, Source.KEYS)
        select(rig, "neck", 8, 9)
        assert frames(shown_range(context, rig))[:2] == (7, 12) and looks == [1]
        redraw = chosen_range_module._redraw_editors  # pyright: ignore[reportPrivateUsage]
        assert bpy.app.timers.is_registered(redraw)
        bpy.app.timers.unregister(redraw)
        assert frames(chosen_range(context, rig))[:2] == (8, 9), "a press looks in any case"
        clock[0] += 0.5
        assert frames(shown_range(context, rig))[:2] == (8, 9) and looks == [3]
        clock[0] += 0.5
        rig.animation_data.action = None
        assert shown_range(context, rig).source is Source.FIELDS
    redraw()


def test_a_key_between_two_frames_lies_in_the_range(rig: ArmatureObject) -> None:
    select(rig, "neck", 7, 12)
    for curve in action_fcurves(rig.animation_data.action):
        for key in curve.keyframe_points:
            if key.select_control_point:
                key.co_ui[0] += 0.5
    with editor("DOPESHEET") as context:
        assert frames(chosen_range(context, rig))[:2] == (7, 13)


def only_selected(context: Any, wanted: bool) -> None:
    """Only Show Selected, of the dope sheet and of the timeline that Blender 4.2 leaves it."""
    context.space_data.dopesheet.show_only_selected = wanted
    context.scene.show_keys_from_selected_only = wanted


def test_keys_that_the_editor_does_not_show_do_not_count(rig: ArmatureObject) -> None:
    select(rig, "neck", 7, 12)
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.select_all(action="DESELECT")
    with editor("DOPESHEET") as context:
        only_selected(context, True)
        assert chosen_range(context, rig).source is Source.FIELDS
        only_selected(context, False)
        assert chosen_range(context, rig).source is Source.KEYS
        only_selected(context, True)
        bpy.ops.pose.select_all(action="SELECT")
        assert chosen_range(context, rig).source is Source.KEYS


def test_curves_hidden_in_the_graph_editor_do_not_count(rig: ArmatureObject) -> None:
    select(rig, "neck", 7, 12)
    for curve in action_fcurves(rig.animation_data.action):
        curve.hide = True
    with editor("FCURVES") as context:
        assert chosen_range(context, rig).source is Source.FIELDS


def test_given_frames_go_before_all(rig: ArmatureObject) -> None:
    settings = bpy.context.scene.mmm
    settings.edit_start, settings.edit_end = 5, 9
    assert frames(chosen_range(bpy.context, rig, 2, 4)) == (2, 4, Source.GIVEN)
    assert frames(chosen_range(bpy.context, rig, 2)) == (2, 9, Source.GIVEN)
    assert frames(chosen_range(bpy.context, rig, None, 30)) == (5, 30, Source.GIVEN)


def test_a_range_that_runs_backwards_is_said(rig: ArmatureObject) -> None:
    assert "swap the two" in chosen_range(bpy.context, rig, 9, 4).poll_error
    assert chosen_range(bpy.context, rig, 4, 4).poll_error == ""


@pytest.mark.parametrize(
    ("first", "last", "keyed", "read"),
    [
        (300, 340, (1, 600), (180, 460)),  # five seconds on both sides
        (50, 60, (1, 100), (1, 100)),  # as far as there are keys
        (90, 130, (1, 100), (1, 130)),  # beyond the end: a suffix
        (-20, 5, (1, 100), (-20, 100)),  # before the start: a prefix
        (150, 160, (1, 100), (30, 160)),  # behind the end, with a gap
        (400, 410, (1, 100), (280, 410)),
        (-60, -50, (1, 100), (-60, 70)),  # before the start, with a gap
        (1, 100, (1, 100), (1, 100)),
        (-5, 105, (1, 100), (-5, 105)),
        (10, 10, (1.5, 20.25), (1, 21)),
    ],
)
def test_what_is_read_around_a_range(
    first: int, last: int, keyed: tuple[float, float], read: tuple[int, int]
) -> None:
    window = EditWindow.around(first, last, keyed, FPS)
    assert (window.read_first, window.read_last) == read
    assert (window.first, window.last) == (first, last)


def test_the_mask_covers_the_range_but_what_is_held() -> None:
    window = EditWindow.around(50, 60, (1, 100), FPS)
    mask = window.mask("ALL", {"pelvis": frozenset({52.0}), "neck": frozenset({60.0, 99.0})})
    assert (mask.start, mask.stop, mask.frames) == (49, 60, 100)
    assert list(np.flatnonzero(~mask.root_T[49:60])) == [2]
    assert mask.rotations_TJ[49:60].sum() == 11 * 22 - 2
    between = window.mask("ALL", {"neck": frozenset({55.5})})
    assert between.rotations_TJ.sum() == 11 * 22 - 2  # both frames beside it
