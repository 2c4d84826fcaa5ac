"""Several prompts in a row as one motion: segments, then the seams between them.

Every segment is sampled by itself; then the tokens at each border, two of either neighbour, are
regenerated with both as context (the paper puts two new ones between; with so few the seams jerk).
The borders stay where the durations put them. All tokens are decoded at once, so the root's path is
one. The cost is linear in the length.

N segments, L token places, P columns of the grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from ...common.arrays import BoolArray, IntArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.conditions import FREE_ENDS, Ends
from ...geometry.editing.limb_pins import Pin, pin_limbs
from ...geometry.editing.seam_smoothing import smooth_seams
from ...geometry.ground_path import GroundPath, check_pace
from ...geometry.kinematics import clip_joints
from ...geometry.resample import resample
from ..config import BundleConfig, SamplerConfig
from ..motion_model import MotionModel
from ..sampling.noise import Noise
from .candidates import candidate_seeds
from .decoding import decode_tokens, finished
from .path_following import follow
from .request_validation import check_prompt, check_seconds, check_seed, replayed_tokens
from .tries import Ask, Tried, obedient_tokens
from .windows import Window, WindowFiller

SEGMENTS_A_BATCH = 8
"""Segments, or seams, that are sampled at once: keeps the memory bounded."""

_SEAM_SIDE = 2
"""Tokens of either neighbour that a transition replaces, 0.4 s; of a short one at most a third."""

SEAM_CANDIDATES = 4
"""Tries for every seam, of which the one that jolts least is kept."""

_HEARD_TOKENS = 4
"""So many tokens beside a seam are decoded with it: more than it is heard through."""

_SHORT = 3

_SEAM_STEPS = 3
"""Steps in which a transition is made (the paper: one), so that its cells hear of each other."""


@dataclass(frozen=True, eq=False)
class SequenceRequest:
    """Prompts in a row; one number of ``seconds`` and one seed for each.

    fps: rate of the clip, 0 for the layout's. sampler: None for the bundle's own. tokens_LP: of an
    earlier result, which is then decoded again without sampling. path: that the whole sequence
    takes; the clip then stands on it. pins: targets of hands, feet and head. ends: how it begins
    and ends (see ``sequence_ends``).
    """

    prompts: tuple[str, ...]
    seconds: tuple[float, ...]
    seeds: tuple[int, ...]
    fps: float = 0.0
    sampler: SamplerConfig | None = None
    pin_feet: bool = True
    tokens_LP: IntArray | None = None
    path: GroundPath | None = None
    pins: tuple[Pin, ...] = ()
    ends: Ends = FREE_ENDS


@dataclass(frozen=True, eq=False)
class SequenceResult:
    """One continuous clip and what it takes to make it again. notes: sentences for the person."""

    clip: MotionClip
    tokens_LP: IntArray
    sampler: SamplerConfig
    seeds: tuple[int, ...]
    notes: tuple[str, ...]


def generate_sequence(
    filler: WindowFiller, request: SequenceRequest, config: BundleConfig
) -> SequenceResult:
    """The clip, of a request whose ends are free; MMMError for one that cannot be met, Cancelled
    when asked to stop."""
    check_sequence(request, config)
    model = filler.model
    borders = segment_borders(request.seconds, config)
    said: tuple[str, ...] = ()
    if request.tokens_LP is None:
        empty_LP = np.zeros((borders[-1], len(model.columns)), dtype=np.int64)
        tokens_LP, said = sampled_segments(filler, request, SegmentGrid(empty_LP, borders))
    else:
        shape = (borders[-1], len(model.columns))
        tokens_LP = replayed_tokens(request.tokens_LP, shape, model.vocabulary.codes)
    fps = request.fps or config.tokenizer.feature_layout.fps
    frames = max(1, round(sum(made_seconds(request.seconds, config)) * fps))
    decoded = decode_tokens(model, tokens_LP)
    if filler.sampler.footsteps:
        inner = borders[1:-1]
        decoded = smooth_seams(
            decoded, [at * config.tokenizer.frames_per_token - 0.5 for at in inner]
        )
    if request.path is None:
        clip, notes = finished(decoded, fps, request.pin_feet, frames)
    else:
        source = resample(decoded, fps).slice(0, frames)
        on_path = follow(source, request.path, frames / fps, request.pin_feet)
        clip, notes = on_path.clip, on_path.notes
    met = pin_limbs(clip, request.pins)
    sampler, tokens = filler.sampler, tokens_LP
    return SequenceResult(met.clip, tokens, sampler, request.seeds, said + notes + met.notes)


def segment_borders(seconds: Sequence[float], config: BundleConfig) -> list[int]:
    """Token places (N + 1) where segments begin and the last one ends: nearest to the durations.

    No segment is empty or longer than the model can make; the last one covers the whole end.
    """
    rate = config.tokenizer.feature_layout.fps / config.tokenizer.frames_per_token
    ends = np.cumsum(made_seconds(seconds, config)) * rate
    longest = config.transformer.max_tokens
    borders = [0]
    for end in ends[:-1]:
        borders.append(max(borders[-1] + 1, math.floor(end + 0.5)))
    whole = math.ceil(round(float(ends[-1]), 6))
    borders.append(min(max(borders[-1] + 1, whole), longest * len(ends)))
    for index in reversed(range(1, len(ends))):
        borders[index] = max(borders[index], borders[index + 1] - longest)
    return borders


def made_seconds(seconds: Sequence[float], config: BundleConfig) -> list[float]:
    """The durations without the grace of ``check_seconds``."""
    return [min(max(each, config.min_seconds), config.max_seconds) for each in seconds]


def check_sequence(request: SequenceRequest, config: BundleConfig) -> None:
    """MMMError with what to do, for everything that a person may get wrong."""
    if not request.prompts:
        raise MMMError("The list of prompts is empty: add a prompt.")
    counts = [len(request.prompts), len(request.seconds), len(request.seeds)]
    if len(set(counts)) != 1:
        raise MMMError(
            "A sequence needs one duration and one seed for each prompt, not "
            "{} prompts, {} durations and {} seeds.".format(*counts)
        )
    segments = zip(request.prompts, request.seconds, request.seeds, strict=True)
    for number, (prompt, seconds, seed) in enumerate(segments, start=1):
        check_prompt(prompt, f"prompt number {number}")
        check_seconds(seconds, config, f"prompt number {number}")
        check_seed(seed)
    if request.path is not None:
        check_pace(request.path, sum(request.seconds))


HeldSegment = Callable[[WindowFiller], Tried]
"""Samples a segment whose motion meets a pose that is held beside it."""


@dataclass(frozen=True, eq=False)
class SegmentGrid:
    """A grid (L, P) whose segments are to be sampled. borders: places where they begin and the last
    one ends; what lies outside is kept. held: the segments that meet it."""

    tokens_LP: IntArray
    borders: Sequence[int]
    held: Mapping[int, HeldSegment] = field(default_factory=dict[int, HeldSegment])


def sampled_segments(
    filler: WindowFiller, request: SequenceRequest, grid: SegmentGrid
) -> tuple[IntArray, tuple[str, ...]]:
    """Tokens (L, P): the segments' own, then those at the borders again, every other border first;
    and sentences on segments that do not show what their prompts claim.

    Seams of short segments hear of each other: a border is made with its neighbours finished.
    """
    noises = [Noise(seed) for seed in request.seeds]
    tokens_LP = grid.tokens_LP.copy()
    jobs = _jobs(filler, grid)
    notes: list[str] = []
    for index, job in enumerate(jobs):
        mask_LP = np.zeros(tokens_LP.shape, dtype=np.bool_)
        mask_LP[job.masked_L] = True
        part = job.filler.part(index, len(jobs))
        if job.seam and (filler.sampler.candidates or SEAM_CANDIDATES) > 1:
            seams = [
                _Seam(window, request.prompts[row], noises[row].next())
                for window, row in zip(job.windows, job.rows, strict=True)
            ]
            tokens_LP = _best_seams(part, seams, tokens_LP, mask_LP)
            continue
        if job.seam:
            tokens_LP = part.fill(
                tokens_LP,
                mask_LP,
                job.windows,
                [request.prompts[row] for row in job.rows],
                [noises[row].next() for row in job.rows],
            )
            continue
        made = _segments(part, request, job, grid.held)
        for window, row in zip(job.windows, job.rows, strict=True):
            tokens_LP[window.start : window.stop] = made[row].tokens_LP
            notes += [f"Prompt {row + 1}: {note}" for note in made[row].notes]
    return tokens_LP, tuple(notes)


def _segments(
    filler: WindowFiller, request: SequenceRequest, job: _Batch, held: Mapping[int, HeldSegment]
) -> dict[int, Tried]:
    """Tokens of a batch's segments by number, each sampled by itself, or with the pose that it
    meets; and again where its prompt is not obeyed."""
    per_token = filler.model.tokenizer_config.frames_per_token
    asks = {
        row: Ask(
            request.prompts[row],
            window.length,
            request.seeds[row],
            window.length * per_token,
            request.pin_feet,
        )
        for window, row in zip(job.windows, job.rows, strict=True)
        if row not in held
    }
    meeting = [row for row in job.rows if row in held]
    parts = len(meeting) + bool(asks)
    made = {row: held[row](filler.part(at, parts)) for at, row in enumerate(meeting)}
    if asks:
        free = obedient_tokens(filler.part(parts - 1, parts), list(asks.values()))
        made |= dict(zip(asks, free, strict=True))
    return made


@dataclass(frozen=True, eq=False)
class _Seam:
    """A seam's window, and what the segment before it says. noise: that of the segment, gone on."""

    window: Window
    prompt: str
    noise: Noise


