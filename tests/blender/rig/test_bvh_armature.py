"""Our own reader's armature stands and moves as the file says, in any unit and with either axis."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.rig.bvh_armature import add_bvh
from mmm_blender.geometry.bvh import bvh_text, parse_bvh
from mmm_blender.geometry.conventions import to_blender_vectors
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.skeleton import SMPL_22
from tests.geometry.motions import smooth_clip


@pytest.mark.parametrize("fps", [20.0, 29.97, 120.0])
def test_joints_stand_where_the_clip_has_them(fps: float):
    clip = smooth_clip(20, fps=fps, amplitude=1.0)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rig = add_bvh(bpy.context, "walk", parse_bvh(bvh_text(clip)))
    expected = to_blender_vectors(clip_joints(clip))
    for frame in (0, 7, 19):
        bpy.context.scene.frame_set(1 + frame)
        heads = [rig.matrix_world @ rig.pose.bones[name].head for name in SMPL_22.names]
        assert np.allclose(np.array(heads), expected[frame], atol=1e-4)
    render = bpy.context.scene.render
    assert render.fps / render.fps_base == pytest.approx(fps, rel=1e-4)
