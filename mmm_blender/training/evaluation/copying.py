"""Does a motion copy a training clip? How far the nearest two seconds of training lie from it.

A piece is two seconds of poses, ten a second: joints in the heading frame, metres, without the
root's place. Distances are the root mean square over joints and poses, in millimetres.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ...common.arrays import AnyArray, FloatArray
from ...geometry.clip import MotionClip
from ...geometry.skeleton import MIRROR
from ...motion.features.layout import SMPL_269
from ...motion.features.smpl import encode_clip

PIECE_FRAMES = 40
_POSE_EVERY = 2  # frames
_START_EVERY = 4  # frames between the starts of training pieces
_POSES = PIECE_FRAMES // _POSE_EVERY
_CROWD = 8192  # training pieces at once


def pieces_of(features_TC: AnyArray, start_every: int = _START_EVERY) -> AnyArray:
    """All pieces of a clip's smpl_269 features as rows, float32. (N, poses * joints * 3)."""
    poses = features_TC[:, SMPL_269.positions].astype(np.float32)
    starts = range(0, len(poses) - PIECE_FRAMES + 1, start_every)
    rows = [poses[at : at + PIECE_FRAMES : _POSE_EVERY].ravel() for at in starts]
    return np.stack(rows) if rows else np.empty((0, _POSES * poses.shape[1]), dtype=np.float32)


def mirrored(pieces_NC: AnyArray) -> AnyArray:
    """The same pieces seen in a mirror: left and right change places, x is negated."""
    joints = pieces_NC.reshape(len(pieces_NC), _POSES, -1, 3)
    others = [MIRROR[joint] - 1 for joint in range(1, joints.shape[2] + 1)]  # no root among them
    flipped = joints[:, :, others] * np.array([-1, 1, 1], dtype=pieces_NC.dtype)
    return flipped.reshape(pieces_NC.shape)


def query_of(clip: MotionClip) -> AnyArray | None:
    """The middle piece of a clip, None where it is shorter than one."""
    start = (clip.frames - PIECE_FRAMES) // 2
    if start < 0:
        return None
    return pieces_of(encode_clip(clip)[start : start + PIECE_FRAMES])[0]


def nearest_distances(queries: Sequence[AnyArray], corpus: Iterable[AnyArray]) -> FloatArray:
    """Millimetres from each query to the nearest piece of the corpus (clips' features), mirrored or
    not. (N,)."""
    asked_NC = np.stack(queries)
    best_N = np.full(len(asked_NC), np.inf, dtype=np.float32)
    for crowd in _crowds(corpus):
        squares = (crowd**2).sum(1) - 2 * asked_NC @ crowd.T
        np.minimum(best_N, squares.min(axis=1), out=best_N)
    squares_N = np.maximum(best_N + (asked_NC**2).sum(1), 0.0).astype(np.float64)
    joints = asked_NC.shape[1] / 3
    return 1000 * np.sqrt(squares_N / joints)


def _crowds(corpus: Iterable[AnyArray]) -> Iterable[AnyArray]:
    waiting: list[AnyArray] = []
    for features in corpus:
        pieces = pieces_of(features)
        if len(pieces):
            waiting += [pieces, mirrored(pieces)]
        if sum(map(len, waiting)) >= _CROWD:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)
