"""Motions copied between characters, and through files and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from _rigs.blender_rigs import build_armature
from _rigs.skeletons import Build, Style, bones_of_preset

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.retarget.presets import presets
from mmm_blender.geometry.rotations import quat_angle
from tests.geometry.motions import hinged_clip

BY_NAME = {preset.name: preset for preset in presets()}
FRAMES = 20


def clip() -> MotionClip:
    made = hinged_clip(FRAMES)
    return MotionClip(made.rotations_TJ4, made.root_T3, 24.0)


def rig_of(name: str, build: Build, style: Style) -> ArmatureObject:
    return build_armature(name, bones_of_preset(BY_NAME[name], build), style)


def check_same(
    rig: ArmatureObject, wanted: MotionClip, first: int = 1, height: bool = True
) -> None:
    found = read_motion(rig, first, first + wanted.frames - 1)
    assert np.degrees(quat_angle(found.rotations_TJ4, wanted.rotations_TJ4)).max() < 0.1
    apart = np.abs(found.root_T3 - wanted.root_T3)
    assert (apart if height else apart[:, [0, 2]]).max() < 1e-3


def test_a_motion_goes_from_any_character_to_any_other(session: WorkerSession) -> None:
    source = create_character(bpy.context)
    made = clip()
    write_clip(source, made, 5)
    others = [
        rig_of("Mixamo", Build(arms_down=50.0), Style(up="Y", scale=0.01)),
        rig_of("VRM", Build(arms_down=20.0, legs=0.8), Style()),
    ]
    for rig in others:
        bpy.context.view_layer.objects.active = rig
        assert bpy.ops.mmm.copy_motion(source=source.name) == {"FINISHED"}
        check_same(rig, made, 5)
        source = rig
    with pytest.raises(RuntimeError, match="same character"):
        bpy.ops.mmm.copy_motion(source=others[-1].name)


@pytest.mark.parametrize("kind", ["fbx", "glb", "bvh"])
def test_what_was_exported_comes_back(kind: str, session: WorkerSession, tmp_path: Path) -> None:
    rig = rig_of("Mixamo", Build(arms_down=40.0, elbows=15.0), Style())
    made = clip()
    write_clip(rig, made, 1)
    path = tmp_path / f"motion.{kind}"
    assert bpy.ops.mmm.export_motion(filepath=str(path)) == {"FINISHED"}
    objects, actions = list(bpy.data.objects), list(bpy.data.actions)
    target = rig_of("Unreal 4", Build(arms_down=60.0, legs=1.1), Style())
    bpy.context.scene.frame_set(1)
    assert bpy.ops.mmm.import_motion(filepath=str(path)) == {"FINISHED"}
    check_same(target, made)
    assert list(bpy.data.objects) == sorted([*objects, target], key=lambda each: each.name)
    assert len(bpy.data.actions) == len(actions) + 1
    assert bpy.context.scene.render.fps == 24


def test_arrays_have_the_keys_of_amass_and_usd_is_written(
    session: WorkerSession, tmp_path: Path
) -> None:
    rig = rig_of("Mixamo", Build(arms_down=40.0), Style())
    write_clip(rig, clip(), 1)
    path = tmp_path / "motion.npz"
    assert bpy.ops.mmm.export_motion(filepath=str(path)) == {"FINISHED"}
    with np.load(path) as arrays:
        assert arrays["poses"].shape == (FRAMES, 156)
        assert arrays["trans"].shape == (FRAMES, 3)
        assert float(arrays["mocap_framerate"]) == 24.0
        assert np.ptp(arrays["trans"][:, 1]) > 0.3, "forward is -Y in Blender's axes"
    assert bpy.ops.mmm.export_motion(filepath=str(tmp_path / "m.usdc")) == {"FINISHED"}
    assert (tmp_path / "m.usdc").stat().st_size > 1000


def test_a_file_without_a_person_leaves_nothing(session: WorkerSession, tmp_path: Path) -> None:
    rig = rig_of("Mixamo", Build(), Style())
    before = list(bpy.data.objects), list(bpy.data.actions)
    broken = tmp_path / "a.fbx"
    broken.write_text("nothing")
    empty = tmp_path / "a.bvh"
    empty.write_text("HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 3 Xrotation Yrotation "
                     "Zrotation\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\nMOTION\nFrames: 0\n"
                     "Frame Time: 0.03\n")  # fmt: skip
    for path in (broken, empty, tmp_path / "gone.glb", tmp_path / "a.txt"):
        with pytest.raises(RuntimeError):
            bpy.ops.mmm.import_motion(filepath=str(path))
        assert (list(bpy.data.objects), list(bpy.data.actions)) == before
    with pytest.raises(RuntimeError, match="has no keys"):
        bpy.ops.mmm.export_motion(filepath=str(tmp_path / "b.fbx"))
    assert rig.animation_data is None
