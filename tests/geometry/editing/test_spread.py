"""An edit spread over the keys around it: on top, smooth, and nothing further away is touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.geometry.editing.spread import KeyedValues, spread_edit
from mmm_blender.geometry.rotation_modes import QUATERNION, rotation_values
from mmm_blender.geometry.rotations import (
    quat_angle,
    quat_multiply,
    rotation_vector_to_quat,
)
from tests.geometry.motions import smooth_clip

FRAMES = 60
MODES = [QUATERNION, "XYZ", "location"]


def motion(mode: str, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    clip = smooth_clip(FRAMES, 24.0, seed=seed, amplitude=0.3)
    return clip.root_T3 if mode == "location" else rotation_values(clip.rotations_TJ4[:, 3], mode)


def nudged(values: np.ndarray, mode: str, at: int) -> np.ndarray:  # type: ignore[type-arg]
    edited = values.copy()
    if mode == QUATERNION:
        edited[at] = quat_multiply(edited[at], rotation_vector_to_quat(np.array([0.4, 0.0, 0.1])))
    else:
        edited[at] += (0.4, 0.0, 0.1)
    return edited


def flags(*frames: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.isin(np.arange(FRAMES), frames)


@settings(max_examples=15, deadline=None)
@given(
    mode=st.sampled_from(MODES),
    seed=st.integers(0, 20),
    at=st.integers(0, FRAMES - 1),
    reach=st.integers(1, 20),
)
def test_what_is_keyed_and_what_is_far_stays_bit_for_bit(
    mode: str, seed: int, at: int, reach: int
) -> None:
    before = motion(mode, seed)
    values = nudged(before, mode, at)
    keyed = KeyedValues(np.arange(FRAMES, dtype=np.float64), values, mode)
    found = spread_edit(keyed, flags(at), reach)
    assert found is not None
    away = np.abs(np.arange(FRAMES) - at)
    assert (found[(away > reach) | (away == 0)] == values[(away > reach) | (away == 0)]).all()
    if mode == QUATERNION:
        apart = quat_angle(found, before)
    else:
        apart = np.linalg.norm(found - before, axis=1)
    full = apart[at]
    for step in (-1, 1):  # less and less on both sides
        side = apart[at::step]
        assert (np.diff(side[: reach + 2]) < 1e-6).all()
    beside = apart[(away == 1)]
    assert (beside > 0.05 * full / (reach + 1)).all() and (beside < full).all()


def test_between_two_edits_each_goes_over_into_the_other() -> None:
    values = np.zeros((FRAMES, 3))
    values[[20, 30]] = (1.0, 0.0, 0.0)
    keyed = KeyedValues(np.arange(FRAMES, dtype=np.float64), values, "location")
    found = spread_edit(keyed, flags(20, 30), 15)
    assert found is not None
    np.testing.assert_allclose(found[20:31, 0], 1.0, atol=1e-12)
    held = spread_edit(keyed, flags(20, 30), 15, held_K=flags(18, 59))
    assert held is not None and (held[:19] == 0.0).all() and held[19, 0] > 0.0


@pytest.mark.parametrize("mode", MODES)
def test_what_was_not_edited_and_sparse_keys_are_left(mode: str) -> None:
    frames, values = np.arange(FRAMES, dtype=np.float64), motion(mode)
    keyed = KeyedValues(frames, values, mode)
    assert spread_edit(keyed, flags(), 5) is None
    assert spread_edit(keyed, flags(*range(FRAMES)), 5) is None
    sparse = KeyedValues(10.0 * frames, nudged(values, mode, 20), mode)
    assert spread_edit(sparse, flags(20), 50) is None
    still = KeyedValues(frames, np.ones_like(values) * 0.5, mode)
    assert spread_edit(still, flags(20), 5) is None, "nothing was changed"
