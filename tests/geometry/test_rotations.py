from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry import rotations as r
from tests.geometry.strategies import directions, quaternions, vectors

CLOSE = 1e-9


def peer(q: FloatArray) -> Rotation:
    """The same rotation in SciPy, which puts w last."""
    return Rotation.from_quat(q[..., [1, 2, 3, 0]])


def same_rotation(a: FloatArray, b: FloatArray, tolerance: float = CLOSE) -> bool:
    """Equal up to the sign of the quaternion."""
    return bool(np.minimum(np.abs(a - b).max(-1), np.abs(a + b).max(-1)).max() < tolerance)


@given(quaternions(3), quaternions(3))
def test_product_is_that_of_scipy(a: FloatArray, b: FloatArray) -> None:
    expected = (peer(a) * peer(b)).as_matrix()
    assert np.allclose(r.quat_to_matrix(r.quat_multiply(a, b)), expected, atol=CLOSE)


@given(quaternions(3), vectors(3))
def test_vectors_turn_as_in_scipy(q: FloatArray, v: FloatArray) -> None:
    assert np.allclose(r.quat_rotate(q, v), peer(q).apply(v), atol=1e-8)


@given(quaternions(3), vectors(3))
def test_conjugate_undoes(q: FloatArray, v: FloatArray) -> None:
    back = r.quat_rotate(r.quat_conjugate(q), r.quat_rotate(q, v))
    assert np.allclose(back, v, atol=1e-8)


@given(quaternions(4))
def test_matrix_is_that_of_scipy_and_comes_back(q: FloatArray) -> None:
    matrices = r.quat_to_matrix(q)
    assert np.allclose(matrices, peer(q).as_matrix(), atol=CLOSE)
    back = r.matrix_to_quat(matrices)
    assert (back[..., 0] >= 0).all()
    assert same_rotation(back, q)


@pytest.mark.parametrize("axis", range(3))
def test_half_turns_survive_the_matrix(axis: int) -> None:
    half_turn = np.zeros(4)
    half_turn[1 + axis] = 1.0
    assert same_rotation(r.matrix_to_quat(r.quat_to_matrix(half_turn)), half_turn)


def test_matrix_to_quat_keeps_leading_dimensions() -> None:
    assert r.matrix_to_quat(np.eye(3)).tolist() == [1.0, 0.0, 0.0, 0.0]
    assert r.matrix_to_quat(np.zeros((0, 5, 3, 3))).shape == (0, 5, 4)


@given(quaternions(4))
def test_6d_is_the_first_two_columns_and_comes_back(q: FloatArray) -> None:
    matrices = r.quat_to_matrix(q)
    six = r.matrix_to_rotation_6d(matrices)
    assert np.array_equal(six[..., :3], matrices[..., 0])
    assert np.array_equal(six[..., 3:], matrices[..., 1])
    assert np.allclose(r.rotation_6d_to_matrix(six), matrices, atol=CLOSE)


@given(directions(2), st.floats(0.1, 5.0), st.floats(-3.0, 3.0))
def test_6d_of_any_length_and_angle_decodes_to_a_rotation(
    pair: FloatArray, scale: float, lean: float
) -> None:
    first = pair[0]
    second = scale * np.cross(first, pair[1]) + lean * first
    if np.linalg.norm(np.cross(first, second)) < 1e-3:
        return
    matrix = r.rotation_6d_to_matrix(np.concatenate([first, second]))
    assert np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-8)
    assert np.linalg.det(matrix) == pytest.approx(1.0)
    assert np.allclose(matrix[:, 0], first / np.linalg.norm(first))


@given(vectors(3, limit=1.8))
def test_rotation_vectors_are_those_of_scipy_and_come_back(v: FloatArray) -> None:
    q = r.rotation_vector_to_quat(v)
    assert np.allclose(r.quat_to_matrix(q), Rotation.from_rotvec(v).as_matrix(), atol=CLOSE)
    short = np.linalg.norm(v, axis=-1) < np.pi - 1e-3
    assert np.allclose(r.quat_to_rotation_vector(q)[short], v[short], atol=CLOSE)
    assert np.allclose(r.quat_to_rotation_vector(-q)[short], v[short], atol=CLOSE)


def test_tiny_rotation_vectors_are_exact() -> None:
    v = np.array([[0.0, 0.0, 0.0], [1e-11, 0.0, -1e-11]])
    assert np.allclose(r.quat_to_rotation_vector(r.rotation_vector_to_quat(v)), v, atol=1e-18)


@given(quaternions(3), quaternions(3))
def test_angle_is_that_of_scipy(a: FloatArray, b: FloatArray) -> None:
    assert np.allclose(r.quat_angle(a, b), (peer(a).inv() * peer(b)).magnitude(), atol=1e-7)


