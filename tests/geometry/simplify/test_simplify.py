"""Fewer keys, and never further off than wanted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.rotation_modes import rotation_values, rotations_of
from mmm_blender.geometry.rotations import identity_quats, quat_angle
from mmm_blender.geometry.simplify.bezier_fit import evaluated
from mmm_blender.geometry.simplify.pose_error import BoneChain
from mmm_blender.geometry.simplify.simplify import (
    BoneCurves,
    Simplified,
    Tolerance,
    simplify,
    standing_points,
)
from mmm_blender.geometry.skeleton import SMPL_22
from tests.geometry.motions import smooth_clip

CHAIN = BoneChain(
    SMPL_22.parents,
    identity_quats(22),
    SMPL_22.offsets_J3,
    np.tile([0.0, 0.1, 0.0], (22, 1)),
)


def curves_of(frames: int, seed: int, mode: str, fixed: frozenset[int]) -> list[BoneCurves]:
    clip = smooth_clip(frames, 24.0, seed=seed)
    still_T3 = np.zeros((frames, 3))
    return [
        BoneCurves(
            mode,
            rotation_values(clip.rotations_TJ4[:, joint], mode),
            clip.root_T3 if joint == 0 else still_T3,
            fixed,
        )
        for joint in range(22)
    ]


def measured(curves: list[BoneCurves], found: Simplified) -> tuple[float, float]:
    """Distance of the furthest point and angle of the furthest bone, computed anew."""
    frames = len(curves[0].rotation_TN)
    rotations: list[list[FloatArray]] = [[], []]
    moves: list[list[FloatArray]] = [[], []]
    for each, keys in zip(curves, found.keys, strict=True):
        values_TC = evaluated(keys.values_KC, keys.slopes_KC, keys.knots_K, frames)
        width = each.rotation_TN.shape[1]
        for store, found_TC in zip((0, 1), (each.values_TC, values_TC), strict=True):
            rotations[store].append(rotations_of(found_TC[:, :width], each.mode))
            moves[store].append(found_TC[:, width:])
    a, b = (np.stack(each, axis=1) for each in rotations)
    c, d = (np.stack(each, axis=1) for each in moves)
    apart = np.linalg.norm(CHAIN.points(a, c) - CHAIN.points(b, d), axis=-1)
    return float(apart.max()), float(quat_angle(a, b).max())


@settings(max_examples=12, deadline=None)
@given(
    frames=st.integers(2, 90),
    seed=st.integers(0, 20),
    mode=st.sampled_from(["QUATERNION", "XYZ", "ZYX"]),
    millimetres=st.floats(0.2, 60.0),
    degrees=st.floats(0.2, 20.0),
)
def test_no_joint_is_further_off_than_wanted(
    frames: int, seed: int, mode: str, millimetres: float, degrees: float
) -> None:
    fixed = frozenset({frames // 2, frames // 3})
    curves = curves_of(frames, seed, mode, fixed)
    tolerance = Tolerance(millimetres / 1000, np.radians(degrees))
    found = simplify(curves, CHAIN, tolerance)
    distance, angle = measured(curves, found)
    assert distance <= tolerance.distance + 1e-9 and angle <= tolerance.angle + 1e-9
    assert found.distance == pytest.approx(distance, abs=1e-9)
    assert found.angle == pytest.approx(angle, abs=1e-7)
    for keys in found.keys:
        assert fixed <= set(keys.knots_K.tolist()), "these keep a key"
        assert keys.knots_K[0] == 0 and keys.knots_K[-1] == frames - 1


def test_a_larger_tolerance_takes_fewer_keys() -> None:
    curves = curves_of(120, 3, "QUATERNION", frozenset())
    counts = [
        sum(len(keys.knots_K) for keys in simplify(curves, CHAIN, Tolerance(mm / 1000, 0.5)).keys)
        for mm in (1, 5, 20, 80)
    ]
    assert counts == sorted(counts, reverse=True) and counts[0] < 120 * 22 and counts[-1] < 600


def test_a_straight_line_needs_two_keys() -> None:
    frames = 50
    turned = rotation_values(np.repeat(identity_quats(1), frames, axis=0), "XYZ")
    line = np.linspace(0.0, 3.0, frames)[:, None] * np.array([1.0, 0.0, 0.0])
    chain = BoneChain((-1,), identity_quats(1), np.zeros((1, 3)), np.ones((1, 3)))
    found = simplify([BoneCurves("XYZ", turned, line)], chain, Tolerance(0.001, 0.01))
    assert found.keys[0].knots_K.tolist() == [0, frames - 1] and found.distance < 1e-6


def test_feet_that_stand_are_kept_closer() -> None:
    curves = curves_of(90, 5, "QUATERNION", frozenset())
    standing_TP = np.zeros((90, 44), dtype=np.bool_)
    standing_TP[20:60, 7] = True
    found = simplify(curves, CHAIN, Tolerance(0.02, 0.3), standing_TP)
    frames = len(curves[0].rotation_TN)
    stacks = []
    for fitted in (False, True):
        rotations, moves = [], []
        for each, keys in zip(curves, found.keys, strict=True):
            whole = evaluated(keys.values_KC, keys.slopes_KC, keys.knots_K, frames)
            values = whole if fitted else each.values_TC
            rotations.append(rotations_of(values[:, :4], each.mode))
            moves.append(values[:, 4:])
        stacks.append(CHAIN.points(np.stack(rotations, axis=1), np.stack(moves, axis=1)))
    apart_TP = np.linalg.norm(stacks[0] - stacks[1], axis=-1)
    assert apart_TP[20:60, 7].max() <= 0.005 + 1e-9 < 0.02
    assert standing_points(stacks[0], [7], 24.0, up=1).sum() <= 90


@pytest.mark.parametrize(
    ("distance", "angle"), [(0.0, 0.1), (10.0, 0.1), (-1.0, 0.1), (0.01, 0.0), (0.01, 4.0)]
)
def test_what_is_no_tolerance_is_said(distance: float, angle: float) -> None:
    curves = curves_of(10, 0, "QUATERNION", frozenset())
    with pytest.raises(MMMError):
        simplify(curves, CHAIN, Tolerance(distance, angle))
    with pytest.raises(MMMError):
        simplify(curves, CHAIN, Tolerance(float("nan"), 0.1))


def test_one_frame_keeps_its_key() -> None:
    found = simplify(curves_of(1, 0, "XYZ", frozenset()), CHAIN, Tolerance(0.01, 0.1))
    assert all(keys.knots_K.tolist() == [0] for keys in found.keys)
