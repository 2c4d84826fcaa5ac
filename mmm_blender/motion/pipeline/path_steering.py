"""Motions steered along a path: made stretch by stretch, each from where the body really is.

A model that hears its path goes wrong by a little in every step, and in a motion that is made in
one go this adds up. So one stretch after the other is made in several tries, the try that keeps
nearest to the path stays, and of what is left of the path the model hears how it lies from there.
A try reaches beyond its stretch; what it shows there is judged, but made again.

B tries, L token places, P columns of the grid, S borders of the places (L + 1), T frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...common.arrays import FloatArray, IntArray
from ...geometry.rotations import turn_on_ground, wrap_angle
from ..config import SamplerConfig
from ..features.path_condition import path_features
from ..motion_model import MotionModel
from ..sampling.noise import Noise
from ..schedule import FULL_LENGTH_TOKENS
from .candidates import candidate_seeds
from .refinement import root_steps
from .windows import CONTEXT_TOKENS, Window, WindowFiller

STEERED_TRIES = 8
"""Tries for every stretch."""

STRETCH = 5
"""Places of a stretch, 1 s: about two steps."""

AHEAD = 3
"""Places that a try shows beyond its stretch."""

_LEAST_STEPS = 2
"""Steps in which a stretch is made, at least, so that its cells hear of each other."""

_RADIAN_METRES = 0.3
"""What a radian off the heading costs, to a metre off the place."""

StretchCost = Callable[[IntArray], float]
"""What else speaks against the tokens (L, P) that were made so far, metres."""


@dataclass(frozen=True, eq=False)
class Course:
    """Where the root has to be at the borders of the places. poses_S3: x, z in metres, yaw in
    radians."""

    poses_S3: FloatArray

    @property
    def places(self) -> int:
        """L."""
        return len(self.poses_S3) - 1

    @property
    def from_origin(self) -> Course:
        """The same course as a decoded motion takes it: from the origin, facing +Z."""
        x, z, yaw = self.poses_S3[0]
        columns = turn_on_ground(self.poses_S3[:, 0] - x, self.poses_S3[:, 1] - z, -yaw)
        return Course(np.stack([*columns, self.poses_S3[:, 2] - yaw], axis=-1))

    def gone(self, poses_R3: FloatArray) -> Course:
        """With the poses of the first borders as they really are."""
        return Course(np.concatenate([poses_R3, self.poses_S3[len(poses_R3) :]]))

    def features(self, token_seconds: float) -> FloatArray:
        """What the model hears of it (L, F)."""
        known_S = np.ones(len(self.poses_S3), dtype=np.bool_)
        return path_features(self.poses_S3, known_S, known_S, token_seconds)

    def apart(self, poses_BR3: FloatArray, first: int) -> FloatArray:
        """How far tries are off at the borders first to first + R - 1, metres. (B,)."""
        off_BR3 = poses_BR3 - self.poses_S3[first : first + poses_BR3.shape[1]]
        place_B = np.hypot(off_BR3[..., 0], off_BR3[..., 1]).mean(axis=1)
        return place_B + _RADIAN_METRES * np.abs(wrap_angle(off_BR3[..., 2])).mean(axis=1)


def steered_tokens(
    filler: WindowFiller,
    course: Course,
    prompt: str,
    seed: int,
    more_cost: StretchCost | None = None,
) -> IntArray:
    """Tokens (L, P) of a motion that keeps to a course, for a model that hears paths."""
    model, course = filler.model, course.from_origin
    noises = [Noise(each) for each in candidate_seeds(seed, _tries(filler.sampler))]
    tokens_LP = np.full((course.places, len(model.columns)), model.vocabulary.mask)
    poses_R3 = course.poses_S3[:1]
    stretches = _stretches(course.places)
    for index, (done, stop, reach) in enumerate(stretches):
        left = course.gone(poses_R3)
        part = _heard(filler.part(index, len(stretches)), left, reach - done)
        window = _window(course.places, done, reach, model.places - 1)
        open_LP = np.zeros(tokens_LP.shape, dtype=np.bool_)
        open_LP[done:reach] = True
        tokens_BLP = np.repeat(tokens_LP[None], len(noises), axis=0)
        tokens_BLP = part.fill_candidates(tokens_BLP, open_LP, window, prompt, noises)
        first, poses_BR3 = _poses(model, tokens_BLP[:, :reach], poses_R3)
        cost_B = left.apart(poses_BR3[:, done + 1 - first :], done + 1)
        if more_cost is not None and len(cost_B) > 1:
            cost_B = cost_B + [more_cost(each_LP) for each_LP in tokens_BLP[:, :reach]]
        best = int(np.argmin(cost_B))
        tokens_LP[done:stop] = tokens_BLP[best, done:stop]
        poses_R3 = np.concatenate([poses_R3[:first], poses_BR3[best, : stop + 1 - first]])
        noises = [noise.next() for noise in noises]
    return tokens_LP


def _tries(sampler: SamplerConfig) -> int:
    return sampler.candidates or STEERED_TRIES


def _stretches(places: int) -> list[tuple[int, int, int]]:
    """Where each stretch begins and stops, and how far its tries reach."""
    found: list[tuple[int, int, int]] = []
    done = 0
    while done < places:
        reach = min(done + STRETCH + AHEAD, places)
        stop = reach if reach == places else done + STRETCH
        found.append((done, stop, reach))
        done = stop
    return found


def _window(places: int, done: int, reach: int, most: int) -> Window:
    """As much of what is made as helps, and all that is left of the path that the model can see."""
    start = max(0, min(done - min(CONTEXT_TOKENS, most // 4), places - most))
    start = max(start, reach - most)
    return Window(start, min(start + most, places), done, reach)


def _heard(filler: WindowFiller, course: Course, cells: int) -> WindowFiller:
    """For a stretch: what is heard of the path, and as many steps as its share of a clip takes."""
    sampler = filler.sampler
    share = sampler.full_length_steps * cells / FULL_LENGTH_TOKENS
    steps = sampler.steps or max(_LEAST_STEPS, round(share))
    seconds = filler.model.tokenizer_config.token_seconds
    heard = replace(filler, path_LF=course.features(seconds))
    return replace(heard, sampler=replace(sampler, steps=steps))


def _poses(
    model: MotionModel, tokens_BLP: IntArray, poses_R3: FloatArray
) -> tuple[int, FloatArray]:
    """Poses of tries at their borders from one on, and its number. poses_R3: of the borders that
    are made. Only places that what is new is heard in are decoded."""
    config = model.tokenizer_config
    per_place = config.frames_per_token
    hears = -(-config.decoder_reach_frames // per_place)
    first = max(0, len(poses_R3) - 1 - hears)
    start = max(0, first - hears)
    way_BF3 = root_steps(model, tokens_BLP[:, start:]).path_NF3[:, ::per_place]
    way_BR3 = way_BF3[:, first - start :, [1, 2, 0]]
    origin_B13 = way_BR3[:, :1]
    x, z, yaw = poses_R3[first]
    turn_B1 = yaw - origin_B13[..., 2]
    moved_BR3 = way_BR3 - origin_B13
    dx_BR, dz_BR = turn_on_ground(moved_BR3[..., 0], moved_BR3[..., 1], turn_B1)
    return first, np.stack([x + dx_BR, z + dz_BR, way_BR3[..., 2] + turn_B1], axis=-1)
