"""How the evaluator learns: pairs of clip and caption against all others of a batch.

B batch, T frames, C channels.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...common.arrays import AnyArray, FloatArray, IntArray
from ...motion.networks.text.features import TextEncoder, TextFeatures
from ..data.captions import caption
from ..data.dataset import Example, balance_weights
from ..data.labels import label_of
from ..evaluation.evaluator import MAX_FRAMES, pad_features
from .token_batches import blur

_MIN_FRAMES = 20  # one second: shorter crops show no motion that a text could name
_WHOLE_SHARE = 0.5  # of the draws show a clip from its start to its end
_LEAST_CROP = 0.5  # of a clip; less may leave out what the label names
_CROWD = 3  # draws in a batch's length sorting: little padding, and length tells nothing
_RARE_SHARE = 0.4
"""Of the captions are worded as no generator hears them in training: a judge must know the words
that generators are tested with. Held-out clips it never sees."""
_SHARPEST = 20.0  # scale of similarities: a sharper judge packs all takes of a label into a point
_NOISE = 0.1  # of a channel's deviation: jitter is not the judge's business


@dataclass(frozen=True, eq=False)
class PairBatch:
    """features_BTC: normalised. kinds_B, captions_B: number of each pair's
    label and of its sentence."""

    features_BTC: Tensor
    frames_B: Tensor
    text: TextFeatures
    kinds_B: Tensor
    captions_B: Tensor


class PairSampler:
    """Draws crops of clips with a caption each; a draw depends on (seed, step) alone."""

    def __init__(
        self,
        examples: Sequence[Example],
        encoder: TextEncoder,
        statistics: tuple[FloatArray, FloatArray],
        batch: int,
    ) -> None:
        self._examples, self._batch = examples, batch
        self._mean, self._std = (values.astype(np.float32) for values in statistics)
        self._encoder = encoder
        labels = [label_of(example.record, example.mirrored) for example in examples]
        number = {label: at for at, label in enumerate(sorted(set(labels)))}
        self._kinds: IntArray = np.array([number[label] for label in labels])
        self._weights = balance_weights(examples)

    def draw(self, seed: int, step: int) -> PairBatch:
        """One batch, clips of similar length, with a little noise on motion and text."""
        rng = np.random.default_rng((seed, step))
        crowd = rng.choice(len(self._examples), self._batch * _CROWD, p=self._weights)
        crops = [_crop(self._examples[at].features_TC, rng) for at in crowd]
        order = np.argsort([len(crop) for crop in crops], kind="stable")
        start = int(rng.integers(0, len(order) - self._batch + 1))
        chosen = order[start : start + self._batch]
        captions = [self._caption(self._examples[int(crowd[at])], rng) for at in chosen]
        padded, frames_B = pad_features([crops[at] for at in chosen], self._mean, self._std)
        noise = torch.Generator().manual_seed(int(rng.integers(2**31)))
        level = _NOISE * torch.rand(len(chosen), 1, 1, generator=noise)
        return PairBatch(
            padded + level * torch.randn(padded.shape, generator=noise),
            frames_B,
            blur(self._encoder.encode(captions), noise),
            torch.from_numpy(self._kinds[crowd[chosen]]),
            torch.from_numpy(np.unique(captions, return_inverse=True)[1]),
        )

    def _caption(self, example: Example, rng: np.random.Generator) -> str:
        draw = random.Random(int(rng.integers(2**31)))
        rare = draw.random() < _RARE_SHARE
        return caption(example.record, draw, example.mirrored, held_out=rare)


def _crop(features_TC: AnyArray, rng: np.random.Generator) -> AnyArray:
    frames = min(len(features_TC), MAX_FRAMES)
    least = max(_MIN_FRAMES, round(_LEAST_CROP * frames))
    if rng.random() >= _WHOLE_SHARE and least < frames:
        frames = int(rng.integers(least, frames + 1))
    start = int(rng.integers(0, len(features_TC) - frames + 1))
    return features_TC[start : start + frames]


def contrast_loss(motion_BE: Tensor, text_BE: Tensor, scale: Tensor, batch: PairBatch) -> Tensor:
    """Cross-entropy both ways. Pairs that share a label, or the very sentence, are no negatives."""
    logits_BB = scale.clamp(max=_SHARPEST) * motion_BE @ text_BE.T
    same_BB = batch.kinds_B[:, None] == batch.kinds_B
    same_BB |= batch.captions_B[:, None] == batch.captions_B
    same_BB.fill_diagonal_(False)
    logits_BB = logits_BB.masked_fill(same_BB, -torch.inf)
    own_B = torch.arange(len(logits_BB))
    forth = functional.cross_entropy(logits_BB, own_B)
    return (forth + functional.cross_entropy(logits_BB.T, own_B)) / 2
