"""Every clip in several variants, as features with captions: the work of the CPUs before training.

Variant 0 of a clip is the clip itself, the others are changed in speed and path (``augmentation``);
captions are drawn from what is measured in the variant, so that they change with it. Clips are
spread over processes, each of which gives back plain arrays.

N frames of all variants end to end, V variants, C feature channels, M texts, W words.
"""

from __future__ import annotations

import multiprocessing
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import numpy as np

from ...common.arrays import AnyArray, IntArray
from ...geometry.clip import MotionClip
from ...motion.features.path_condition import root_poses
from ...motion.features.smpl import encode_clip
from .augmentation import U_TURN_LEAST_FRAMES, Variant, draw_variant
from .captions import Phrase, caption, phrase_of
from .clip_kinds import (
    is_idle_standing,
    is_locomotion,
    is_standing_gesture,
    is_straight,
    some_steps,
)
from .measured import measure
from .motion_file import ClipRecord

CAPTIONS = 4  # of each variant, and as many of its mirror image
PHRASES = 2
MOST_FRAMES = 196
"""Of a variant, as many as the longest clip has: what a caption counts is seen whole."""

_LEAST_FRAMES = 20  # a faster variant of a short clip is no shorter
_CHUNK = 24  # clips that a process takes at a time
_UPRIGHT_HEIGHT = 0.75  # metres: a pelvis lower than this somewhere in the clip is not upright
_STEPS_SHARE = 0.3  # of the changed variants of walks and runs are cut to a few steps ...
_MOST_STEPS = 6  # ... at most so many
_WALKERS = ("a person", "someone", "a man", "a woman")
_COUNTS = re.compile(
    r"\b(steps?|met(?:er|re)s?|seconds?|times|once|twice|quarter|half|ninety|circle)\b"
)
_THERE_AND_BACK = (
    Phrase("{verb}s, turns around and {verb}s back", "{ing}, turning around and {ing} back"),
    Phrase("{verb}s, turns around and comes back", "{ing}, turning around and coming back"),
    Phrase("{verb}s ahead, then turns around and {verb}s back",
           "{ing} ahead, then turning around and {ing} back"),
    Phrase("{verb}s forward, makes a half turn and goes back",
           "{ing} forward, making a half turn and going back"),
)  # fmt: skip
"""What a walk with a turn back is described with."""


@dataclass(frozen=True, eq=False)
class ClipVariants:
    """Variants of some clips, end to end.

    clip_V: number of the clip. variant_V: 0 for the clip as it is. frames_V. features_NC: float16,
    not normalised. poses_S3: the root's pose at every frame and after the last (frames + 1 rows a
    variant), float32: x, z in metres, yaw in radians. texts: CAPTIONS sentences of each variant,
    then CAPTIONS of its mirror image. phrases: PHRASES verb phrases (verb, ing) likewise.
    travels_V, gesture_V, idle_V, upright_V: what the variant may be put together with.
    """

    clip_V: IntArray
    variant_V: IntArray
    frames_V: IntArray
    features_NC: AnyArray
    poses_S3: AnyArray
    texts: list[str]
    phrases: list[tuple[str, str]]
    travels_V: AnyArray
    gesture_V: AnyArray
    idle_V: AnyArray
    upright_V: AnyArray

    @classmethod
    def joined(cls, pieces: Sequence[ClipVariants]) -> ClipVariants:
        """Several as one, in order."""
        arrays = {
            name: np.concatenate([getattr(piece, name) for piece in pieces])
            for name in cls.__dataclass_fields__
            if name not in ("texts", "phrases")
        }
        return cls(
            **arrays,
            texts=list(chain.from_iterable(piece.texts for piece in pieces)),
            phrases=list(chain.from_iterable(piece.phrases for piece in pieces)),
        )


def counts_something(text: str) -> bool:
    """Whether a caption tells how many, how far or how long: its clip may not be cropped."""
    return _COUNTS.search(text) is not None


@dataclass(frozen=True)
class VariantPlan:
    """variants: of each clip, the clip itself among them. held_out: worded as training never is."""

    variants: int
    seed: int = 0
    held_out: bool = False