def _best_seams(
    filler: WindowFiller, seams: Sequence[_Seam], tokens_LP: IntArray, mask_LP: BoolArray
) -> IntArray:
    """The grid with each seam of a batch filled by the candidate that jolts least; none sees what
    another one of the batch fills."""
    result_LP = tokens_LP.copy()
    count = filler.sampler.candidates or SEAM_CANDIDATES
    for index, seam in enumerate(seams):
        seeds = candidate_seeds(seam.noise.seed, count)
        own = [replace(seam.noise, seed=seed) for seed in seeds]
        grids_BLP = filler.part(index, len(seams)).fill_candidates(
            np.repeat(tokens_LP[None], count, axis=0), mask_LP, seam.window, seam.prompt, own
        )
        jolts = [_jolt(filler.model, grid_LP, seam.window) for grid_LP in grids_BLP]
        fill = slice(seam.window.fill_start, seam.window.fill_stop)
        result_LP[fill] = grids_BLP[int(np.argmin(jolts))][fill]
    return result_LP


def _jolt(model: MotionModel, tokens_LP: IntArray, window: Window) -> float:
    """Mean jerk of the joints about a seam, m/s^3."""
    first = max(window.fill_start - _HEARD_TOKENS, window.start)
    last = min(window.fill_stop + _HEARD_TOKENS, window.stop)
    clip = decode_tokens(model, tokens_LP[first:last])
    jerk_T = np.linalg.norm(np.diff(clip_joints(clip), n=3, axis=0), axis=-1).mean(axis=-1)
    per_token = model.tokenizer_config.frames_per_token
    start, stop = (window.fill_start - first) * per_token, (window.fill_stop - first) * per_token
    return float(jerk_T[max(start - 2, 0) : stop].mean()) * clip.fps**3


