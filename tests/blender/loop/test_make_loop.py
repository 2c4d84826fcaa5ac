"""Make Loop through the worker, In Place, and what is made of a motion as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.layered_actions import rig_curves
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.blender.timing.panel import ShapePanel
from tests.blender.helpers.drawing import drawn

FRAMES = 48


@pytest.fixture
def rig(session: WorkerSession, tiny_bundle: Path, worker_python: Path) -> ArmatureObject:
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    bpy.ops.mmm.generate(prompt="a person walks", seconds=FRAMES / 24, seed=1, takes=1)
    return bpy.context.view_layer.objects.active


def places(rig: ArmatureObject, frames: Any) -> np.ndarray[Any, Any]:
    curves = rig_curves(rig, rig.animation_data.action)
    found = [curve for curve in curves if curve.data_path.endswith("location")]
    return np.array([[curve.evaluate(frame) for curve in found] for frame in frames])


def test_it_goes_round_for_ever(rig: ArmatureObject, session: WorkerSession) -> None:
    before = rig.animation_data.action
    try:
        assert bpy.ops.mmm.make_loop() == {"FINISHED"}
    except RuntimeError as error:  # random weights may turn or fall: that is said, and all stays
        assert "loop" in str(error) or "fall" in str(error)
        assert rig.animation_data.action == before
        pytest.skip(str(error))
    action = rig.animation_data.action
    assert action != before and before in [take.action for take in rig.mmm_takes.takes]
    first, last = (int(frame) for frame in action.frame_range)
    assert last - first == FRAMES
    step = places(rig, [last])[0] - places(rig, [first])[0]
    for rounds in (1, 2):
        later = places(rig, range(first + rounds * FRAMES, last + rounds * FRAMES))
        np.testing.assert_allclose(
            later, places(rig, range(first, last)) + rounds * step, atol=1e-4
        )
    for curve in rig_curves(rig, action):
        cycles: Any = curve.modifiers[0]
        offset = "REPEAT_OFFSET" if curve.data_path.endswith("location") else "REPEAT"
        assert (cycles.mode_before, cycles.mode_after) == (offset, offset)
    assert "goes round in 48 frames" in session.notice.text


def test_in_place_takes_the_way_out_and_puts_it_back(rig: ArmatureObject) -> None:
    frames = range(1, FRAMES + 1)
    before, motion = places(rig, frames), read_motion(rig, 1, FRAMES)
    assert bpy.ops.mmm.in_place() == {"FINISHED"}
    there = read_motion(rig, 1, FRAMES)
    assert np.abs((there.root_T3[-1] - there.root_T3[0])[[0, 2]]).max() < 1e-4
    np.testing.assert_allclose(there.root_T3[:, 1], motion.root_T3[:, 1], atol=1e-5)
    assert bpy.ops.mmm.in_place() == {"FINISHED"}
    np.testing.assert_allclose(places(rig, frames), before, atol=1e-5)


def test_mirror_reverse_and_retime_keep_the_motion_before(rig: ArmatureObject) -> None:
    before, motion = rig.animation_data.action, read_motion(rig, 1, FRAMES)
    assert bpy.ops.mmm.mirror() == {"FINISHED"}
    mirrored = read_motion(rig, 1, FRAMES)
    np.testing.assert_allclose(mirrored.root_T3[0], motion.root_T3[0], atol=1e-4)
    np.testing.assert_allclose(mirrored.root_T3[:, 1], motion.root_T3[:, 1], atol=1e-4)
    rig.mmm_takes.active = 0
    assert rig.animation_data.action == before
    assert bpy.ops.mmm.reverse() == {"FINISHED"}
    backwards = read_motion(rig, 1, FRAMES)
    np.testing.assert_allclose(backwards.root_T3[::-1], motion.root_T3, atol=1e-4)
    rig.mmm_takes.active = 0
    assert bpy.ops.mmm.retime(speed=2.0) == {"FINISHED"}
    assert tuple(rig.animation_data.action.frame_range) == (1, FRAMES // 2)
    assert len(rig.mmm_takes.takes) == 4
    assert not any(action.use_fake_user for action in bpy.data.actions)
    bpy.ops.mmm.discard_take()
    assert len(bpy.data.actions) == 3


def test_bad_input_is_said_and_changes_nothing(rig: ArmatureObject) -> None:
    action = rig.animation_data.action
    with pytest.raises(RuntimeError, match="cannot be made"):
        bpy.ops.mmm.retime(seconds=1e6)
    scene = bpy.context.scene
    scene.use_preview_range = True
    scene.frame_preview_start = scene.frame_preview_end = 5
    with pytest.raises(RuntimeError, match=r"at least 0\.8 seconds"):
        bpy.ops.mmm.make_loop()
    assert rig.animation_data.action == action and len(bpy.data.actions) == 1
    assert set(drawn(ShapePanel).buttons()) >= {"mmm.make_loop", "mmm.simplify_keys"}
