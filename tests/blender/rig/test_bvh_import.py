"""Blender's own importer reads what we write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.geometry.bvh import CENTIMETRES, write_bvh
from mmm_blender.geometry.conventions import to_blender_vectors
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.skeleton import SMPL_22
from tests.geometry.motions import smooth_clip

bpy: Any = pytest.importorskip("bpy")


def test_imported_joints_stand_where_the_clip_has_them(tmp_path: Path) -> None:
    if not hasattr(bpy.types, "IMPORT_ANIM_OT_bvh"):
        pytest.skip("this Blender comes without its BVH importer")
    clip = smooth_clip(20, amplitude=1.0)
    path = tmp_path / "walk.bvh"
    write_bvh(path, clip)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_anim.bvh(
        filepath=str(path), global_scale=1.0 / CENTIMETRES, rotate_mode="QUATERNION"
    )
    armature = bpy.context.object
    expected = to_blender_vectors(clip_joints(clip))
    for frame in (0, 7, 19):
        bpy.context.scene.frame_set(1 + frame)
        heads = [armature.matrix_world @ armature.pose.bones[name].head for name in SMPL_22.names]
        assert np.allclose(np.array(heads), expected[frame], atol=1e-5)
