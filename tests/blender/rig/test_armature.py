from __future__ import annotations

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.rig.armature import bone_tails, create_character
from mmm_blender.blender.rig.pose_space import STANDING_PELVIS_HEIGHT
from mmm_blender.blender.rig.smpl_rig import find_smpl_bones
from mmm_blender.geometry.conventions import to_blender_vectors
from mmm_blender.geometry.mannequin.body_shape import BodyMesh
from mmm_blender.geometry.skeleton import SMPL, SMPL_22, SOLE_HEIGHT, Skeleton
from tests.blender.helpers.rigs import STYLES, build_rig, smpl_addon_spelling


@pytest.fixture
def rig() -> ArmatureObject:
    return create_character(bpy.context)


def test_bones_are_smpls_joints_in_place(rig: ArmatureObject) -> None:
    bones = rig.data.bones
    assert sorted(bone.name for bone in bones) == sorted(SMPL.names)
    heads = np.array([bones[name].head_local for name in SMPL.names])
    wanted = to_blender_vectors(SMPL.rest_positions_J3) + np.array([0, 0, STANDING_PELVIS_HEIGHT])
    assert np.abs(heads - wanted).max() < 1e-6
    for joint, parent in enumerate(SMPL.parents[1:], start=1):
        assert bones[SMPL.names[joint]].parent.name == SMPL.names[parent]


def test_bones_point_to_their_children(rig: ArmatureObject) -> None:
    bones = rig.data.bones
    for bone in bones:
        if len(bone.children) == 1:
            assert bone.tail_local == bone.children[0].head_local
    assert (bones["pelvis"].tail_local - bones["spine1"].head_local).length < 1e-6
    assert (bones["spine3"].tail_local - bones["neck"].head_local).length < 1e-6
    toe, head = ((bones[n].tail_local - bones[n].head_local) for n in ("left_foot", "head"))
    assert toe.normalized().y < -0.99  # the body faces -Y
    assert head.normalized().z > 0.99


def test_the_pelvis_can_be_moved_and_limbs_are_connected(rig: ArmatureObject) -> None:
    bones = rig.data.bones
    assert not bones["pelvis"].use_connect
    assert bones["left_knee"].use_connect
    assert not bones["left_hip"].use_connect
    assert not bones["left_collar"].use_connect


@pytest.mark.parametrize(
    "bone, moves, towards",
    [
        ("left_knee", "left_ankle", (0, 1, 0)),
        ("right_knee", "right_ankle", (0, 1, 0)),
        ("left_elbow", "left_wrist", (0, -1, 0)),
        ("right_elbow", "right_wrist", (0, -1, 0)),
        ("spine2", "head", (0, -1, 0)),
        ("left_wrist", "left_hand", (0, 0, -1)),
    ],
)
def test_turning_by_x_bends_the_joint(
    rig: ArmatureObject, bone: str, moves: str, towards: tuple[int, int, int]
) -> None:
    pose = rig.pose.bones
    before = np.array(pose[moves].head)
    pose[bone].rotation_mode = "XYZ"
    pose[bone].rotation_euler.x = 0.3
    bpy.context.view_layer.update()
    path = np.array(pose[moves].head) - before
    assert path @ towards > 0.9 * np.linalg.norm(path)


def test_left_and_right_rolls_mirror(rig: ArmatureObject) -> None:
    for bone in rig.data.bones:
        if bone.name.startswith("left_"):
            other = rig.data.bones[bone.name.replace("left_", "right_")]
            left, right = np.array(bone.z_axis), np.array(other.z_axis)
            assert np.abs(left * (-1, 1, 1) - right).max() < 1e-5


def test_collections_and_colours(rig: ArmatureObject) -> None:
    lower, upper = (rig.data.collections[name] for name in ("Lower body", "Upper body"))
    assert {"pelvis", "left_foot"} <= {bone.name for bone in lower.bones}
    assert {"spine1", "head", "right_hand"} <= {bone.name for bone in upper.bones}
    assert len(lower.bones) + len(upper.bones) == len(SMPL)
    palettes = {rig.data.bones[name].color.palette for name in ("pelvis", "left_hip", "right_hip")}
    assert len(palettes) == 3


def test_it_is_active_selected_and_at_the_cursor() -> None:
    first = create_character(bpy.context)
    bpy.context.scene.cursor.location = (1.0, 2.0, 0.0)
    second = create_character(bpy.context)
    assert bpy.context.view_layer.objects.active == second
    assert bpy.context.selected_objects == [second]
    assert not first.select_get()
    assert tuple(second.location) == (1.0, 2.0, 0.0)
    assert bpy.context.mode == "OBJECT"


