"""Tokens of an edit: several candidates, of which the best arrives, and is brought nearer.

L token places, P columns of the grid, T frames, B candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ...common.arrays import BoolArray
from ...geometry.clip import MotionClip
from ...geometry.editing.edit_mask import PELVIS, EditMask, masked_runs
from ...geometry.editing.path_correction import Arrival, arrive, remainder
from ...geometry.resample import resample
from ..motion_model import MotionModel
from .candidates import Misfit, best, candidate_seeds, restless_share
from .decoding import decode_tokens, encode_tokens
from .refinement import ROOT_PARTS, Goal, refine, root_heading
from .token_cells import token_cells
from .windows import Window, WindowFiller, plan_windows


@dataclass(frozen=True, eq=False)
class EditJob:
    """An edit without what the person sees of it. kept: the motion around, with nothing of what is
    masked, standing on the floor. moves_after: it may end anywhere."""

    kept: MotionClip
    mask: EditMask
    prompt: str
    seed: int
    moves_after: bool

    @cached_property
    def root_T(self) -> BoolArray:
        """Frames whose root is made anew. (T,)."""
        return self.mask.root_T | self.mask.rotations_TJ[:, PELVIS]

    def decoded(self, model: MotionModel, tokens_LP: Tensor) -> MotionClip:
        """What tokens decode to, at the rate and of the length of what is kept."""
        clip = decode_tokens(model, tokens_LP)
        return resample(clip, self.kept.fps).slice(0, self.kept.frames)

    def arrived(self, made: MotionClip) -> Arrival:
        """The motion led to where the kept one goes on."""
        return arrive(made, self.kept, self.mask, self.moves_after)

    def misfit(self, made: MotionClip) -> Misfit:
        """What is left to be led of a motion."""
        arrival = self.arrived(made)
        restless = restless_share(made, self.kept, self.mask.frames_T)
        return Misfit(arrival.speed_mps, arrival.turn_rate_dps, restless)

    @property
    def way(self) -> tuple[int, int] | None:
        """The kept frames from which and to which the root has to go; None where it may end
        anywhere, or must stop by at held places."""
        runs = masked_runs(self.root_T)
        if len(runs) != 1 or self.moves_after:
            return None
        start, stop = runs[0]
        return (start - 1, stop) if start > 0 and stop < self.kept.frames else None


def sampled_tokens(filler: WindowFiller, job: EditJob) -> Tensor:
    """Tokens (L, P) of the motion with the masked cells filled, window by window."""
    model = filler.model
    mask_LP = token_cells(job.mask, job.kept.fps, model.tokenizer.config)
    windows = plan_windows(mask_LP.any(axis=1), model.places - 1)
    tokens_BLP = _candidates(filler, job, mask_LP, windows)
    if len(tokens_BLP) == 1:
        return tokens_BLP[0]
    made = [job.decoded(model, tokens_LP) for tokens_LP in tokens_BLP]
    chosen = best([job.misfit(clip) for clip in made])
    goal = _goal(model, job, tokens_BLP[chosen], made[chosen])
    if goal is None or len(windows) > 1:
        return tokens_BLP[chosen]
    return _refined(filler, job, tokens_BLP[chosen], windows[0], goal)


def _candidates(
    filler: WindowFiller, job: EditJob, mask_LP: BoolArray, windows: Sequence[Window]
) -> Tensor:
    """Grids (B, L, P) that differ in the masked cells; one for each candidate of the sampler."""
    open_LP = torch.from_numpy(mask_LP.copy())
    seeds = candidate_seeds(job.seed, filler.sampler.candidates or 1)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    tokens_LP = encode_tokens(filler.model, job.kept, len(mask_LP))
    tokens_BLP = tokens_LP[None].repeat(len(seeds), 1, 1)
    for index, window in enumerate(windows):
        part = filler.part(index, len(windows))
        tokens_BLP = part.fill_candidates(tokens_BLP, open_LP, window, job.prompt, generators)
        open_LP[window.fill_start : window.fill_stop] = False
    return tokens_BLP


def _goal(model: MotionModel, job: EditJob, tokens_LP: Tensor, made: MotionClip) -> Goal | None:
    """What the decoded motion lacks to arrive; None where that cannot be told of its features."""
    way, layout = job.way, model.tokenizer.config.feature_layout
    if way is None or not layout.true_rotations:
        return None
    turn, x, z = remainder(made, job.kept, *way)
    first, last = (frame * layout.fps / job.kept.fps for frame in way)
    heading = root_heading(model, tokens_LP.numpy(), first)
    sine, cosine = np.sin(heading), np.cos(heading)
    return Goal(first, last, turn, cosine * x - sine * z, sine * x + cosine * z)


def _refined(
    filler: WindowFiller, job: EditJob, tokens_LP: Tensor, window: Window, goal: Goal
) -> Tensor:
    """The grid with codes of the root exchanged in a window, so that it arrives nearer."""
    model, config = filler.model, filler.model.tokenizer.config
    seen = slice(window.start, window.stop)
    root_P = np.array([part in ROOT_PARTS for part in model.columns])
    open_LP = token_cells(job.mask, job.kept.fps, config)[seen] & root_P
    shares_LPK = filler.log_shares(tokens_LP, window, job.prompt).numpy()
    near = goal.shifted(window.start * config.frames_per_token)
    seen_LP = refine(model, tokens_LP[seen].numpy(), shares_LPK, open_LP, near)
    result_LP = tokens_LP.clone()
    result_LP[seen] = torch.from_numpy(seen_LP)
    return result_LP