def make_variants(
    records: Sequence[ClipRecord],
    clips: Sequence[MotionClip],
    plan: VariantPlan,
    processes: int = 1,
) -> ClipVariants:
    """Variants of all clips, in order of the clips, whatever the number of processes."""
    jobs = [
        (at, records[at : at + _CHUNK], clips[at : at + _CHUNK])
        for at in range(0, len(records), _CHUNK)
    ]
    work = partial(_chunk, plan=plan)
    if processes == 1:
        return ClipVariants.joined(list(map(work, jobs)))
    # spawned, because a process with a GPU may not be forked
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return ClipVariants.joined(list(pool.imap(work, jobs)))


_Job = tuple[int, Sequence[ClipRecord], Sequence[MotionClip]]


def _chunk(job: _Job, plan: VariantPlan) -> ClipVariants:
    first, records, clips = job
    return ClipVariants.joined(
        [
            _variant(first + at, record, clip, number, plan)
            for at, (record, clip) in enumerate(zip(records, clips, strict=True))
            for number in range(plan.variants)
        ]
    )


def _variant(
    clip_number: int, record: ClipRecord, clip: MotionClip, number: int, plan: VariantPlan
) -> ClipVariants:
    """One variant of one clip; depends on the plan's seed and the two numbers alone."""
    rng = np.random.default_rng((plan.seed, clip_number, number))
    change = _change(record, number, rng)
    made = change.of(clip).slice(0, MOST_FRAMES)
    record = replace(record, measured=measure(made), frames=made.frames)
    draw = random.Random(int(rng.integers(2**31)))
    if number > 0 and not change.u_turn and draw.random() < _STEPS_SHARE:
        record, made = _some_steps(record, made, draw)
    features_TC = encode_clip(made)
    sides = (False, True)
    texts = [_text(record, draw, side, change, plan) for side in sides for _ in range(CAPTIONS)]
    phrases = [_phrase(record, draw, side, change, plan) for side in sides for _ in range(PHRASES)]
    return ClipVariants(
        clip_V=np.array([clip_number]),
        variant_V=np.array([number]),
        frames_V=np.array([made.frames]),
        features_NC=features_TC.astype(np.float16),
        poses_S3=root_poses(features_TC, 1).astype(np.float32),
        texts=texts,
        phrases=phrases,
        travels_V=np.array([is_locomotion(record) and not change.u_turn]),
        gesture_V=np.array([is_standing_gesture(record)]),
        idle_V=np.array([is_idle_standing(record)]),
        upright_V=np.array([bool(made.root_T3[:, 1].min() > _UPRIGHT_HEIGHT)]),
    )


def _some_steps(
    record: ClipRecord, clip: MotionClip, draw: random.Random
) -> tuple[ClipRecord, MotionClip]:
    """A few steps of a walk or run, where there are so many; else all of it."""
    if not is_locomotion(record):
        return record, clip
    piece = some_steps(record, clip, draw.randint(1, _MOST_STEPS), draw)
    long_enough = piece is not None and piece[1].frames >= _LEAST_FRAMES
    return piece if piece is not None and long_enough else (record, clip)


def _change(record: ClipRecord, number: int, rng: np.random.Generator) -> Variant:
    if number == 0:
        return Variant()
    travels = is_locomotion(record)
    turns_back = travels and record.frames >= U_TURN_LEAST_FRAMES and is_straight(record)
    change = draw_variant(rng, travels, turns_back)
    return replace(change, pace=min(change.pace, max(1.0, record.frames / _LEAST_FRAMES)))


def _text(
    record: ClipRecord, rng: random.Random, mirrored: bool, change: Variant, plan: VariantPlan
) -> str:
    if not change.u_turn:
        return caption(record, rng, mirrored, plan.held_out)
    return f"{rng.choice(_WALKERS)} {_there_and_back(record, rng).verb}"


def _phrase(
    record: ClipRecord, rng: random.Random, mirrored: bool, change: Variant, plan: VariantPlan
) -> tuple[str, str]:
    turns_back = bool(change.u_turn)
    phrase = (
        _there_and_back(record, rng)
        if turns_back
        else phrase_of(record, rng, mirrored, plan.held_out)
    )
    return phrase.verb, phrase.ing


def _there_and_back(record: ClipRecord, rng: random.Random) -> Phrase:
    """ "walks, turns around and walks back"."""
    words = ("run", "running") if record.content in ("run", "dash") else ("walk", "walking")
    drawn = rng.choice(_THERE_AND_BACK)
    verb, ing = (form.format(verb=words[0], ing=words[1]) for form in (drawn.verb, drawn.ing))
    return Phrase(verb, ing)
