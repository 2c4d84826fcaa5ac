"""All clips on the training device: windows of features, token grids and paths by index alone.

Batches are drawn by tensor operations where the data lie, so a GPU never waits for Python to
assemble one. A mirror image is made on the fly: the layout's channels change places and signs.

B batch, T frames of a window, C channels, N frames of all variants end to end, V variants, I items
(2 v: a variant, 2 v + 1: its mirror image), L token places, P streams of the grid, S borders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...common.arrays import FloatArray
from ...geometry.skeleton import MIRROR
from ...motion.features.layout import SMPL_269
from ...motion.networks.tokenizer import Tokenizer
from ..data.clip_variants import ClipVariants
from ..data.dataset import even_blocks

_FIRST_VARIANT_ODDS = 2.0  # the clip as it is, against each of its changed variants
_ENCODE_ITEMS = 1024  # rows of a batch when all is encoded
_POSE_SIGNS = (-1.0, 1.0, -1.0)  # x, z, yaw in a mirror
_CONTACT_MIRROR = (2, 3, 0, 1)


def mirror_channels() -> tuple[Tensor, Tensor]:
    """How a mirror image is made of features: (permutation (C,), signs (C,))."""
    layout, joints = SMPL_269, SMPL_269.joints
    order, signs = np.arange(layout.channels), np.ones(layout.channels)
    signs[layout.root_yaw_velocity] = -1.0
    signs[layout.root_xz_velocity.start] = -1.0
    xyz, six = np.array([-1.0, 1.0, 1.0]), np.array([1.0, -1.0, -1.0, -1.0, 1.0, 1.0])
    blocks = (
        (layout.positions.start, 3, [joint - 1 for joint in MIRROR[1:joints]], xyz),
        (layout.rotations.start, 6, list(MIRROR[:joints]), six),
        (layout.velocities.start, 3, list(MIRROR[:joints]), xyz),
        (layout.contacts.start, 1, list(_CONTACT_MIRROR), np.ones(1)),
    )
    for start, size, sources, sign in blocks:
        for at, source in enumerate(sources):
            here, there = start + size * at, start + size * source
            order[here : here + size] = np.arange(there, there + size)
            signs[here : here + size] = sign
    return torch.from_numpy(order), torch.from_numpy(signs).float()


def variant_odds(variants: ClipVariants, clip_odds: FloatArray) -> FloatArray:
    """Odds (V,) of drawing each variant; those of a clip's variants add up to the clip's odds."""
    odds_V = np.where(variants.variant_V == 0, _FIRST_VARIANT_ODDS, 1.0)
    totals = np.bincount(variants.clip_V, weights=odds_V, minlength=len(clip_odds))
    odds_V = odds_V * clip_odds[variants.clip_V] / totals[variants.clip_V]
    return odds_V / odds_V.sum()


class Draw:
    """Draws numbers by fixed odds on a device (by inverting the sum of the odds)."""

    def __init__(self, odds: FloatArray, device: torch.device) -> None:
        sums = np.cumsum(odds, dtype=np.float64)
        self._sums = torch.from_numpy(sums / sums[-1]).to(device)

    def __call__(self, count: int) -> Tensor:
        """(count,) integers."""
        chosen = torch.rand(count, dtype=torch.float64, device=self._sums.device)
        found = torch.searchsorted(self._sums, chosen, right=True)
        return found.clamp(max=len(self._sums) - 1)


class FeatureBank:
    """Features and paths of all variants, and windows of them."""

    def __init__(self, variants: ClipVariants, odds_V: FloatArray, device: torch.device) -> None:
        frames_V = torch.from_numpy(variants.frames_V)
        self.device = device
        self.frames_V = frames_V.to(device)
        self.starts_V = (frames_V.cumsum(0) - frames_V).to(device)
        # a border more than frames: poses of variant v begin v rows further on
        self.pose_starts_V = self.starts_V + torch.arange(len(frames_V), device=device)
        self.features_NC = torch.from_numpy(variants.features_NC).to(device)
        self.poses_N3 = torch.from_numpy(variants.poses_S3).to(device)
        order_C, signs_C = mirror_channels()
        self._order_C, self._signs_C = order_C.to(device), signs_C.to(device)
        self._pose_signs_3 = torch.tensor(_POSE_SIGNS, device=device)
        self._draw = Draw(odds_V, device)

    def mirrored(self, features_BTC: Tensor) -> Tensor:
        """The features of the mirror images."""
        return features_BTC[..., self._order_C] * self._signs_C

    def windows(self, batch: int, frames: int) -> tuple[Tensor, Tensor]:
        """Features (B, T, C), not normalised, of random places in random items, and which frames
        are real (B, T)."""
        variant_B = self._draw(batch)
        spare_B = (self.frames_V[variant_B] - frames).clamp(min=0)
        first_B = (torch.rand(batch, device=self.device) * (spare_B + 1)).long()
        features_BTC, valid_BT = self.pieces(variant_B, first_B, frames)
        mirrored_B11 = torch.rand(batch, 1, 1, device=self.device) < 0.5
        return torch.where(mirrored_B11, self.mirrored(features_BTC), features_BTC), valid_BT

    def pieces(self, variant_B: Tensor, first_B: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Features (B, T, C) from frame ``first_B`` on, zero after the end, and what is real."""
        at_BT = first_B[:, None] + torch.arange(frames, device=self.device)
        valid_BT = at_BT < self.frames_V[variant_B][:, None]
        row_BT = self.starts_V[variant_B][:, None] + at_BT
        rows = self.features_NC[row_BT.clamp(max=len(self.features_NC) - 1)].float()
        return rows * valid_BT[..., None], valid_BT

    def poses(self, item_B: Tensor, frame_BS: Tensor) -> Tensor:
        """Poses of the root (B, S, 3) at frames of items; frames after the end stay at the end."""
        variant_B = item_B // 2
        at_BS = torch.minimum(frame_BS, self.frames_V[variant_B][:, None])
        poses_BS3 = self.poses_N3[self.pose_starts_V[variant_B][:, None] + at_BS]
        mirrored_B11 = (item_B % 2 == 1)[:, None, None]
        return torch.where(mirrored_B11, poses_BS3 * self._pose_signs_3, poses_BS3)

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation (C,) of features and their mirror images; within a block of the layout
        all channels have the same deviation (see ``dataset.statistics``)."""
        mean_C, square_C = (values.double() for values in self._moments())
        order_C, signs_C = self._order_C, self._signs_C.double()
        mean_C = 0.5 * (mean_C + mean_C[order_C] * signs_C)
        square_C = 0.5 * (square_C + square_C[order_C])
        std_C = (square_C - mean_C.square()).clamp(min=0.0).sqrt()
        return mean_C.cpu(), torch.from_numpy(even_blocks(std_C.cpu().numpy()))

    def _moments(self) -> tuple[Tensor, Tensor]:
        total, square = (torch.zeros(2, self.features_NC.shape[1], device=self.device)).double()
        for rows in self.features_NC.split(1 << 18):
            values = rows.double()
            total, square = total + values.sum(0), square + values.square().sum(0)
        return total / len(self.features_NC), square / len(self.features_NC)


@dataclass(frozen=True, eq=False)
class TokenBank:
    """Token grids of all items in every phase of the grid over the frames, end to end.

    tokens_MP: int16. starts_IF, lengths_IF: of item i in phase f (a clip can begin at any frame of
    a token).
    """

    tokens_MP: Tensor
    starts_IF: Tensor
    lengths_IF: Tensor

    @classmethod
    @torch.inference_mode()
    def encoded(cls, tokenizer: Tokenizer, bank: FeatureBank) -> TokenBank:
        """Everything that the bank holds, through the tokenizer. Clips are encoded as they are
        alone, without padding: those of one length together."""
        size, streams = tokenizer.config.frames_per_token, len(tokenizer.config.columns)
        phase_F = torch.arange(size, device=bank.device)
        lengths_VF = (bank.frames_V[:, None] - phase_F) // size
        lengths_IF = lengths_VF.repeat_interleave(2, dim=0)
        ends = lengths_IF.flatten().cumsum(0)
        starts_IF = ends.view_as(lengths_IF) - lengths_IF
        tokens_MP = torch.zeros(int(ends[-1]), streams, dtype=torch.int16, device=bank.device)
        for phase in range(size):
            for length in lengths_VF[:, phase].unique().tolist():
                alike = (lengths_VF[:, phase] == length).nonzero()[:, 0]
                for rows in alike.split(_ENCODE_ITEMS) if length else ():
                    first = torch.full_like(rows, phase)
                    features_BTC, _ = bank.pieces(rows, first, length * size)
                    for side, values in enumerate((features_BTC, bank.mirrored(features_BTC))):
                        grid_BLP = tokenizer.encode(tokenizer.normalise(values))
                        at_B1 = starts_IF[2 * rows + side, phase][:, None]
                        at_BL = at_B1 + torch.arange(length, device=bank.device)
                        tokens_MP[at_BL] = grid_BLP.to(torch.int16)
        return cls(tokens_MP, starts_IF, lengths_IF)

    def gather(self, at_BL: Tensor) -> Tensor:
        """Tokens (B, L, P) at rows of the bank."""
        return self.tokens_MP[at_BL.clamp(0, len(self.tokens_MP) - 1)].long()
