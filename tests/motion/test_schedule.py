"""Schedules fall from all to none, and the number of steps follows the length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_blender.motion.schedule import SCHEDULES, masked_count, step_progress

NAMES = st.sampled_from(sorted(SCHEDULES))


@given(NAMES, st.integers(1, 100), st.integers(1, 49), st.integers(1, 20))
def test_fewer_cells_are_masked_at_every_step(name: str, cells: int, tokens: int, full: int):
    counts = [masked_count(SCHEDULES[name], t, cells) for t in step_progress(tokens, full)]
    assert counts[0] == cells
    assert counts == sorted(counts, reverse=True)
    assert min(counts) >= 1


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_schedules_start_at_one_and_end_at_nothing(name: str):
    assert SCHEDULES[name](0.0) == pytest.approx(1.0)
    assert SCHEDULES[name](1.0) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("tokens", "steps"), [(1, 1), (6, 1), (10, 2), (16, 3), (30, 6), (49, 10)])
def test_steps_are_in_proportion_to_the_length(tokens: int, steps: int):
    assert len(step_progress(tokens, full_length_steps=10)) == steps


def test_the_closing_step_comes_for_shorter_clips_only():
    assert step_progress(25, 20, closing_step=True) == [s / 10 for s in range(10)] + [1.0]
    assert len(step_progress(49, 20, closing_step=True)) == 20


@given(st.integers(1, 49), st.integers(1, 30))
def test_a_number_of_steps_that_was_asked_for_is_kept(tokens: int, steps: int):
    assert len(step_progress(tokens, 20, closing_step=True, steps=steps)) == steps