@dataclass(frozen=True, eq=False)
class _Batch:
    """Windows that are filled at once, and the segments whose prompts and generators they take.

    masked_L: what this round of batches masks, so that no window sees what another batch filled.
    """

    filler: WindowFiller
    windows: list[Window]
    rows: list[int]
    masked_L: IntArray
    seam: bool


def _jobs(filler: WindowFiller, grid: SegmentGrid) -> list[_Batch]:
    """The batches in order: all segments, every other seam, the seams between those."""
    seam_steps = min(filler.sampler.steps or _SEAM_STEPS, _SEAM_STEPS)
    seam_filler = replace(filler, sampler=replace(filler.sampler, steps=seam_steps))
    half = min(LONGEST_HALF, (filler.model.places - 1) // 2 - _SEAM_SIDE)
    segments = [Window(a, b, a, b) for a, b in pairwise(grid.borders)]
    places = len(grid.tokens_LP)
    seams = [_seam(before, after, half, places) for before, after in pairwise(segments)]
    batches = _batches(filler, segments, range(len(segments)), False)
    for first in (0, 1):
        batches += _batches(seam_filler, seams, range(first, len(seams), 2), True)
    return batches


def _batches(
    filler: WindowFiller, windows: Sequence[Window], rows: range, seam: bool
) -> list[_Batch]:
    """One round of batches, over those rows of the windows."""
    fills = [np.arange(windows[row].fill_start, windows[row].fill_stop) for row in rows]
    masked_L = np.concatenate(fills) if fills else np.arange(0)
    parts = [rows[at : at + SEGMENTS_A_BATCH] for at in range(0, len(rows), SEGMENTS_A_BATCH)]
    return [
        _Batch(filler, [windows[row] for row in part], list(part), masked_L, seam) for part in parts
    ]


def _seam(before: Window, after: Window, half: int, places: int) -> Window:
    """The window over the border of two segments, with up to ``half`` tokens more on each side."""
    start, stop = before.stop - _seam_side(before), after.start + _seam_side(after)
    return Window(max(0, start - half), min(places, stop + half), start, stop)


def _seam_side(segment: Window) -> int:
    """Tokens that a segment gives to a transition."""
    return min(_SEAM_SIDE, max(1, segment.length // _SHORT))


LONGEST_HALF = 23  # tokens of a neighbour that the transition may look at (the paper's choice)
