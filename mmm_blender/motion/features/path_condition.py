"""The path as the transformer hears it: at every token place, how the root gets from the last
known place to the next one.

A path is known at some borders of the token places (border l lies at frame 4 l): all of them along
a drawn curve, a few at way-points, the kept sides of an edit. Numbers are relative to the last
known heading, so a scene that is moved or turned gives the same ones.

L token places, S their borders (L + 1), F numbers of the condition.
"""

from __future__ import annotations

import numpy as np

from ...common.arrays import BoolArray, FloatArray, IntArray
from ...geometry.rotations import wrap_angle
from .layout import SMPL_269

LONG_GAP_SECONDS = 5.0
"""Keeps the duration near the size of the other numbers."""


def root_poses(features_TC: FloatArray, frames_per_token: int) -> FloatArray:
    """Pose of the root (S, 3) at every border: x, z in metres, yaw in radians about +Y (unwrapped).

    features_TC: of the layout smpl_269, not normalised, T a multiple of the token's frames. The
    first border is the origin with heading 0 (facing +Z).
    """
    features_TC = np.asarray(features_TC, dtype=np.float64)
    yaw_S = _sums(features_TC[:, SMPL_269.root_yaw_velocity][:, 0])
    left_T, ahead_T = features_TC[:, SMPL_269.root_xz_velocity].T
    sin_T, cos_T = np.sin(yaw_S[:-1]), np.cos(yaw_S[:-1])
    x_S = _sums(left_T * cos_T + ahead_T * sin_T)
    z_S = _sums(ahead_T * cos_T - left_T * sin_T)
    return np.stack([x_S, z_S, yaw_S], axis=-1)[::frames_per_token]


def path_features(
    poses_S3: FloatArray,
    position_known_S: BoolArray,
    heading_known_S: BoolArray,
    token_seconds: float,
) -> FloatArray:
    """The condition (L, F) of a path known at some borders; see ``config.PATH_FEATURES``.

    poses_S3: x, z in metres, yaw in radians, in any frame of the ground; what is not known is not
    read. A place between two known borders (itself counted from its own two) has numbers; one with
    no known border or no known heading before it, or none after it, is all zero: it is free.
    """
    places = len(poses_S3) - 1
    place_L = np.arange(places)
    before_L = _last_known(position_known_S)[:-1]
    after_L = _next_known(position_known_S)[1:]
    heading_L = _last_known(position_known_S & heading_known_S)[:-1]
    known_L = (before_L >= 0) & (after_L <= places) & (heading_L >= 0)
    before_L, heading_L = np.maximum(before_L, 0), np.maximum(heading_L, 0)
    turned_L = _next_known(position_known_S & heading_known_S)[1:]
    told_L = known_L & (turned_L <= places)
    after_L, turned_L = np.minimum(after_L, places), np.minimum(turned_L, places)
    seconds_L = np.maximum(after_L - before_L, 1) * token_seconds
    safe_S3 = np.where(position_known_S[:, None], poses_S3, 0.0)
    yaw_S = np.where(heading_known_S, safe_S3[:, 2], 0.0)
    step_L2 = (safe_S3[after_L] - safe_S3[before_L])[:, :2] / seconds_L[:, None]
    sin_L, cos_L = np.sin(yaw_S[heading_L]), np.cos(yaw_S[heading_L])
    turn_L = wrap_angle(yaw_S[turned_L] - yaw_S[heading_L])
    turn_seconds_L = np.maximum(turned_L - heading_L, 1) * token_seconds
    columns = (
        np.ones(places),
        step_L2[:, 0] * cos_L - step_L2[:, 1] * sin_L,
        step_L2[:, 0] * sin_L + step_L2[:, 1] * cos_L,
        told_L,
        told_L * turn_L / turn_seconds_L,
        seconds_L / LONG_GAP_SECONDS,
        (place_L + 0.5 - before_L) * token_seconds / seconds_L,
        told_L * turn_L / np.pi,
    )
    return np.stack(columns, axis=-1) * known_L[:, None]


def condition_between(
    poses_S3: FloatArray, masked_L: BoolArray, token_seconds: float, moves_after: bool = False
) -> FloatArray:
    """The condition (L, F) of an edit. poses_S3: of what is kept. masked_L: places whose root is
    regenerated; borders strictly inside a run of them are not known, nor, if it may end anywhere,
    any after."""
    known_S = np.concatenate([[True], ~(masked_L[:-1] & masked_L[1:]), [True]])
    if masked_L[0]:
        known_S[0] = False
    if masked_L[-1]:
        known_S[-1] = False
    if moves_after and masked_L.any():
        known_S[np.flatnonzero(masked_L)[-1] + 1 :] = False
    return path_features(poses_S3, known_S, known_S, token_seconds)


def _last_known(known_S: BoolArray) -> IntArray:
    """For each border the last known one up to it, -1 for none."""
    index_S = np.where(known_S, np.arange(len(known_S)), -1)
    return np.maximum.accumulate(index_S)


def _next_known(known_S: BoolArray) -> IntArray:
    """For each border the next known one from it on, S for none."""
    index_S = np.where(known_S, np.arange(len(known_S)), len(known_S))
    return np.minimum.accumulate(index_S[::-1])[::-1]


def _sums(steps_T: FloatArray) -> FloatArray:
    """Sum of all steps before each frame, and after the last: one more than there are steps."""
    return np.concatenate([[0.0], np.cumsum(steps_T)])
