"""Motions on a path: chosen by how they follow it, then bent and stretched onto it.

A model that hears paths is steered along it (see ``path_steering``). Of another one a path that
takes longer than its longest clip is followed window by window; each window's candidate is chosen
with its stretch of the path, and is context of the next.

L token places, P columns of the grid, T frames, B candidates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...common.arrays import IntArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.path_editing import LEAST_STEP, LONGEST_STEP, Bent, Track, bend_to_path
from ...geometry.feet.foot_plants import standing_contacts
from ...geometry.feet.footsteps import lead_in_steps
from ...geometry.feet.leg_ik import leg_joints
from ...geometry.ground_path import GroundPath, check_pace
from ...geometry.resample import resample
from ...prompts.claims import Claims, claims_of, hand_claims
from ..sampling.noise import Noise
from .candidates import candidate_seeds, still_frames
from .decoding import decode_tokens, pinned
from .obedience import unmet_note, verdict_on
from .path_course import (
    FIRST_SECONDS,
    LONGEST_SECONDS,
    USUAL_MPS,
    course_along,
    own_way,
    places_of,
)
from .path_steering import STEERED_TRIES, steered_tokens
from .windows import WindowFiller, plan_windows

PATH_CANDIDATES = 12
"""Tries for every window of a path."""

_LEAST_MPS = 0.1
"""A motion slower than this goes nowhere by itself, m/s."""

_LEAST_METRES = 0.1

_HANDS_TRIES = 3
"""Motions at most that are steered along a path, until the hands show what the prompt claims."""

_FEET_PLACES = 12
"""Places in which feet are looked at: those of a try and what they are heard in."""

_FEET_METRES = 0.1
"""What a stretch without a still foot costs, metres off the path."""

_SCALE_COST, _TURN_COST, _FEET_COST = 1.0, 1.0 / 90.0, 0.2
"""What a scale of e, a turn of a degree a second, and a motion without a still foot cost."""

_UNMET_COST = 0.5
"""What a motion costs whose hands show nothing of what the prompt claims."""

_TOLD_SCALE = 1.1
"""A scale is named to the person that is so much beyond what steps take."""

_TOLD_TURN_DPS = 90.0
"""A body that is turned faster over its own steps is seen to swivel."""


@dataclass(frozen=True, eq=False)
class PathJob:
    """A motion on a path. seconds: 0 for as long as the path takes at the motion's own pace."""

    prompt: str
    path: GroundPath
    seconds: float
    seed: int


@dataclass(frozen=True, eq=False)
class OnPath:
    """A finished motion on its path, and sentences of what could not be met."""

    clip: MotionClip
    notes: tuple[str, ...]


def wanted_seconds(job: PathJob) -> float:
    """How long the motion is to last, 0 where its own pace decides. MMMError where nobody can."""
    seconds = job.path.end_seconds or job.seconds
    if seconds < 0.0 or not math.isfinite(seconds):
        raise MMMError("The path's duration must be a positive number of seconds: set it again.")
    if seconds > LONGEST_SECONDS:
        raise MMMError(
            f"The path takes {seconds:.0f} s: give it at most {LONGEST_SECONDS:.0f}, or draw a "
            "shorter one."
        )
    if seconds:
        check_pace(job.path, seconds)
    return seconds


def ends_seconds(seconds: float, path: GroundPath | None) -> float:
    """How long a motion from or into a pose is: where nothing says, an easy walk's time."""
    if path is None:
        return seconds
    given = wanted_seconds(PathJob("", path, seconds, 0))
    return given or min(path.length / USUAL_MPS + 1.0, LONGEST_SECONDS)


def path_tokens(filler: WindowFiller, job: PathJob) -> IntArray:
    """Tokens (L, P) of a motion that follows the path well, as long as it takes to play it."""
    seconds = wanted_seconds(job)
    config = filler.model.tokenizer_config
    if filler.model.transformer_config.path_condition:
        return _steered(filler, job, seconds)
    first = places_of(seconds or max(FIRST_SECONDS, job.path.length / USUAL_MPS), config)
    # one window tells the pace
    tokens_LP = _chained(filler, job, min(first, filler.model.places - 1), seconds)
    needed = places_of(_seconds_to_play(filler, job, tokens_LP, seconds), config)
    return tokens_LP if needed == len(tokens_LP) else _chained(filler, job, needed, seconds)


