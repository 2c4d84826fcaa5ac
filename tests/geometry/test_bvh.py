from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.spatial.transform import Rotation

from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.bvh import (
    CENTIMETRES,
    END_SITE,
    bvh_text,
    parse_bvh,
    quat_to_zxy,
    read_bvh,
    write_bvh,
)
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.skeleton import SMPL, SMPL_22
from tests.geometry.motions import smooth_clip
from tests.geometry.strategies import quaternions

TWO_BONES = """HIERARCHY
ROOT hips
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT knee
  {
    OFFSET 0 -10 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    End Site
    {
      OFFSET 0 -5 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.05
0 0 0 0 0 0 0 0 0
7 8 9 90 0 0 0 0 90
"""


def test_a_hand_made_file_is_read() -> None:
    motion = parse_bvh(TWO_BONES)
    assert [joint.name for joint in motion.joints] == ["hips", "knee", f"knee/{END_SITE}"]
    assert motion.fps == pytest.approx(20.0)
    _, positions = motion.world_transforms()
    assert np.allclose(positions[0], [[0, 0, 0], [0, -10, 0], [0, -15, 0]])
    # 90 degrees about Z take -Y to +X; the knee's 90 about X take the shin out of the plane
    assert np.allclose(positions[1], [[7, 8, 9], [17, 8, 9], [17, 8, 4]])


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_endings_do_not_matter(ending: str) -> None:
    motion = parse_bvh(TWO_BONES.replace("\n", ending))
    assert motion.values_TC.shape == (2, 9)


def test_missing_frames_at_the_end_are_forgiven() -> None:
    assert len(parse_bvh(TWO_BONES.replace("Frames: 2", "Frames: 3")).values_TC) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no motion here",
        TWO_BONES.replace("Frames: 2", "Frames: many"),
        TWO_BONES.replace("OFFSET 1 2 3", "OFFSET 1 2"),
        TWO_BONES.replace("7 8 9", "7 nan 9"),
        TWO_BONES.replace("0.05", "0"),
        "\n".join(line for line in TWO_BONES.splitlines() if "CHANNELS" not in line),
        TWO_BONES[: TWO_BONES.index("0 0 0 0 0")],
    ],
)
def test_broken_files_are_told_by_name(text: str) -> None:
    with pytest.raises(MMMError, match=r"walk\.bvh"):
        parse_bvh(text, "walk.bvh")


def test_missing_files_and_joints_are_told(tmp_path: Path) -> None:
    with pytest.raises(MMMError, match=r"none\.bvh could not be read"):
        read_bvh(tmp_path / "none.bvh")
    with pytest.raises(MMMError, match="'toe'"):
        parse_bvh(TWO_BONES).index("toe")


def test_written_files_come_back_as_the_same_motion(tmp_path: Path) -> None:
    clip = smooth_clip(30, fps=24.0, amplitude=1.2)
    path = tmp_path / "walk.bvh"
    write_bvh(path, clip)
    motion = read_bvh(path)
    _, positions = motion.world_transforms()
    order = [motion.index(name) for name in SMPL_22.names]
    assert np.abs(positions[:, order] / CENTIMETRES - clip_joints(clip)).max() < 1e-6
    assert motion.fps == pytest.approx(24.0, rel=1e-6)
    assert len(motion.joints) == 22 + 5  # head, two feet and two hands have an end


def test_written_proportions_are_those_of_the_skeleton() -> None:
    tall = SMPL.with_offsets(SMPL.offsets_J3 * 1.2)
    motion = parse_bvh(bvh_text(smooth_clip(2), tall))
    knee = motion.joints[motion.index("left_knee")]
    assert np.allclose(knee.offset, tall.offsets_J3[SMPL.names.index("left_knee")] * CENTIMETRES)


@pytest.mark.parametrize("skeleton", [SMPL, SMPL_22])
def test_every_last_bone_has_a_length(skeleton: object) -> None:
    motion = parse_bvh(bvh_text(smooth_clip(1), SMPL if skeleton is SMPL else SMPL_22))
    ends = [joint.offset for joint in motion.joints if joint.name.endswith(END_SITE)]
    assert len(ends) == 5
    assert all(np.linalg.norm(end) > 1.0 for end in ends)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MMMError, match="could not be written"):
        write_bvh(tmp_path / "none" / "walk.bvh", smooth_clip(2))


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "walk.bvh"
    write_bvh(path, smooth_clip(2))
    before = path.read_bytes()

    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(MMMError, match=r"walk\.bvh could not be written \(No space left"):
        write_bvh(path, smooth_clip(3))
    assert [(path, path.read_bytes()) for path in tmp_path.iterdir()] == [(path, before)]


@settings(max_examples=40)
@given(quaternions(5, 2))
def test_zxy_angles_are_the_same_rotation_for_scipy(q: FloatArray) -> None:
    angles = quat_to_zxy(q).reshape(-1, 3)
    expected = Rotation.from_quat(q.reshape(-1, 4)[:, [1, 2, 3, 0]])
    assert (Rotation.from_euler("ZXY", angles) * expected.inv()).magnitude().max() < 1e-6


@pytest.mark.parametrize("x", [90.0, -90.0])
def test_zxy_angles_at_the_gimbal_are_the_same_rotation(x: float) -> None:
    rotation = Rotation.from_euler("ZXY", [[40.0, x, 25.0]], degrees=True)
    angles = quat_to_zxy(rotation.as_quat()[:, [3, 0, 1, 2]])
    assert (Rotation.from_euler("ZXY", angles) * rotation.inv()).magnitude().max() < 1e-6


@pytest.mark.parametrize("tilt", [0.0, 0.01, 0.3])
def test_zxy_angles_do_not_jump(tilt: float) -> None:
    """Two full turns about X pass the gimbal four times."""
    turn = np.linspace(0.0, 4.0 * np.pi, 200)
    rotation = Rotation.from_euler("x", turn[:, None]) * Rotation.from_euler("z", tilt)
    angles = quat_to_zxy(rotation.as_quat()[:, [3, 0, 1, 2]])
    assert np.abs(np.diff(angles, axis=0)).max() < 0.5 * np.pi  # a flip would be pi


def test_whole_turns_are_counted() -> None:
    turn = np.linspace(0.0, 4.0 * np.pi, 200)
    angles = quat_to_zxy(Rotation.from_euler("x", turn[:, None]).as_quat()[:, [3, 0, 1, 2]])
    assert np.allclose(angles[:, 1], turn)
