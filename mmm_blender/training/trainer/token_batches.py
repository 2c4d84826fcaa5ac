"""Token grids in memory, and the batches that teach the masked transformer.

B batch, L token places, P columns of the grid (the codebooks of the body parts), K codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ...common.arrays import IntArray
from ...motion.features.layout import SMPL_269
from ...motion.networks.masks import close_grid, motion_places
from ...motion.networks.text.features import TextFeatures
from ...motion.networks.tokenizer import Tokenizer
from ...motion.vocabulary import Vocabulary
from ..data.dataset import Example, balance_weights
from ..text.caption_bank import CaptionBank

_MIN_TOKENS = 8  # shorter crops show no motion that a text could name
_LEAST_CROP = 0.5  # of a clip: less may leave out what its caption names
_WHOLE_SHARE = 0.5  # of the draws show a clip from its start to its end
_TURN_TOLD = np.radians(45.0)  # a caption may name a turn from here on ...
_TURN_KEPT = 0.75  # ... of which a crop must keep this share
_CROWD = 4  # draws in a batch's length sorting: similar lengths waste little padding


@dataclass(frozen=True, eq=False)
class TokenBatch:
    """tokens_BLP: true codes, closed with END and PAD. lengths_B: motion tokens."""

    tokens_BLP: Tensor
    lengths_B: Tensor
    text: TextFeatures

    def rows(self, rows: slice) -> TokenBatch:
        """Some of the clips, as wide as all of them."""
        return TokenBatch(self.tokens_BLP[rows], self.lengths_B[rows], text_rows(self.text, rows))

    def to(self, device: torch.device) -> TokenBatch:
        """The same on another device."""
        return TokenBatch(
            self.tokens_BLP.to(device), self.lengths_B.to(device), self.text.to(device)
        )


def text_rows(text: TextFeatures, rows: slice) -> TextFeatures:
    """The features of some prompts."""
    return TextFeatures(text.sentence_BC[rows], text.words_BWC[rows], text.word_mask_BW[rows])


def encode_examples(tokenizer: Tokenizer, examples: Sequence[Example]) -> list[list[IntArray]]:
    """Token grids (L, P) of every example, one for each phase of the token grid over the frames
    (a clip can begin at any frame of a token)."""
    tokenizer.eval()
    size, device = tokenizer.config.frames_per_token, tokenizer.mean_C.device
    grids: list[list[IntArray]] = []
    with torch.inference_mode():
        for example in tqdm(examples, desc="tokens", mininterval=5):
            grids.append([])
            for phase in range(size):
                frames = (len(example.features_TC) - phase) // size * size
                piece = torch.from_numpy(example.features_TC[phase : phase + frames]).to(device)
                tokens = tokenizer.encode(tokenizer.normalise(piece.float()[None]))
                grids[-1].append(tokens[0].cpu().numpy())
    return grids


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
            [self._captions.draw(index, rng) for index, _ in chosen],
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
        """A clip's tokens from any phase on, or a stretch of them that still shows its turn."""
        phases = self._grids[index]
        phase = int(rng.integers(len(phases)))
        grid = phases[phase]
        least = max(_MIN_TOKENS, round(_LEAST_CROP * len(grid)))
        if rng.random() < _WHOLE_SHARE or len(grid) <= least:
            return grid
        length = int(rng.integers(least, len(grid) + 1))
        start = int(rng.integers(0, len(grid) - length + 1))
        first, size = phase + start * len(phases), length * len(phases)
        keeps = _keeps_turn(self._examples[index], first, first + size)
        return grid[start : start + length] if keeps else grid


def _keeps_turn(example: Example, start: int, stop: int) -> bool:
    """Whether frames start..stop-1 turn about as far as the whole clip, where that turns much."""
    turns = example.features_TC[:, SMPL_269.root_yaw_velocity]
    whole = float(turns.sum())
    return abs(whole) < _TURN_TOLD or float(turns[start:stop].sum()) / whole >= _TURN_KEPT


_CORRUPTED_SHARE = 0.5  # of the kept tokens are replaced by random codes, as in the paper ...
_EDIT_CORRUPTED_SHARE = 0.1
"""... and fewer where the mask is an edit's: what an animator keeps is captured or posed motion,
and a network that was taught to doubt half of it joins badly onto it."""

TEXT_NOISE = 0.4
"""Deviation of the noise on text features, whose numbers deviate by about 1: words that were never
seen with a motion lie about that far from those that were."""

_SPAN_SHARE, _PART_SHARE, _PART_CELLS_SHARE, _COLUMN_SHARE = 0.3, 0.15, 0.05, 0.05
"""Of the clips: one span of all columns is masked; one body part over a span; cells of one body
part at random; one column (a single codebook) over a span. The rest: cells at random."""

