"""Several prompts in a row become one motion whose borders lie where the durations put them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.errors import MMMError
from mmm_blender.motion.config import BundleConfig, SamplerConfig
from mmm_blender.motion.pipeline import sequence as sequence_module
from mmm_blender.motion.pipeline.pipeline import (
    Cancelled,
    GenerateRequest,
    SequenceRequest,
    SequenceResult,
)
from mmm_blender.motion.pipeline.sequence import segment_borders
from tests.motion.tiny_models import tiny_generator

TWO_STEPS = SamplerConfig(steps=2)
DURATIONS = st.lists(st.floats(0.2, 9.8), min_size=1, max_size=20)


def asked(*seconds: float, fps: float = 0.0) -> SequenceRequest:
    prompts = tuple(f"a person does thing {n}" for n in range(len(seconds)))
    seeds = tuple(range(len(seconds)))
    return SequenceRequest(prompts, seconds, seeds, fps, TWO_STEPS)


def made(request: SequenceRequest, kind: str = "two parts") -> SequenceResult:
    return tiny_generator(kind).sequence(request)


def bundle_config() -> BundleConfig:
    return tiny_generator("two parts").config


@given(DURATIONS)
def test_borders_are_nearest_to_the_durations(seconds: list[float]):
    borders = segment_borders(seconds, bundle_config())
    lengths = [after - before for before, after in pairwise(borders)]
    assert len(lengths) == len(seconds)
    assert min(lengths) >= 1 and max(lengths) <= 49
    ends = np.cumsum(seconds) * 5
    assert borders[0] == 0 and -1e-6 <= borders[-1] - ends[-1] < 1 + 1e-6
    assert np.abs(borders[1:-1] - ends[:-1]).max(initial=0.0) <= 1.5
    if max(seconds) < 9.0 and min(seconds) > 0.5:
        assert np.abs(borders[1:-1] - ends[:-1]).max(initial=0.0) <= 0.5 + 1e-6


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0.2, 4.0), min_size=1, max_size=5), st.sampled_from([20.0, 23.976, 60.0]))
def test_a_sequence_lasts_as_long_as_its_durations(seconds: list[float], fps: float):
    result = made(asked(*seconds, fps=fps))
    assert result.clip.fps == fps
    assert result.clip.frames == max(1, round(sum(seconds) * fps))
    assert len(result.tokens_LP) == segment_borders(seconds, bundle_config())[-1]
    assert (result.tokens_LP >= 0).all() and (result.tokens_LP < 24).all()


def test_one_segment_is_what_its_prompt_gives():
    request = asked(3.0)
    alone = GenerateRequest(request.prompts[0], 3.0, 0, TWO_STEPS)
    generated = tiny_generator("two parts").generate(alone)
    result = made(request)
    assert np.array_equal(result.tokens_LP, generated.tokens_LP)
    assert np.array_equal(result.clip.rotations_TJ4, generated.clip.rotations_TJ4)
    assert np.array_equal(result.clip.root_T3, generated.clip.root_T3)


def test_all_but_the_seams_is_what_the_prompts_give():
    request = asked(3.0, 4.0, 2.0)
    result = made(request)
    start = 0
    for prompt, seconds, seed in zip(request.prompts, request.seconds, request.seeds, strict=True):
        alone = GenerateRequest(prompt, seconds, seed, TWO_STEPS)
        tokens_LP = tiny_generator("two parts").generate(alone).tokens_LP
        inner = slice(start + 2, start + len(tokens_LP) - 2)
        assert np.array_equal(result.tokens_LP[inner], tokens_LP[2:-2])
        start += len(tokens_LP)


def test_a_short_segment_gives_a_seam_a_third_at_most():
    request = asked(3.0, 0.8, 3.0)
    result = made(request)
    short = GenerateRequest(request.prompts[1], 0.8, 1, TWO_STEPS)
    tokens_LP = tiny_generator("two parts").generate(short).tokens_LP
    assert np.array_equal(result.tokens_LP[16:18], tokens_LP[1:-1])


def test_a_transition_hears_of_both_neighbours():
    request = replace(asked(3.0, 3.0), sampler=SamplerConfig())
    for seeds in ([(0, n) for n in range(12)], [(n, 0) for n in range(12)]):
        made_so = [made(replace(request, seeds=pair), "four parts") for pair in seeds]
        assert len({result.tokens_LP[13:17].tobytes() for result in made_so}) > 1


def test_the_root_path_is_one():
    clip = made(asked(2.0, 2.0, 2.0)).clip
    steps_T = np.linalg.norm(np.diff(clip.root_T3, axis=0), axis=-1)
    borders = [39, 79]
    assert steps_T[borders].max() <= 2.0 * np.delete(steps_T, borders).max()


def test_batches_do_not_show(monkeypatch: pytest.MonkeyPatch):
    request = asked(*(0.4 + 0.3 * n for n in range(11)))
    tokens_LP = made(request).tokens_LP
    monkeypatch.setattr(sequence_module, "SEGMENTS_A_BATCH", 3)
    assert np.array_equal(made(request).tokens_LP, tokens_LP)


def test_equal_requests_and_replays_are_equal():
    request = asked(2.0, 3.3, 1.7, fps=24.0)
    first, second = made(request), made(request)
    again = made(replace(request, tokens_LP=first.tokens_LP, seeds=(9, 9, 9)))
    for other in (second, again):
        assert other.clip.rotations_TJ4.tobytes() == first.clip.rotations_TJ4.tobytes()
        assert other.clip.root_T3.tobytes() == first.clip.root_T3.tobytes()
        assert np.array_equal(other.tokens_LP, first.tokens_LP)


@pytest.mark.parametrize("kind", ["four parts", "whole", "published", "short"])
def test_every_bundle_that_makes_whole_bodies_makes_sequences(kind: str):
    assert made(asked(1.5, 1.7, fps=30.0), kind).clip.frames == 96


def test_progress_is_that_of_the_whole_and_cancelling_ends_it():
    told: list[float] = []
    request = asked(*([1.0] * 20))
    tiny_generator("two parts").sequence(request, lambda done, total: told.append(done / total))
    assert told == sorted(told) and (told[0], told[-1]) == (0.0, 1.0)
    asks = iter([False] * 5 + [True])
    with pytest.raises(Cancelled):
        tiny_generator("two parts").sequence(request, cancelled=lambda: next(asks))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompts": (), "seconds": (), "seeds": ()}, "list of prompts is empty"),
        ({"prompts": ("walk", " ")}, "prompt number 2 is empty"),
        ({"prompts": ("walk", "run " * 1000)}, "prompt number 2 has 4,000 characters"),
        ({"seconds": (2.0, 30.0)}, r"0\.2 to 9\.8 seconds of motion, not 30 .*prompt number 2"),
        ({"seconds": (2.0, float("nan"))}, r"0\.2 to 9\.8 seconds"),
        ({"seeds": (1, -1)}, "seed"),
        ({"seconds": (2.0,)}, "2 prompts, 1 durations and 2 seeds"),
        ({"tokens_LP": np.zeros((3, 2), dtype=np.int64)}, "do not fit"),
        ({"fps": -1.0}, "frame rate"),
    ],
)
def test_bad_input_is_one_sentence(change: dict[str, object], words: str):
    with pytest.raises(MMMError, match=words):
        made(replace(asked(2.0, 2.0), **change))
