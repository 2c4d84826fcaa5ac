"""Several tries at once, of which the one that fits best is kept.

Candidates share one batch and differ in their noise alone. They are ranked by what is left to be
led: how far the motion ends from where it has to arrive, by its time, and how many of its frames
have no foot that stands where the motion around has one. Of such that arrive alike the one counts
that the model holds for the likeliest beside what is kept.

T frames, K contact joints, N candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ...geometry.clip import MotionClip
from ...geometry.feet.contacts import CONTACT_JOINTS, joint_speeds
from ...geometry.kinematics import clip_joints
from ..config import SamplerConfig
from .obedience import Verdict

EDIT_CANDIDATES = 8
"""Tries for an edit that has somewhere to arrive."""

CLAIM_ROUNDS = 2
"""So often an edit's candidates are made, at most, until one shows what its prompt claims."""

STILL_MPS = 0.15
"""A heel or toe slower than this is still, m/s."""

_DEGREES_A_METRE = 225.0
"""A turn of so many degrees costs as much as a metre: both limits of ``geometry`` cost alike."""

_FEET_MPS = 0.3
"""What a motion costs in which no foot ever stands, m/s of remainder."""

_UNMET_MPS = 0.4
"""What a motion costs that shows nothing of what its prompt claims, m/s of remainder."""

_DOUBT_MPS = 0.1
"""What a motion costs that is less likely by a factor of e in every cell, m/s of remainder."""

_SEED_STEP = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio: seeds far apart
_SEEDS = 2**63


def most_tries(sampler: SamplerConfig) -> int:
    """How many candidates an edit may have that looks for what its prompt claims."""
    return CLAIM_ROUNDS * (sampler.candidates or 1)


def candidate_seeds(seed: int, count: int) -> list[int]:
    """One seed for each candidate; the first is the request's own."""
    return [(seed + index * _SEED_STEP) % _SEEDS for index in range(count)]


@dataclass(frozen=True)
class Misfit:
    """What is left to be led. speed_mps, turn_rate_dps: remainder in place and heading by its time,
    m/s and degrees/s. restless: share of frames (0..1) that lack a still foot, beyond those of the
    motion around."""

    speed_mps: float = 0.0
    turn_rate_dps: float = 0.0
    restless: float = 0.0

    @property
    def cost(self) -> float:
        """One number to rank by, m/s."""
        return self.speed_mps + self.turn_rate_dps / _DEGREES_A_METRE + _FEET_MPS * self.restless


def still_frames(clip: MotionClip) -> BoolArray:
    """Frames in which a heel or a toe is still. (T,)."""
    speeds_TK = joint_speeds(clip_joints(clip)[:, CONTACT_JOINTS], clip.fps)
    return np.asarray(speeds_TK.min(axis=1) < STILL_MPS, dtype=np.bool_)


def restless_share(made: MotionClip, kept: MotionClip, masked_T: BoolArray) -> float:
    """Share of masked frames of ``made`` without a still foot, beyond that of kept frames."""
    moving_T = ~still_frames(made)
    around = float((~still_frames(kept))[~masked_T].mean()) if not masked_T.all() else 0.0
    return max(0.0, float(moving_T[masked_T].mean()) - around)


def best(
    misfits: Sequence[Misfit], verdicts: Sequence[Verdict], doubts_N: FloatArray | Sequence[float]
) -> int:
    """The number of the candidate with the smallest cost; of equal ones the first. What its prompt
    claims and it does not show costs as well, and what the model holds for unlikely (nats)."""
    rows = zip(misfits, verdicts, doubts_N, strict=True)
    costs = [
        misfit.cost + _UNMET_MPS * (1.0 - verdict.share) + _DOUBT_MPS * doubt
        for misfit, verdict, doubt in rows
    ]
    return int(np.argmin(costs))
