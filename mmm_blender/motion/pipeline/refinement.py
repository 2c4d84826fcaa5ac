"""Tokens exchanged one by one so that a motion ends nearer to where it has to arrive.

The network tells of every new code of the full grid which others could stand in its place; each
is decoded where it stands, and the exchange that takes most off the remainder is kept, until none
helps. Codes that the network holds for unlikely are not tried, so the motion stays one that it
would make. This is a greedy search in place of the optimisation of logits of MaskControl (Pinyoan-
untapong et al., 2024).

L token places, P columns of the grid, K codes, N exchanges, F frames of the model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ...common.arrays import BoolArray, FloatArray, IntArray
from ...geometry.rotations import turn_on_ground, wrap_angle
from ..motion_model import MotionModel

ROOT_PARTS = ("lower", "all")
"""Body parts whose tokens tell of the root."""

_TRIED = 6
"""Codes that are tried for each cell, the likeliest first."""

_LEAST_LOG_SHARE = 3.0
"""A code whose log-probability is further below the likeliest is not tried."""

_ROUNDS = 8
"""Exchanges at most."""

_DECODED_AGAIN = 24
"""After an exchange so many others are decoded again: those that did most before it."""

_NEAR_MPS = 0.02
"""A remainder below this is met, m/s."""

_WORTH_MPS = 0.004
"""An exchange that takes less off the cost is not worth it, m/s."""

_UNLIKELY_MPS = 0.01
"""Cost of an exchange that makes a code less likely by a factor of e, m/s."""

_DEGREES_A_METRE = 225.0


@dataclass(frozen=True)
class Goal:
    """Where a motion has to arrive. first, last: model frames (may lie between two) from which and
    at which. turn: radians still to go; x, z: metres still to go, in the frame of the heading at
    ``first``."""

    first: float
    last: float
    turn: float
    x: float
    z: float

    def shifted(self, frames: float) -> Goal:
        """The same goal in a grid that begins so many frames later."""
        return replace(self, first=self.first - frames, last=self.last - frames)

    def cost(self, apart_N3: FloatArray, seconds: float) -> FloatArray:
        """Remainders (N, 3) as one number each, m/s."""
        place_N = np.hypot(apart_N3[:, 1], apart_N3[:, 2])
        turn_N = np.abs(np.degrees(wrap_angle(apart_N3[:, 0]))) / _DEGREES_A_METRE
        return (place_N + turn_N) / seconds


@dataclass(frozen=True, eq=False)
class RootSteps:
    """The root's steps over the ground of N motions: yaw_NF radians, xz_NF2 metres in the heading
    frame."""

    yaw_NF: FloatArray
    xz_NF2: FloatArray

    @cached_property
    def path_NF3(self) -> FloatArray:
        """Yaw, x, z before each frame's step, from the first frame's; one frame more."""
        yaw_NF = np.cumsum(np.pad(self.yaw_NF, ((0, 0), (1, 0))), axis=1)
        x_NF, z_NF = self.xz_NF2[..., 0], self.xz_NF2[..., 1]
        steps_NF2 = np.stack(turn_on_ground(x_NF, z_NF, yaw_NF[:, :-1]), axis=-1)
        places_NF2 = np.cumsum(np.pad(steps_NF2, ((0, 0), (1, 0), (0, 0))), axis=1)
        return np.concatenate([yaw_NF[..., None], places_NF2], axis=-1)

    def gone(self, first: float, last: float) -> FloatArray:
        """How far between two frames: turn, and x, z in the heading frame of the first. (N, 3)."""
        start_N3, end_N3 = self.at(first), self.at(last)
        dx_N, dz_N = (end_N3 - start_N3)[:, 1], (end_N3 - start_N3)[:, 2]
        moved = turn_on_ground(dx_N, dz_N, -start_N3[:, 0])
        return np.stack([end_N3[:, 0] - start_N3[:, 0], *moved], axis=-1)

    def at(self, frame: float) -> FloatArray:
        """Yaw, x, z at a frame. (N, 3)."""
        path_NF3 = self.path_NF3
        low = min(int(frame), path_NF3.shape[1] - 2)
        return path_NF3[:, low] + (frame - low) * (path_NF3[:, low + 1] - path_NF3[:, low])


@dataclass(frozen=True, eq=False)
class Exchanges:
    """Codes to try: place_N, column_N, code_N; how much less likely each is (loss_N, nats)."""

    place_N: IntArray
    column_N: IntArray
    code_N: IntArray
    log_LPK: FloatArray

    @classmethod
    def of(cls, log_LPK: FloatArray, open_LP: BoolArray) -> Exchanges:
        """The likeliest codes of every open cell."""
        place_C, column_C = np.nonzero(open_LP)
        log_CK = log_LPK[place_C, column_C]
        order_CM = np.argsort(-log_CK, axis=1, kind="stable")[:, :_TRIED]
        taken_CM = np.take_along_axis(log_CK, order_CM, axis=1)
        likely_CM = taken_CM > taken_CM[:, :1] - _LEAST_LOG_SHARE
        cell_N, _ = np.nonzero(likely_CM)
        return cls(place_C[cell_N], column_C[cell_N], order_CM[likely_CM], log_LPK)

    def at(self, index_M: IntArray) -> Exchanges:
        """Some of them."""
        place_M, column_M = self.place_N[index_M], self.column_N[index_M]
        return Exchanges(place_M, column_M, self.code_N[index_M], self.log_LPK)

    def losses(self, tokens_LP: IntArray) -> FloatArray:
        """By how many nats each code is less likely than the one that it would replace. (N,)."""
        now_N = self.log_LPK[self.place_N, self.column_N, tokens_LP[self.place_N, self.column_N]]
        return np.maximum(now_N - self.log_LPK[self.place_N, self.column_N, self.code_N], 0.0)


def refine(
    model: MotionModel, tokens_LP: IntArray, log_LPK: FloatArray, open_LP: BoolArray, goal: Goal
) -> IntArray:
    """The grid with codes of the open cells exchanged so that less is left of the goal.

    log_LPK: log-probabilities of all codes in the full grid. Equal input gives equal output.
    """
    tokens_LP = tokens_LP.copy()
    exchanges = Exchanges.of(log_LPK, open_LP)
    seconds = (goal.last - goal.first) / model.tokenizer_config.feature_layout.fps
    now_3 = root_steps(model, tokens_LP[None]).gone(goal.first, goal.last)[0]
    goal_3 = now_3 + np.array([goal.turn, goal.x, goal.z])
    cost = goal.cost((goal_3 - now_3)[None], seconds)[0]
    steps_N3 = np.zeros((len(exchanges.place_N), 3))  # what each exchange adds, as far as is known
    tried_M = np.arange(len(steps_N3))
    for _ in range(_ROUNDS):
        if cost < _NEAR_MPS:
            break
        steps_N3[tried_M] = gone_with(model, tokens_LP, exchanges.at(tried_M), goal) - now_3
        losses_N = _UNLIKELY_MPS * exchanges.losses(tokens_LP)
        costs_M = goal.cost(goal_3 - now_3 - steps_N3[tried_M], seconds) + losses_N[tried_M]
        best = tried_M[int(np.argmin(costs_M))]
        if costs_M.min() > cost - _WORTH_MPS:
            break
        tokens_LP[exchanges.place_N[best], exchanges.column_N[best]] = exchanges.code_N[best]
        now_3 = now_3 + steps_N3[best]
        cost = goal.cost((goal_3 - now_3)[None], seconds)[0]
        likely_N = goal.cost(goal_3 - now_3 - steps_N3, seconds) + losses_N
        tried_M = np.argsort(likely_N, kind="stable")[:_DECODED_AGAIN]
    return tokens_LP


def root_heading(model: MotionModel, tokens_LP: IntArray, frame: float) -> float:
    """Heading at a frame of what tokens decode to, radians from the first frame's."""
    return float(root_steps(model, tokens_LP[None]).at(frame)[0, 0])


