from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import (
    matrix_to_quat,
    normalize,
    quat_angle,
    quat_multiply,
    quat_rotate,
    rotation_6d_to_matrix,
    yaw_quat,
)
from mmm_blender.geometry.skeleton import SMPL_22, SOLE_HEIGHT, joint_index
from mmm_blender.motion.features import decode_to_clip, encode_from_clip
from mmm_blender.motion.features.humanml3d import (
    canonical_positions,
    decode_positions,
    encode_positions,
    positions_from_smpl,
    positions_to_smpl,
    skeleton_of,
)
from mmm_blender.motion.features.layout import HUMANML3D_263, KIT_251, SMPL_269, FeatureLayout
from tests.geometry.motions import hinged_clip

PUBLISHED = (HUMANML3D_263, KIT_251)
BLOCKS = (
    "root_yaw_velocity",
    "root_xz_velocity",
    "root_height",
    "positions",
    "rotations",
    "velocities",
    "contacts",
)


@pytest.fixture(name="pair")
def fixture_pair() -> Path:
    """Folder of the published pair of features and joints."""
    folder = Path(os.environ.get("MMM_REFERENCE", "")) / "humanml3d"
    if not (folder / "012314_joints.npy").is_file():
        pytest.skip("set MMM_REFERENCE to the folder that holds humanml3d/ to check the real pair")
    return folder


def positions(layout: FeatureLayout, frames: int = 60, seed: int = 0) -> FloatArray:
    """Joints of a body that walks and turns, in the layout's joints, anywhere in space."""
    clip = hinged_clip(frames, seed=seed, turn=1.0)
    moved = quat_rotate(yaw_quat(2.0), clip_joints(clip)) + np.array([3.0, 0.4, -2.0])
    return positions_from_smpl(moved, layout)


def stored_rotations(features_TC: FloatArray, layout: FeatureLayout) -> FloatArray:
    """Quaternions (T, J - 1, 4) of joints 1.. from the rotation block."""
    six = features_TC[:, layout.rotations].reshape(len(features_TC), -1, 6)
    return matrix_to_quat(rotation_6d_to_matrix(six))


def root_turns(features_TC: FloatArray, layout: FeatureLayout) -> FloatArray:
    """Yaw (T,) of the heading from the turn channel."""
    halves = features_TC[:-1, layout.root_yaw_velocity][:, 0]
    return -2.0 * np.concatenate([[0.0], np.cumsum(halves)])


def test_the_published_pair_decodes_to_its_joints(pair: Path) -> None:
    features = np.load(pair / "012314_features.npy")
    joints = np.load(pair / "012314_joints.npy")
    assert np.abs(decode_positions(features, HUMANML3D_263) - joints).max() < 1e-5


def test_the_published_joints_encode_to_their_features(pair: Path) -> None:
    expected = np.load(pair / "012314_features.npy")[:-1]
    features = encode_positions(np.load(pair / "012314_joints.npy"), HUMANML3D_263)
    assert features.shape == expected.shape
    errors = np.abs(features - expected)
    worst = {name: float(errors[:, HUMANML3D_263.block(name)].max()) for name in BLOCKS}
    assert max(worst.values()) < 1e-3, worst
    assert worst["contacts"] == 0.0


def test_the_frame_that_rows_lack_makes_the_encoding_exact(pair: Path) -> None:
    """The last row's joint steps lead to the frame that the published smoothing still saw."""
    layout, features = HUMANML3D_263, np.load(pair / "012314_features.npy").astype(np.float64)
    joints = np.load(pair / "012314_joints.npy").astype(np.float64)
    turn = yaw_quat(root_turns(features, layout)[-1])
    steps = quat_rotate(turn, features[-1, layout.velocities].reshape(-1, 3))
    whole = np.concatenate([joints, [joints[-1] + steps]])
    encoded = encode_positions(whole, layout, cut_short=False)
    assert np.abs(encoded - features).max() < 1e-5


