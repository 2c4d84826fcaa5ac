"""Random numbers hang on seed, stream, step and use, and on nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_blender.motion.sampling.noise import CODES, RANKS, Noise
from mmm_blender.motion.sampling.sampler import draw_codes

SEEDS = st.integers(0, 2**63 - 1)


@given(SEEDS, st.integers(0, 999))
def test_what_was_drawn_before_changes_nothing(seed: int, step: int):
    noise = Noise(seed)
    first = noise.uniform(step, CODES, 50)
    noise.uniform(step + 1, RANKS, 7)
    assert np.array_equal(noise.uniform(step, CODES, 50), first)
    assert np.array_equal(noise.uniform(step, CODES, 9), first[:9])
    assert ((first > 0.0) & (first < 1.0)).all()


@given(SEEDS)
def test_each_use_has_numbers_of_its_own(seed: int):
    noise = Noise(seed)
    uses = [noise, noise.next(), Noise((seed + 1) % 2**63)]
    rows = [
        each.uniform(step, kind, 8) for each in uses for step in (0, 1) for kind in (CODES, RANKS)
    ]
    assert len({row.tobytes() for row in rows}) == len(rows)


def test_the_numbers_are_those_of_every_version():
    """A change of these makes other motions from equal seeds: raise SAMPLER_VERSION."""
    numbers = Noise(11, stream=2).uniform(3, RANKS, 3)
    assert numbers.tolist() == pytest.approx(
        [0.7936902652415438, 0.11210007946689465, 0.05519500553912643], abs=1e-15
    )


def test_numbers_are_spread_evenly_and_gumbel_has_its_mean():
    numbers = Noise(0).uniform(0, CODES, 100_000)
    assert np.abs(np.histogram(numbers, 10, (0.0, 1.0))[0] / 1e4 - 1.0).max() < 0.05
    assert Noise(0).gumbel(0, CODES, 100_000).mean() == pytest.approx(np.euler_gamma, abs=0.02)


@given(st.floats(1e-300, 1e6))
def test_a_code_is_drawn_at_any_temperature(temperature: float):
    logits_MK = np.array([[0.0, 5.0, -3.0], [1e4, -1e4, 0.0]], dtype=np.float32)
    codes_M = draw_codes(logits_MK, np.array([0.5, 1.0 - 2.0**-53]), temperature)
    assert ((codes_M >= 0) & (codes_M < 3)).all()
    assert draw_codes(logits_MK, np.full(2, 0.5), 1e-300).tolist() == [1, 0]


def test_a_code_that_cannot_be_is_not_drawn():
    logits_MK = np.array([[-np.inf, 0.0, -np.inf]] * 2, dtype=np.float32)
    ends_M = np.array([2.0**-54, 1.0 - 2.0**-53])
    assert draw_codes(logits_MK, ends_M, 1.0).tolist() == [1, 1]
