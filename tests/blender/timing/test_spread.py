"""Spread Edit and Remove Spread on real Actions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.curve_snapshot import raw_curves
from mmm_blender.blender.fcurves.layered_actions import rig_curves
from mmm_blender.blender.history import new_action
from mmm_blender.blender.history.fingerprint import store_fingerprint
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.timing.panel import ShapePanel
from mmm_blender.blender.timing.spread import SPREAD_PROPERTY
from tests.blender.helpers.drawing import drawn
from tests.blender.helpers.rigs import STYLES, build_rig
from tests.geometry.motions import smooth_clip

FRAMES, EDITED, REACH = 40, 20, 6


@pytest.fixture(params=["QUATERNION", "XYZ"])
def rig(session: WorkerSession, request: pytest.FixtureRequest) -> ArmatureObject:
    found = build_rig(STYLES["all bones up"])
    for bone in found.pose.bones:
        bone.rotation_mode = request.param
    clip = smooth_clip(FRAMES, 24.0, amplitude=0.2)
    action = new_action.write_clip(found, clip, 1)
    store_fingerprint(found, action)
    return found


def edit(rig: ArmatureObject, frame: int = EDITED, by: float = 0.3) -> str:
    """A pose moved and keyed, as a person does; the data path's end."""
    bpy.context.scene.frame_set(frame)
    bone = rig.pose.bones["left_elbow"]
    quaternion = bone.rotation_mode == "QUATERNION"
    path = "rotation_quaternion" if quaternion else "rotation_euler"
    value = getattr(bone, path)
    value[1] += by
    if quaternion:
        bone.rotation_quaternion.normalize()
    bone.keyframe_insert(path)
    return path


def table(rig: ArmatureObject, only: str = "") -> np.ndarray[Any, Any]:
    """Values of all curves, or of those of a bone, at all frames. (T, C)."""
    curves = [c for c in rig_curves(rig, rig.animation_data.action) if only in c.data_path]
    return np.array([[c.evaluate(frame) for c in curves] for frame in range(1, FRAMES + 1)])


def test_it_goes_on_top_and_comes_off_bit_for_bit(rig: ArmatureObject) -> None:
    action = rig.animation_data.action
    path = edit(rig)
    before, raw = table(rig), raw_curves(action)
    assert bpy.ops.mmm.spread_edit(frames=REACH) == {"FINISHED"}
    after = table(rig)
    away = np.abs(np.arange(1, FRAMES + 1) - EDITED)
    kept = (away > REACH) | (away == 0)
    assert (after[kept] == before[kept]).all()
    assert (after[~kept] != before[~kept]).any(axis=1).all()
    changed = {name for name, each in raw_curves(action).items() if each != raw[name]}
    assert {name[1] for name in changed} == {f'pose.bones["left_elbow"].{path}'}
    assert bpy.ops.mmm.remove_spread() == {"FINISHED"}
    assert raw_curves(action) == raw
    with pytest.raises(RuntimeError, match="No edit was spread"):
        bpy.ops.mmm.remove_spread()


def test_spread_twice_does_nothing_more_and_all_of_it_comes_off(rig: ArmatureObject) -> None:
    action = rig.animation_data.action
    edit(rig)
    edit(rig, 30, -0.3)
    raw = raw_curves(action)
    bpy.ops.mmm.spread_edit(frames=REACH)
    once = table(rig)
    for frames in (REACH, 3):
        try:
            bpy.ops.mmm.spread_edit(frames=frames)
        except RuntimeError as error:
            assert "too small" in str(error)
    assert np.abs(table(rig) - once).max() < 0.02, "what was spread is no edit of the person's"
    bpy.ops.mmm.remove_spread()
    assert raw_curves(action) == raw


def test_keys_that_were_changed_since_stay(rig: ArmatureObject) -> None:
    edit(rig)
    bpy.ops.mmm.spread_edit(frames=REACH)
    edit(rig, EDITED + 2)
    changed = table(rig)[EDITED + 1]
    bpy.ops.mmm.remove_spread()
    found = table(rig)
    assert (found[EDITED + 1] == changed).all()
    assert (found[EDITED - 3] != changed).any()


def test_bad_input_changes_nothing(rig: ArmatureObject, session: WorkerSession) -> None:
    action = rig.animation_data.action
    raw = raw_curves(action)
    with pytest.raises(RuntimeError, match="No key was changed by hand"):
        bpy.ops.mmm.spread_edit()
    assert raw_curves(action) == raw
    edit(rig)
    action[SPREAD_PROPERTY] = '[["x", 0, "?", "?"]]'
    raw = raw_curves(action)
    for operator in (bpy.ops.mmm.spread_edit, bpy.ops.mmm.remove_spread):
        with pytest.raises(RuntimeError, match="damaged"):
            operator()
    del action[SPREAD_PROPERTY], action["mmm_fingerprint"]
    with pytest.raises(RuntimeError, match="Nobody knows"):
        bpy.ops.mmm.spread_edit()
    assert raw_curves(action) == raw
    assert set(drawn(ShapePanel).buttons()) >= {"mmm.spread_edit", "mmm.remove_spread"}
    rig.animation_data.action = None
    with pytest.raises(RuntimeError, match="has no Action"):
        bpy.ops.mmm.spread_edit()
