"""Tensors and tables of rotation vectors give back the motion they were written from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.kinematics import clip_joints, global_rotations
from mmm_blender.geometry.rotations import quat_angle
from mmm_blender.geometry.skeleton import SMPL_22, joint_index
from mmm_blender.training.data.calibration import calibrate
from mmm_blender.training.data.retarget import bone_direction_errors, retarget
from mmm_blender.training.data.rigs import ROTATION_VECTORS, SKILLMIMIC, Rig
from mmm_blender.training.data.rotation_vectors import (
    read_rotation_vector_source,
    read_skillmimic_source,
)
from mmm_blender.training.data.sources import SourceMotion
from tests.training.captured_files import skillmimic_tensor, vectors_text, write_skillmimic
from tests.training.synthetic import walk_on_the_spot

LIMBS = [
    joint_index(f"{side}_{joint}")
    for side in ("left", "right")
    for joint in ("hip", "knee", "shoulder")
]


def brought_back(source: SourceMotion, rig: Rig) -> tuple[MotionClip, float]:
    calibration = calibrate(rig, [source])
    made, floor = retarget(source, calibration)
    assert bone_direction_errors(made, source, calibration) < 0.01
    return made, floor


def test_a_skillmimic_tensor(tmp_path: Path) -> None:
    clip = walk_on_the_spot(180)
    write_skillmimic(tmp_path / "a.pt", clip)
    source = read_skillmimic_source(tmp_path / "a.pt")
    assert source.fps == 60.0
    joints = clip_joints(clip)
    for name in ("pelvis", "left_knee", "right_wrist", "head"):
        np.testing.assert_allclose(source.positions[name], joints[:, joint_index(name)], atol=1e-5)
    made, floor = brought_back(source, SKILLMIMIC)
    assert made.frames == 60
    off = np.degrees(quat_angle(made.rotations_TJ4, clip.rotations_TJ4[::3]))
    assert off[:, LIMBS].max() < 2.0
    assert abs(floor) < 5e-3


def test_a_table_of_transposed_vectors(tmp_path: Path) -> None:
    clip = walk_on_the_spot(120)
    # the joints' own frames are turned against the T-pose, as CMU's hips and arms are
    rest = {
        "left_hip": Rotation.from_euler("z", -20, degrees=True),
        "right_hip": Rotation.from_euler("z", 20, degrees=True),
        "left_shoulder": Rotation.from_euler("z", -8, degrees=True),
        "neck": Rotation.from_euler("x", 15, degrees=True),
    }
    path = tmp_path / "walking_1.txt"
    path.write_text(vectors_text(clip, rest, 0.0564), encoding="utf-8")
    source = read_rotation_vector_source(path, 20.0)
    assert source.frames == clip.frames  # without the T-pose
    # legs hang straight in CMU's T-pose: standing upright the thigh points down
    thigh = source.positions["left_knee"] - source.positions["left_hip"]
    assert thigh[:, 1].min() < -0.35
    made, floor = brought_back(source, ROTATION_VECTORS)
    assert made.frames == clip.frames
    world = global_rotations(clip.rotations_TJ4, SMPL_22.parents)
    for theirs, ours in (("hips", "pelvis"), ("left_knee", "left_knee"), ("head", "head")):
        read, wanted = source.rotations[theirs], world[:, joint_index(ours)]
        turned = np.degrees(quat_angle(read, read[:1]) - quat_angle(wanted, wanted[:1]))
        assert np.abs(turned).max() < 0.01
    assert abs(floor) < 0.05
    np.testing.assert_allclose(np.ptp(source.positions["hips"], axis=0), 0.0, atol=1e-6)


def test_nothing_in_a_tensor_file_is_executed(tmp_path: Path) -> None:
    import pickle

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "sprung",))  # pyright: ignore[reportReturnType]

    (tmp_path / "a.pt").write_bytes(pickle.dumps(Trap(), protocol=2))
    torch.save({"hoi": Trap()}, tmp_path / "b.pt")
    for name in ("a.pt", "b.pt"):
        with pytest.raises(MMMError, match="tensor"):
            read_skillmimic_source(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def test_damaged_tensors_are_named(tmp_path: Path) -> None:
    clip = walk_on_the_spot(30)
    with pytest.raises(MMMError, match="could not be read"):
        read_skillmimic_source(tmp_path / "none.pt")
    torch.save(skillmimic_tensor(clip)[:, :300], tmp_path / "short.pt")
    with pytest.raises(MMMError, match="337"):
        read_skillmimic_source(tmp_path / "short.pt")
    torch.save(skillmimic_tensor(clip) * float("nan"), tmp_path / "nan.pt")
    with pytest.raises(MMMError, match="not numbers"):
        read_skillmimic_source(tmp_path / "nan.pt")
    write_skillmimic(tmp_path / "cut.pt", clip)
    data = (tmp_path / "cut.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(data[: len(data) // 2])
    with pytest.raises(MMMError, match="not a readable tensor"):
        read_skillmimic_source(tmp_path / "cut.pt")


@pytest.mark.parametrize(
    ("text", "message"),
    [("1,2,3\n4,5,6\n", "117"), ("a,b\n", "no table"), (",".join(["0"] * 117), "117")],
)
def test_damaged_tables_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    with pytest.raises(MMMError, match=message):
        read_rotation_vector_source(tmp_path / "a.txt", 120.0)
    with pytest.raises(MMMError, match="could not be read"):
        read_rotation_vector_source(tmp_path / "none.txt", 120.0)
