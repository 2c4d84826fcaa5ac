"""Rotations in four forms: quaternion, matrix, 6D and rotation vector.

All functions broadcast over leading dimensions and take anything array-like. Quaternions are
(w, x, y, z); matrices act on column vectors (``v' = R v``); angles are radians, right-handed.
6D is the first two columns of the matrix, a1 then a2 (Zhou et al., CVPR 2019, eq. 15).
"""

from __future__ import annotations

import numpy as np

from ..common.arrays import ArrayLike, FloatArray

_TINY = 1e-12
"""Below this a length counts as zero: far under any measured bone, far over rounding."""


def _array(values: ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=np.float64)


def dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Inner product over the last axis, which stays as length 1: (..., 1)."""
    return np.einsum("...i,...i->...", a, b)[..., None]


def cross(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Vector product over the last axis; several times faster than ``np.cross``. (..., 3)."""
    p, q = _array(a), _array(b)
    px, py, pz = p[..., 0], p[..., 1], p[..., 2]
    qx, qy, qz = q[..., 0], q[..., 1], q[..., 2]
    return np.stack([py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx], axis=-1)


def normalize(vectors: ArrayLike) -> FloatArray:
    """Scale to unit length over the last axis; zero vectors stay zero."""
    v = _array(vectors)
    return v / np.maximum(np.sqrt(dot(v, v)), _TINY)


def identity_quats(*shape: int) -> FloatArray:
    """Array of identity quaternions of the given leading shape: (*shape, 4)."""
    q = np.zeros((*shape, 4))
    q[..., 0] = 1.0
    return q


