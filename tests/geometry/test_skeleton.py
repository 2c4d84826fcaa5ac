from __future__ import annotations

import numpy as np
import pytest

from mmm_blender.geometry import skeleton as s


def test_smpl_is_a_tree_of_24_named_joints() -> None:
    assert len(s.SMPL) == len(set(s.SMPL.names)) == 24
    assert s.SMPL.parents[0] == -1
    assert all(0 <= parent < joint for joint, parent in enumerate(s.SMPL.parents) if joint)


def test_children_and_parents_agree() -> None:
    for joint in range(len(s.SMPL)):
        assert all(s.SMPL.parents[child] == joint for child in s.SMPL.children(joint))
    assert sum(len(s.SMPL.children(j)) for j in range(len(s.SMPL))) == len(s.SMPL) - 1


def test_rest_pose_is_a_t_pose_of_a_mean_adult() -> None:
    rest = dict(zip(s.SMPL.names, s.SMPL.rest_positions_J3, strict=True))
    assert rest["left_wrist"][0] > 0.5
    assert rest["left_wrist"][1] == pytest.approx(rest["left_shoulder"][1], abs=0.03)
    assert rest["left_foot"][2] > rest["left_ankle"][2]
    height_to_head_joint = rest["head"][1] - rest["left_foot"][1] + s.SOLE_HEIGHT
    assert 1.4 < height_to_head_joint < 1.7


def test_left_mirrors_right() -> None:
    rest = s.SMPL_22.rest_positions_J3
    assert np.allclose(rest[list(s.MIRROR)], rest * [-1.0, 1.0, 1.0])
    assert [s.MIRROR[m] for m in s.MIRROR] == list(range(s.ANIMATED_JOINTS))


def test_parts_share_out_all_joints() -> None:
    assert sorted(s.LOWER_JOINTS + s.UPPER_JOINTS) == list(range(s.ANIMATED_JOINTS))


def test_leg_length_follows_the_offsets() -> None:
    longer = s.SMPL.with_offsets(s.SMPL.offsets_J3 * 1.5)
    assert longer.leg_length == pytest.approx(1.5 * s.SMPL.leg_length)
    assert 0.7 < s.SMPL.leg_length < 0.9


def test_subset_keeps_the_first_joints() -> None:
    assert s.SMPL_22.names == s.SMPL.names[:22]
    assert len(s.SMPL_22.offsets_J3) == 22


def test_children_before_parents_are_refused() -> None:
    with pytest.raises(ValueError, match="before its children"):
        s.Skeleton(("a", "b"), (1, -1), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="one entry a joint"):
        s.Skeleton(("a", "b"), (-1, 0), np.zeros((3, 3)))
