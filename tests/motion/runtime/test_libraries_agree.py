"""ONNX Runtime and torch compute the same, of every kind of network that a config can ask for."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from mmm_blender.common.arrays import IntArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.edit_mask import span_mask
from mmm_blender.motion.bundles.tensor_shapes import tokenizer_shapes, transformer_shapes
from mmm_blender.motion.config import PATH_FEATURES, TokenizerConfig, TransformerConfig
from mmm_blender.motion.networks.bundle_file import stored_arrays
from mmm_blender.motion.networks.tokenizer import Tokenizer
from mmm_blender.motion.networks.transformer import MaskedTransformer
from mmm_blender.motion.pipeline.pipeline import (
    EditRequest,
    GenerateRequest,
    MotionPipeline,
    SequenceRequest,
)
from mmm_blender.motion.runtime.interface import Networks
from mmm_blender.motion.runtime.onnx.networks import OnnxNetworks
from mmm_blender.motion.runtime.opening import ONNX, TORCH
from mmm_blender.motion.runtime.torch_networks import TorchNetworks
from mmm_blender.motion.sampling import masks
from tests.geometry.motions import smooth_clip
from tests.motion.conftest import TEXT_WIDTH, FakeTextEncoder
from tests.motion.tiny_models import KINDS, tiny_generator

TOLERANCE = 1e-4
_OURS = TokenizerConfig(width=12, code_dim=4, codes=24)
_NETWORK = TransformerConfig(width=24, heads=3, layers=2, cross_layers=2, text_width=TEXT_WIDTH)
_PUBLISHED = replace(_OURS, layout="humanml3d_263", dilations=(9, 3, 1))
CONFIGS: dict[str, tuple[TokenizerConfig, TransformerConfig]] = {
    "path": (replace(_OURS, codebooks=(2, 1)), replace(_NETWORK, path_condition=True)),
    "grid of codes": (replace(_OURS, levels=(3, 2, 2, 2)), replace(_NETWORK, cross_layers=0)),
    "three stages": (
        replace(_OURS, stages=3, latent_kernel=3, output_kernel=5, dilations=(0, 2)),
        replace(_NETWORK, mlp_ratio=2, heads=1),
    ),
    "upper": (
        replace(_PUBLISHED, parts=("upper", "lower"), upper_height_relative=True),
        replace(_NETWORK, word_mask=False, predicted_parts=("upper",), trained_with_guidance=False),
    ),
    "kit": (replace(_OURS, layout="kit_251", parts=("all",)), _NETWORK),
}


@cache
def both(kind: str) -> tuple[Networks, TorchNetworks]:
    """The same random networks on both libraries."""
    sizes, network_sizes = CONFIGS[kind]
    torch.manual_seed(2)
    tokenizer = Tokenizer(sizes).train()
    tokenizer(torch.randn(8, 64, sizes.feature_layout.channels))
    tokenizer.mean_C.normal_()
    tokenizer.std_C.uniform_(0.5, 2.0)
    network = MaskedTransformer(network_sizes, sizes, tokenizer.codebooks_PKD)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    weights = stored_arrays(tokenizer), stored_arrays(network)
    return OnnxNetworks(sizes, network_sizes, *weights, 1), TorchNetworks(tokenizer, network)


def grids(networks: Networks, lengths_B: IntArray, seed: int) -> IntArray:
    """Token grids with codes, MASK, END and PAD."""
    vocabulary, places = networks.tokenizer.vocabulary, int(lengths_B.max()) + 1
    rng = np.random.default_rng(seed)
    shape = (len(lengths_B), places, len(networks.tokenizer.columns))
    codes_BLP = rng.integers(vocabulary.codes, size=shape)
    codes_BLP[rng.random(shape) < 0.5] = vocabulary.mask
    return masks.close_grid(codes_BLP, lengths_B, vocabulary)


@pytest.mark.parametrize("kind", CONFIGS)
def test_tokens_and_features(kind: str):
    ours, theirs = both(kind)
    channels = ours.tokenizer.feature_layout.channels
    features_BTC = np.random.default_rng(1).standard_normal((2, 64, channels), dtype=np.float32)
    tokens_BLP = ours.encode(features_BTC)
    assert tokens_BLP.dtype == np.int64 and len(np.unique(tokens_BLP)) > 3
    assert np.array_equal(tokens_BLP, theirs.encode(features_BTC))
    decoded_BTC = ours.decode(tokens_BLP)
    assert decoded_BTC.dtype == np.float32 and decoded_BTC.shape == features_BTC.shape
    assert np.abs(decoded_BTC - theirs.decode(tokens_BLP)).max() < TOLERANCE
    assert np.array_equal(ours.mean_C, theirs.mean_C) and np.array_equal(ours.std_C, theirs.std_C)
    first = 0
    for part, count in enumerate(ours.tokenizer.part_codebooks.values()):
        columns = tokens_BLP[..., first : first + count]
        apart = ours.decode_part(part, columns) - theirs.decode_part(part, columns)
        assert np.abs(apart).max() < TOLERANCE
        first += count


@pytest.mark.parametrize("kind", CONFIGS)
def test_logits_of_wanted_places(kind: str):
    ours, theirs = both(kind)
    lengths_B = np.array([49, 7, 30])
    tokens_BLP = grids(ours, lengths_B, 3)
    rng = np.random.default_rng(4)
    wanted_BL = rng.random(tokens_BLP.shape[:2]) < 0.4
    text = FakeTextEncoder().encode(["walk", "run", "jump"])
    path_BLF = rng.standard_normal((*tokens_BLP.shape[:2], PATH_FEATURES), dtype=np.float32)
    path_BLF[..., 0] = rng.random(tokens_BLP.shape[:2]) < 0.5
    drops = [None, np.array([True, False, True])]
    sides: tuple[Networks, Networks] = (ours, theirs)
    for drop_B in drops[: 1 + ours.transformer.trained_with_guidance]:
        for path in (None, path_BLF):
            made, expected = (
                each.logits(tokens_BLP, lengths_B, each.prepare(text, drop_B, path), wanted_BL)
                for each in sides
            )
            assert made.shape == expected.shape and made.shape[0] == wanted_BL.sum()
            assert np.abs(made - expected).max() < TOLERANCE
            assert made.std() > 0.1


def test_no_guidance_is_refused_on_both_where_none_was_taught():
    text = FakeTextEncoder().encode(["walk"])
    for networks in both("upper"):
        with pytest.raises(MMMError, match="without guidance"):
            networks.prepare(text, np.array([True]), None)


@pytest.mark.parametrize("kind", CONFIGS)
def test_the_shapes_of_a_config_are_those_of_its_modules(kind: str):
    ours, theirs = both(kind)
    for module, shapes in (
        (theirs.tokenizer_module, tokenizer_shapes(ours.tokenizer)),
        (theirs.transformer_module, transformer_shapes(ours.transformer, ours.tokenizer)),
    ):
        assert {name: v.shape for name, v in stored_arrays(module).items()} == shapes
    assert ours.parameters == theirs.parameters


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "upper"])
def test_motions_have_the_same_tokens_and_poses(kind: str):
    request = GenerateRequest("a person walks", 1.6, 5)
    ours, theirs = (tiny_generator(kind, library).generate(request) for library in (ONNX, TORCH))
    assert np.array_equal(ours.tokens_LP, theirs.tokens_LP)
    assert_near(ours.clip, theirs.clip)


def test_edits_and_sequences_too():
    clip = smooth_clip(60, seed=3)
    edit = EditRequest(clip, span_mask(60, 20, 40, "all"), "a person runs", 4)
    sequence = SequenceRequest(("walk", "run"), (1.6, 2.0), (1, 2))
    ours, theirs = (tiny_generator("two parts", library) for library in (ONNX, TORCH))
    for made, expected in (
        (ours.edit(edit), theirs.edit(edit)),
        (ours.sequence(sequence), theirs.sequence(sequence)),
    ):
        assert np.array_equal(made.tokens_LP, expected.tokens_LP)
        assert_near(made.clip, expected.clip)


def assert_near(ours: MotionClip, theirs: MotionClip) -> None:
    assert np.abs(ours.rotations_TJ4 - theirs.rotations_TJ4).max() < TOLERANCE
    assert np.abs(ours.root_T3 - theirs.root_T3).max() < TOLERANCE


STARTER = Path(__file__).resolve().parents[3] / "weights" / "starter"


@pytest.mark.skipif(not STARTER.is_dir(), reason="the starter weights are not in this checkout")
def test_the_starter_says_the_same_on_both():
    request = GenerateRequest("a tired person walks forward", 3.0, 7)
    ours, theirs = (
        MotionPipeline.load(STARTER, library=library, threads=1).generate(request)
        for library in (ONNX, TORCH)
    )
    assert np.array_equal(ours.tokens_LP, theirs.tokens_LP)
    assert_near(ours.clip, theirs.clip)
