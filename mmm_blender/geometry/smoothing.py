"""Gaussian smoothing over time."""

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
    windows_TCK = np.lib.stride_tricks.sliding_window_view(padded_TC, len(weights_K), axis=0)
    return np.asarray(windows_TCK @ (weights_K / weights_K.sum()), dtype=np.float64)
