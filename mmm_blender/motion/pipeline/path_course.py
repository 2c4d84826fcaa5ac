"""A drawn path as the course of a root: where it has to be at every border of the token places, and
at which pace and facing which way a prompt goes by itself.

L token places, P columns of the grid, S borders of the places (L + 1), T frames, K points that say
something.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.clip import MotionClip
from ...geometry.editing.path_editing import Track
from ...geometry.ground_path import FASTEST_MPS, GroundPath
from ...geometry.placement import headings
from ...geometry.rotations import wrap_angle
from ..config import TokenizerConfig
from ..sampling.noise import Noise
from .candidates import candidate_seeds
from .decoding import decode_tokens
from .path_steering import Course
from .windows import Window, WindowFiller

LONGEST_SECONDS = 120.0
"""A motion on a path is no longer."""

USUAL_MPS = 1.2
"""A pace to begin with where none is known: an easy walk, m/s."""

FIRST_SECONDS = 4.0
"""Length of the motions that a pace is measured on, at least."""

_LEAST_PACE = 0.4
"""A prompt that goes slower by itself says no pace, m/s."""

_PACE_TRIES = 3

_QUARTER = 0.5 * math.pi

_HEADING_SECONDS = 1.5
"""So far from a point that says a heading the body looks as it does without."""


def places_of(seconds: float, config: TokenizerConfig) -> int:
    """Token places of a motion that lasts so long, at least two."""
    return max(2, math.ceil(min(seconds, LONGEST_SECONDS) / config.token_seconds - 1e-6))


def course_along(
    path: GroundPath, seconds: float, config: TokenizerConfig, looks: float = 0.0
) -> Course:
    """The course of a motion along a path: evenly but for the times that are known. Far from
    points that say a heading, and where the path says none, it looks so many radians off its way.
    """
    seconds_S = np.arange(places_of(seconds, config) + 1) * config.token_seconds
    times_K, lengths_K = path.times()
    inside_K = (times_K > 0.0) & (times_K < seconds)
    knots_K = np.concatenate([[0.0], times_K[inside_K], [seconds_S[-1]]])
    lengths_K = np.concatenate([[0.0], lengths_K[inside_K], [path.length]])
    lengths_S = np.interp(seconds_S, knots_K, lengths_K)
    places_S2, yaw_S = path.at(lengths_S), path.directions(lengths_S)
    if path.facing == "target" and path.target_2 is not None:
        x_S, z_S = (path.target_2 - places_S2).T
        yaw_S = np.unwrap(np.arctan2(x_S, z_S))
    elif path.facing == "free":
        yaw_S = yaw_S + looks
    yaw_S = yaw_S + _to_headings(path, lengths_S, yaw_S, _HEADING_SECONDS / config.token_seconds)
    return Course(np.concatenate([places_S2, yaw_S[:, None]], axis=1))


def _to_headings(
    path: GroundPath, lengths_S: FloatArray, yaw_S: FloatArray, reach: float
) -> FloatArray:
    """What is added to a yaw so that it is what points of the path say, dying away within so many
    borders of them. (S,)."""
    given_K = np.flatnonzero(np.isfinite(path.headings_N))
    if not len(given_K):
        return np.zeros(len(yaw_S))
    index_S = np.arange(len(yaw_S), dtype=np.float64)
    at_K = np.interp(path.point_lengths_N[given_K], lengths_S, index_S)
    turn_K = wrap_angle(path.headings_N[given_K] - np.interp(at_K, index_S, yaw_S))
    free_F = np.concatenate([at_K - reach, at_K + reach])
    free_F = free_F[np.abs(free_F[:, None] - at_K).min(axis=1) > reach - 0.5]
    knots = np.concatenate([at_K, free_F])
    order = np.argsort(knots, kind="stable")
    turns = np.concatenate([turn_K, np.zeros(len(free_F))])
    return np.interp(index_S, knots[order], turns[order])


@dataclass(frozen=True)
class OwnWay:
    """How a prompt goes by itself. pace: m/s. looks: how far off its way, radians."""

    pace: float = USUAL_MPS
    looks: float = 0.0


def own_way(filler: WindowFiller, prompt: str, seed: int) -> OwnWay:
    """Of a few short tries; an easy walk ahead where they stay."""
    places = places_of(FIRST_SECONDS, filler.model.tokenizer_config)
    places = min(places, filler.model.places - 1)
    noises = [Noise(seed).next() for seed in candidate_seeds(seed, _PACE_TRIES)]
    tokens_LP = np.zeros((places, len(filler.model.columns)), dtype=np.int64)
    tokens_BLP = filler.fill_candidates(
        np.repeat(tokens_LP[None], _PACE_TRIES, axis=0),
        np.ones(tokens_LP.shape, dtype=np.bool_),
        Window(0, places, 0, places),
        prompt,
        noises,
    )
    clips = [decode_tokens(filler.model, each_LP) for each_LP in tokens_BLP]
    paces = [Track.of(clip).length / clip.seconds for clip in clips]
    middle = int(np.argsort(paces, kind="stable")[_PACE_TRIES // 2])
    if paces[middle] < _LEAST_PACE:
        return OwnWay()
    return OwnWay(min(paces[middle], FASTEST_MPS), _looks(clips[middle]))


def _looks(clip: MotionClip) -> float:
    """To which side of its way a body looks: ahead, left, right or back, radians."""
    apart_T = headings(clip) - Track.of(clip).yaw_T
    mean = math.atan2(float(np.sin(apart_T).mean()), float(np.cos(apart_T).mean()))
    return round(mean / _QUARTER) * _QUARTER
