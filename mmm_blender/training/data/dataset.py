"""The prepared file as training sees it: features in memory, split, weighted, mirrored.

B batch, T frames of a window, C feature channels.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ...common.arrays import AnyArray, FloatArray
from ...geometry.clip import MotionClip
from ...motion.features.layout import SMPL_269
from ...motion.features.smpl import encode_clip
from .labels import label_of
from .motion_file import ClipRecord, load_motions

_SPLIT_SEED = "mmm-starter-3"
_UNSEEN_STYLE_SHARE = 0.06  # of content x style pairs
_UNSEEN_TAKE_SHARE = 0.05  # of the other takes
_BALANCE = 0.6
"""Clips of a content seen n times are drawn in proportion to n ** -0.6: raised and waved hands,
two thirds of the Bandai clips, then no longer dominate, and a single kick is still rare."""
_MOST_ODDS = 4.0  # times the mean: a clip that is alone of its kind is not learnt by heart

_LEAST_DEVIATION = 1e-4  # for a block that never moves

TRAIN, UNSEEN_TAKES, UNSEEN_STYLES = "train", "unseen takes", "unseen styles"


@dataclass(frozen=True, eq=False)
class Example:
    """A clip ready to learn from. features_TC: not normalised."""

    record: ClipRecord
    mirrored: bool
    features_TC: AnyArray  # float32: half a million frames stay in memory


def _chance(text: str) -> float:
    """A number in 0..1 that depends on the text alone, on every machine."""
    digest = hashlib.sha256(f"{_SPLIT_SEED}/{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def kind_of(record: ClipRecord) -> str:
    """What a clip shows, as far as balancing goes: Bandai's content or CMU's label."""
    return label_of(record)[0]


def split_of(record: ClipRecord) -> str:
    """Which set a clip belongs to; all pieces and the mirror of a take share it."""
    pair = f"{record.content}/{record.style}"
    if record.source != "cmu" and record.style != "normal" and _chance(pair) < _UNSEEN_STYLE_SHARE:
        return UNSEEN_STYLES
    return UNSEEN_TAKES if _chance(record.take) < _UNSEEN_TAKE_SHARE else TRAIN


def load_examples(path: Path, mirror: bool = True) -> dict[str, list[Example]]:
    """All clips by split. Held-out sets are not mirrored."""
    records, clips = load_motions(path)
    examples: dict[str, list[Example]] = {TRAIN: [], UNSEEN_TAKES: [], UNSEEN_STYLES: []}
    for record, clip in tqdm(
        zip(records, clips, strict=True), total=len(clips), desc="features", mininterval=5
    ):
        split = split_of(record)
        examples[split].append(_example(record, clip, mirrored=False))
        if mirror and split == TRAIN:
            examples[split].append(_example(record, clip, mirrored=True))
    return examples


def _example(record: ClipRecord, clip: MotionClip, mirrored: bool) -> Example:
    features = encode_clip(clip.mirrored() if mirrored else clip)
    return Example(record, mirrored, features.astype(np.float32))


def statistics(examples: Sequence[Example]) -> tuple[FloatArray, FloatArray]:
    """Mean and deviation (C,) to normalise with; see ``even_blocks``."""
    stacked = np.concatenate([example.features_TC for example in examples])
    mean, std = stacked.mean(axis=0, dtype=np.float64), stacked.std(axis=0, dtype=np.float64)
    return mean, even_blocks(std)


def even_blocks(std_C: FloatArray) -> FloatArray:
    """The deviation averaged within each block of the layout, so that a channel that hardly moves
    (a spine's twist) is not blown up to the size of one that does."""
    even_C = std_C.copy()
    blocks = ("root_yaw_velocity", "root_xz_velocity", "root_height", "positions")
    for block in (*blocks, "rotations", "velocities", "contacts"):
        at = SMPL_269.block(block)
        even_C[at] = max(even_C[at].mean(), _LEAST_DEVIATION)
    return even_C


def draw_odds(kinds: Sequence[str]) -> FloatArray:
    """Odds (N,) of drawing clips of these kinds, summing to 1."""
    counts = Counter(kinds)
    weights = np.array([counts[kind] ** -_BALANCE for kind in kinds])
    weights = np.minimum(weights, _MOST_ODDS * weights.mean())
    return weights / weights.sum()


def balance_weights(examples: Sequence[Example]) -> FloatArray:
    """Odds (N,) of drawing each example, summing to 1."""
    return draw_odds([kind_of(example.record) for example in examples])


class WindowSampler:
    """Draws batches of equally long windows; shorter clips are padded and marked.

    Each ``draw`` depends on (seed, step) alone, so a resumed run sees the same batches.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        batch: int,
        frames: int,
        mean: FloatArray,
        std: FloatArray,
    ) -> None:
        self._examples, self._batch, self._frames = examples, batch, frames
        self._mean, self._std = mean, std
        self._weights = balance_weights(examples)

    def draw(self, seed: int, step: int) -> tuple[Tensor, Tensor]:
        """Normalised features (B, T, C) and which frames are real (B, T)."""
        rng = np.random.default_rng((seed, step))
        chosen = rng.choice(len(self._examples), self._batch, p=self._weights)
        features = np.zeros((self._batch, self._frames, SMPL_269.channels), dtype=np.float32)
        valid = np.zeros((self._batch, self._frames), dtype=np.bool_)
        for row, index in enumerate(chosen):
            clip = self._examples[index].features_TC
            start = int(rng.integers(0, max(len(clip) - self._frames, 0) + 1))
            piece = clip[start : start + self._frames]
            features[row, : len(piece)] = (piece - self._mean) / self._std
            valid[row, : len(piece)] = True
        return torch.from_numpy(features), torch.from_numpy(valid)
