"""The test: windows of held-out clips, each with its label and a sentence that means it alone.

Windows of one clip may overlap, so a thousand of them say less than a thousand clips would; all
compared sets are drawn alike and have equal numbers.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

import numpy as np

from ...geometry.clip import MotionClip
from ..data.captions import caption
from ..data.labels import Label, label_of
from ..data.measured import measure
from ..data.motion_file import ClipRecord
from .evaluator import FRAMES_PER_STEP

MIN_FRAMES = 20  # one second, the shortest clip of any bundle
_LEAST_CROP = 0.6  # of a clip; less may leave out what the label names
_ROUNDS = 20  # pieces of each clip among which fitting ones are looked for
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
    drawn = islice(_pieces(records, clips, seed), count)
    return _windows(list(drawn), random.Random(seed) if with_text else None)


def fitting_windows(
    records: Sequence[ClipRecord],
    clips: Sequence[MotionClip],
    count: int,
    seed: int,
    fits: Callable[[MotionClip], bool],
) -> list[Window]:
    """The first ``count`` windows that fit, drawn and worded as those of ``make_windows`` are;
    fewer where few do."""
    tried = islice(_pieces(records, clips, seed), _ROUNDS * len(clips))
    drawn = islice((piece for piece in tried if fits(piece[2])), count)
    return _windows(list(drawn), random.Random(seed))


_Piece = tuple[ClipRecord, int, MotionClip]
"""Of a clip: its record, the frame where the piece starts, and the piece."""


def _pieces(
    records: Sequence[ClipRecord], clips: Sequence[MotionClip], seed: int
) -> Iterator[_Piece]:
    """Without end: every clip whole, in random order, then random pieces in the same order."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(clips))
    for drawn, at in enumerate(cycle(order)):
        start, stop = _span(clips[at].frames, rng, whole=drawn < len(clips))
        yield records[at], start, clips[at].slice(start, stop)


def _windows(pieces: Sequence[_Piece], draw: random.Random | None) -> list[Window]:
    """Pieces with their sentences, which are empty where nothing is drawn."""
    shown = [(record, piece) for record, _, piece in pieces]
    texts = _telling(shown, draw) if draw else [""] * len(pieces)
    return [
        Window(record.name, record.take, label_of(record), start, piece, text)
        for (record, start, piece), text in zip(pieces, texts, strict=True)
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
