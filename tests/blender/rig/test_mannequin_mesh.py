from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.mannequin.body_parts import FACE, LEFT, RIGHT
from mmm_blender.geometry.mannequin.body_shape import BodyMesh, mannequin
from mmm_blender.geometry.skeleton import SMPL, SOLE_HEIGHT, joint_index

FLOOR = float(SMPL.rest_positions_J3[:, 1].min()) - SOLE_HEIGHT


@pytest.fixture(scope="module")
def body() -> BodyMesh:
    return mannequin()


def triangles(body: BodyMesh) -> FloatArray:
    """Corners (2F, 3, 3) of the body's quads cut in two."""
    quads = body.vertices_V3[body.faces]
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def test_the_skin_is_closed_and_faces_outwards(body: BodyMesh) -> None:
    ends = np.roll(body.faces, -1, axis=1)
    sides = Counter(zip(body.faces.ravel().tolist(), ends.ravel().tolist(), strict=True))
    assert set(sides.values()) == {1}
    assert all((b, a) in sides for a, b in sides)
    a, b, c = np.moveaxis(triangles(body), 1, 0)
    litres = 1000.0 * float(np.einsum("fi,fi->", a, np.cross(b, c))) / 6.0
    assert 55.0 < litres < 85.0  # an adult of 1.75 m


def test_it_is_one_piece(body: BodyMesh) -> None:
    labels = np.arange(len(body.vertices_V3))
    before = None
    while before is None or (before != labels).any():
        before = labels.copy()
        least = labels[body.faces].min(axis=1)
        for corner in range(4):
            np.minimum.at(labels, body.faces[:, corner], least)
    assert set(labels) == {0}


def test_soles_are_flat_on_the_floor(body: BodyMesh) -> None:
    heights = body.vertices_V3[:, 1] - FLOOR
    assert heights.min() == pytest.approx(0.0, abs=1e-9)
    for x_sign in (-1.0, 1.0):
        on_floor = body.vertices_V3[(heights < 1e-6) & (x_sign * body.vertices_V3[:, 0] > 0.0)]
        assert np.ptp(on_floor[:, 2]) > 0.1  # heel and ball of the foot
    assert 1.65 < heights.max() < 1.85


def test_it_is_symmetric(body: BodyMesh) -> None:
    right = body.vertices_V3[body.vertices_V3[:, 0] < -0.005]
    left = body.vertices_V3[body.vertices_V3[:, 0] > 0.005] * (-1.0, 1.0, 1.0)
    assert len(left) == len(right)
    assert left.mean(axis=0) == pytest.approx(right.mean(axis=0), abs=1e-4)
    assert np.cov(left.T) == pytest.approx(np.cov(right.T), abs=1e-4)


def test_joints_lie_inside(body: BodyMesh) -> None:
    """By the winding number: the solid angle of all triangles seen from each joint."""
    corners = triangles(body)
    for joint in SMPL.rest_positions_J3:
        a, b, c = np.moveaxis(corners - joint, 1, 0)
        la, lb, lc = (np.linalg.norm(v, axis=-1) for v in (a, b, c))
        volume = np.einsum("fi,fi->f", a, np.cross(b, c))
        span = la * lb * lc + np.sum(a * b, -1) * lc + np.sum(b * c, -1) * la
        span += np.sum(c * a, -1) * lb
        turns = float(np.arctan2(volume, span).sum()) / (2.0 * np.pi)
        assert turns == pytest.approx(1.0, abs=1e-3)


def test_weights_are_smooth_local_and_few(body: BodyMesh) -> None:
    weights = body.weights_VJ
    assert weights.sum(axis=1) == pytest.approx(1.0)
    assert (weights >= 0.0).all()
    assert (weights > 0.0).sum(axis=1).max() <= 4
    steps = np.abs(weights[body.faces] - np.roll(weights[body.faces], 1, axis=1)).max(axis=(0, 1))
    assert steps.max() < 0.45
    for joint, parent in enumerate(SMPL.parents[:22]):
        if parent >= 0 and SMPL.children(joint):
            far = np.linalg.norm(body.vertices_V3 - SMPL.rest_positions_J3[joint], axis=-1) > 0.6
            assert weights[far, joint].max() == 0.0
    left = body.vertices_V3[:, 0] > 0.08
    rights = [joint for joint, name in enumerate(SMPL.names) if name.startswith("right_")]
    assert weights[left][:, rights].max() == 0.0


def test_every_joint_but_none_more_moves_skin(body: BodyMesh) -> None:
    assert body.weights_VJ.shape[1] == len(SMPL)
    assert (body.weights_VJ.max(axis=0) > 0.4).all()


def test_tones_tell_left_right_and_front(body: BodyMesh) -> None:
    assert body.tones_F is not None
    centres = body.vertices_V3[body.faces].mean(axis=1)
    assert (centres[body.tones_F == LEFT, 0] > 0.0).all()
    assert (centres[body.tones_F == RIGHT, 0] < 0.0).all()
    head = SMPL.rest_positions_J3[joint_index("head")]
    face = centres[body.tones_F == FACE] - head
    assert len(face) > 50
    assert (face[:, 2] > 0.04).all()


def test_other_proportions_give_another_body(body: BodyMesh) -> None:
    taller = mannequin(SMPL.with_offsets(SMPL.offsets_J3 * 1.15))
    assert np.ptp(taller.vertices_V3[:, 1]) > 1.1 * np.ptp(body.vertices_V3[:, 1])


def test_the_object_follows_its_bones(body: BodyMesh) -> None:
    rig = create_character(bpy.context)
    (skin,) = rig.children
    assert [group.name for group in skin.vertex_groups] == list(SMPL.names)
    assert skin.modifiers[0].object == rig
    assert all(polygon.use_smooth for polygon in skin.data.polygons)
    rest = np.array([vertex.co for vertex in skin.data.vertices])
    rig.pose.bones["left_knee"].rotation_mode = "XYZ"
    rig.pose.bones["left_knee"].rotation_euler.x = 1.0
    posed = skin.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    moved = np.linalg.norm(np.array([v.co for v in posed.vertices]) - rest, axis=-1)
    foot = body.weights_VJ[:, joint_index("left_foot")] > 0.5
    arm = body.weights_VJ[:, joint_index("left_elbow")] > 0.5
    assert moved[foot].min() > 0.2
    assert moved[arm].max() < 1e-6


def test_characters_share_their_materials() -> None:
    create_character(bpy.context)
    create_character(bpy.context)
    assert len(bpy.data.materials) == 4
