"""Token grids and captions in memory, and the batches that teach the masked transformer.

B batch, L token places, P body parts, K codes, N examples.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..geometry.conventions import IntArray
from ..motion.config import Vocabulary
from ..motion.masks import close_grid, motion_places
from ..motion.text import TextEncoder, TextFeatures
from ..motion.tokenizer import Tokenizer
from .captions import caption
from .data import Example, balance_weights

_CAPTIONS = 24  # wordings of a label
_ENCODE_BATCH = 64
_MIN_TOKENS = 8  # shorter crops show no motion that a text could name
_WHOLE_SHARE = 0.5  # of the draws show a clip from its start to its end
_CROWD = 4  # draws in a batch's length sorting: similar lengths waste little padding


@dataclass(frozen=True, eq=False)
class TokenBatch:
    """tokens_BLP: true codes, closed with END and PAD. lengths_B: motion tokens."""

    tokens_BLP: Tensor
    lengths_B: Tensor
    text: TextFeatures


def encode_examples(tokenizer: Tokenizer, examples: Sequence[Example]) -> list[list[IntArray]]:
    """Token grids (L, P) of every example, one for each phase of the token grid over the frames
    (a clip can begin at any frame of a token)."""
    tokenizer.eval()
    size = tokenizer.config.frames_per_token
    grids: list[list[IntArray]] = []
    with torch.inference_mode():
        for example in tqdm(examples, desc="tokens", mininterval=5):
            grids.append([])
            for phase in range(size):
                frames = (len(example.features_TC) - phase) // size * size
                piece = torch.from_numpy(example.features_TC[phase : phase + frames])
                tokens = tokenizer.encode(tokenizer.normalise(piece.float()[None]))
                grids[-1].append(tokens[0].numpy())
    return grids


class CaptionBank:
    """All wordings that training uses, encoded once."""

    def __init__(self, examples: Sequence[Example], encoder: TextEncoder, seed: int) -> None:
        rng = random.Random(seed)
        drawn = {
            (record.source, record.content, record.style, record.label, mirrored): [
                caption(record, rng, mirrored) for _ in range(_CAPTIONS)
            ]
            for record, mirrored in ((e.record, e.mirrored) for e in examples)
        }
        sentences = sorted({text for texts in drawn.values() for text in texts})
        number = {text: at for at, text in enumerate(sentences)}
        self._numbers = {key: [number[text] for text in texts] for key, texts in drawn.items()}
        self._features = encode_captions(encoder, sentences)
        self.sentences = sentences

    def draw(self, example: Example, rng: np.random.Generator) -> int:
        """Number of one caption of an example."""
        record = example.record
        key = (record.source, record.content, record.style, record.label, example.mirrored)
        return int(rng.choice(self._numbers[key]))

    def features(self, numbers: Sequence[int]) -> TextFeatures:
        """Features of captions by number, cut to the longest among them."""
        at = torch.tensor(numbers)
        mask = self._features.word_mask_BW[at]
        words = int(mask.sum(dim=1).max())
        return TextFeatures(
            self._features.sentence_BC[at],
            self._features.words_BWC[at, :words].float(),
            mask[:, :words],
        )


def encode_captions(encoder: TextEncoder, sentences: Sequence[str]) -> TextFeatures:
    """Features of many sentences, padded to one length; words in float16 to save memory."""
    pieces = [
        encoder.encode(sentences[at : at + _ENCODE_BATCH])
        for at in range(0, len(sentences), _ENCODE_BATCH)
    ]
    longest = max(piece.words_BWC.shape[1] for piece in pieces)

    def padded(values: Tensor) -> Tensor:
        missing = longest - values.shape[1]
        shape = (values.shape[0], missing, *values.shape[2:])
        return torch.cat([values, values.new_zeros(shape)], dim=1)

    return TextFeatures(
        torch.cat([piece.sentence_BC for piece in pieces]),
        torch.cat([padded(piece.words_BWC.half()) for piece in pieces]),
        torch.cat([padded(piece.word_mask_BW) for piece in pieces]),
    )


class TokenSampler:
    """Draws batches of clips or crops of clips with a caption each; depends on (seed, step)."""

    def __init__(
        self,
        examples: Sequence[Example],
        grids: Sequence[list[IntArray]],
        captions: CaptionBank,
        vocabulary: Vocabulary,
        batch: int,
    ) -> None:
        self._examples, self._grids, self._captions = examples, grids, captions
        self._vocabulary, self._batch = vocabulary, batch
        self._weights = balance_weights(examples)

    def draw(self, seed: int, step: int) -> TokenBatch:
        """One batch, clips of similar length."""
        rng = np.random.default_rng((seed, step))
        crowd = rng.choice(len(self._examples), self._batch * _CROWD, p=self._weights)
        crops = sorted(((int(i), self._crop(int(i), rng)) for i in crowd), key=lambda c: len(c[1]))
        start = int(rng.integers(0, len(crops) - self._batch + 1))
        chosen = crops[start : start + self._batch]
        return self.batch(
            [crop for _, crop in chosen],
            [self._captions.draw(self._examples[index], rng) for index, _ in chosen],
        )

    def batch(self, grids: Sequence[IntArray], captions: Sequence[int]) -> TokenBatch:
        """Grids of any lengths as one closed batch."""
        lengths = torch.tensor([len(grid) for grid in grids])
        shape = (len(grids), int(lengths.max()) + 1, grids[0].shape[1])
        tokens = torch.zeros(shape, dtype=torch.long)
        for row, grid in enumerate(grids):
            tokens[row, : len(grid)] = torch.from_numpy(grid)
        closed = close_grid(tokens, lengths, self._vocabulary)
        return TokenBatch(closed, lengths, self._captions.features(captions))

    def _crop(self, index: int, rng: np.random.Generator) -> IntArray:
        grid = self._grids[index][int(rng.integers(len(self._grids[index])))]
        if rng.random() < _WHOLE_SHARE or len(grid) <= _MIN_TOKENS:
            return grid
        length = int(rng.integers(_MIN_TOKENS, len(grid) + 1))
        start = int(rng.integers(0, len(grid) - length + 1))
        return grid[start : start + length]


_CORRUPTED_SHARE = 0.5  # of the kept tokens are replaced by random codes, as in the paper
_TEXT_NOISE = 0.4
"""Deviation of the noise on text features, whose numbers deviate by about 1: words that were never
seen with a motion lie about that far from those that were."""

_SPAN_SHARE, _COLUMN_SHARE = 0.2, 0.2  # of the clips are masked in one span, in one part


def hide(batch: TokenBatch, vocabulary: Vocabulary, rng: torch.Generator) -> Tensor:
    """The grid as the network sees it: masked as the tasks mask it, the rest partly corrupted.

    Most clips lose 50 to 100 % of their cells, more often many than few: a network that sees much
    of a clip soon knows it by heart and stops reading the text. Some lose a time span of all
    parts (in-betweening), some one part over a span (body-part edits). (B, L, P).
    """
    tokens = batch.tokens_BLP
    rows, places, parts = tokens.shape
    motion_BL1 = motion_places(batch.lengths_B, places)[..., None]

    def chance(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=rng)

    ratio_B11 = 1.0 - 0.5 * chance(rows, 1, 1).square()
    masked = chance(rows, places, parts) < ratio_B11
    task_B11 = chance(rows, 1, 1)
    ends = (chance(rows, 2) * (batch.lengths_B[:, None] + 1)).long().sort(dim=1).values
    index_L = torch.arange(places)
    span_BL1 = ((index_L >= ends[:, :1]) & (index_L <= ends[:, 1:]))[..., None]
    column_B1P = torch.arange(parts) == (chance(rows, 1, 1) * parts).long()
    masked = torch.where(task_B11 < _SPAN_SHARE, span_BL1, masked)
    in_column = (task_B11 >= _SPAN_SHARE) & (task_B11 < _SPAN_SHARE + _COLUMN_SHARE)
    masked = torch.where(in_column, span_BL1 & column_B1P, masked)
    corrupted = chance(rows, places, parts) < _CORRUPTED_SHARE * chance(rows, 1, 1) * 2
    noise = torch.randint(vocabulary.codes, tokens.shape, generator=rng)
    seen = torch.where(corrupted & motion_BL1, noise, tokens)
    return torch.where(masked & motion_BL1, vocabulary.mask, seen)


def blur(text: TextFeatures, rng: torch.Generator) -> TextFeatures:
    """The text with noise on it, so that wordings are not learnt by heart."""

    def noisy(values: Tensor) -> Tensor:
        return values + _TEXT_NOISE * torch.randn(values.shape, generator=rng)

    return TextFeatures(noisy(text.sentence_BC), noisy(text.words_BWC), text.word_mask_BW)