def test_a_second_clip_encodes_up_to_its_sign_slip(pair: Path) -> None:
    """Row 142 turns through 180 degrees; published, its turn has the wrong sign."""
    features = np.load(pair / "000612_features.npy")
    encoded = encode_positions(decode_positions(features, HUMANML3D_263), HUMANML3D_263)
    seen_alike = 142 - 81  # rows whose smoothing does not reach the slip
    assert np.abs(encoded - features[:-1])[:seen_alike].max() < 1e-5


@pytest.mark.parametrize("layout", PUBLISHED, ids=lambda layout: layout.name)
def test_sizes(layout: FeatureLayout) -> None:
    features = encode_positions(positions(layout), layout)
    assert features.shape == (59, layout.channels)
    assert np.isfinite(features).all()
    assert {HUMANML3D_263.channels, KIT_251.channels} == {263, 251}


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), frames=st.integers(2, 120), which=st.sampled_from(PUBLISHED))
def test_positions_come_back(seed: int, frames: int, which: FeatureLayout) -> None:
    joints = positions(which, frames, seed)
    back = decode_positions(encode_positions(joints, which), which)
    assert np.abs(back - canonical_positions(joints, which)[:-1]).max() < 1e-9


@pytest.mark.parametrize("layout", PUBLISHED, ids=lambda layout: layout.name)
def test_canonical_motions_start_over_the_origin_facing_forward(layout: FeatureLayout) -> None:
    joints = canonical_positions(positions(layout), layout)
    assert np.allclose(joints[0, 0, [0, 2]], 0.0)
    assert joints[..., 1].min() == pytest.approx(0.0)
    skeleton = skeleton_of(layout)
    lines = [
        joints[0, skeleton.index(left)] - joints[0, skeleton.index(right)]
        for left, right in (skeleton.hips, skeleton.shoulders)
    ]
    across = np.sum(lines, axis=0)
    assert across[0] > 0.3
    assert across[2] == pytest.approx(0.0, abs=1e-9)
    assert np.allclose(canonical_positions(joints, layout), joints)


@pytest.mark.parametrize("layout", PUBLISHED, ids=lambda layout: layout.name)
def test_place_and_direction_do_not_matter(layout: FeatureLayout) -> None:
    joints = positions(layout)
    moved = quat_rotate(yaw_quat(-1.0), joints) + np.array([1.0, 2.0, 3.0])
    assert np.allclose(encode_positions(joints, layout), encode_positions(moved, layout), atol=1e-9)


@pytest.mark.parametrize("layout", PUBLISHED, ids=lambda layout: layout.name)
def test_rotations_along_each_chain_point_the_bones(layout: FeatureLayout) -> None:
    """Composed from the root outwards they carry each raw axis onto its bone."""
    joints = canonical_positions(positions(layout), layout)[:-1]
    features, skeleton = encode_positions(positions(layout), layout), skeleton_of(layout)
    turns = stored_rotations(features, layout)
    start = yaw_quat(-root_turns(features, layout))
    for chain in skeleton.chain_joints:
        world = start
        for before, joint in pairwise(chain):
            world = quat_multiply(world, turns[:, joint - 1])
            bone = normalize(joints[:, joint] - joints[:, before])
            aimed = quat_rotate(world, skeleton.raw_axes_J3[joint])
            assert np.allclose(aimed, bone, atol=1e-7), skeleton.names[joint]


@pytest.mark.parametrize("layout", PUBLISHED, ids=lambda layout: layout.name)
def test_velocities_are_steps_in_the_heading_frame(layout: FeatureLayout) -> None:
    joints = canonical_positions(positions(layout), layout)
    features = encode_positions(positions(layout), layout)
    turn = yaw_quat(root_turns(features, layout))[:, None]
    steps = features[:, layout.velocities].reshape(len(features), -1, 3)
    assert np.allclose(quat_rotate(turn, steps), np.diff(joints, axis=0), atol=1e-9)


