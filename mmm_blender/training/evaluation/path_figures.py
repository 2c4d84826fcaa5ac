"""Does a model go where it is sent? Real paths of held-out walks and runs, before any leading.

The model hears the clip's caption, its length and its path: everywhere, at way-points every two
seconds, or at the end alone (there without headings). It is steered as the panel steers it (see
``path_steering``), along a curve through way-points; what it makes in one go stands beside that.
Positions are compared at the places that it was given, in the frame of the clip's start. Weights
without a path condition are not steered: they show what is met by chance.

B tries, L token places, S borders of the places (L + 1), F numbers of the condition, T frames, C
channels, P streams.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from ...common.arrays import BoolArray, FloatArray, IntArray
from ...geometry.clip import MotionClip
from ...geometry.ground_path import GroundPath
from ...geometry.placement import headings
from ...geometry.rotations import wrap_angle
from ...motion.features.path_condition import path_features, root_poses
from ...motion.features.smpl import decode_features, encode_clip
from ...motion.pipeline.path_course import course_along
from ...motion.pipeline.path_steering import Course, steered_tokens
from ...motion.pipeline.pipeline import GenerateRequest, MotionPipeline
from ...motion.pipeline.windows import WindowFiller
from ...motion.sampling import masks
from ...motion.sampling.noise import Noise
from ..data.captions import caption
from ..data.clip_kinds import is_locomotion
from ..data.motion_file import ClipRecord
from .goals import NOT_MEASURED, ratio
from .motion_figures import SLIDE, clip_figures

WALKS = "walks"
POSITION, HEADING = "position, cm", "heading, degrees"
ONCE, BEST = "position, one go, cm", "position, best of 8, cm"
SLIDE_MADE, SLIDE_REAL, SLIDE_RATIO = (
    "foot slide, cm/s",
    "foot slide real, cm/s",
    "foot slide / real",
)
TRIES = 8
SMPL_LAYOUT = "smpl_269"
_WAYPOINT_SECONDS = 2.0
_LEAST_SECONDS = 2.0


@dataclass(frozen=True, eq=False)
class Known:
    """Which borders' positions and headings the model hears. (S,) each."""

    position_S: BoolArray
    heading_S: BoolArray


def known_everywhere(borders: int, _token_seconds: float) -> Known:
    """The whole path with headings."""
    known_S = np.ones(borders, dtype=np.bool_)
    return Known(known_S, known_S)


def known_at(places: IntArray, borders: int) -> Known:
    """Positions at some borders; the heading at the start alone."""
    index_S = np.arange(borders)
    return Known(np.isin(index_S, places), index_S == 0)


def known_every_two_seconds(borders: int, token_seconds: float) -> Known:
    """Way-points, and the end."""
    step = round(_WAYPOINT_SECONDS / token_seconds)
    return known_at(np.append(np.arange(0, borders, step), borders - 1), borders)


def known_end(borders: int, _token_seconds: float) -> Known:
    """The last place alone."""
    return known_at(np.array([0, borders - 1]), borders)


KINDS: Mapping[str, Callable[[int, float], Known]] = {
    "dense": known_everywhere,
    "way-points every 2 s": known_every_two_seconds,
    "end point only": known_end,
}
"""How much of the path is given."""


@dataclass(frozen=True, eq=False)
class Walk:
    """A held-out walk or run. features_TC: not normalised, a whole number of tokens."""

    text: str
    features_TC: FloatArray


def walks_to_follow(
    records: Sequence[ClipRecord],
    clips: Sequence[MotionClip],
    generator: MotionPipeline,
    count: int,
) -> list[Walk]:
    """Clips of locomotion that the model can make in one go, with a caption each."""
    config = generator.config
    token = config.tokenizer.frames_per_token
    most = config.transformer.max_tokens * token
    rng = random.Random(0)
    walks: list[Walk] = []
    for record, clip in zip(records, clips, strict=True):
        frames = min(clip.frames - clip.frames % token, most)
        if is_locomotion(record) and frames >= _LEAST_SECONDS * clip.fps:
            walks.append(Walk(caption(record, rng), encode_clip(clip)[:frames]))
    return [walks[at] for at in np.random.default_rng(0).permutation(len(walks))[:count]]


def path_figures(generator: MotionPipeline, walks: Sequence[Walk]) -> dict[str, dict[str, float]]:
    """Errors by how much is given; empty for weights of another layout, or without walks."""
    if generator.config.tokenizer.layout != SMPL_LAYOUT or not walks:
        return {}
    figures: dict[str, dict[str, float]] = {}
    with tqdm(total=len(KINDS) * len(walks), desc="paths", mininterval=5) as bar:
        for name, known in KINDS.items():
            rows: list[dict[str, float]] = []
            for number, walk in enumerate(walks):
                rows.append(_judged(generator, walk, known, number * TRIES))
                bar.update()
            figures[name] = _summary(rows)
    return figures


@dataclass(frozen=True)
class _Errors:
    position: float
    heading: float


def _judged(
    generator: MotionPipeline, walk: Walk, kind: Callable[[int, float], Known], seed: int
) -> dict[str, float]:
    token = generator.config.tokenizer.frames_per_token
    seconds = token / generator.config.tokenizer.feature_layout.fps
    true_S3 = root_poses(walk.features_TC, token)
    known = kind(len(true_S3), seconds)
    path_LF = path_features(true_S3, known.position_S, known.heading_S, seconds)
    made = [_features(generator, tokens_LP) for tokens_LP in _tries(generator, walk, path_LF, seed)]
    errors = [_errors(root_poses(each, token), true_S3, known.position_S) for each in made]
    best = int(np.argmin([each.position for each in errors]))
    taken, shown_TC = errors[0], made[best]
    if generator.config.transformer.path_condition:
        course = _course(generator, true_S3, known)
        shown_TC = _features(generator, _steered(generator, walk, course, seed))
        taken = _errors(root_poses(shown_TC, token), true_S3, known.position_S)
    shown = clip_figures(decode_features(shown_TC))
    real = clip_figures(decode_features(walk.features_TC))
    return {
        POSITION: taken.position,
        HEADING: taken.heading,
        ONCE: errors[0].position,
        BEST: errors[best].position,
        SLIDE_MADE: shown.get(SLIDE, np.nan),
        SLIDE_REAL: real.get(SLIDE, np.nan),
    }


