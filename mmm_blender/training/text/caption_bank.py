"""The captions of a training run, each encoded once and kept in memory.

B captions, W word places, C text channels.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...motion.networks.text.features import TextEncoder, TextFeatures
from ..data.captions import caption
from ..data.dataset import Example
from ..data.labels import label_of

_ENCODE_BATCH = 64
_LABEL_CAPTIONS = 192  # wordings that all clips of a label have between them ...
_LEAST_CAPTIONS, _MOST_CAPTIONS = 6, 48  # ... and those of one clip


class CaptionBank:
    """All wordings that training uses. words: all captions' words end to end, in float16."""

    def __init__(
        self, examples: Sequence[Example], encoder: TextEncoder, seed: int, held_out: bool = False
    ) -> None:
        rng = random.Random(seed)
        labels = [label_of(example.record, example.mirrored) for example in examples]
        clips = Counter(labels)
        drawn = [
            [caption(e.record, rng, e.mirrored, held_out) for _ in range(_count(clips[label]))]
            for e, label in zip(examples, labels, strict=True)
        ]
        self.sentences = sorted({text for texts in drawn for text in texts})
        number = {text: at for at, text in enumerate(self.sentences)}
        self._numbers = [[number[text] for text in texts] for texts in drawn]
        self._encode(encoder)

    def draw(self, index: int, rng: np.random.Generator) -> int:
        """Number of one caption of an example."""
        return int(rng.choice(self._numbers[index]))

    def features(self, numbers: Sequence[int]) -> TextFeatures:
        """Features of captions by number, padded to the longest among them."""
        counts = self._counts[list(numbers)]
        mask_BW = torch.arange(int(counts.max())) < counts[:, None]
        words_BWC = torch.zeros(*mask_BW.shape, self._words.shape[1])
        for row, number in enumerate(numbers):
            start = int(self._starts[number])
            words_BWC[row, : counts[row]] = self._words[start : start + int(counts[row])].float()
        return TextFeatures(self._sentence[list(numbers)], words_BWC, mask_BW)

    def _encode(self, encoder: TextEncoder) -> None:
        """Ask the encoder about every sentence, short ones together."""
        order = sorted(range(len(self.sentences)), key=lambda at: len(self.sentences[at]))
        words: list[Tensor] = [torch.empty(0)] * len(order)
        self._sentence = torch.empty(len(order), encoder.width)
        for first in range(0, len(order), _ENCODE_BATCH):
            rows = order[first : first + _ENCODE_BATCH]
            features = encoder.encode([self.sentences[row] for row in rows])
            self._sentence[rows] = features.sentence_BC.cpu()
            for row, words_WC, mask_W in zip(
                rows, features.words_BWC, features.word_mask_BW, strict=True
            ):
                words[row] = words_WC[mask_W].half().cpu()
        self._words = torch.cat(words)
        self._counts = torch.tensor([len(rows) for rows in words])
        self._starts = self._counts.cumsum(0) - self._counts


def _count(clips: int) -> int:
    """Wordings of each of so many clips of a label."""
    return min(max(_LABEL_CAPTIONS // clips, _LEAST_CAPTIONS), _MOST_CAPTIONS)
