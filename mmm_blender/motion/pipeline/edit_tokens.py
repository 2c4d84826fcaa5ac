"""Tokens of an edit: several candidates, of which the best arrives, and is brought nearer.

L token places, P columns of the grid, T frames, B candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ...common.arrays import BoolArray, FloatArray, IntArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.edit_mask import PELVIS, EditMask, masked_runs
from ...geometry.editing.path_correction import (
    Arrival,
    aligned,
    arrive,
    carry_after,
    remainder,
)
from ...geometry.editing.path_editing import Bent, EndTurns, bend_to_path, with_piece
from ...geometry.editing.seam_blending import meet
from ...geometry.editing.seam_smoothing import smooth_seams
from ...geometry.ground_path import GroundPath
from ...geometry.resample import resample
from ...prompts.claims import Claims
from ..features.path_condition import condition_between, root_poses
from ..motion_model import MotionModel
from ..sampling.noise import Noise
from .candidates import CLAIM_ROUNDS, Misfit, best, candidate_seeds, restless_share
from .decoding import clip_features, decode_tokens, encode_tokens
from .obedience import MET, Verdict, verdict_on
from .refinement import ROOT_PARTS, Goal, refine, root_heading
from .token_cells import token_cells
from .windows import Window, WindowFiller, plan_windows

_BENT_SHARE = 0.3
"""What bending a motion onto its path costs, to what it costs to lead it by as much: the steps
follow a path, and the body does not slide."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A decoded motion and where it goes. before: its poses where they were decoded. arrival: the
    same poses where they belong. bent: what its path took."""

    before: MotionClip
    arrival: Arrival
    bent: Bent | None = None


@dataclass(frozen=True, eq=False)
class EditJob:
    """An edit without what the person sees of it. kept: the motion around, with nothing of what is
    masked, standing on the floor. moves_after: it may end anywhere. path: that the root takes.
    claims: of the prompt, what is to be seen of it in the masked frames. joins: seconds at which
    motions are joined."""

    kept: MotionClip
    mask: EditMask
    prompt: str
    seed: int
    moves_after: bool = False
    path: GroundPath | None = None
    claims: Claims = ()
    joins: tuple[float, ...] = ()

    def verdict(self, clip: MotionClip) -> Verdict:
        """What the masked frames of a motion as long as the kept one show of the claims."""
        return verdict_on(self.claims, clip.slice(self.mask.start, self.mask.stop))

    @cached_property
    def root_T(self) -> BoolArray:
        """Frames whose root is regenerated. (T,)."""
        return self.mask.root_T | self.mask.rotations_TJ[:, PELVIS]

    def decoded(self, model: MotionModel, tokens_LP: IntArray) -> MotionClip:
        """What tokens decode to, at the rate and of the length of what is kept."""
        clip = decode_tokens(model, tokens_LP)
        clip = smooth_seams(clip, [at * clip.fps - 0.5 for at in self.joins])
        return resample(clip, self.kept.fps).slice(0, self.kept.frames)

    def placed(self, made: MotionClip) -> Placed:
        """The motion on its path, if it has one, led to where the kept one goes on."""
        before, after, bent = self._on_path(made)
        return Placed(before, arrive(after, self.kept, self.mask, self.moves_after), bent)

    def met(self, placed: Placed) -> MotionClip:
        """The motion led into what is kept on both sides of the mask, and around its parts."""
        carried = carry_after(self.kept, self.mask.stop, placed.arrival.ground_move)
        return meet(placed.arrival.clip, carried, self.mask)

    def judged(self, made: MotionClip) -> tuple[Misfit, Verdict]:
        """What is left to be led of a motion, and what it shows of the claims once it is led: that
        takes the swing out of a small wave."""
        placed = self.placed(made)
        verdict = self.verdict(self.met(placed)) if self.claims else MET
        return self._misfit(made, placed), verdict

    def _misfit(self, made: MotionClip, placed: Placed) -> Misfit:
        restless = restless_share(made, self.kept, self.mask.frames_T)
        turn, push = 0.0, 0.0
        if placed.bent is not None:
            turn, push = _BENT_SHARE * placed.bent.turn_dps, _BENT_SHARE * placed.bent.push_mps
        arrival = placed.arrival
        return Misfit(arrival.speed_mps + push, arrival.turn_rate_dps + turn, restless)

    def _on_path(self, made: MotionClip) -> tuple[MotionClip, MotionClip, Bent | None]:
        """The motion as it is played, and bent onto the path, from the kept frame before the span
        to the one after it."""
        if self.path is None:
            return made, made, None
        start, stop = self._path_span
        first, last = max(start - 1, 0), min(stop, made.frames - 1)
        goes_on = stop < made.frames and not self.moves_after
        made = aligned(made, self.kept, first) if start > 0 else made
        places_T2 = self.kept.root_T3[:, [0, 2]]
        led = self.path.between(
            places_T2[first] if start > 0 else None, places_T2[last] if goes_on else None
        )
        turn = remainder(made, self.kept, first, last).turn if start > 0 else 0.0
        ends = EndTurns(0.0 if start > 0 else None, turn if start > 0 and goes_on else None)
        bent = bend_to_path(made.slice(first, last + 1), led, None, ends)
        before, after = (with_piece(made, first, piece) for piece in (bent.before, bent.after))
        return before, after, bent

    @property
    def _path_span(self) -> tuple[int, int]:
        """The frames in which the root takes the path."""
        runs = masked_runs(self.root_T)
        if not runs:
            raise MMMError("A path leads the whole body: choose the whole or the lower body.")
        if len(runs) > 1:
            raise MMMError(
                "The path cannot be met where keys are locked inside the range: lock none, or "
                "choose a range between them."
            )
        return runs[0]

    @property
    def way(self) -> tuple[int, int] | None:
        """The kept frames from which and to which the root has to go; None where it may end
        anywhere, or must stop by at locked places."""
        runs = masked_runs(self.root_T)
        if len(runs) != 1 or self.moves_after or self.path is not None:
            return None
        start, stop = runs[0]
        return (start - 1, stop) if start > 0 and stop < self.kept.frames else None


@dataclass(frozen=True, eq=False)
class _Tries:
    """Candidates that were judged."""

    tokens_BLP: tuple[IntArray, ...] = ()
    made: tuple[MotionClip, ...] = ()
    misfits: tuple[Misfit, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    doubts_B: tuple[float, ...] = ()

    def with_more(
        self, model: MotionModel, job: EditJob, tokens_BLP: IntArray, doubts_B: FloatArray
    ) -> _Tries:
        """With further ones, behind those that are there."""
        made = tuple(job.decoded(model, tokens_LP) for tokens_LP in tokens_BLP)
        misfits, verdicts = zip(*map(job.judged, made), strict=True)
        return _Tries(
            (*self.tokens_BLP, *tokens_BLP),
            self.made + made,
            self.misfits + misfits,
            self.verdicts + verdicts,
            (*self.doubts_B, *doubts_B.tolist()),
        )

    @cached_property
    def chosen(self) -> int:
        """The number of the best."""
        return best(self.misfits, self.verdicts, self.doubts_B)

    @property
    def verdict(self) -> Verdict:
        """What the best shows of the claims."""
        return self.verdicts[self.chosen]


def sampled_tokens(filler: WindowFiller, job: EditJob) -> IntArray:
    """Tokens (L, P) of the motion with the masked cells filled, window by window."""
    model = filler.model
    filler = replace(filler, path_LF=_condition(filler, job))
    mask_LP = token_cells(job.mask, job.kept.fps, model.tokenizer_config)
    windows = plan_windows(mask_LP.any(axis=1), model.places - 1)
    found = _Tries()
    for number in range(rounds := CLAIM_ROUNDS if job.claims else 1):
        part = filler.part(number, rounds)
        tokens_BLP = _candidates(part, job, mask_LP, windows, number)
        if len(tokens_BLP) == 1:
            return tokens_BLP[0]
        doubts_B = filler.doubts(tokens_BLP, mask_LP, windows, job.prompt)
        found = found.with_more(model, job, tokens_BLP, doubts_B)
        if found.verdict.is_met:
            break
    tokens_BLP, made, chosen = found.tokens_BLP, found.made, found.chosen
    goal = _goal(model, job, tokens_BLP[chosen], made[chosen])
    if goal is None or len(windows) > 1:
        return tokens_BLP[chosen]
    return _refined(filler, job, tokens_BLP[chosen], windows[0], goal)


def _condition(filler: WindowFiller, job: EditJob) -> FloatArray | None:
    """What a model that follows paths hears of the path; None for others."""
    model = filler.model
    if not model.transformer_config.path_condition or job.path is not None:
        return None
    config = model.tokenizer_config
    root_P = np.array([part in ROOT_PARTS for part in model.columns])
    masked_L = token_cells(job.mask, job.kept.fps, config)[:, root_P].any(axis=1)
    features_TC = clip_features(model, job.kept, len(masked_L))
    poses_S3 = root_poses(features_TC, config.frames_per_token)
    return condition_between(poses_S3, masked_L, config.token_seconds, job.moves_after)


def _candidates(
    filler: WindowFiller, job: EditJob, mask_LP: BoolArray, windows: Sequence[Window], number: int
) -> IntArray:
    """Grids (B, L, P) that differ in the masked cells; one for each candidate of the sampler.
    number: of the round, whose seeds are others than those of the rounds before."""
    open_LP = mask_LP.copy()
    count = filler.sampler.candidates or 1
    seeds = candidate_seeds(job.seed, (number + 1) * count)[number * count :]
    noises = [Noise(seed) for seed in seeds]
    tokens_LP = encode_tokens(filler.model, job.kept, len(mask_LP))
    tokens_BLP = np.repeat(tokens_LP[None], len(seeds), axis=0)
    for index, window in enumerate(windows):
        part = filler.part(index, len(windows))
        tokens_BLP = part.fill_candidates(tokens_BLP, open_LP, window, job.prompt, noises)
        noises = [noise.next() for noise in noises]
        open_LP[window.fill_start : window.fill_stop] = False
    return tokens_BLP


def _goal(model: MotionModel, job: EditJob, tokens_LP: IntArray, made: MotionClip) -> Goal | None:
    """What the decoded motion lacks to arrive; None where its features cannot say."""
    way, layout = job.way, model.tokenizer_config.feature_layout
    if way is None or not layout.true_rotations:
        return None
    turn, x, z = remainder(made, job.kept, *way)
    first, last = (frame * layout.fps / job.kept.fps for frame in way)
    heading = root_heading(model, tokens_LP, first)
    sine, cosine = np.sin(heading), np.cos(heading)
    return Goal(first, last, turn, cosine * x - sine * z, sine * x + cosine * z)


def _refined(
    filler: WindowFiller, job: EditJob, tokens_LP: IntArray, window: Window, goal: Goal
) -> IntArray:
    """The grid with codes of the root exchanged in a window, so that it arrives nearer."""
    model, config = filler.model, filler.model.tokenizer_config
    seen = slice(window.start, window.stop)
    root_P = np.array([part in ROOT_PARTS for part in model.columns])
    open_LP = token_cells(job.mask, job.kept.fps, config)[seen] & root_P
    shares_LPK = filler.log_shares(tokens_LP, window, job.prompt)
    near = goal.shifted(window.start * config.frames_per_token)
    seen_LP = refine(model, tokens_LP[seen], shares_LPK, open_LP, near)
    result_LP = tokens_LP.copy()
    result_LP[seen] = seen_LP
    return result_LP
