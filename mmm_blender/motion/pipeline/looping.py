"""A motion of one prompt that goes round.

Several tries are sampled, a little longer than what is wanted; of all of them the stretch is taken
that ends most as it begins, and its seam is made by an edit that sees the end before the start.

L token places, P columns of the grid, T frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...common.arrays import IntArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.loop import LEAST_SECONDS, LoopPlan, plan_loop, seam_ratio
from ...geometry.editing.loop_search import Round, best_round
from ...geometry.kinematics import clip_joints
from ...geometry.timing import retimed_clip
from ..config import BundleConfig
from .candidates import candidate_seeds
from .decoding import decode_tokens, finished
from .edit import EditRequest, edit_motion
from .request_validation import replayed_tokens
from .windows import WindowFiller

LOOP_TRIES = 4
"""Motions among which the one is chosen that closes best."""
SEAM_TRIES = 3
"""Seams of it, where the first ones are not smooth."""
SMOOTH_SEAM = 1.2
"""Jerk at a seam that is smooth, relative to the strongest of twenty frames inside."""

_SPARE_SECONDS, _SPARE_SHARE = 0.4, 0.25
"""What is sampled beyond the loop, to choose from."""

Sampler = Callable[[Sequence[int], float], Iterator[IntArray]]
"""Token grids (L, P) of the prompt, of these seeds and so many seconds."""


@dataclass(frozen=True, eq=False)
class LoopJob:
    """What is wanted. seconds: of a round; fps: of the clip. tokens_LP, loop_span: of an earlier
    answer, which is made again without sampling; None for a new one."""

    prompt: str
    seconds: float
    seed: int
    fps: float
    pin_feet: bool
    tokens_LP: IntArray | None = None
    loop_span: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class LoopMade:
    """The closed clip, whose last frame is its first one a round later. tokens_LP: the motion's
    grid, and below it the seam's. loop_span: the motion's frames that it
    is made of, first and stop.
    seam: its jerk, as ``seam_ratio`` says. notes: sentences for the person."""

    clip: MotionClip
    tokens_LP: IntArray
    loop_span: tuple[int, int]
    seam: float
    notes: tuple[str, ...]


def make_loop(
    filler: WindowFiller, config: BundleConfig, job: LoopJob, sample: Sampler
) -> LoopMade:
    """The loop; MMMError where the prompt's motions do not go round, Cancelled when asked to stop.

    sample: where to have the prompt's motions from.
    """
    if job.seconds < LEAST_SECONDS:
        raise MMMError(
            f"A loop needs at least {LEAST_SECONDS:g} seconds: ask for more than {job.seconds:.2f}."
        )
    sampled = _Sampled.of(job, config)
    if job.tokens_LP is not None and job.loop_span is not None:
        return _again(filler, sampled, job.tokens_LP, job.loop_span)
    grids = sample(candidate_seeds(job.seed, LOOP_TRIES), sampled.seconds)
    tries = [(tokens_LP, *sampled.chosen(filler, tokens_LP)) for tokens_LP in grids]
    tokens_LP, clip, taken = min(tries, key=lambda each: each[2].cost)
    motion, notes = sampled.motion(clip, taken)
    plan = _plan(motion)
    seams = (_seam(filler, job, plan, seed) for seed in candidate_seeds(job.seed, SEAM_TRIES))
    seam = _first_smooth(seams)
    tokens_LP = np.concatenate([tokens_LP, seam.tokens_LP])
    return LoopMade(seam.clip, tokens_LP, taken.frames, seam.ratio, notes + seam.notes)


@dataclass(frozen=True)
class _Sampled:
    """The motions that a loop is chosen from. seconds: of each; places: tokens of each; frames: of
    the loop."""

    job: LoopJob
    seconds: float
    places: int
    frames: int

    @classmethod
    def of(cls, job: LoopJob, config: BundleConfig) -> _Sampled:
        wanted = job.seconds * (1.0 + _SPARE_SHARE) + _SPARE_SECONDS
        seconds = min(wanted, config.max_seconds)
        fps = config.tokenizer.feature_layout.fps
        places = -(-max(1, round(seconds * fps)) // config.tokenizer.frames_per_token)
        return cls(job, seconds, places, round(job.seconds * job.fps))

    def decoded(self, filler: WindowFiller, tokens_LP: IntArray) -> MotionClip:
        """A motion at the wanted rate, feet as they come."""
        fps = filler.model.tokenizer_config.feature_layout.fps
        clip = decode_tokens(filler.model, tokens_LP, max(1, round(self.seconds * fps)))
        return finished(clip, self.job.fps, pin=False)[0]

    def chosen(self, filler: WindowFiller, tokens_LP: IntArray) -> tuple[MotionClip, Round]:
        """A motion, and the stretch of it that goes round best."""
        clip = self.decoded(filler, tokens_LP)
        return clip, best_round(clip, self.frames)

    def motion(self, clip: MotionClip, taken: Round) -> tuple[MotionClip, tuple[str, ...]]:
        """The stretch in as many frames as are wanted, feet in place; sentences of what failed."""
        pinned, notes = finished(clip, self.job.fps, self.job.pin_feet)
        return retimed_clip(pinned.slice(*taken.frames), self.frames), notes


@dataclass(frozen=True, eq=False)
class _Seam:
    """A closed clip, the tokens of its seam, how sharp that is, and sentences for the person."""

    clip: MotionClip
    tokens_LP: IntArray
    ratio: float
    notes: tuple[str, ...]


def _again(
    filler: WindowFiller, sampled: _Sampled, tokens_LP: IntArray, frames: tuple[int, int]
) -> LoopMade:
    """The loop of an earlier answer."""
    job, (first, stop) = sampled.job, frames
    known_LP, seam_LP = tokens_LP[: sampled.places], tokens_LP[sampled.places :]
    model = filler.model
    shape = (sampled.places, len(model.columns))
    clip = sampled.decoded(filler, replayed_tokens(known_LP, shape, model.vocabulary.codes))
    if not 0 <= first < stop <= clip.frames:
        raise MMMError("The loop lies outside its motion: the recipe is damaged.")
    motion, notes = sampled.motion(clip, Round(first, stop, 0.0))
    seam = _seam(filler, job, _plan(motion), job.seed, seam_LP)
    return LoopMade(seam.clip, tokens_LP, frames, seam.ratio, notes + seam.notes)


def _plan(motion: MotionClip) -> LoopPlan:
    """How the motion is closed; MMMError where it turns or falls."""
    try:
        return plan_loop(motion)
    except MMMError as error:
        reason = str(error).partition(":")[0]
        raise MMMError(f"{reason}: try another seed, or other words.") from error


def _seam(
    filler: WindowFiller, job: LoopJob, plan: LoopPlan, seed: int, tokens_LP: IntArray | None = None
) -> _Seam:
    """The motion closed by an edit. tokens_LP: of an earlier one, which is made again."""
    request = EditRequest(
        plan.seam,
        plan.mask,
        job.prompt,
        seed,
        pin_feet=job.pin_feet,
        tokens_LP=tokens_LP,
    )
    # a seam shows nothing of what the prompt claims, and is chosen for how it arrives
    sampler = replace(filler.sampler, claim_tries=1)
    made = edit_motion(replace(filler, sampler=sampler), request)
    closed = plan.closed(made.clip)
    ratio = seam_ratio(closed, clip_joints(closed), plan.shift_3)
    return _Seam(closed, made.tokens_LP, ratio, made.notes)


def _first_smooth(seams: Iterable[_Seam]) -> _Seam:
    """The first that is smooth, else the smoothest; no more are made than are looked at."""
    found: list[_Seam] = []
    for seam in seams:
        found.append(seam)
        if seam.ratio <= SMOOTH_SEAM:
            return seam
    return min(found, key=lambda each: each.ratio)