def _course(generator: MotionPipeline, true_S3: FloatArray, known: Known) -> Course:
    """What the panel makes of places at their times: a curve through them."""
    if known.position_S.all():
        return Course(true_S3)
    config = generator.config.tokenizer
    known_K = np.flatnonzero(known.position_S)
    headings_N = np.where(known.heading_S[known_K], true_S3[known_K, 2], np.nan)
    path = GroundPath.of(true_S3[known_K, :2], headings_N, known_K * config.token_seconds)
    return course_along(path, (len(true_S3) - 1) * config.token_seconds, config)


def _steered(generator: MotionPipeline, walk: Walk, course: Course, seed: int) -> IntArray:
    """Tokens (L, P) of the walk's text, steered along its course."""
    sampler = generator.config.sampler
    filler = WindowFiller(generator.model, generator.text_encoder, sampler)
    return steered_tokens(filler, course, walk.text, seed)


def _errors(made_S3: FloatArray, true_S3: FloatArray, told_S: BoolArray) -> _Errors:
    """Means over the given borders after the start, centimetres and degrees."""
    judged_S = told_S & (np.arange(len(told_S)) > 0)
    off_S3 = (made_S3 - true_S3)[judged_S]
    metres = np.linalg.norm(off_S3[:, :2], axis=-1)
    turns = np.degrees(np.abs(wrap_angle(off_S3[:, 2])))
    return _Errors(100 * float(metres.mean()), float(turns.mean()))


def _tries(generator: MotionPipeline, walk: Walk, path_LF: FloatArray, seed: int) -> IntArray:
    """Tokens (B, L, P) of all tries, sampled at once."""
    model = generator.model
    length = len(path_LF)
    lengths_B = np.full(TRIES, length)
    grid_BLP = masks.masked_grid(lengths_B, model.places, len(model.columns), model.vocabulary)
    mask_BLP = np.zeros(grid_BLP.shape, dtype=np.bool_)
    mask_BLP[:, :length] = True
    path_BLF = np.zeros((TRIES, model.places, path_LF.shape[1]), dtype=np.float32)
    path_BLF[:, :length] = path_LF
    filled_BLP = model.fill(
        grid_BLP,
        mask_BLP,
        lengths_B,
        generator.text_encoder.encode([walk.text] * TRIES),
        sampler=generator.config.sampler,
        noises=[Noise(seed + at) for at in range(TRIES)],
        path_BLF=path_BLF if generator.config.transformer.path_condition else None,
    )
    return filled_BLP[:, :length]


def _features(generator: MotionPipeline, tokens_LP: IntArray) -> FloatArray:
    """Features (T, C), not normalised."""
    model = generator.model
    return model.denormalise(model.decode(tokens_LP))


def _summary(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Means; of what a walk has no figure for, over the others."""
    figures: dict[str, float] = {WALKS: float(len(rows))}
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        known = values[np.isfinite(values)]
        figures[name] = float(known.mean()) if len(known) else NOT_MEASURED
    return figures | {SLIDE_RATIO: ratio(figures[SLIDE_MADE], figures[SLIDE_REAL])}


MADE_OFF, MADE_TURN = "position off, cm", "heading off, degrees"
_PRODUCT_SEED = 40_000


def led_figures(generator: MotionPipeline, walks: Sequence[Walk]) -> dict[str, float]:
    """Of the finished clips on the same paths, as the panel makes them (dense, with headings and
    times): how far off they are, and how their feet slide beside the captured ones'."""
    rows: list[dict[str, float]] = []
    for number, walk in enumerate(tqdm(walks, desc="led along paths", mininterval=5)):
        rows.append(_led(generator, walk, _PRODUCT_SEED + number))
    return _summary(rows) if rows else {}


def _led(generator: MotionPipeline, walk: Walk, seed: int) -> dict[str, float]:
    token = generator.config.tokenizer.frames_per_token
    fps = generator.config.tokenizer.feature_layout.fps
    true_S3 = root_poses(walk.features_TC, token)[:-1]  # the last border lies after the last frame
    seconds_S = np.arange(len(true_S3)) * token / fps
    path = GroundPath.of(true_S3[:, :2], true_S3[:, 2], seconds_S)
    request = GenerateRequest(walk.text, len(walk.features_TC) / fps, seed, path=path)
    made = generator.generate(request).clip
    at_S = np.minimum(np.arange(len(true_S3)) * token, made.frames - 1)
    off_S = np.linalg.norm(made.root_T3[at_S][:, [0, 2]] - true_S3[:, :2], axis=-1)
    turn_S = np.abs(wrap_angle(headings(made)[at_S] - true_S3[:, 2]))
    return {
        MADE_OFF: 100 * float(off_S.mean()),
        MADE_TURN: float(np.degrees(turn_S.mean())),
        SLIDE_MADE: clip_figures(made).get(SLIDE, np.nan),
        SLIDE_REAL: clip_figures(decode_features(walk.features_TC)).get(SLIDE, np.nan),
    }