@given(directions(4), directions(4))
def test_shortest_arc_arrives_by_the_smallest_angle(a: FloatArray, b: FloatArray) -> None:
    arc = r.shortest_arc(a, b)
    u, v = r.normalize(a), r.normalize(b)
    # near opposite vectors the axis is lost to rounding: 1e-9 in 1 + cos is 5e-5 radians
    assert np.allclose(r.quat_rotate(arc, u), v, atol=1e-4)
    angle = np.arctan2(np.linalg.norm(np.cross(u, v), axis=-1), np.sum(u * v, axis=-1))
    assert np.allclose(2.0 * np.arccos(np.clip(arc[..., 0], -1.0, 1.0)), angle, atol=1e-4)


@pytest.mark.parametrize("axis", np.eye(3).tolist())
def test_shortest_arc_between_opposite_vectors_is_a_half_turn(axis: list[float]) -> None:
    start = np.array(axis)
    arc = r.shortest_arc(start, -start)
    assert np.allclose(r.quat_rotate(arc, start), -start)
    assert np.linalg.norm(arc) == pytest.approx(1.0)


@given(quaternions(), quaternions(), st.floats(0.0, 1.0))
def test_slerp_is_that_of_scipy(a: FloatArray, b: FloatArray, t: float) -> None:
    if abs(float(np.dot(a, b))) < 1e-3:  # a half turn apart: both ways round are right
        return
    expected = Slerp([0.0, 1.0], peer(np.stack([a, b])))(t).as_matrix()
    assert np.allclose(r.quat_to_matrix(r.slerp(a, b, t)), expected, atol=1e-8)


@given(quaternions(6, 2))
def test_continuous_quaternions_are_the_same_rotations_without_sign_jumps(q: FloatArray) -> None:
    smooth = r.make_continuous(q)
    assert np.array_equal(np.abs(smooth), np.abs(q))
    assert same_rotation(smooth, q)
    assert (np.sum(smooth[1:] * smooth[:-1], axis=-1) >= 0).all()
    assert np.array_equal(smooth[0], q[0])


def test_yaw_turns_forward_towards_the_left() -> None:
    forward = np.array([0.0, 0.0, 1.0])
    assert np.allclose(r.quat_rotate(r.yaw_quat(np.pi / 2), forward), [1.0, 0.0, 0.0])


@given(st.floats(-9.0, 9.0), st.floats(-1.5, 1.5), st.floats(-3.0, 3.0))
def test_the_yaw_of_a_leaning_body_is_the_turn_it_was_given(
    turn: float, lean: float, direction: float
) -> None:
    axis = np.array([np.cos(direction), 0.0, np.sin(direction)])
    leaning = r.quat_multiply(r.yaw_quat(turn), r.axis_angle_quat(axis, lean))
    assert r.wrap_angle(r.yaw_of(leaning) - turn) == pytest.approx(0.0, abs=CLOSE)
    assert r.wrap_angle(r.yaw_of(-leaning) - turn) == pytest.approx(0.0, abs=CLOSE)


@given(st.floats(-50.0, 50.0))
def test_wrapped_angles_point_the_same_way(angle: float) -> None:
    wrapped = float(r.wrap_angle(angle))
    assert -np.pi <= wrapped <= np.pi
    assert np.cos(wrapped - angle) == pytest.approx(1.0, abs=CLOSE)


@given(vectors(3), st.floats(-7.0, 7.0))
def test_a_turn_on_the_ground_is_a_turn_about_the_vertical(v: FloatArray, yaw: float) -> None:
    x, z = r.turn_on_ground(v[..., 0], v[..., 2], np.array(yaw))
    turned = r.quat_rotate(r.yaw_quat(yaw), v)
    assert np.allclose(np.stack([x, z], axis=-1), turned[..., [0, 2]], atol=1e-8)


@given(directions(3), st.floats(-7.0, 7.0))
def test_axis_angle_is_that_of_scipy(axis: FloatArray, angle: float) -> None:
    unit = r.normalize(axis)
    expected = Rotation.from_rotvec(unit * angle).as_matrix()
    assert np.allclose(r.quat_to_matrix(r.axis_angle_quat(unit, angle)), expected, atol=CLOSE)


@given(vectors(3), vectors(3))
def test_cross_is_that_of_numpy(a: FloatArray, b: FloatArray) -> None:
    assert np.allclose(r.cross(a, b), np.cross(a, b))


def test_normalize_leaves_zero_alone() -> None:
    assert np.array_equal(
        r.normalize([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0]]), [[0, 0, 0], [0, 0.6, 0.8]]
    )


def test_identity_turns_nothing() -> None:
    v = np.array([1.0, 2.0, 3.0])
    assert np.array_equal(r.quat_rotate(r.identity_quats(2, 3), v), np.broadcast_to(v, (2, 3, 3)))