def quat_multiply(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Hamilton product: rotates by ``b`` first, then by ``a``. (..., 4)."""
    p, q = _array(a), _array(b)
    pw, pv, qw, qv = p[..., :1], p[..., 1:], q[..., :1], q[..., 1:]
    return np.concatenate([pw * qw - dot(pv, qv), pw * qv + qw * pv + cross(pv, qv)], axis=-1)


def quat_conjugate(quaternions: ArrayLike) -> FloatArray:
    """The inverse of a unit quaternion. (..., 4)."""
    return _array(quaternions) * np.array([1.0, -1.0, -1.0, -1.0])


def quat_rotate(quaternions: ArrayLike, vectors: ArrayLike) -> FloatArray:
    """Rotate vectors (..., 3) by unit quaternions (..., 4)."""
    q, v = _array(quaternions), _array(vectors)
    w, u = q[..., :1], q[..., 1:]
    t = 2.0 * cross(u, v)
    return v + w * t + cross(u, t)


def quat_angle(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Angle in radians, 0 to pi, of the rotation that takes ``a`` to ``b``. (...)."""
    difference = quat_multiply(quat_conjugate(a), b)
    sine = np.linalg.norm(difference[..., 1:], axis=-1)
    return 2.0 * np.arctan2(sine, np.abs(difference[..., 0]))


def quat_to_matrix(quaternions: ArrayLike) -> FloatArray:
    """Unit quaternions (..., 4) to matrices (..., 3, 3)."""
    w, x, y, z = np.moveaxis(_array(quaternions), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def matrix_to_quat(matrices: ArrayLike) -> FloatArray:
    """Rotation matrices (..., 3, 3) to unit quaternions (..., 4) with w >= 0.

    Of the symmetric 4x4 of products 4*q_i*q_j (Shepperd 1978) it takes the row whose diagonal is
    largest, so that no component is divided by a small number. Each matrix entry is one long
    contiguous row, which makes it three times as fast as work on stacks of 3x3.
    """
    m = _array(matrices)
    entries = np.ascontiguousarray(m.reshape(-1, 9).T)
    xx, xy, xz, yx, yy, yz, zx, zy, zz = entries
    wx, wy, wz = zy - yz, xz - zx, yx - xy
    xy, xz, yz = xy + yx, xz + zx, yz + zy
    squares = np.array([1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz])
    best = np.argmax(squares, axis=0)
    w = np.choose(best, [squares[0], wx, wy, wz])
    x = np.choose(best, [wx, squares[1], xy, xz])
    y = np.choose(best, [wy, xy, squares[2], yz])
    z = np.choose(best, [wz, xz, yz, squares[3]])
    q = np.array([w, x, y, z])
    q *= np.where(w < 0, -1.0, 1.0) / np.sqrt(np.einsum("cn,cn->n", q, q))
    return np.ascontiguousarray(q.T).reshape(*m.shape[:-2], 4)


def matrix_to_rotation_6d(matrices: ArrayLike) -> FloatArray:
    """Matrices (..., 3, 3) to 6D (..., 6): first column, then second column."""
    m = _array(matrices)
    return np.concatenate([m[..., :, 0], m[..., :, 1]], axis=-1)


def rotation_6d_to_matrix(rotations: ArrayLike) -> FloatArray:
    """6D (..., 6) to matrices (..., 3, 3) by Gram-Schmidt; any finite input but zero columns."""
    r = _array(rotations)
    a = normalize(r[..., :3])
    b = normalize(r[..., 3:] - dot(a, r[..., 3:]) * a)
    return np.stack([a, b, cross(a, b)], axis=-1)


def rotation_vector_to_quat(vectors: ArrayLike) -> FloatArray:
    """Rotation vectors (..., 3), axis times radians, to quaternions (..., 4)."""
    v = _array(vectors)
    half = 0.5 * np.linalg.norm(v, axis=-1, keepdims=True)
    # sin(a)/a through sinc keeps the zero rotation exact
    return np.concatenate([np.cos(half), 0.5 * np.sinc(half / np.pi) * v], axis=-1)


def quat_to_rotation_vector(quaternions: ArrayLike) -> FloatArray:
    """Quaternions (..., 4) to the shortest rotation vector (..., 3), radians."""
    q = _array(quaternions)
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, q[..., :1])
    scale = np.where(sine > _TINY, angle / np.maximum(sine, _TINY), 2.0)
    return np.asarray(q[..., 1:] * scale, dtype=np.float64)


def axis_angle_quat(axis: ArrayLike, angle: ArrayLike) -> FloatArray:
    """Rotation by ``angle`` radians (...) about the unit ``axis`` (..., 3). (..., 4)."""
    half = 0.5 * _array(angle)[..., None]
    unit = _array(axis)
    shape = np.broadcast_shapes(half.shape[:-1], unit.shape[:-1])
    w = np.broadcast_to(np.cos(half), (*shape, 1))
    return np.concatenate([w, np.broadcast_to(np.sin(half) * unit, (*shape, 3))], axis=-1)


def yaw_quat(angle: ArrayLike) -> FloatArray:
    """Rotation by ``angle`` radians (...) about model +Y; turns +Z towards +X. (..., 4)."""
    return axis_angle_quat(np.array([0.0, 1.0, 0.0]), angle)


def yaw_of(quaternions: ArrayLike) -> FloatArray:
    """The turn about model +Y in rotations (..., 4): radians, -pi to pi. (...).

    It is the twist about the vertical: the yaw whose removal leaves the smallest rotation. Zero
    where the body hangs upside down and has none.
    """
    q = _array(quaternions)
    return wrap_angle(2.0 * np.arctan2(q[..., 2], q[..., 0]))


def wrap_angle(angles: ArrayLike) -> FloatArray:
    """The same angles within -pi to pi, radians. (...)."""
    return np.asarray((_array(angles) + np.pi) % (2.0 * np.pi) - np.pi, dtype=np.float64)


def turn_on_ground(x: FloatArray, z: FloatArray, yaw: FloatArray) -> tuple[FloatArray, FloatArray]:
    """x and z of places on the ground, turned by yaw (radians) about +Y. (...) each."""
    sine, cosine = np.sin(yaw), np.cos(yaw)
    return cosine * x + sine * z, cosine * z - sine * x


def shortest_arc(start: ArrayLike, end: ArrayLike) -> FloatArray:
    """Quaternions (..., 4) of the smallest rotation that takes ``start`` to ``end`` (..., 3).

    Lengths do not matter. Opposite vectors turn by pi about some axis square to them.
    """
    a, b = normalize(start), normalize(end)
    a, b = np.broadcast_arrays(a, b)
    w = 1.0 + dot(a, b)
    opposite = w < 1e-9
    # any axis square to a: cross with the coordinate axis that a leans on least
    least = np.eye(3)[np.argmin(np.abs(a), axis=-1)]
    v = np.where(opposite, cross(a, least), cross(a, b))
    return normalize(np.concatenate([np.where(opposite, 0.0, w), v], axis=-1))


def slerp(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> FloatArray:
    """Constant-speed interpolation along the shorter arc; ``t`` (...) in 0..1. (..., 4)."""
    p, q = _array(a), _array(b)
    step = quat_to_rotation_vector(quat_multiply(quat_conjugate(p), q))
    return quat_multiply(p, rotation_vector_to_quat(step * _array(t)[..., None]))


def make_continuous(quaternions: ArrayLike) -> FloatArray:
    """Flip signs along axis 0 so that neighbours lie on the same half sphere. (T, ..., 4)."""
    q = _array(quaternions)
    if len(q) < 2:
        return q.copy()
    flips = np.where(dot(q[1:], q[:-1]) < 0, -1.0, 1.0)
    signs = np.concatenate([np.ones_like(flips[:1]), np.cumprod(flips, axis=0)])
    return q * signs
