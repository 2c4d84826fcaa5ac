"""The field's figures, read off embeddings (after Guo et al., CVPR 2022).

N rows, E embedding. Every function takes plain arrays and knows no network; what is drawn at
random is drawn from the caller's generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray, IntArray

R_BATCH = 32
"""Motions that a text is ranked against, its own among them."""

TOP = (1, 2, 3)
REPETITIONS = 20
_Z_95 = 1.96  # deviations of a normal distribution that hold 95 %


@dataclass(frozen=True)
class Interval:
    """A mean over repetitions and half the width of its 95 % interval."""

    mean: float
    half: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        """From one value a repetition; a single value has no width."""
        numbers = np.asarray(values, dtype=np.float64)
        if len(numbers) < 2:
            return cls(float(numbers.mean()), 0.0)
        half = _Z_95 * numbers.std(ddof=1) / np.sqrt(len(numbers))
        return cls(float(numbers.mean()), float(half))

    def __str__(self) -> str:
        return f"{self.mean:.3f} ±{self.half:.3f}"


def distances(a_NE: FloatArray, b_ME: FloatArray) -> FloatArray:
    """Euclidean distance of every row of one to every row of the other. (N, M)."""
    squares = (a_NE**2).sum(1)[:, None] + (b_ME**2).sum(1) - 2 * a_NE @ b_ME.T
    return np.sqrt(np.maximum(squares, 0.0))


def ranks(text_NE: FloatArray, motion_NE: FloatArray) -> IntArray:
    """For each text, how many motions lie nearer than its own, or as near. (N,).

    Ties count against the matcher: a constant embedding is wrong, not right.
    """
    apart_NN = distances(text_NE, motion_NE)
    own_N1 = np.diagonal(apart_NN)[:, None]
    return (apart_NN <= own_N1).sum(axis=1) - 1


def r_precision(text_NE: FloatArray, motion_NE: FloatArray) -> FloatArray:
    """Share of texts whose own motion is among the nearest 1, 2, 3. (3,)."""
    found_N = ranks(text_NE, motion_NE)
    return np.array([(found_N < top).mean() for top in TOP])


def matching_distance(text_NE: FloatArray, motion_NE: FloatArray) -> float:
    """MM-Dist: mean distance of a text to its own motion."""
    return float(np.linalg.norm(text_NE - motion_NE, axis=1).mean())


def frechet_distance(
    mean_a: FloatArray, cov_a: FloatArray, mean_b: FloatArray, cov_b: FloatArray
) -> float:
    """Squared Fréchet distance of two Gaussians: |a - b|^2 + tr(A + B - 2 (A B)^(1/2)).

    The trace of the root is read off the symmetric A^(1/2) B A^(1/2), which has the eigenvalues
    of A B; covariances that lack full rank need no care.
    """
    values, vectors = np.linalg.eigh(cov_a)
    root_a = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    shared = np.linalg.eigvalsh(root_a @ cov_b @ root_a)
    trace = np.trace(cov_a) + np.trace(cov_b) - 2 * np.sqrt(np.maximum(shared, 0.0)).sum()
    return float(((mean_a - mean_b) ** 2).sum() + trace)


def fid(a_NE: FloatArray, b_ME: FloatArray) -> float:
    """Fréchet distance of the Gaussians that fit two sets of embeddings."""
    return frechet_distance(
        a_NE.mean(0), np.cov(a_NE, rowvar=False), b_ME.mean(0), np.cov(b_ME, rowvar=False)
    )


def diversity(motion_NE: FloatArray, pairs: int, rng: np.random.Generator) -> float:
    """Mean distance of random pairs of different rows."""
    first, second = _pairs(len(motion_NE), pairs, rng)
    return float(np.linalg.norm(motion_NE[first] - motion_NE[second], axis=1).mean())


def multimodality(groups: Sequence[FloatArray], pairs: int, rng: np.random.Generator) -> float:
    """Mean distance of random pairs within a group (motions of one text), then over groups."""
    return float(np.mean([diversity(group, pairs, rng) for group in groups]))


def _pairs(count: int, pairs: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Pairs of different indices below ``count``."""
    first = rng.integers(0, count, pairs)
    return first, (first + rng.integers(1, count, pairs)) % count


def distinct_batch(labels: Sequence[object], size: int, rng: np.random.Generator) -> IntArray:
    """Rows of ``size`` different labels, each label and then each of its rows equally likely."""
    rows: dict[object, list[int]] = {}
    for row, label in enumerate(labels):
        rows.setdefault(label, []).append(row)
    chosen = rng.permutation(len(rows))[:size]
    groups = list(rows.values())
    return np.array([groups[at][int(rng.integers(len(groups[at])))] for at in chosen])
