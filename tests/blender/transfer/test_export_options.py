"""Exports with a T-pose, a rate, a range or the root bone, imported again, format by format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from _rigs.blender_rigs import build_armature
from _rigs.skeletons import Build, Style, bones_of_preset

from mmm_blender.blender.actions.range_writer import keyed_extent, raw_curves
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.evaluation import evaluated
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.resample import resample
from mmm_blender.geometry.retarget.presets import presets
from mmm_blender.geometry.rotations import quat_angle, quat_conjugate, quat_rotate
from tests.geometry.motions import hinged_clip

BY_NAME = {preset.name: preset for preset in presets()}
FRAMES = 20
KINDS = ("fbx", "glb", "usdc", "bvh")


def clip() -> MotionClip:
    made = hinged_clip(FRAMES)
    return MotionClip(made.rotations_TJ4, made.root_T3, 24.0)


def rig_of(name: str, build: Build) -> ArmatureObject:
    return build_armature("Hero", bones_of_preset(BY_NAME[name], build), Style())


def exported(path: Path, **options: object) -> tuple[ArmatureObject, float]:
    """What a file has, as a character of its own, and the rate of the scene that shows it."""
    scene = bpy.context.scene
    before = set(bpy.data.objects), scene.frame_current, scene.render.fps, scene.frame_end
    actions = {action.name: raw_curves(action) for action in bpy.data.actions}
    assert bpy.ops.mmm.export_motion(filepath=str(path), **options) == {"FINISHED"}
    now = set(bpy.data.objects), scene.frame_current, scene.render.fps, scene.frame_end
    assert now == before, "the scene is as it was"
    assert {action.name: raw_curves(action) for action in bpy.data.actions} == actions
    for each in bpy.data.objects:
        each.select_set(False)
    if options.get("fps"):
        scene.render.fps = int(float(str(options["fps"])))
    assert bpy.ops.mmm.import_motion(filepath=str(path), as_new=True) == {"FINISHED"}
    rig = next(each for each in set(bpy.data.objects) - before[0] if each.type == "ARMATURE")
    return rig, float(scene.render.fps) / float(scene.render.fps_base)


def motion_of(rig: ArmatureObject) -> MotionClip:
    keyed = keyed_extent(rig, rig.animation_data.action)
    assert keyed is not None
    return read_motion(rig, round(keyed[0]), round(keyed[1]))


def check_alike(found: MotionClip, wanted: MotionClip) -> None:
    """The same turns and the same way; a file's own character may rest elsewhere."""
    assert found.frames == wanted.frames
    assert np.degrees(quat_angle(found.rotations_TJ4, wanted.rotations_TJ4)).max() < 0.1
    ways = [each.root_T3 - each.root_T3[0] for each in (found, wanted)]
    assert np.abs(ways[0] - ways[1]).max() < 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_exported_is_the_same_again(
    kind: str, session: WorkerSession, tmp_path: Path
) -> None:
    rig = rig_of("Mixamo", Build(arms_down=40.0, elbows=15.0))
    write_clip(rig, clip(), 1)
    again, _ = exported(tmp_path / f"motion.{kind}")
    check_alike(motion_of(again), clip())


@pytest.mark.parametrize("kind", KINDS)
def test_a_t_pose_comes_first_and_the_motion_after_it_at_its_rate(
    kind: str, session: WorkerSession, tmp_path: Path
) -> None:
    rig = rig_of("Mixamo", Build(arms_down=40.0))
    write_clip(rig, clip(), 1)
    bpy.context.scene.frame_set(7)
    again, fps = exported(
        tmp_path / f"motion.{kind}", t_pose=True, fps=30.0, limit=True, frame_start=3, frame_end=16
    )
    found = motion_of(again)
    assert fps == pytest.approx(30.0)
    assert np.degrees(quat_angle(found.rotations_TJ4[0], clip().rotations_TJ4[0] * 0 + [1, 0, 0, 0]
                                 )).max() < 0.1  # fmt: skip
    wanted = resample(clip().slice(2, 16), 30.0)
    moved = found.slice(1, found.frames)
    assert abs(moved.frames - wanted.frames) <= 1
    frames = min(moved.frames, wanted.frames) - 1
    # between frames Blender goes straight, the resampled clip in curves
    apart = quat_angle(moved.rotations_TJ4[:frames], wanted.rotations_TJ4[:frames])
    assert np.degrees(apart).max() < 0.5
    assert np.degrees(apart[0]).max() < 0.1


