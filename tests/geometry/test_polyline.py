"""Lines of straight pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.polyline import (
    distances,
    length,
    places_at,
    resampled,
    smoothed,
)

lines = hnp.arrays(
    np.float64, st.tuples(st.integers(2, 12), st.just(3)), elements=st.floats(-50.0, 50.0)
)
CORNER = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 3.0]])


def test_length_and_places_of_a_corner() -> None:
    assert length(CORNER) == 5.0
    assert distances(CORNER).tolist() == [0.0, 2.0, 5.0]
    assert places_at(CORNER, [0.0, 1.0, 3.0, 9.0]).tolist() == [[0, 0], [1, 0], [2, 1], [2, 3]]
    assert length(np.ones((3, 2))) == 0.0


@given(lines, st.floats(0.05, 5.0))
def test_equal_distances_keep_both_ends_and_lie_on_the_line(
    line: FloatArray, spacing: float
) -> None:
    made = resampled(line, spacing)
    np.testing.assert_allclose(made[[0, -1]], line[[0, -1]], atol=1e-9)
    assert length(made) <= length(line) + 1e-6


@given(lines)
def test_smoothing_keeps_both_ends(line: FloatArray) -> None:
    made = smoothed(line, 0.5, 1.5)
    np.testing.assert_allclose(made[[0, -1]], line[[0, -1]], atol=1e-6)


def test_smoothing_takes_the_trembling_and_keeps_the_way() -> None:
    way = np.stack([np.linspace(0.0, 6.0, 121), np.zeros(121)], axis=-1)
    trembling = way.copy()
    trembling[:, 1] = 0.02 * np.sin(np.arange(121) * 2.1)
    made = smoothed(trembling, 0.05, 0.15)
    assert np.abs(made[12:-12, 1]).max() < 0.001, "the ends themselves stay"
    straight = smoothed(way, 0.05, 0.15)
    np.testing.assert_allclose(straight[:, 1], 0.0, atol=1e-12)
    assert length(straight) == pytest.approx(6.0)
