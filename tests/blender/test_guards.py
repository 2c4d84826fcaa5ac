"""Whatever Blender says when a result comes into the scene: nothing is left behind."""

from __future__ import annotations

from typing import Any

import pytest

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.generate import result_writer
from mmm_blender.blender.guards import nothing_left_behind
from mmm_blender.blender.rig.armature import create_character
from tests.blender.helpers.curve_layouts import generated

KINDS = ("objects", "armatures", "meshes", "materials", "collections", "actions")


@pytest.fixture
def rig() -> ArmatureObject:
    return create_character(bpy.context)


def blocks() -> dict[str, list[str]]:
    return {kind: sorted(each.name for each in getattr(bpy.data, kind)) for kind in KINDS}


def fail_after(*steps: Any) -> None:
    for step in steps:
        step()
    raise RuntimeError("Error: Could not link the object, the collection is linked")


def refused(*_given: object) -> None:
    fail_after()


@pytest.mark.parametrize("had_action", [False, True])
def test_what_a_failed_delivery_added_is_gone(rig: ArmatureObject, had_action: bool):
    before_action = generated(rig) if had_action else None
    scene = bpy.context.scene
    before, frames = blocks(), (scene.frame_start, scene.frame_end)
    with pytest.raises(RuntimeError), nothing_left_behind(bpy.context):
        fail_after(
            lambda: create_character(bpy.context),
            lambda: generated(rig, 300),
            lambda: setattr(scene, "frame_end", 999),
        )
    assert blocks() == before
    assert (scene.frame_start, scene.frame_end) == frames
    data = rig.animation_data
    assert (None if data is None else data.action) == before_action


def test_an_error_of_blender_s_is_a_sentence_and_the_motion_is_kept(
    session: Any, tiny_bundle: Any, monkeypatch: pytest.MonkeyPatch
):
    """Before: a traceback, an orphan armature, and the motion was lost."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    before = blocks()
    asked = {"prompt": "a person waves", "seconds": 1.0, "bundle": str(tiny_bundle)}
    with monkeypatch.context() as patch:
        patch.setattr(result_writer, "store_fingerprint", refused)
        with pytest.raises(RuntimeError, match="could not be put into the scene"):
            bpy.ops.mmm.generate(**asked)
    assert blocks() == before
    monkeypatch.setattr(session.client, "submit", refused)
    assert bpy.ops.mmm.generate(**asked) == {"FINISHED"}
