"""Rows that teach the masked transformer, assembled on the device from the token bank.

Three kinds: clips or crops of clips as they are (the majority), and the composites of
``data.composites``: legs of one clip under the arms of another, and one clip after another with a
few places between that are masked and left out of the loss. A part of the legs-and-arms rows shows
one half and asks for the other with its caption alone, which is what a prompt for the upper body
over a walk is.

B rows, L token places, P streams, S borders of the places (L + 1), W words, N rows of a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from ...motion.config import TokenizerConfig
from ...motion.networks.masks import close_grid, motion_places
from ..data.clip_variants import CAPTIONS
from ..data.composites import LEAST_TOKENS, Pairs
from .device_bank import Draw, FeatureBank, TokenBank

MOST_TOKENS = 49
WIDTHS = (26, 38, MOST_TOKENS + 1)
"""Places of a batch: rows of similar length are drawn together, and few widths keep a compiled
network from being compiled again."""

USUAL, UPPER, LOWER = 0, 1, 2
"""A row asks for: masks as usual, the upper body over kept legs, the legs under a kept body."""

_WHILE_SHARE, _THEN_SHARE = 0.13, 0.12
_UPPER_SHARE, _LOWER_SHARE = 0.3, 0.15  # of the "while" rows
_HALF_CAPTION_SHARE = 0.7  # of those, given what they ask for alone
_WHOLE_SHARE = 0.5  # of the plain rows show a clip from its start to its end
_LEAST_CROP = 0.5  # of a clip: less may leave out what its caption names
_TURN_TOLD, _TURN_KEPT = np.radians(45.0), 0.75
"""A caption may name a turn from here on, of which a crop must keep this share."""
_LEAST_GAP, _MOST_GAP = 2, 4
_MOST_HALF = 26  # tokens of each half of a "then" row


@dataclass(frozen=True, eq=False)
class TextTable:
    """Prompts as token ids. ids_NW: padded; counts_N: words of each; whole_N: tells something that
    only the whole clip shows."""

    ids_NW: Tensor
    counts_N: Tensor
    whole_N: Tensor

    @classmethod
    def of(
        cls, ids: Sequence[Sequence[int]], whole: Sequence[bool], device: torch.device
    ) -> TextTable:
        """From lists of ids."""
        counts = np.array([len(row) for row in ids])
        table = np.zeros((len(ids), counts.max()), dtype=np.int32)
        table[np.arange(table.shape[1]) < counts[:, None]] = np.concatenate(ids)
        arrays = (table, counts, np.array(whole))
        return cls(*(torch.from_numpy(values).to(device) for values in arrays))

    def words(self, rows_B: Tensor) -> tuple[Tensor, Tensor]:
        """Ids (B, W) and which of them are words."""
        index_W = torch.arange(self.ids_NW.shape[1], device=rows_B.device)
        return self.ids_NW[rows_B].long(), index_W < self.counts_N[rows_B][:, None]


@dataclass(frozen=True, eq=False)
class RowPlan:
    """Where the rows' tokens lie (N numbers each).

    lower_N, upper_N: bank rows of the first half's first tokens; second_N: of the second half;
    first_length_N, gap_N, length_N: tokens of the first half, of the gap, of the whole row; text_N:
    row of the text table; task_N; item_N, frame_N: whose path it is, from which frame on; known_N:
    whether its path is known at all.
    """

    lower_N: Tensor
    upper_N: Tensor
    second_N: Tensor
    first_length_N: Tensor
    gap_N: Tensor
    length_N: Tensor
    text_N: Tensor
    task_N: Tensor
    item_N: Tensor
    frame_N: Tensor
    known_N: Tensor

    @classmethod
    def joined(cls, plans: Sequence[RowPlan]) -> RowPlan:
        """Several as one."""
        return cls(*(torch.cat([getattr(p, f.name) for p in plans]) for f in fields(cls)))

    def rows(self, rows: Tensor) -> RowPlan:
        """Some of the rows."""
        return RowPlan(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True, eq=False)
class Rows:
    """A batch. tokens_BLP: true codes, closed with END and PAD. gap_BL: places whose codes nobody
    knows. ids_BW, words_BW: the prompts. poses_BS3: the root at the borders. task_B, known_B: see
    ``RowPlan``."""

    tokens_BLP: Tensor
    lengths_B: Tensor
    gap_BL: Tensor
    ids_BW: Tensor
    words_BW: Tensor
    poses_BS3: Tensor
    task_B: Tensor
    known_B: Tensor


@dataclass(frozen=True, eq=False)
class PairTable:
    """Composites on the device. text_start: text row of the first pair's sentence."""

    first_N: Tensor
    second_N: Tensor
    text_start: int

    @classmethod
    def of(cls, pairs: Pairs, text_start: int, device: torch.device) -> PairTable:
        """On the device."""
        first, second = (torch.from_numpy(x).to(device) for x in (pairs.first_N, pairs.second_N))
        return cls(first, second, text_start)

    def draw(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """First items, second items and text rows of random pairs."""
        row = torch.randint(len(self.first_N), (count,), device=self.first_N.device)
        return self.first_N[row], self.second_N[row], self.text_start + row


class RowSampler:
    """Draws batches from the banks; depends on torch's generator of the device alone."""

    def __init__(
        self,
        bank: FeatureBank,
        tokens: TokenBank,
        texts: TextTable,
        odds: Draw,
        tokenizer: TokenizerConfig,
        *,
        while_pairs: PairTable | None = None,
        then_pairs: PairTable | None = None,
    ) -> None:
        self.bank, self.tokens, self.texts, self.tokenizer = bank, tokens, texts, tokenizer
        self._odds, self._while, self._then = odds, while_pairs, then_pairs
        self._size = tokenizer.frames_per_token
        upper_P = [part not in ("lower", "all") for part in tokenizer.columns]
        self.upper_P = torch.tensor(upper_P, device=bank.device)

    def draw(self, batch: int, longer: bool) -> Rows:
        """One batch of clips of similar length. longer: of the longer half of what was drawn."""
        plan = self.plan(2 * batch)
        order = plan.length_N.argsort()
        return self.rows(plan.rows(order[batch:] if longer else order[:batch]))

    def plan(self, count: int) -> RowPlan:
        """Rows of all kinds, in their shares."""
        whiles = round(_WHILE_SHARE * count) if self._while else 0
        thens = round(_THEN_SHARE * count) if self._then else 0
        plans = [self._plain(count - whiles - thens)]
        if self._while and whiles:
            plans.append(self._whiles(self._while, whiles))
        if self._then and thens:
            plans.append(self._thens(self._then, thens))
        return RowPlan.joined(plans)

    def rows(self, plan: RowPlan) -> Rows:
        """The rows of a plan, as wide as the longest needs."""
        longest = int(plan.length_N.max())
        width = next(w for w in WIDTHS if w > longest)
        place_L = torch.arange(width, device=self.bank.device)
        after_BL = place_L - (plan.first_length_N + plan.gap_N)[:, None]
        second_BL = (after_BL >= 0)[..., None]
        later_BLP = self.tokens.gather(plan.second_N[:, None] + after_BL)
        lower_BLP = self.tokens.gather(plan.lower_N[:, None] + place_L)
        upper_BLP = self.tokens.gather(plan.upper_N[:, None] + place_L)
        first_BLP = torch.where(self.upper_P, upper_BLP, lower_BLP)
        tokens_BLP = torch.where(second_BL, later_BLP, first_BLP)
        tokens_BLP = close_grid(tokens_BLP, plan.length_N, self.tokenizer.vocabulary)
        gap_BL = (place_L >= plan.first_length_N[:, None]) & (after_BL < 0)
        border_S = torch.arange(width + 1, device=self.bank.device)
        border_BS = torch.minimum(border_S, plan.length_N[:, None])
        poses_BS3 = self.bank.poses(plan.item_N, plan.frame_N[:, None] + self._size * border_BS)
        ids_BW, words_BW = self.texts.words(plan.text_N)
        return Rows(
            tokens_BLP,
            plan.length_N,
            gap_BL & motion_places(plan.length_N, width),
            ids_BW,
            words_BW,
            poses_BS3,
            plan.task_N,
            plan.known_N,
        )

    def _plain(self, count: int) -> RowPlan:
        item_N = 2 * self._odds(count) + self._below(torch.full((count,), 2, device=self._device))
        phase_N, most_N = self._phases(item_N)
        text_N = self._caption(item_N)
        least_N = (most_N * _LEAST_CROP).round().clamp(min=LEAST_TOKENS).long()
        least_N = torch.minimum(least_N, most_N)
        crop_N = least_N + self._below(most_N - least_N + 1)
        start_N = self._below(most_N - crop_N + 1)
        keep_N = self._keeps_turn(item_N, phase_N + self._size * start_N, self._size * crop_N)
        whole_N = (self._rand(count) < _WHOLE_SHARE) | ~keep_N | self.texts.whole_N[text_N]
        length_N = torch.where(whole_N, most_N, crop_N)
        start_N = torch.where(whole_N, 0, start_N)
        spare_N = (length_N - MOST_TOKENS).clamp(min=0)
        start_N, length_N = start_N + self._below(spare_N + 1), length_N - spare_N
        first_N = self.tokens.starts_IF[item_N, phase_N] + start_N
        return RowPlan(
            lower_N=first_N,
            upper_N=first_N,
            second_N=first_N,
            first_length_N=length_N,
            gap_N=torch.zeros_like(length_N),
            length_N=length_N,
            text_N=text_N,
            task_N=torch.zeros_like(length_N),
            item_N=item_N,
            frame_N=phase_N + self._size * start_N,
            known_N=torch.ones_like(length_N, dtype=torch.bool),
        )

    def _whiles(self, pairs: PairTable, count: int) -> RowPlan:
        legs_N, arms_N, text_N = pairs.draw(count)
        legs_phase_N, legs_most_N = self._phases(legs_N)
        arms_phase_N, arms_most_N = self._phases(arms_N)
        length_N = torch.minimum(legs_most_N, arms_most_N).clamp(max=MOST_TOKENS)
        legs_start_N = self._below(legs_most_N - length_N + 1)
        arms_start_N = self._below(arms_most_N - length_N + 1)
        task_N = self._tasks(count)
        alone_N = (task_N != USUAL) & (self._rand(count) < _HALF_CAPTION_SHARE)
        asked_N = torch.where(task_N == UPPER, arms_N, legs_N)
        first_N = self.tokens.starts_IF[legs_N, legs_phase_N] + legs_start_N
        return RowPlan(
            lower_N=first_N,
            upper_N=self.tokens.starts_IF[arms_N, arms_phase_N] + arms_start_N,
            second_N=first_N,
            first_length_N=length_N,
            gap_N=torch.zeros_like(length_N),
            length_N=length_N,
            text_N=torch.where(alone_N, self._caption(asked_N), text_N),
            task_N=task_N,
            item_N=legs_N,
            frame_N=legs_phase_N + self._size * legs_start_N,
            known_N=torch.ones_like(length_N, dtype=torch.bool),
        )

    def _thens(self, pairs: PairTable, count: int) -> RowPlan:
        a_N, b_N, text_N = pairs.draw(count)
        a_phase_N, a_most_N = self._phases(a_N)
        b_phase_N, b_most_N = self._phases(b_N)
        gap_N = _LEAST_GAP + self._below(torch.full_like(a_N, _MOST_GAP - _LEAST_GAP + 1))
        spread_N = torch.full_like(a_N, _MOST_HALF - LEAST_TOKENS + 1)
        a_length_N = torch.minimum(a_most_N, LEAST_TOKENS + self._below(spread_N))
        room_N = torch.minimum(b_most_N, MOST_TOKENS - gap_N - a_length_N)
        b_length_N = torch.minimum(room_N, LEAST_TOKENS + self._below(spread_N))
        a_start_N = self._some_start(a_most_N - a_length_N)
        b_start_N = self._some_start(b_most_N - b_length_N)
        a_first_N = self.tokens.starts_IF[a_N, a_phase_N] + a_start_N
        return RowPlan(
            lower_N=a_first_N,
            upper_N=a_first_N,
            second_N=self.tokens.starts_IF[b_N, b_phase_N] + b_start_N,
            first_length_N=a_length_N,
            gap_N=gap_N,
            length_N=a_length_N + gap_N + b_length_N,
            text_N=text_N,
            task_N=torch.zeros_like(gap_N),
            item_N=a_N,
            frame_N=a_phase_N + self._size * a_start_N,
            known_N=torch.zeros_like(gap_N, dtype=torch.bool),
        )

    @property
    def _device(self) -> torch.device:
        return self.bank.device

    def _rand(self, count: int) -> Tensor:
        return torch.rand(count, device=self._device)

    def _below(self, limit_N: Tensor) -> Tensor:
        """Random integers from 0 to below each limit."""
        return (self._rand(len(limit_N)) * limit_N).long()

    def _some_start(self, spare_N: Tensor) -> Tensor:
        """The clip's start in half of the rows, else any place: gestures begin at the start."""
        return torch.where(self._rand(len(spare_N)) < 0.5, 0, self._below(spare_N + 1))

    def _phases(self, item_N: Tensor) -> tuple[Tensor, Tensor]:
        """A random phase of each item and its tokens in it."""
        phase_N = self._below(torch.full_like(item_N, self._size))
        return phase_N, self.tokens.lengths_IF[item_N, phase_N]

    def _caption(self, item_N: Tensor) -> Tensor:
        """Text row of a random caption of each item."""
        return item_N * CAPTIONS + self._below(torch.full_like(item_N, CAPTIONS))

    def _tasks(self, count: int) -> Tensor:
        chance_N = self._rand(count)
        upper_N, lower_N = chance_N < _UPPER_SHARE, chance_N < _UPPER_SHARE + _LOWER_SHARE
        return torch.where(upper_N, UPPER, torch.where(lower_N, LOWER, USUAL))

    def _keeps_turn(self, item_N: Tensor, first_N: Tensor, frames_N: Tensor) -> Tensor:
        """Whether a crop turns about as far as its whole clip, where that turns much."""
        last_N = self.bank.frames_V[item_N // 2]
        frame_NS = torch.stack([torch.zeros_like(last_N), last_N, first_N, first_N + frames_N], -1)
        yaw_NS = self.bank.poses(item_N, frame_NS)[..., 2]
        whole_N, crop_N = yaw_NS[:, 1] - yaw_NS[:, 0], yaw_NS[:, 3] - yaw_NS[:, 2]
        kept_N = crop_N * whole_N.sign() >= _TURN_KEPT * whole_N.abs()
        return (whole_N.abs() < _TURN_TOLD) | kept_N
