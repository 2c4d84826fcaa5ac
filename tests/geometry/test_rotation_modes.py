from __future__ import annotations

import numpy as np
import pytest

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.rotation_modes import (
    rotation_values,
    rotations_of,
    values_after,
    values_between,
)
from mmm_blender.geometry.rotations import axis_angle_quat, quat_angle, rotation_vector_to_quat

ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


def random_quats(count: int) -> FloatArray:
    return rotation_vector_to_quat(np.random.default_rng(4).normal(0.0, 1.5, (count, 3)))


def euler_rotations(angles_T3: FloatArray, order: str) -> FloatArray:
    mathutils = pytest.importorskip("mathutils")
    return np.array([mathutils.Euler(row, order).to_quaternion() for row in angles_T3])


@pytest.mark.parametrize("order", ORDERS)
def test_eulers_are_blenders(order: str) -> None:
    rotations = random_quats(200)
    found = euler_rotations(rotation_values(rotations, order), order)
    assert quat_angle(rotations, found).max() < 1e-5


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_locked_order_still_gives_the_rotation(order: str, side: float) -> None:
    angles = np.random.default_rng(5).uniform(-1.0, 1.0, (50, 3))
    angles[:, "XYZ".index(order[1])] = side * 0.5 * np.pi
    rotations = euler_rotations(angles, order)
    found = euler_rotations(rotation_values(rotations, order), order)
    assert quat_angle(rotations, found).max() < 1e-3


@pytest.mark.parametrize("order", ORDERS)
def test_eulers_run_on_through_whole_turns(order: str) -> None:
    turns = np.linspace(0.0, 5.0 * np.pi, 200)
    for axis in range(3):
        values = rotation_values(axis_angle_quat(np.eye(3)[axis], turns), order)
        assert values[:, axis] == pytest.approx(turns, abs=1e-5)


def test_axis_angle_goes_through_zero_without_turning_its_axis_round() -> None:
    swing = np.linspace(1.0, -1.0, 21)
    axis = np.array([0.6, 0.0, 0.8])
    values = rotation_values(axis_angle_quat(axis, swing), "AXIS_ANGLE")
    assert values[:, 0] == pytest.approx(swing, abs=1e-9)
    assert np.abs(values[:, 1:] - axis).max() < 1e-9


def test_axis_angle_gives_the_rotation_back() -> None:
    rotations = random_quats(100)
    values = rotation_values(rotations, "AXIS_ANGLE")
    assert quat_angle(rotations, axis_angle_quat(values[:, 1:], values[:, 0])).max() < 1e-9


def test_no_rotation_at_all_keeps_blenders_axis() -> None:
    values = rotation_values(np.tile([1.0, 0.0, 0.0, 0.0], (5, 1)), "AXIS_ANGLE")
    assert (values == [0.0, 0.0, 1.0, 0.0]).all()


def test_quaternions_stay_on_one_side() -> None:
    rotations = axis_angle_quat(np.array([1.0, 0.0, 0.0]), np.linspace(0.0, 7.0, 80))
    flipped = rotations * np.where(np.arange(80) % 3 == 0, -1.0, 1.0)[:, None]
    values = rotation_values(flipped, "QUATERNION")
    assert np.sum(values[1:] * values[:-1], axis=-1).min() > 0.0


@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE", *ORDERS])
def test_values_give_back_the_rotations(mode: str) -> None:
    rotations = random_quats(200)
    found = rotations_of(rotation_values(rotations, mode), mode)
    assert quat_angle(rotations, found).max() < 1e-6


@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE", *ORDERS])
def test_values_go_on_from_those_before(mode: str) -> None:
    path = rotation_vector_to_quat(np.linspace([0.4, -0.2, 0.3], [1.2, 0.9, -1.4], 40))
    values = rotation_values(path, mode)
    turned = -values if mode == "QUATERNION" else values + 2.0 * np.pi * (mode != "AXIS_ANGLE")
    found = values_after(path[10:], mode, turned[9])
    assert np.abs(found - turned[10:]).max() < 1e-9


def test_values_between_change_their_writing_once_where_it_is_stillest() -> None:
    angles = np.array([0.0, 0.2, 0.5, 0.55, 0.8, 1.0])
    path = axis_angle_quat(np.array([1.0, 0.0, 0.0]), angles)[:, None]
    values, at = values_between(path, "QUATERNION", path[0], -path[-1])
    assert at.tolist() == [2]
    assert np.abs(values[:3] - path[:3]).max() < 1e-12
    assert np.abs(values[3:] + path[3:]).max() < 1e-12
    values, at = values_between(path, "QUATERNION", path[0], path[-1])
    assert at.tolist() == [-1]
    assert np.abs(values - path).max() < 1e-12