def _steered(filler: WindowFiller, job: PathJob, seconds: float) -> IntArray:
    """Tokens (L, P) of a motion that is steered along its path, by a model that hears it. seconds:
    0 where the motion's own pace decides."""
    model, parts = filler.model, 2
    own = own_way(filler.part(0, parts), job.prompt, job.seed)
    seconds = seconds or min(job.path.length / own.pace, LONGEST_SECONDS)
    course = course_along(job.path, seconds, model.tokenizer_config, own.looks)
    claims, context = _claims(filler, job), model.places - 1

    def cost(tokens_LP: IntArray) -> float:
        seen = context if claims else _FEET_PLACES
        clip = decode_tokens(model, tokens_LP[-seen:])
        restless = float((~still_frames(clip)).mean())
        return _FEET_METRES * restless + _UNMET_COST * (1.0 - verdict_on(claims, clip).share)

    taken, most = None, -1.0
    for seed in candidate_seeds(job.seed, _HANDS_TRIES if claims else 1):
        part = filler.part(1, parts)
        tokens_LP = steered_tokens(part, course, job.prompt, seed, cost)
        share = verdict_on(claims, decode_tokens(model, tokens_LP)).share
        if share > most:
            taken, most = tokens_LP, share
        if share >= 1.0:
            break
    assert taken is not None
    return taken


def follow(source: MotionClip, path: GroundPath, seconds: float, pin_feet: bool) -> OnPath:
    """The motion on the path, feet in place. seconds: 0 for the motion's own pace."""
    frames = max(2, round((seconds or _own_seconds(source, path)) * source.fps))
    bent = bend_to_path(source, path, (frames - 1) / source.fps)
    notes = path_notes(bent, path)
    if bent.after is bent.before and not pin_feet:
        return OnPath(bent.after, notes)
    contacts_TSC = standing_contacts(leg_joints(bent.before), source.fps)
    nowhere_T = np.zeros(frames, dtype=np.bool_)
    clip = lead_in_steps(bent.before, bent.after, contacts_TSC, nowhere_T)
    if not pin_feet:
        return OnPath(clip, notes)
    held, missed = pinned(clip, None, contacts_TSC)
    return OnPath(held, notes + missed)


def path_notes(bent: Bent, path: GroundPath) -> tuple[str, ...]:
    """What to tell of a motion that has to be changed more than it takes."""
    notes: list[str] = []
    seconds = (bent.before.frames - 1) / bent.before.fps
    own = path.length / bent.step_scale
    if own < _LEAST_MPS * seconds:
        notes.append(
            f"By itself the motion goes {own:.1f} m where the path has {path.length:.1f} m, so the "
            "body glides: write a prompt that walks."
        )
    elif not LEAST_STEP / _TOLD_SCALE < bent.step_scale < LONGEST_STEP * _TOLD_SCALE:
        notes.append(
            f"The path has {path.length:.1f} m and the motion goes {own:.1f} m in {seconds:.1f} s, "
            f"so its steps are {bent.step_scale:.1f} times as long: give it {_better(bent):.1f} s, "
            "or another prompt."
        )
    if bent.turn_dps > _TOLD_TURN_DPS:
        notes.append(
            f"The path bends faster than the motion does, by up to {bent.turn_dps:.0f} degrees/s: "
            "draw a wider bend, or write a prompt that turns."
        )
    return tuple(notes)


def _better(bent: Bent) -> float:
    """Seconds in which the steps would keep their length."""
    return bent.step_scale * (bent.before.frames - 1) / bent.before.fps


def follow_cost(clip: MotionClip, path: GroundPath) -> float:
    """How much has to be done to a motion so that it follows a path in the time that it takes."""
    bent = bend_to_path(clip, path)
    scale = abs(math.log(max(bent.step_scale, 1e-3)))
    restless = float((~still_frames(clip)).mean())
    return _SCALE_COST * scale + _TURN_COST * bent.turn_dps + _FEET_COST * restless


