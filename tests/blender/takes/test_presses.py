"""Takes by the operators, through the real worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.fcurves.layered_actions import rig_curves
from mmm_blender.blender.history.recipe_store import load_recipe
from mmm_blender.blender.jobs.session import WorkerSession

ASKED = {"prompt": "a person waves", "seconds": 1.0}


@pytest.fixture
def bundle(session: WorkerSession, tiny_bundle: Path, worker_python: Path) -> str:
    return str(tiny_bundle)


def values(rig: Any, action: Any) -> list[tuple[float, ...]]:
    curves = rig_curves(rig, action)
    return [
        tuple(x for key in curve.keyframe_points for x in (key.co[0], key.co[1]))
        for curve in curves
    ]


def test_generate_makes_takes_and_one_undo_step_covers_them(bundle: str) -> None:
    assert bpy.ops.mmm.generate(**ASKED, seed=3, takes=3, bundle=bundle) == {"FINISHED"}
    rig = bpy.context.view_layer.objects.active
    takes = rig.mmm_takes.takes
    assert [take.seed for take in takes] == [3, 4, 5]
    assert {take.prompt for take in takes} == {"a person waves"}
    assert rig.animation_data.action == takes[0].action
    assert len({str(values(rig, take.action)) for take in takes}) == 3
    recipes = [load_recipe(take.action) for take in takes]
    assert [recipe.steps[0].seed for recipe in recipes if recipe] == [3, 4, 5]  # pyright: ignore[reportAttributeAccessIssue]
    assert not any(action.use_fake_user for action in bpy.data.actions)


def test_takes_of_a_range_are_copies_and_the_motion_before_stays(
    bundle: str, session: WorkerSession
) -> None:
    bpy.ops.mmm.generate(**ASKED, seed=3, takes=1, bundle=bundle)
    rig = bpy.context.view_layer.objects.active
    before = rig.animation_data.action
    kept = values(rig, before)
    asked = {"frame_start": 8, "frame_end": 16, "takes": 2, "bundle": bundle}
    assert bpy.ops.mmm.inpaint(prompt="a person bows", seed=7, **asked) == {"FINISHED"}
    takes = rig.mmm_takes.takes
    assert [take.seed for take in takes] == [3, 7, 8]
    assert takes[0].action == before and values(rig, before) == kept
    assert rig.animation_data.action == takes[1].action
    for take in takes[1:]:
        assert take.slide != 0.0 and take.seam >= 0.0
        for curve, old in zip(rig_curves(rig, take.action), kept, strict=True):
            new = [
                (key.co[0], key.co[1]) for key in curve.keyframe_points if not 8 <= key.co[0] <= 16
            ]
            assert all(pair in set(zip(old[0::2], old[1::2], strict=True)) for pair in new)
    assert "2 takes" in session.notice.text
    bpy.ops.mmm.discard_take()
    bpy.ops.mmm.discard_take()
    assert rig.animation_data.action == before and len(bpy.data.actions) == 1


def test_one_take_of_a_range_is_written_in_place(bundle: str) -> None:
    bpy.ops.mmm.generate(**ASKED, seed=3, takes=1, bundle=bundle)
    rig = bpy.context.view_layer.objects.active
    before = rig.animation_data.action
    bpy.ops.mmm.inpaint(prompt="", frame_start=8, frame_end=16, takes=1, bundle=bundle)
    assert rig.animation_data.action == before and len(bpy.data.actions) == 1
    assert len(rig.mmm_takes.takes) == 1


def test_settings_of_a_take_come_back(bundle: str) -> None:
    bpy.ops.mmm.generate(**ASKED, seed=3, takes=2, bundle=bundle)
    rig = bpy.context.view_layer.objects.active
    settings = bpy.context.scene.mmm
    settings.prompt, settings.seed = "other", 99
    rig.mmm_takes.active = 1
    assert bpy.ops.mmm.use_take_settings() == {"FINISHED"}
    assert (settings.prompt, settings.seed, settings.seconds) == ("a person waves", 4, 1.0)


def test_a_sequence_has_takes(bundle: str) -> None:
    segments = [
        {"name": "", "prompt": "a person walks", "seconds": 1.0, "seed": 1},
        {"name": "", "prompt": "a person bows", "seconds": 1.0, "seed": 2},
    ]
    assert bpy.ops.mmm.generate_sequence(segments=segments, takes=2, bundle=bundle) == {"FINISHED"}
    rig = bpy.context.view_layer.objects.active
    assert [take.seed for take in rig.mmm_takes.takes] == [1, 2]
