"""The map that the VRM add-on keeps on an armature: of its property groups, and of plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from _rigs.blender_rigs import build_armature
from _rigs.skeletons import BoneSpec, Build, bones_of_preset

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.rig.rig_maps import find_rig_map
from mmm_blender.geometry.retarget.presets import presets
from mmm_blender.geometry.retarget.rig_map import RigMap

SPECS = bones_of_preset(next(each for each in presets() if each.name == "VRM"), Build())
LIMBS = {
    "Shoulder": "shoulder",
    "UpperArm": "upper_arm",
    "LowerArm": "lower_arm",
    "Hand": "hand",
    "UpperLeg": "upper_leg",
    "LowerLeg": "lower_leg",
    "Foot": "foot",
    "ToeBase": "toes",
}
TRUNK = {
    "Hips": "hips",
    "Spine": "spine",
    "Chest": "chest",
    "UpperChest": "upper_chest",
    "Neck": "neck",
    "Head": "head",
}
VRM_NAMES = {f"J_Bip_C_{key}": name for key, name in TRUNK.items()} | {
    f"J_Bip_{side[0].upper()}_{key}": f"{side}_{name}"
    for key, name in LIMBS.items()
    for side in ("left", "right")
}
"""VRM's humanoid bones by the names of VRoid."""


def nameless() -> tuple[ArmatureObject, dict[str, str]]:
    """A person whose bones are numbered, and the number of every humanoid bone."""
    names = {spec.name: f"b{at}" for at, spec in enumerate(SPECS)} | {"": ""}
    specs = [BoneSpec(names[s.name], names[s.parent], s.head, s.tail) for s in SPECS]
    rig = build_armature("Hero", specs)
    assert isinstance(find_rig_map(rig), str)
    return rig, {vrm: names[bone] for bone, vrm in VRM_NAMES.items()}


def check(rig: ArmatureObject, bones: dict[str, str]) -> None:
    found = find_rig_map(rig)
    assert isinstance(found, RigMap), found
    assert found.label == "VRM, 22 of 22"
    assert found.read["pelvis"] == (bones["hips"],)
    assert found.read["spine"] == (bones["spine"], bones["chest"], bones["upper_chest"])
    assert found.read["right_elbow"] == (bones["right_lower_arm"],)


def test_plain_data_of_vrm_1() -> None:
    rig, bones = nameless()
    entries = {name: {"node": {"bone_name": bone}} for name, bone in bones.items()}
    rig.data["vrm_addon_extension"] = {"vrm1": {"humanoid": {"human_bones": entries}}}
    check(rig, bones)


def test_plain_data_that_names_bones_by_an_id() -> None:
    rig, bones = nameless()
    for bone in rig.data.bones:
        bone["vrm_addon_extension"] = {"uuid": f"id of {bone.name}"}
    entries = {name: {"node": {"bone_uuid": f"id of {bone}"}} for name, bone in bones.items()}
    rig.data["vrm_addon_extension"] = {"vrm1": {"humanoid": {"human_bones": entries}}}
    check(rig, bones)


def test_plain_data_of_vrm_0() -> None:
    rig, bones = nameless()
    camel = {name: name.title().replace("_", "") for name in bones}
    entries = [
        {"bone": camel[name][0].lower() + camel[name][1:], "node": {"bone_name": bone}}
        for name, bone in bones.items()
    ]
    rig.data["vrm_addon_extension"] = {"vrm0": {"humanoid": {"human_bones": entries}}}
    check(rig, bones)


def group(name: str, **fields: Any) -> Any:
    """A property group as an add-on registers one."""
    made = type(name, (bpy.types.PropertyGroup,), {"__annotations__": fields})
    bpy.utils.register_class(made)
    return made


@pytest.fixture
def vrm_add_on() -> Iterator[None]:
    """Property groups of the add-on's shape on every armature."""
    pointer = bpy.props.PointerProperty
    node = group("TestVrmNode", bone_name=bpy.props.StringProperty())
    bone = group("TestVrmBone", node=pointer(type=node))
    bones = group("TestVrmBones", **{name: pointer(type=bone) for name in VRM_NAMES.values()})
    humanoid = group("TestVrmHumanoid", human_bones=pointer(type=bones))
    vrm1 = group("TestVrm1", humanoid=pointer(type=humanoid))
    extension = group("TestVrmExtension", vrm1=pointer(type=vrm1))
    armature: Any = bpy.types.Armature
    armature.vrm_addon_extension = pointer(type=extension)
    yield
    del armature.vrm_addon_extension
    for each in (extension, vrm1, humanoid, bones, bone, node):
        bpy.utils.unregister_class(each)


def test_property_groups_of_the_add_on(vrm_add_on: None) -> None:
    rig, bones = nameless()
    kept: Any = rig.data
    entries = kept.vrm_addon_extension.vrm1.humanoid.human_bones
    for name, bone in bones.items():
        getattr(entries, name).node.bone_name = bone
    check(rig, bones)


@pytest.mark.parametrize(
    "odd", [7, "text", {"vrm1": 3}, {"vrm0": {"humanoid": {"human_bones": 1}}}]
)
def test_odd_data_is_no_map(odd: Any) -> None:
    rig, _ = nameless()
    rig.data["vrm_addon_extension"] = odd
    assert isinstance(find_rig_map(rig), str)
