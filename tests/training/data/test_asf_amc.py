"""ASF skeletons and AMC motions give back the motion they were written from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.kinematics import clip_joints, global_rotations
from mmm_blender.geometry.rotations import normalize, quat_angle
from mmm_blender.geometry.skeleton import SMPL_22, joint_index
from mmm_blender.training.data.asf_amc import read_amc_source, read_asf
from mmm_blender.training.data.calibration import calibrate
from mmm_blender.training.data.retarget import bone_direction_errors, retarget
from mmm_blender.training.data.rigs import ASF
from tests.training.captured_files import ASF_NAMES, amc_text, asf_text
from tests.training.synthetic import walk_on_the_spot

UNIT = 0.0564


def frames_of_bones(seed: int) -> dict[str, FloatArray]:
    rng = np.random.default_rng(seed)
    return {name: normalize(rng.normal(size=4)) for name in SMPL_22.names}


def write(folder: Path, seed: int = 0, frames: int = 40) -> tuple[Path, Path]:
    axes = frames_of_bones(seed)
    skeleton, motion = folder / "HDM_xx.asf", folder / "HDM_xx_walk_001_120.amc"
    skeleton.write_text(asf_text(axes, UNIT), encoding="utf-8")
    motion.write_text(amc_text(walk_on_the_spot(frames), axes, UNIT), encoding="utf-8")
    return motion, skeleton


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_bones_turn_and_lie_as_written_whatever_their_frames(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clip = walk_on_the_spot(12)
    motion, skeleton = write(tmp_path_factory.mktemp("asf"), seed, 12)
    source = read_amc_source(motion, skeleton, 120.0)
    world = global_rotations(clip.rotations_TJ4, SMPL_22.parents)
    joints = clip_joints(clip)
    assert source.frames == 12
    assert source.fps == 120.0
    for j, name in enumerate(SMPL_22.names):
        theirs = ASF_NAMES[name]
        assert np.degrees(quat_angle(source.rotations[theirs], world[:, j])).max() < 1e-3
        np.testing.assert_allclose(source.positions[theirs] * UNIT, joints[:, j], atol=1e-5)


def test_the_whole_way_to_smpl(tmp_path: Path) -> None:
    source = read_amc_source(*write(tmp_path, frames=120), 20.0)
    calibration = calibrate(ASF, [source])
    made, floor = retarget(source, calibration)
    wanted = walk_on_the_spot(120)
    knees = [joint_index("left_knee"), joint_index("right_knee")]
    off = quat_angle(made.rotations_TJ4[:, knees], wanted.rotations_TJ4[:, knees])
    assert np.degrees(off).max() < 0.1
    assert abs(floor) < 2e-3
    assert bone_direction_errors(made, source, calibration) < 1e-2


@pytest.mark.parametrize(
    ("what", "old", "new", "message"),
    [
        ("asf", ":bonedata", ":bones", "not a readable ASF"),
        ("asf", "length", "longness", "not a readable ASF"),
        ("amc", "lfemur", "lthigh", "no readable AMC"),
        ("amc", "lfemur ", "lfemur 1.0 ", "no readable AMC"),
        ("amc", "\nroot ", "\nroot nan ", "no readable AMC"),
    ],
)
def test_damaged_files_are_named(
    tmp_path: Path, what: str, old: str, new: str, message: str
) -> None:
    motion, skeleton = write(tmp_path)
    path = motion if what == "amc" else skeleton
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(MMMError, match=message):
        read_amc_source(motion, skeleton, 120.0)


def test_missing_and_cut_files(tmp_path: Path) -> None:
    motion, skeleton = write(tmp_path)
    with pytest.raises(MMMError, match="could not be read"):
        read_asf(tmp_path / "none.asf")
    text = motion.read_text(encoding="utf-8")
    motion.write_text(text[: len(text) // 2].rsplit("\n", 1)[0], encoding="utf-8")
    assert 15 <= read_amc_source(motion, skeleton, 120.0).frames <= 20  # whole frames alone