def test_adding_leaves_another_mode_and_a_hidden_collection() -> None:
    create_character(bpy.context)
    bpy.ops.object.mode_set(mode="POSE")
    hidden = bpy.data.collections.new("Hidden")
    bpy.context.scene.collection.children.link(hidden)
    layer = bpy.context.view_layer.layer_collection.children["Hidden"]
    bpy.context.view_layer.active_layer_collection = layer
    layer.hide_viewport = True
    rig = create_character(bpy.context)
    assert len(rig.data.bones) == len(SMPL)
    assert rig.visible_get()


def test_a_bigger_skeleton_with_its_own_mesh() -> None:
    """As SMPL-H and SMPL-X have: fingers after the first 22 joints, no hand joints."""
    wrist = SMPL.names.index("left_wrist")
    names = (*SMPL_22.names, "left_index1", "left_index2", "left_middle1")
    parents = (*SMPL_22.parents, wrist, 22, wrist)
    fingers = [(0.1, 0.0, 0.03), (0.03, 0.0, 0.0), (0.1, 0.0, 0.0)]
    skeleton = Skeleton(names, parents, np.concatenate([SMPL_22.offsets_J3, fingers]) * 1.1)
    vertices = skeleton.rest_positions_J3 + np.array([0.0, -0.02, 0.0])
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    rig = create_character(
        bpy.context, "Mine", skeleton, BodyMesh(vertices, faces, np.eye(len(names)))
    )
    assert isinstance(find_smpl_bones(rig), dict)
    assert len(rig.data.bones) == len(names)
    (body,) = rig.children
    lowest = min((body.matrix_world @ vertex.co).z for vertex in body.data.vertices)
    assert lowest == pytest.approx(0.0, abs=1e-6)
    toe = skeleton.rest_positions_J3[:, 1].min()
    assert rig.data.bones["pelvis"].head_local.z == pytest.approx(0.02 - toe, abs=1e-6)


def test_joints_at_one_place_still_get_bones() -> None:
    offsets = SMPL.offsets_J3.copy()
    offsets[SMPL.names.index("left_hand")] = 0.0
    skeleton = SMPL.with_offsets(offsets)
    lengths = np.linalg.norm(
        bone_tails(skeleton, skeleton.rest_positions_J3) - skeleton.rest_positions_J3, axis=-1
    )
    assert lengths.min() > 0.004


def test_soles_stand_on_the_floor(rig: ArmatureObject) -> None:
    assert rig.data.bones["left_foot"].head_local.z == pytest.approx(SOLE_HEIGHT, abs=1e-6)


@pytest.mark.parametrize("style", STYLES)
def test_smpl_armatures_of_any_make_are_found(style: str) -> None:
    found = find_smpl_bones(build_rig(STYLES[style]))
    assert found == {name: STYLES[style].spell(name) for name in SMPL_22.names}


def test_a_prefix_in_other_case_with_decoys_is_found() -> None:
    rig = build_rig(STYLES["all bones up"])
    for bone in rig.data.bones:
        bone.name = f"SMPLX-female_{bone.name.title()}"
    bpy.ops.object.mode_set(mode="EDIT")
    for name in ("pelvis", "IK_pelvis"):
        bone = rig.data.edit_bones.new(name)
        bone.tail = (0.0, 0.0, 1.0)
    bpy.ops.object.mode_set(mode="OBJECT")
    found = find_smpl_bones(rig)
    assert isinstance(found, dict)
    assert found["left_knee"] == "SMPLX-female_Left_Knee"


def test_why_others_are_not() -> None:
    rig = build_rig(STYLES["smpl add-on"])
    for joint in ("left_knee", "head", "neck", "spine1", "left_foot"):
        rig.data.bones[smpl_addon_spelling(joint)].name = "Bone"
    reason = find_smpl_bones(rig)
    assert isinstance(reason, str)
    assert "spine1, left_knee, left_foot and 2 more" in reason
    assert "armature" in str(find_smpl_bones(None))
    assert "armature" in str(find_smpl_bones(bpy.data.objects.new("Empty", None)))


def test_the_right_names_in_the_wrong_tree_are_refused() -> None:
    rig = build_rig(STYLES["all bones up"])
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.edit_bones["left_knee"].parent = rig.data.edit_bones["right_hip"]
    bpy.ops.object.mode_set(mode="OBJECT")
    assert "'left_knee' does not hang below 'left_hip'" in str(find_smpl_bones(rig))