@pytest.mark.parametrize("layout", PUBLISHED, ids=lambda layout: layout.name)
def test_contacts_follow_each_foot(layout: FeatureLayout) -> None:
    skeleton = skeleton_of(layout)
    joints = np.repeat(positions(layout, 1), 10, axis=0)
    for place, name in enumerate(skeleton.feet):
        kicked = joints.copy()
        kicked[:, skeleton.index(name), 1] += 0.1 * np.arange(10)
        contacts = encode_positions(kicked, layout)[:, layout.contacts]
        assert not contacts[:, place].any()
        assert np.delete(contacts, place, axis=1).all()


def test_every_joint_has_its_bone_in_one_chain() -> None:
    for layout in PUBLISHED:
        skeleton = skeleton_of(layout)
        ends = [joint for chain in skeleton.chain_joints for joint in chain[1:]]
        assert sorted(ends) == list(range(1, layout.joints))
        assert np.allclose(np.linalg.norm(skeleton.raw_axes_J3[1:], axis=-1), 1.0)


def test_blends_between_skeletons_keep_places() -> None:
    """Weights sum to one, so moving a body moves its joints in the other skeleton alike."""
    for layout in PUBLISHED:
        skeleton = skeleton_of(layout)
        assert np.allclose(skeleton.from_smpl_JJ.sum(axis=1), 1.0)
        assert np.allclose(skeleton.to_smpl_JJ.sum(axis=1), 1.0)
    smpl = SMPL_22.rest_positions_J3[None]
    assert np.array_equal(positions_to_smpl(smpl, HUMANML3D_263), smpl)
    there_and_back = positions_to_smpl(positions_from_smpl(smpl, KIT_251), KIT_251)
    assert np.linalg.norm(there_and_back - smpl, axis=-1).max() < 0.08


@pytest.mark.parametrize("layout", PUBLISHED, ids=lambda layout: layout.name)
def test_clips_come_back_as_fitted_clips(layout: FeatureLayout) -> None:
    clip = hinged_clip(60)
    back = decode_to_clip(encode_from_clip(clip, layout), layout)
    assert back.twist_estimated
    assert back.frames == clip.frames - 1
    assert back.fps == layout.fps
    joints, expected = clip_joints(back), canonical_positions(clip_joints(clip), HUMANML3D_263)
    limbs = [
        joint_index(f"{side}_{name}") for side in ("left", "right") for name in ("knee", "wrist")
    ]
    parents = [SMPL_22.parents[joint] for joint in limbs]
    bones, wanted = (normalize(p[:59, limbs] - p[:59, parents]) for p in (joints, expected))
    assert np.abs(bones - wanted).max() < 1e-6


def test_decoded_clips_stand_on_their_soles() -> None:
    clip = hinged_clip(30)
    joints = clip_joints(decode_to_clip(encode_from_clip(clip, HUMANML3D_263), HUMANML3D_263))
    assert joints[..., 1].min() == pytest.approx(SOLE_HEIGHT, abs=0.02)


def test_a_round_trip_keeps_the_pose_of_a_hinged_body() -> None:
    clip = hinged_clip(60, bend=1.2)
    back = decode_to_clip(encode_from_clip(clip, HUMANML3D_263), HUMANML3D_263)
    knees = [joint_index("left_knee"), joint_index("right_knee")]
    off = quat_angle(back.rotations_TJ4[:, knees], clip.rotations_TJ4[:-1, knees])
    assert np.degrees(off).max() < 5.0


def test_too_short_or_wrong_input_is_told() -> None:
    with pytest.raises(MMMError, match="two frames"):
        encode_positions(positions(HUMANML3D_263, 1), HUMANML3D_263)
    with pytest.raises(ValueError, match="kit_251"):
        encode_positions(positions(HUMANML3D_263), KIT_251)
    with pytest.raises(MMMError, match="smpl_269"):
        encode_positions(positions(HUMANML3D_263), SMPL_269)
