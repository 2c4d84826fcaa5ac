"""Vector quantisation, with a codebook that follows the encoder or with a fixed grid of codes.

N vectors, D code dimension, K codes, B batch, L token places. A codebook is no parameter: in
training it is the average of the vectors that chose each code; it starts from a few k-means
rounds on the first batch, and codes that nobody chooses are put onto random vectors from time to
time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

_DECAY = 0.99  # of the moving averages, per training step
RESET_EVERY = 20
"""Training steps between resets of dead codes."""

_DEAD_SHARE = 0.05  # a code is dead when it gets less than this share of an even use
_KMEANS_ROUNDS = 8
_SPREAD = 0.01  # noise on copies of a vector, as a share of the vectors' deviation
_TINY = 1e-5

TRAINING_ONLY = ("ema_count_K", "ema_sum_KD", "calls", "started")
"""Buffers that training resumes from and a bundle leaves out."""


class Peers(Protocol):
    """Other processes that train the same codebook, each on its rows of a batch."""

    def gather(self, values_ND: Tensor) -> Tensor:
        """The rows of all of them, in the same order everywhere."""
        ...

    def total(self, value: Tensor) -> Tensor:
        """The sum of a value over all of them."""
        ...


class _NoPeers:
    """One process alone."""

    def gather(self, values_ND: Tensor) -> Tensor:
        return values_ND

    def total(self, value: Tensor) -> Tensor:
        return value


class Quantized(NamedTuple):
    """vectors_BLD: code vectors (gradients pass to the input). tokens_BL: their numbers.

    commitment: mean squared distance of the input to its (fixed) code (with peers this process's
    share of that mean). perplexity: how many codes the batch uses, were they used evenly.
    """

    vectors_BLD: Tensor
    tokens_BL: Tensor
    commitment: Tensor
    perplexity: Tensor


class Quantizer(nn.Module):
    """Nearest code by Euclidean distance, always in float32."""

    codebook_KD: Tensor
    ema_count_K: Tensor
    ema_sum_KD: Tensor
    calls: Tensor
    started: Tensor

    def __init__(self, codes: int, code_dim: int) -> None:
        super().__init__()
        self.revives = True  # training puts dead codes onto vectors; else they stay dead
        self.inspects = True
        """Training looks whether the codebook has started and which codes are dead. That waits for
        the device, so a loop on a GPU turns it off for most steps (``RESET_EVERY``)."""
        self.peers: Peers = _NoPeers()
        self.register_buffer("codebook_KD", torch.zeros(codes, code_dim))
        self.register_buffer("ema_count_K", torch.ones(codes))
        self.register_buffer("ema_sum_KD", torch.zeros(codes, code_dim))
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))

    def encode(self, latent_BLD: Tensor) -> Tensor:
        """Token numbers (B, L) of the codes that are nearest."""
        flat_ND = self.bound(latent_BLD.float()).flatten(0, -2)
        return _nearest(flat_ND, self.codebook_KD).view(latent_BLD.shape[:-1])

    def bound(self, latent_BLD: Tensor) -> Tensor:
        """The latent vector as it is compared with the codes."""
        return latent_BLD

    def decode(self, tokens_BL: Tensor) -> Tensor:
        """Code vectors (B, L, D) of motion tokens."""
        return functional.embedding(tokens_BL, self.codebook_KD)

    def forward(self, latent_BLD: Tensor, valid_BL: Tensor | None = None) -> Quantized:
        """Quantise; in training also let the codebook follow the valid vectors."""
        with torch.autocast(latent_BLD.device.type, enabled=False):
            return self._quantize(self.bound(latent_BLD.float()), valid_BL)

    def _quantize(self, latent_BLD: Tensor, valid_BL: Tensor | None) -> Quantized:
        if valid_BL is None:
            valid_BL = latent_BLD.new_ones(latent_BLD.shape[:-1], dtype=torch.bool)
        flat_ND, weight_N = latent_BLD.detach().flatten(0, -2), valid_BL.flatten().float()
        if self.training and self.inspects and not self.started:
            self._start(self._seen(flat_ND, valid_BL))
        tokens_N = _nearest(flat_ND, self.codebook_KD)
        tokens_BL = tokens_N.view(latent_BLD.shape[:-1])
        code_BLD = self.decode(tokens_BL)
        count_K = torch.zeros_like(self.ema_count_K).index_add_(0, tokens_N, weight_N)
        count_K = self.peers.total(count_K)
        if self.training:
            self._follow(flat_ND * weight_N[:, None], tokens_N, count_K)
            if self.revives and self.inspects and int(self.calls) % RESET_EVERY == 0:
                self._revive(self._seen(flat_ND, valid_BL))
        distance_BL = (latent_BLD - code_BLD).square().mean(-1)
        commitment = (distance_BL * valid_BL).sum() / count_K.sum().clamp(min=1)
        passed_BLD = latent_BLD + (code_BLD - latent_BLD).detach()
        return Quantized(passed_BLD, tokens_BL, commitment, _perplexity(count_K))

    def _seen(self, flat_ND: Tensor, valid_BL: Tensor) -> Tensor:
        """The valid vectors of all processes."""
        return self.peers.gather(flat_ND[valid_BL.flatten()])

    @property
    def dead_codes(self) -> int:
        """Codes that (nearly) nobody chooses, by the moving average."""
        return int(self._dead_K().sum())

    def _dead_K(self) -> Tensor:
        return self.ema_count_K < _DEAD_SHARE * self.ema_count_K.mean()

    @torch.no_grad()
    def _start(self, seen_ND: Tensor) -> None:
        """Codebook from k-means on the first batch that holds anything."""
        if not len(seen_ND):
            return
        self.codebook_KD.copy_(_draw(seen_ND, len(self.codebook_KD)))
        for _ in range(_KMEANS_ROUNDS):
            nearest_N = _nearest(seen_ND, self.codebook_KD)
            count_K = torch.bincount(nearest_N, minlength=len(self.codebook_KD))
            sum_KD = torch.zeros_like(self.codebook_KD).index_add_(0, nearest_N, seen_ND)
            used_K = count_K > 0
            self.codebook_KD[used_K] = sum_KD[used_K] / count_K[used_K, None]
        even_use = len(seen_ND) / len(self.codebook_KD)
        self.ema_count_K.fill_(even_use)
        self.ema_sum_KD.copy_(self.codebook_KD * even_use)
        self.started.fill_(True)

    @torch.no_grad()
    def _follow(self, weighted_ND: Tensor, tokens_N: Tensor, count_K: Tensor) -> None:
        """One step of the moving averages; a batch without a valid vector moves nothing."""
        sum_KD = torch.zeros_like(self.codebook_KD).index_add_(0, tokens_N, weighted_ND)
        share = (1 - _DECAY) * (count_K.sum() > 0).float()
        self.ema_count_K.lerp_(count_K, share)
        self.ema_sum_KD.lerp_(self.peers.total(sum_KD), share)
        self.calls += 1
        self._average()

    def _average(self) -> None:
        """The codes as the moving averages have them."""
        self.codebook_KD.copy_(self.ema_sum_KD / self.ema_count_K.clamp(min=_TINY)[:, None])

    @torch.no_grad()
    def _revive(self, seen_ND: Tensor) -> None:
        """Dead codes move onto random vectors, with the weight of an evenly used code."""
        if not len(seen_ND):
            return
        dead_K = self._dead_K()
        mean_count = self.ema_count_K.mean()
        self.ema_sum_KD[dead_K] = _draw(seen_ND, int(dead_K.sum())) * mean_count
        self.ema_count_K[dead_K] = mean_count
        self._average()


class ScalarQuantizer(Quantizer):
    """Finite scalar quantization (Mentzer et al., ICLR 2024): every number of the latent vector,
    bounded by tanh, takes the nearest of a few evenly spaced values. The codes are the whole grid
    of such values; nothing of them is learnt, so nothing can die."""

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__(math.prod(levels), len(levels))
        values = [torch.linspace(-1, 1, count) for count in levels]
        self.codebook_KD.copy_(torch.cartesian_prod(*values).view(-1, len(levels)))
        self.started.fill_(True)

    def bound(self, latent_BLD: Tensor) -> Tensor:
        """Within the grid."""
        return latent_BLD.tanh()

    def _follow(self, weighted_ND: Tensor, tokens_N: Tensor, count_K: Tensor) -> None:
        """The codes stand still; only their use is counted."""
        self.ema_count_K.lerp_(count_K, 1 - _DECAY)

    def _revive(self, seen_ND: Tensor) -> None:
        """There is nothing to revive."""


def _nearest(vectors_ND: Tensor, codebook_KD: Tensor) -> Tensor:
    """Number of the nearest code for each vector (N,)."""
    # |v - c|^2 without |v|^2, which is the same for all codes
    distance_NK = codebook_KD.square().sum(1) - 2 * vectors_ND @ codebook_KD.T
    return distance_NK.argmin(1)


def _draw(vectors_ND: Tensor, count: int) -> Tensor:
    """``count`` of the vectors at random, each once as far as they go, slightly spread."""
    rounds = -(-count // len(vectors_ND)) if count else 0
    order = [torch.randperm(len(vectors_ND), device=vectors_ND.device) for _ in range(rounds)]
    if not order:
        return vectors_ND[:0]
    drawn = vectors_ND[torch.cat(order)[:count]]
    deviation = vectors_ND.std(0, correction=0)
    return drawn + _SPREAD * deviation * torch.randn_like(drawn)


def _perplexity(count_K: Tensor) -> Tensor:
    share_K = count_K / count_K.sum().clamp(min=1)
    return (-(share_K * (share_K + _TINY).log()).sum()).exp()
