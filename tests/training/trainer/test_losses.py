"""The torch side of the skeleton agrees with the NumPy one."""

from __future__ import annotations

import numpy as np
import torch

from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.motion.features.layout import SMPL_269
from mmm_blender.motion.features.smpl import decode_features, encode_clip
from mmm_blender.training.trainer.losses import TokenizerLoss, foot_steps, heading_joints
from tests.training.synthetic import walk_on_the_spot


def features() -> torch.Tensor:
    return torch.from_numpy(encode_clip(walk_on_the_spot(40)))[None]


def test_joints_equal_the_position_block() -> None:
    given = features()
    joints = heading_joints(given)[0, :, 1:].numpy().copy()
    joints[..., 1] += given[0, :, SMPL_269.root_height].numpy()
    wanted = given[0, :, SMPL_269.positions].numpy().reshape(joints.shape)
    np.testing.assert_allclose(joints, wanted, atol=1e-9)


def test_foot_steps_are_the_feet_s_own_way_over_the_ground() -> None:
    given = features()
    made = foot_steps(given, heading_joints(given))[0].norm(dim=-1).numpy()
    joints = clip_joints(decode_features(given[0].numpy()))[:, [7, 10, 8, 11]]
    np.testing.assert_allclose(made, np.linalg.norm(np.diff(joints, axis=0), axis=-1), atol=1e-9)


def test_a_perfect_output_costs_next_to_nothing_and_padding_nothing() -> None:
    given = features().float()
    zero, one = torch.zeros(SMPL_269.channels), torch.ones(SMPL_269.channels)
    loss = TokenizerLoss(zero, one)
    valid = torch.ones(1, 40, dtype=torch.bool)
    total, terms = loss(given, given, valid, torch.tensor(0.0))
    assert terms["features"] == 0
    assert total < 0.02
    spoiled = given.clone()
    spoiled[:, 30:] += 1
    valid[:, 30:] = False
    assert loss(spoiled, given, valid, torch.tensor(0.0))[1]["features"] == 0
