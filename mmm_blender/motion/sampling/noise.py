"""Random numbers that are a function of what they are for, not of what was drawn before.

Philox (Salmon et al., SC 2011) is a counter-based generator: its key is the seed and what the
numbers are for, so a row's numbers do not hang on its batch, on the steps before, or on the library
that runs the networks. Its raw bits are the same in every version of NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...common.arrays import FloatArray

SAMPLER_VERSION = 2
"""Raised when equal seeds give other motions: 1 drew from torch's generator."""

CODES, RANKS = 0, 1
"""What a step draws numbers for."""

_SEED_BITS, _STREAM_BITS, _KIND_BITS = 64, 32, 8
_SIGNIFICANT = 53  # bits of a float64's fraction


@dataclass(frozen=True)
class Noise:
    """The random numbers of one row. seed: 0 to 2^63 - 1. stream: of several that one seed has, for
    windows and seams that are filled one after the other."""

    seed: int
    stream: int = 0

    def next(self) -> Noise:
        """For what is filled next with the same seed."""
        return replace(self, stream=self.stream + 1)

    def uniform(self, step: int, kind: int, count: int) -> FloatArray:
        """Numbers between 0 and 1, neither of them included (count,)."""
        use = self.stream << _STREAM_BITS | step << _KIND_BITS | kind
        bits = np.random.Philox(key=use << _SEED_BITS | self.seed).random_raw(count)
        return ((bits >> np.uint64(64 - _SIGNIFICANT)) + 0.5) * 2.0**-_SIGNIFICANT

    def gumbel(self, step: int, kind: int, count: int) -> FloatArray:
        """Standard Gumbel noise (count,)."""
        return -np.log(-np.log(self.uniform(step, kind, count)))
