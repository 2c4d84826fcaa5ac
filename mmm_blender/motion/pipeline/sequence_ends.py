"""Sequences that set out from a pose, or end standing.

The poses are held beside the frames of the sequence, as for a motion of one prompt
(``start_end``): the first and the last segment are made as edits that hear of them, the others and
the seams as in any sequence. What all tokens decode to is led out of the pose, and into the other.

N segments, L token places, P columns of the grid, T frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...common.arrays import IntArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.edit_mask import EditMask, span_mask
from ...geometry.editing.mask_infill import fill_masked
from ...geometry.resample import lengthened, resample
from ...prompts.claims import claims_of
from ..config import BundleConfig
from .candidates import most_tries
from .decoding import encode_tokens
from .edit import edit_motion, resolved
from .edit_tokens import EditJob, sampled_tokens
from .obedience import unmet_note
from .sequence import (
    SegmentGrid,
    SequenceRequest,
    SequenceResult,
    check_sequence,
    made_seconds,
    sampled_segments,
)
from .start_end import Wanted, held_edit
from .token_cells import token_cells
from .tries import Tried
from .windows import WindowFiller


def sequence_with_ends(
    filler: WindowFiller, request: SequenceRequest, config: BundleConfig
) -> SequenceResult:
    """The clip, which stands where its pose does; MMMError for a request that cannot be met,
    Cancelled when asked to stop."""
    check_sequence(request, config)
    fps = request.fps or config.tokenizer.feature_layout.fps
    seconds = made_seconds(request.seconds, config)
    held = held_edit(
        Wanted(
            "",
            max(2, round(sum(seconds) * fps)),
            fps,
            request.seeds[0],
            filler.sampler,
            request.pin_feet,
            request.path,
            request.pins,
        ),
        request.ends,
    )
    first, said = held.frames.start / fps, list[str]()
    borders = segment_borders_held(held.request.mask, fps, first, seconds, config)

    def sample(_resolved: WindowFiller, job: EditJob) -> IntArray:
        own = segment_borders_held(job.mask, fps, first, seconds, config)
        tokens_LP, notes = _sampled(filler, request, job, own)
        said.extend(notes)
        return tokens_LP

    per_place = config.tokenizer.token_seconds
    joins = tuple(at * per_place for at in borders[1:-1]) if filler.sampler.footsteps else ()
    asked = replace(held.request, tokens_LP=request.tokens_LP, joins=joins)
    made = edit_motion(filler, asked, sample=sample)
    notes = (*said, *made.notes)
    return SequenceResult(held.cut(made), made.tokens_LP, filler.sampler, request.seeds, notes)


def segment_borders_held(
    mask: EditMask, fps: float, first: float, seconds: Sequence[float], config: BundleConfig
) -> list[int]:
    """Token places (N + 1) where segments begin and the last one ends: the masked ones are theirs.
    first: when the first one begins, in seconds of the grid."""
    masked_L = np.flatnonzero(token_cells(mask, fps, config.tokenizer).any(axis=1))
    start, stop = int(masked_L[0]), int(masked_L[-1]) + 1
    if stop - start < len(seconds):
        raise MMMError("The prompts are too short for a start or an end: give them more seconds.")
    ends = (first + np.cumsum(seconds[:-1])) / config.tokenizer.token_seconds
    borders = [start, *np.floor(ends + 0.5).astype(int).tolist(), stop]
    for index in range(1, len(seconds)):
        borders[index] = max(borders[index], borders[index - 1] + 1)
    longest = config.transformer.max_tokens
    for index in reversed(range(1, len(seconds))):
        after = borders[index + 1]
        borders[index] = max(min(borders[index], after - 1), after - longest)
    return borders


def _sampled(
    filler: WindowFiller, request: SequenceRequest, job: EditJob, borders: Sequence[int]
) -> tuple[IntArray, tuple[str, ...]]:
    """Tokens (L, P) of what is kept with the sequence in it; sentences on what was not obeyed."""
    config = filler.model.tokenizer_config
    places = len(token_cells(job.mask, job.kept.fps, config))
    frames = places * config.frames_per_token
    kept = lengthened(resample(job.kept, config.feature_layout.fps), frames)
    last = len(borders) - 2
    meets = {row for row, there in ((0, borders[0] > 0), (last, borders[-1] < places)) if there}
    held = {
        row: _Meeting(
            kept,
            (0 if row == 0 else borders[row], places if row == last else borders[row + 1]),
            (borders[row], borders[row + 1]),
            request.prompts[row],
            request.seeds[row],
        ).sampled
        for row in meets
    }
    tokens_LP = encode_tokens(filler.model, job.kept, places)
    return sampled_segments(filler, request, SegmentGrid(tokens_LP, borders, held))


@dataclass(frozen=True, eq=False)
class _Meeting:
    """A segment that meets a pose. kept: all frames, at the layout's rate. seen, made: token places
    from, to."""

    kept: MotionClip
    seen: tuple[int, int]
    made: tuple[int, int]
    prompt: str
    seed: int

    def sampled(self, filler: WindowFiller) -> Tried:
        """Its tokens, of the best of its tries."""
        model, sampler = filler.model, filler.sampler
        job = self._job(model.tokenizer_config.frames_per_token, sampler.claim_tries > 1)
        sampler = resolved(sampler, job)
        tokens_LP = sampled_tokens(replace(filler, sampler=sampler), job)
        seen = job.verdict(job.met(job.placed(job.decoded(model, tokens_LP))))
        start, stop = (at - self.seen[0] for at in self.made)
        return Tried(tokens_LP[start:stop], unmet_note(job.claims, seen, most_tries(sampler)))

    def _job(self, per_token: int, looks: bool) -> EditJob:
        """The edit that makes it. looks: for what the prompt claims."""
        first, last = (at * per_token for at in self.seen)
        start, stop = (at * per_token - first for at in self.made)
        mask = span_mask(last - first, start, stop, "all")
        kept = fill_masked(self.kept.slice(first, last), mask)
        claims = claims_of(self.prompt) if looks else ()
        return EditJob(kept, mask, self.prompt, self.seed, stop < last - first, None, claims)
