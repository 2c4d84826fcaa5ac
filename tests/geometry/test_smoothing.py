from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from mmm_blender.geometry.smoothing import gaussian_smooth


@pytest.mark.parametrize("frames", [1, 2, 30, 300])
def test_it_is_the_gaussian_of_scipy_with_held_ends(frames: int) -> None:
    values = np.random.default_rng(0).normal(size=(frames, 3))
    expected = gaussian_filter1d(values, 20.0, axis=0, mode="nearest", truncate=4.0)
    assert np.allclose(gaussian_smooth(values, 20.0, 80), expected, atol=1e-12)


def test_no_frame_hears_of_one_beyond_its_reach() -> None:
    values = np.zeros((50, 1))
    values[25] = 1.0
    heard = np.flatnonzero(gaussian_smooth(values, 4.0, 10)[:, 0])
    assert (heard.min(), heard.max()) == (15, 35)


def test_the_bits_do_not_hang_on_where_an_array_lies_in_memory() -> None:
    values = np.random.default_rng(1).normal(size=(101, 3))
    raw = np.zeros(values.nbytes + 64, dtype=np.uint8)
    found = set()
    for offset in range(0, 64, 8):
        moved = raw[offset : offset + values.nbytes].view(np.float64).reshape(values.shape)
        moved[:] = values
        found.add(gaussian_smooth(moved, 3.0, 9).tobytes())
    assert len(found) == 1