@pytest.mark.parametrize("kind", ["fbx", "glb", "usdc"])
def test_the_way_goes_to_the_root_bone(kind: str, session: WorkerSession, tmp_path: Path) -> None:
    rig = rig_of("Unreal 4", Build(arms_down=50.0))
    write_clip(rig, clip(), 1)
    again, _ = exported(tmp_path / f"motion.{kind}", root="ROOT")
    check_alike(motion_of(again), clip())
    ways = way_of(again, "root"), way_of(rig, "root")
    assert ways[0] > 0.3, "the root bone goes"
    assert ways[1] == 0.0, "and that of the scene's character stays"


def way_of(rig: ArmatureObject, bone: str) -> float:
    """How far a bone goes over the ground from the first frame to the last, metres."""
    keyed = keyed_extent(rig, rig.animation_data.action)
    assert keyed is not None
    places = []
    for frame in keyed:
        bpy.context.scene.frame_set(round(frame))
        shown = evaluated(rig)
        places.append(np.array((shown.matrix_world @ shown.pose.bones[bone].matrix).translation))
    return float(np.linalg.norm((places[1] - places[0])[:2]))


def test_the_way_comes_back_to_the_hips(session: WorkerSession, tmp_path: Path) -> None:
    rig = rig_of("Unreal 4", Build(arms_down=50.0))
    rig.mmm_rig.root_motion = "ROOT"
    write_clip(rig, clip(), 1)
    again, _ = exported(tmp_path / "motion.fbx", root="HIPS")
    check_alike(motion_of(again), clip())
    assert way_of(again, "root") < 1e-6
    assert way_of(rig, "root") > 0.3


def test_what_cannot_be_exported_is_said(session: WorkerSession, tmp_path: Path) -> None:
    rig = rig_of("Mixamo", Build())
    write_clip(rig, clip(), 1)
    before = raw_curves(rig.animation_data.action)
    for options, sentence in (
        ({"root": "ROOT"}, "no root bone"),
        ({"limit": True, "frame_start": 50, "frame_end": 60}, "no motion between"),
    ):
        with pytest.raises(RuntimeError, match=sentence):
            bpy.ops.mmm.export_motion(filepath=str(tmp_path / "m.fbx"), **options)
    assert list(tmp_path.iterdir()) == []
    assert raw_curves(rig.animation_data.action) == before
    assert len(bpy.data.actions) == 1


def test_arrays_of_amass_say_the_same_motion(session: WorkerSession, tmp_path: Path) -> None:
    rig = rig_of("Mixamo", Build(arms_down=40.0))
    write_clip(rig, clip(), 1)
    path = tmp_path / "motion.npz"
    assert bpy.ops.mmm.export_motion(filepath=str(path), t_pose=True) == {"FINISHED"}
    from mmm_blender.geometry.rotations import quat_multiply, rotation_vector_to_quat

    with np.load(path) as arrays:
        turns_TJ4 = rotation_vector_to_quat(arrays["poses"][:, :66].reshape(-1, 22, 3))
        trans_T3 = arrays["trans"]
    upright = rotation_vector_to_quat(np.array([np.pi / 2.0, 0.0, 0.0]))
    turns_TJ4[:, 0] = quat_multiply(quat_conjugate(upright), turns_TJ4[:, 0])
    root_T3 = quat_rotate(quat_conjugate(upright), trans_T3)
    assert np.degrees(quat_angle(turns_TJ4[1:], clip().rotations_TJ4)).max() < 0.1
    assert np.abs(root_T3[1:] - clip().root_T3).max() < 1e-3
    assert np.degrees(2.0 * np.arccos(np.clip(np.abs(turns_TJ4[0, :, 0]), 0, 1))).max() < 0.1
