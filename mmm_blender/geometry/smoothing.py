"""Weighted means over time, Gaussian and other."""

from __future__ import annotations

import numpy as np

from ..common.arrays import FloatArray


def gaussian_smooth(values_TC: FloatArray, sigma: float, reach: int) -> FloatArray:
    """Weighted mean of each channel over time, (T, C).

    sigma: width of the Gaussian in frames. reach: no frame hears of one further away than this
    many frames. Beyond the ends the first and last values count as repeated for ever.
    """
    offsets = np.arange(-reach, reach + 1)
    weights_K = np.exp(-0.5 * (offsets / sigma) ** 2)
    padded_TC = np.pad(values_TC, ((reach, reach), (0, 0)), mode="edge")
    return windowed_sum(padded_TC, weights_K / weights_K.sum())


def windowed_sum(values_TC: FloatArray, weights_K: FloatArray) -> FloatArray:
    """Weighted sum of each window of K rows: (T - K + 1, C) from (T, C).

    Added up in one fixed order. A matrix product or np.convolve would be shorter, but the order
    of their sums hangs on where an array lies in memory, and a replay must give the same bits.
    """
    frames = len(values_TC) - len(weights_K) + 1
    total_TC = np.zeros((frames, values_TC.shape[1]))
    for start, weight in enumerate(weights_K):
        total_TC += weight * values_TC[start : start + frames]
    return total_TC