_LOWER = "lower"


def part_groups(columns: Sequence[str]) -> Tensor:
    """Columns (G, P) of every body part that an edit may mask: each part of the tokenizer, and
    all parts above the legs together where there are several."""
    groups = {tuple(column == part for column in columns) for part in columns}
    groups.add(tuple(column != _LOWER for column in columns))
    return torch.tensor(sorted(group for group in groups if any(group)))


@dataclass(frozen=True, eq=False)
class Masks:
    """masked_BLP: cells that the network has to fill. edited_B11: rows whose mask is an edit's: a
    span of all streams, a body part or one stream."""

    masked_BLP: Tensor
    edited_B11: Tensor


def draw_masks(
    lengths_B: Tensor, places: int, columns: Sequence[str], rng: torch.Generator | None = None
) -> Masks:
    """Masks as the tasks have them, on the lengths' device.

    Most clips lose 50 to 100 % of their cells, more often many than few: a network that sees much
    of a clip soon knows it by heart and stops reading the text. Some lose a time span of all
    parts (in-betweening), some a body part (all its codebooks) over a span or cells of it, some
    one codebook over a span. columns: the body part of each column.
    """
    rows, parts, device = len(lengths_B), len(columns), lengths_B.device

    def chance(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=rng, device=device)

    motion_BL1 = motion_places(lengths_B, places)[..., None]
    cells = chance(rows, places, parts) < 1.0 - 0.5 * chance(rows, 1, 1).square()
    ends = (chance(rows, 2) * (lengths_B[:, None] + 1)).long().sort(dim=1).values
    index_L = torch.arange(places, device=device)
    span_BL1 = ((index_L >= ends[:, :1]) & (index_L <= ends[:, 1:]))[..., None]
    groups = part_groups(columns).to(device)
    part_B1P = groups[(chance(rows) * len(groups)).long()][:, None]
    column_B1P = torch.arange(parts, device=device) == (chance(rows, 1, 1) * parts).long()
    tasks = (
        (_SPAN_SHARE, span_BL1.expand_as(cells)),
        (_PART_SHARE, span_BL1 & part_B1P),
        (_PART_CELLS_SHARE, cells & part_B1P),
        (_COLUMN_SHARE, span_BL1 & column_B1P),
    )
    masked, task_B11, below = cells, chance(rows, 1, 1), 0.0
    for share, mask in tasks:
        masked = torch.where((task_B11 >= below) & (task_B11 < below + share), mask, masked)
        below += share
    return Masks(masked & motion_BL1, task_B11 < below)


def corrupt(
    tokens_BLP: Tensor,
    lengths_B: Tensor,
    masks: Masks,
    vocabulary: Vocabulary,
    rng: torch.Generator | None = None,
) -> Tensor:
    """The grid (B, L, P) as the network sees it: masked, and the rest partly replaced by random
    codes; less of it where the mask is an edit's."""
    rows, places, _ = tokens_BLP.shape
    device = tokens_BLP.device
    motion_BL1 = motion_places(lengths_B, places)[..., None]
    share_B11 = torch.where(masks.edited_B11, _EDIT_CORRUPTED_SHARE, _CORRUPTED_SHARE)
    share_B11 = share_B11 * torch.rand(rows, 1, 1, generator=rng, device=device) * 2
    corrupted = torch.rand(tokens_BLP.shape, generator=rng, device=device) < share_B11
    noise = torch.randint(vocabulary.codes, tokens_BLP.shape, generator=rng, device=device)
    seen = torch.where(corrupted & motion_BL1, noise, tokens_BLP)
    return torch.where(masks.masked_BLP, vocabulary.mask, seen)


def hide(
    batch: TokenBatch, vocabulary: Vocabulary, columns: Sequence[str], rng: torch.Generator
) -> Tensor:
    """A batch's grid (B, L, P) as the network sees it; see ``draw_masks`` and ``corrupt``."""
    masks = draw_masks(batch.lengths_B, batch.tokens_BLP.shape[1], columns, rng)
    return corrupt(batch.tokens_BLP, batch.lengths_B, masks, vocabulary, rng)


def blur(
    text: TextFeatures, rng: torch.Generator | None, deviation: float = TEXT_NOISE
) -> TextFeatures:
    """The text with noise on it, so that wordings are not learnt by heart."""

    def noisy(values: Tensor) -> Tensor:
        noise = torch.randn(values.shape, generator=rng, device=values.device)
        return values + deviation * noise

    return replace(text, sentence_BC=noisy(text.sentence_BC), words_BWC=noisy(text.words_BWC))
