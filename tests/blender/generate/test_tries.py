"""Tries: how many motions are made until one shows what its prompt says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.addon.scene_settings import scene_settings
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.generate import panel as generate_panel
from mmm_blender.blender.history.recipe_store import load_recipe
from mmm_blender.blender.jobs.session import WorkerSession
from tests.blender.helpers.drawing import drawn
from tests.blender.helpers.sequences import fill_list, keys_of

WAVES = "a person waves with the left hand"
UNMET = "in 3 tries"


@pytest.fixture
def rig(session: WorkerSession, tiny_bundle: Path) -> Any:
    """A character with a motion that was tried three times; the weights ask for one try."""
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    done = bpy.ops.mmm.generate(prompt=WAVES, seconds=2.0, claim_tries=3, start_from="FREE")
    assert done == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def tries(rig: Any) -> Any:
    found = load_recipe(rig.animation_data.action)
    assert found is not None
    return found.steps[-1].origin.sampler["claim_tries"]


def said(session: WorkerSession) -> str:
    assert session.notice is not None
    return session.notice.text


def test_tries_are_made_told_kept_and_replayed(rig: Any, session: WorkerSession) -> None:
    assert tries(rig) == 3 and UNMET in said(session)
    keys = keys_of(rig.animation_data.action)
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    again = keys_of(rig.animation_data.action)
    assert tries(rig) == 3
    assert all(each.tobytes() == again[name].tobytes() for name, each in keys.items())


def test_what_is_not_asked_for_is_as_the_weights_say(rig: Any, session: WorkerSession) -> None:
    assert drawn(generate_panel.MotionPanel).text.count("prop claim_tries") == 1
    bpy.ops.mmm.generate(prompt=WAVES, seconds=2.0, start_from="FREE")
    assert tries(rig) == 1 and "tries" not in said(session)
    scene_settings(bpy.context.scene).claim_tries = 2
    bpy.ops.mmm.generate(prompt=WAVES, seconds=2.0, start_from="FREE")
    assert tries(rig) == 2 and "in 2 tries" in said(session)


def test_edits_and_sequences_take_tries_too(rig: Any, session: WorkerSession) -> None:
    asked = {"prompt": WAVES, "frame_start": 8, "frame_end": 40, "hold": "NONE"}
    assert bpy.ops.mmm.inpaint(claim_tries=3, **asked) == {"FINISHED"}
    assert tries(rig) == 3 and "in 16 tries" in said(session)  # an edit has eight, twice
    fill_list([WAVES, "a person walks"])
    assert bpy.ops.mmm.generate_sequence(claim_tries=3, start_from="FREE") == {"FINISHED"}
    assert tries(rig) == 3 and UNMET in said(session)
    assert bpy.ops.mmm.regenerate_segment(index=0, claim_tries=2) == {"FINISHED"}
    assert tries(rig) == 2
