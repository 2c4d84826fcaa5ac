"""The test: windows of held-out clips, each with its label and a sentence that means it alone.

Windows of one clip may overlap, so a thousand of them say less than a thousand clips would; all
compared sets are drawn alike and have equal numbers.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...geometry.clip import MotionClip
from ..data.captions import caption
from ..data.labels import Label, label_of
from ..data.measured import measure
from ..data.motion_file import ClipRecord
from .evaluator import FRAMES_PER_STEP

MIN_FRAMES = 20  # one second, the shortest clip of any bundle
_LEAST_CROP = 0.6  # of a clip; less may leave out what the label names
_TRIES = 8  # sentences drawn for a window, to find one that means no other label


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a judged motion comes from. name: of the clip."""

    name: str
    take: str
    label: Label


@dataclass(frozen=True, eq=False)
class Window(Origin):
    """A piece of a held-out clip from frame ``start`` on, a whole number of tokens long, and its
    sentence."""

    start: int
    clip: MotionClip
    text: str


def make_windows(
    records: Sequence[ClipRecord],
    clips: Sequence[MotionClip],
    count: int,
    seed: int,
    with_text: bool = True,
) -> list[Window]:
    """``count`` windows, in turn from every clip: the whole of it first, then random pieces.

    Sentences are worded as training never words them, and tell what this piece shows; without
    ``with_text`` they are empty, which saves time.
    """
    rng, draw = np.random.default_rng(seed), random.Random(seed)
    starts: list[int] = []
    pieces: list[tuple[ClipRecord, MotionClip]] = []
    order = rng.permutation(len(clips))
    while len(pieces) < count:
        for at in order[: count - len(pieces)]:
            start, stop = _span(clips[at].frames, rng, whole=len(pieces) < len(clips))
            starts.append(start)
            pieces.append((records[at], clips[at].slice(start, stop)))
    texts = _telling(pieces, draw) if with_text else [""] * count
    return [
        Window(record.name, record.take, label_of(record), start, piece, text)
        for start, (record, piece), text in zip(starts, pieces, texts, strict=True)
    ]


def _span(frames: int, rng: np.random.Generator, whole: bool) -> tuple[int, int]:
    """Start and stop of a window in a clip of so many frames."""
    least = frames if whole else max(MIN_FRAMES, round(_LEAST_CROP * frames))
    length = int(rng.integers(least, frames + 1)) if least < frames else frames
    length -= length % FRAMES_PER_STEP
    start = int(rng.integers(0, frames - length + 1))
    return start, start + length


def _telling(pieces: Sequence[tuple[ClipRecord, MotionClip]], draw: random.Random) -> list[str]:
    """A sentence for every piece; one that could mean two labels is only a last resort."""
    records = [replace(record, measured=measure(clip)) for record, clip in pieces]
    drawn = [[caption(r, draw, held_out=True) for _ in range(_TRIES)] for r in records]
    meanings: dict[str, set[Label]] = defaultdict(set)
    for record, texts in zip(records, drawn, strict=True):
        for text in texts:
            meanings[text].add(label_of(record))
    return [next((t for t in texts if len(meanings[t]) == 1), texts[0]) for texts in drawn]