def gone_with(
    model: MotionModel, tokens_LP: IntArray, exchanges: Exchanges, goal: Goal
) -> FloatArray:
    """How far the motion goes with each exchange made alone. (N, 3).

    Only the tokens that hear of it are decoded.
    """
    config = model.tokenizer_config
    per_token = config.frames_per_token
    reach = -(-config.decoder_reach_frames // per_token)
    now = root_steps(model, tokens_LP[None])
    count = len(exchanges.place_N)
    yaw_NF = np.repeat(now.yaw_NF, count, axis=0)
    xz_NF2 = np.repeat(now.xz_NF2, count, axis=0)
    length = min(len(tokens_LP), 4 * reach + 1)
    # the window's own ends are decoded wrongly unless they are the grid's
    start_N = np.clip(exchanges.place_N - 2 * reach, 0, len(tokens_LP) - length)
    rows_NL = start_N[:, None] + np.arange(length)
    grids_NLP = tokens_LP[rows_NL]
    index_N = np.arange(count)
    grids_NLP[index_N, exchanges.place_N - start_N, exchanges.column_N] = exchanges.code_N
    local = root_steps(model, grids_NLP)
    frames_NF = (start_N[:, None] * per_token) + np.arange(length * per_token)
    near_NF = np.abs(frames_NF // per_token - exchanges.place_N[:, None]) <= reach
    row_H, at_H = np.nonzero(near_NF)
    yaw_NF[row_H, frames_NF[row_H, at_H]] = local.yaw_NF[row_H, at_H]
    xz_NF2[row_H, frames_NF[row_H, at_H]] = local.xz_NF2[row_H, at_H]
    return RootSteps(yaw_NF, xz_NF2).gone(goal.first, goal.last)


def root_steps(model: MotionModel, tokens_NLP: IntArray) -> RootSteps:
    """The root's steps of grids of one length; only the part that tells of them is decoded."""
    config, networks = model.tokenizer_config, model.networks
    layout = config.feature_layout
    at = next(at for at, name in enumerate(config.parts) if name in ROOT_PARTS)
    columns = [column for column, name in enumerate(model.columns) if name == config.parts[at]]
    features_NFC = networks.decode_part(at, tokens_NLP[..., columns])
    channels = [layout.root_yaw_velocity.start, *range(*layout.root_xz_velocity.indices(9**9))]
    own = np.searchsorted(layout.part_channels(config.parts[at]), channels)
    values_NF3 = features_NFC[..., own] * networks.std_C[channels] + networks.mean_C[channels]
    steps_NF3 = values_NF3.astype(np.float64)
    return RootSteps(steps_NF3[..., 0], steps_NF3[..., 1:])
