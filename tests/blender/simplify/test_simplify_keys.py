"""Simplify Keys on real Actions: what Blender shows afterwards, and edits of such curves."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_blender.blender.actions.range_writer import write_range
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.layered_actions import rig_curves
from mmm_blender.blender.history import new_action
from mmm_blender.blender.history.fingerprint import store_fingerprint
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.simplify.task import simplify_keys
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.simplify.simplify import Tolerance
from mmm_blender.geometry.skeleton import SMPL_22
from tests.blender.helpers.rigs import STYLES, build_rig, wild_clip

FRAMES = 60
TOLERANCE = Tolerance(0.02, np.radians(10.0))


@pytest.fixture(params=["QUATERNION", "XYZ"])
def rig(session: WorkerSession, request: pytest.FixtureRequest) -> ArmatureObject:
    found = build_rig(STYLES["all bones up"])
    for bone in found.pose.bones:
        bone.rotation_mode = request.param
    action = new_action.write_clip(found, wild_clip(FRAMES, wildness=0.4), 1)
    store_fingerprint(found, action)
    return found


def shown_joints(rig: ArmatureObject) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Heads and tails of all bones at all frames, as Blender shows them, metres. (T, 2 J, 3)."""
    rows = []
    for frame in range(1, FRAMES + 1):
        bpy.context.scene.frame_set(frame)
        points = [point for bone in rig.pose.bones for point in (bone.head, bone.tail)]
        rows.append([list(rig.matrix_world @ point) for point in points])
    return np.array(rows)


def curve_values(rig: ArmatureObject, frames: range) -> list[list[float]]:
    curves = rig_curves(rig, rig.animation_data.action)
    return [[curve.evaluate(frame) for frame in frames] for curve in curves]


def key_count(rig: ArmatureObject) -> int:
    return sum(len(curve.keyframe_points) for curve in rig_curves(rig, rig.animation_data.action))


def test_what_blender_shows_stays_within_the_tolerance(rig: ArmatureObject) -> None:
    before = shown_joints(rig)
    keys = key_count(rig)
    report = simplify_keys(bpy.context, rig, TOLERANCE)
    apart = np.linalg.norm(shown_joints(rig) - before, axis=-1).max()
    assert apart <= TOLERANCE.distance + 1e-5
    assert report.distance == pytest.approx(apart, abs=1e-4)
    assert report.angle <= TOLERANCE.angle + 1e-5
    assert report.keys_before == keys and report.keys_after == key_count(rig) < 0.7 * keys
    kinds = {
        (key.interpolation, key.type)
        for curve in rig_curves(rig, rig.animation_data.action)
        for key in curve.keyframe_points
    }
    assert kinds == {("BEZIER", "GENERATED")}


def test_an_edit_of_such_curves_changes_its_range_alone(rig: ArmatureObject) -> None:
    simplify_keys(bpy.context, rig, TOLERANCE)
    outside = [*range(1, 20), *range(41, FRAMES + 1)]
    before = [[row[frame - 1] for frame in outside] for row in curve_values(rig, range(1, 61))]
    action = rig.animation_data.action
    write_range(rig, action, wild_clip(FRAMES, wildness=0.9), 1, 20, 40, SMPL_22.names, {})
    after = [[row[frame - 1] for frame in outside] for row in curve_values(rig, range(1, 61))]
    assert np.abs(np.array(before) - np.array(after)).max() < 1e-5


def test_keys_that_the_person_moved_stay(rig: ArmatureObject) -> None:
    curve = rig_curves(rig, rig.animation_data.action)[8]
    key = curve.keyframe_points[24]
    key.co[1] += 0.05
    curve.update()
    value = float(key.co[1])
    simplify_keys(bpy.context, rig, TOLERANCE)
    kept = next(each for each in curve.keyframe_points if each.co[0] == 25)
    assert kept.co[1] == pytest.approx(value, abs=1e-6) and kept.type == "KEYFRAME"


@pytest.mark.parametrize("millimetres", [0.0, 10_000.0])
def test_what_is_no_tolerance_changes_nothing(rig: ArmatureObject, millimetres: float) -> None:
    before = curve_values(rig, range(1, 61))
    with pytest.raises(RuntimeError, match="makes no sense"):
        bpy.ops.mmm.simplify_keys(millimetres=millimetres)
    assert curve_values(rig, range(1, 61)) == before and key_count(rig) == len(before) * FRAMES


def test_without_an_action_the_button_is_grey(rig: ArmatureObject) -> None:
    rig.animation_data.action = None
    with pytest.raises(RuntimeError, match="has no Action"):
        bpy.ops.mmm.simplify_keys()
    with pytest.raises(MMMError, match="has no Action"):
        simplify_keys(bpy.context, rig, TOLERANCE)


def test_the_operator_says_how_far_off_it_is(rig: ArmatureObject, session: WorkerSession) -> None:
    assert bpy.ops.mmm.simplify_keys(millimetres=20.0) == {"FINISHED"}
    assert "keys became" in session.notice.text and "mm off" in session.notice.text
