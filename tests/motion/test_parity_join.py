"""Clips are joined without a change to any of their tokens."""

from dataclasses import replace

import numpy as np
import pytest
from _parity.join import TRANSITION_TOKENS, join

from mmm_blender.common.arrays import IntArray
from mmm_blender.motion.config import SamplerConfig
from mmm_blender.motion.motion_model import MotionModel
from mmm_blender.motion.networks.tokenizer import Tokenizer
from mmm_blender.motion.networks.transformer import MaskedTransformer
from mmm_blender.motion.runtime.torch_networks import TorchNetworks
from mmm_blender.motion.sampling.noise import Noise
from mmm_blender.motion.text import TextEncoder

RNG = np.random.default_rng(3)


@pytest.fixture(name="model")
def _model(tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer) -> MotionModel:
    return MotionModel(TorchNetworks(tiny_tokenizer, tiny_transformer))


def joined(
    model: MotionModel, text_encoder: TextEncoder, clips: list[IntArray], prompts: list[str]
) -> IntArray:
    return join(
        model,
        clips,
        text_encoder.encode(prompts),
        sampler=replace(SamplerConfig(), greedy=True),
        noises=[Noise(0) for _ in clips],
    )


@pytest.mark.parametrize("lengths", [(5,), (1, 1), (49, 49), (3, 20, 7, 1)])
def test_clips_stay_as_they_are_with_new_tokens_between(
    model: MotionModel, text_encoder: TextEncoder, lengths: tuple[int, ...]
):
    clips = [RNG.integers(model.vocabulary.codes, size=(length, 2)) for length in lengths]
    tokens_LP = joined(model, text_encoder, clips, ["walk", "run", "jump", "sit"][: len(clips)])
    assert len(tokens_LP) == sum(lengths) + TRANSITION_TOKENS * (len(clips) - 1)
    assert tokens_LP.max() < model.vocabulary.codes
    at = 0
    for clip in clips:
        assert np.array_equal(tokens_LP[at : at + len(clip)], clip)
        at += len(clip) + TRANSITION_TOKENS


def test_a_transition_follows_the_text_before_it(model: MotionModel, text_encoder: TextEncoder):
    clips = [RNG.integers(model.vocabulary.codes, size=(6, 2)) for _ in range(2)]
    walk = joined(model, text_encoder, clips, ["walk", "run"])
    assert np.array_equal(walk, joined(model, text_encoder, clips, ["walk", "jump"]))
    others = [joined(model, text_encoder, clips, [f"{n} steps", "run"]) for n in range(12)]
    assert any(not np.array_equal(walk, other) for other in others)


def test_frames_behind_the_last_whole_token_are_left_out(model: MotionModel):
    channels = model.tokenizer_config.feature_layout.channels
    features_TC = RNG.standard_normal((23, channels), dtype=np.float32)
    assert np.array_equal(model.encode(features_TC), model.encode(features_TC[:20]))
    assert model.decode(model.encode(features_TC)).shape == (20, channels)
