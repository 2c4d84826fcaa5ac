"""A grid of any length is filled through windows, each with what is known on both sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import BoolArray, IntArray
from mmm_blender.motion.config import SamplerConfig
from mmm_blender.motion.pipeline.windows import (
    CONTEXT_TOKENS,
    UNSURE_TOKENS,
    Window,
    WindowFiller,
    plan_windows,
)
from mmm_blender.motion.sampling.noise import Noise
from tests.motion.tiny_models import tiny_generator

LONGEST = 49
RNG = np.random.default_rng(0)


def masked(places: int, *spans: tuple[int, int]) -> BoolArray:
    mask_L = np.zeros(places, dtype=np.bool_)
    for start, stop in spans:
        mask_L[start:stop] = True
    return mask_L


@given(st.lists(st.booleans(), max_size=300), st.integers(1, 60))
def test_every_masked_place_is_filled_once_and_in_order(mask: list[bool], longest: int):
    mask_L = np.array(mask, dtype=np.bool_)
    filled_L = np.zeros(len(mask), dtype=np.int64)
    for window in plan_windows(mask_L, longest):
        assert 0 <= window.start <= window.fill_start < window.fill_stop <= window.stop
        assert window.stop <= len(mask) and window.length <= longest
        assert not (mask_L & (filled_L == 0))[: window.fill_start].any()
        filled_L[window.fill_start : window.fill_stop] += 1
    assert (filled_L[mask_L] == 1).all() and filled_L.max(initial=0) <= 1


def test_a_grid_that_fits_is_seen_whole():
    assert plan_windows(masked(49, (20, 30)), LONGEST) == [Window(0, 49, 20, 30)]
    assert plan_windows(masked(49, (0, 49)), LONGEST) == [Window(0, 49, 0, 49)]
    assert plan_windows(masked(10), LONGEST) == []


def test_what_surrounds_a_short_span_is_seen_evenly():
    assert plan_windows(masked(400, (200, 209)), LONGEST) == [Window(180, 229, 200, 209)]
    assert plan_windows(masked(400, (0, 9)), LONGEST) == [Window(0, 49, 0, 9)]
    assert plan_windows(masked(400, (391, 400)), LONGEST) == [Window(351, 400, 391, 400)]


def test_near_spans_share_a_window_and_far_ones_do_not():
    assert len(plan_windows(masked(400, (200, 205), (210, 215)), LONGEST)) == 1
    assert len(plan_windows(masked(400, (100, 105), (210, 215)), LONGEST)) == 2


@pytest.mark.parametrize("length", [26, 49, 60, 100, 1000])
def test_a_long_span_is_filled_with_context_on_both_sides(length: int):
    start, stop = 100, 100 + length
    windows = plan_windows(masked(stop + 100, (start, stop)), LONGEST)
    assert all(window.fill_start - window.start >= CONTEXT_TOKENS for window in windows)
    assert all(window.stop - window.fill_stop >= UNSURE_TOKENS for window in windows)
    assert windows[-1].stop - stop >= CONTEXT_TOKENS
    sizes = [window.fill_stop - window.fill_start for window in windows[:-1]]
    assert max(sizes, default=0) - min(sizes, default=0) <= 3, "no window fills a mere rest"


def test_only_masked_cells_of_the_span_are_written(greedy: SamplerConfig):
    generator = tiny_generator("two parts")
    filler = WindowFiller(generator.model, generator.text_encoder, replace(greedy, steps=2))
    tokens_LP = RNG.integers(24, size=(60, 2))
    mask_LP = np.zeros((60, 2), dtype=np.bool_)
    mask_LP[30:40, 1] = True
    spoilt_LP = np.where(mask_LP, 0, tokens_LP)
    rows = ([Window(20, 50, 30, 34)], ["a person walks"], [Noise(0)])
    filled_LP = filler.fill(tokens_LP, mask_LP, *rows)
    written_LP = np.zeros_like(mask_LP)
    written_LP[30:34, 1] = True
    assert np.array_equal(filled_LP[~written_LP], tokens_LP[~written_LP])
    assert np.array_equal(filler.fill(spoilt_LP, mask_LP, *rows)[written_LP], filled_LP[written_LP])


@settings(max_examples=8, deadline=None)
@given(st.integers(2, 5), st.integers(0, 2**20))
def test_a_windows_tokens_do_not_hang_on_its_batch(count: int, seed: int):
    generator = tiny_generator("two parts")
    filler = WindowFiller(generator.model, generator.text_encoder, SamplerConfig())
    rng = np.random.default_rng(seed)
    tokens_LP = rng.integers(24, size=(40 * count, 2))
    windows = [Window(40 * n, 40 * n + 7 * (n + 1), 40 * n + n, 40 * n + 5) for n in range(count)]
    mask_LP = np.zeros(tokens_LP.shape, dtype=np.bool_)
    for window in windows:
        mask_LP[window.fill_start : window.fill_stop] = True
    prompts = [f"{n} steps" for n in range(count)]

    noises = [Noise(seed + n) for n in range(count)]

    together_LP = filler.fill(tokens_LP, mask_LP, windows, prompts, noises)
    alone_LP = tokens_LP
    for n, window in enumerate(windows):
        row = ([window], [prompts[n]], [noises[n]])
        alone_LP = filler.fill(alone_LP, mask_LP, *row)
    assert np.array_equal(together_LP, alone_LP)


@pytest.mark.parametrize("kind", ["two parts", "whole"])
def test_without_a_prompt_there_is_no_text(kind: str, greedy: SamplerConfig):
    generator = tiny_generator(kind)
    columns = len(generator.model.columns)
    tokens_LP, whole = np.zeros((20, columns), dtype=np.int64), [Window(0, 20, 0, 20)]

    def filled(prompt: str, guidance: float = 1.0) -> IntArray:
        sampler = replace(greedy, guidance=guidance)
        filler = WindowFiller(generator.model, generator.text_encoder, sampler)
        rows = (whole, [prompt], [Noise(0)])
        return filler.fill(tokens_LP, np.ones(tokens_LP.shape, dtype=np.bool_), *rows)

    trained_so = generator.config.transformer.trained_with_guidance
    silences = [filled(" " * n) for n in range(4)]
    # one that was trained without a text now and then has a silence of its own, whatever it hears
    assert all(np.array_equal(silences[0], other) for other in silences) == trained_so
    assert any(not np.array_equal(filled(f"{n} steps"), silences[0]) for n in range(8))
    if trained_so:
        assert np.array_equal(filled("", guidance=3.0), silences[0])


def test_steps_of_the_parts_are_steps_of_the_whole(greedy: SamplerConfig):
    generator = tiny_generator("two parts")
    told: list[float] = []
    filler = WindowFiller(
        generator.model,
        generator.text_encoder,
        greedy,
        on_step=lambda done, total: told.append(done / total),
    )
    tokens_LP = np.zeros((20, 2), dtype=np.int64)
    for index in range(3):
        filler.part(index, 3).fill(
            tokens_LP,
            np.ones((20, 2), dtype=np.bool_),
            [Window(0, 20, 0, 20)],
            ["walk"],
            [Noise(0)],
        )
    assert told == sorted(told) and (told[0], told[-1]) == (0.0, 1.0)
