from __future__ import annotations

import numpy as np
import pytest

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.feet.contacts import (
    CONTACT_JOINTS,
    CONTACT_SPEED,
    foot_contacts,
    joint_speeds,
)
from mmm_blender.geometry.skeleton import SMPL_22, SOLE_HEIGHT


def standing(frames: int) -> FloatArray:
    """Joints of a still T-pose with its soles on the floor. (frames, 22, 3)."""
    rest = SMPL_22.rest_positions_J3
    lifted = rest + np.array([0.0, SOLE_HEIGHT - rest[:, 1].min(), 0.0])
    return np.repeat(lifted[None], frames, axis=0)


def test_a_standing_body_stands_on_both_feet() -> None:
    assert foot_contacts(standing(5), 20.0).all()


def test_lifted_feet_do_not_touch() -> None:
    assert not foot_contacts(standing(5) + np.array([0.0, 0.2, 0.0]), 20.0).any()


@pytest.mark.parametrize("fps", [20.0, 60.0])
def test_a_sliding_foot_does_not_stand_at_any_rate(fps: float) -> None:
    path = np.arange(6)[:, None] * [1.5 * CONTACT_SPEED / fps, 0.0, 0.0]
    joints = standing(6)
    joints[:, CONTACT_JOINTS[0]] += path
    contacts = foot_contacts(joints, fps)
    assert not contacts[:, 0].any()
    assert contacts[:, 1:].all()


def test_speeds_are_metres_a_second() -> None:
    joints = np.arange(4.0)[:, None, None] * np.array([[[0.1, 0.0, 0.0]]])
    assert np.allclose(joint_speeds(joints, 20.0), 2.0)
    assert joint_speeds(joints[:1], 20.0).tolist() == [[0.0]]