def _own_seconds(source: MotionClip, path: GroundPath) -> float:
    """How long the path takes at the motion's own pace, at most as long as the motion."""
    speed = Track.of(source).length / max((source.frames - 1) / source.fps, 1e-6)
    return min(path.length / max(speed, _LEAST_MPS), source.seconds)


def _seconds_to_play(
    filler: WindowFiller, job: PathJob, tokens_LP: IntArray, seconds: float
) -> float:
    """How much of a motion that goes at this pace is needed for the path, in seconds."""
    clip = decode_tokens(filler.model, tokens_LP)
    speed = max(Track.of(clip).length / clip.seconds, _LEAST_MPS)
    if not seconds:
        return min(job.path.length / speed, LONGEST_SECONDS)
    scale = job.path.length / (speed * seconds)
    pace = scale / min(max(scale, LEAST_STEP), LONGEST_STEP)
    return min(seconds * min(max(pace, 0.6), 1.5), LONGEST_SECONDS)


def _chained(filler: WindowFiller, job: PathJob, places: int, seconds: float) -> IntArray:
    """Tokens (L, P) of so many places, the best of each window's candidates. seconds: of the whole
    path, 0 where the motion's own pace decides."""
    model, config = filler.model, filler.model.tokenizer_config
    share = places * config.token_seconds / seconds if seconds else 0.0
    open_LP = np.ones((places, len(model.columns)), dtype=np.bool_)
    windows = plan_windows(open_LP.any(axis=1), model.places - 1)
    seeds = candidate_seeds(job.seed, filler.sampler.candidates or PATH_CANDIDATES)
    noises = [Noise(seed) for seed in seeds]
    tokens_LP = np.zeros((places, len(model.columns)), dtype=np.int64)
    for index, window in enumerate(windows):
        part = filler.part(index, len(windows))
        tokens_BLP = part.fill_candidates(
            np.repeat(tokens_LP[None], len(seeds), axis=0), open_LP, window, job.prompt, noises
        )
        noises = [noise.next() for noise in noises]
        open_LP[window.fill_start : window.fill_stop] = False
        part_length = job.path.length * share * window.fill_stop / places
        tokens_LP = tokens_BLP[_best(filler, job, tokens_BLP[:, : window.fill_stop], part_length)]
    return tokens_LP


def _best(filler: WindowFiller, job: PathJob, tokens_BLP: IntArray, length: float) -> int:
    """The candidate that follows the first ``length`` metres best, and shows what the prompt claims
    of its hands; 0: as far as each goes."""
    if len(tokens_BLP) == 1:
        return 0
    path, claims = job.path, _claims(filler, job)
    clips = [decode_tokens(filler.model, tokens_LP) for tokens_LP in tokens_BLP]
    lengths = [length or max(Track.of(clip).length, _LEAST_METRES) for clip in clips]
    costs = [
        follow_cost(clip, path.until(min(each, path.length)))
        + _UNMET_COST * (1.0 - verdict_on(claims, clip).share)
        for clip, each in zip(clips, lengths, strict=True)
    ]
    return int(np.argmin(costs))


def _claims(filler: WindowFiller, job: PathJob) -> Claims:
    """What the hands are to show, where the sampler looks for it; the path says the rest."""
    return hand_claims(claims_of(job.prompt)) if filler.sampler.claim_tries > 1 else ()


def hands_note(filler: WindowFiller, job: PathJob, clip: MotionClip) -> tuple[str, ...]:
    """What the hands of a motion on a path do not show, after all tries."""
    claims = _claims(filler, job)
    steered = filler.model.transformer_config.path_condition
    tries = filler.sampler.candidates or (STEERED_TRIES if steered else PATH_CANDIDATES)
    return unmet_note(claims, verdict_on(claims, clip), tries)


def source_clip(filler: WindowFiller, tokens_LP: IntArray, fps: float) -> MotionClip:
    """What tokens decode to, at the wanted rate (0: the layout's)."""
    clip = decode_tokens(filler.model, tokens_LP)
    return resample(clip, fps or clip.fps)
