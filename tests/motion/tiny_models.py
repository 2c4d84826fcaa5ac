"""Generators with tiny random networks, of every kind of bundle."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import torch

from mmm_blender.motion.config import BundleConfig, TokenizerConfig, TransformerConfig
from mmm_blender.motion.loaded_bundle import Bundle
from mmm_blender.motion.motion_model import MotionModel
from mmm_blender.motion.networks.bundle_file import stored_arrays
from mmm_blender.motion.networks.tokenizer import Tokenizer
from mmm_blender.motion.networks.transformer import MaskedTransformer
from mmm_blender.motion.pipeline.pipeline import MotionPipeline
from mmm_blender.motion.runtime.interface import Networks
from mmm_blender.motion.runtime.onnx.networks import OnnxNetworks
from mmm_blender.motion.runtime.opening import ONNX
from mmm_blender.motion.runtime.torch_networks import TorchNetworks
from tests.motion.conftest import TEXT_WIDTH, FakeTextEncoder

_OURS = TokenizerConfig(width=16, code_dim=4, codes=24)
_NETWORK = TransformerConfig(width=32, heads=4, layers=2, cross_layers=1, text_width=TEXT_WIDTH)
_PUBLISHED = replace(_OURS, layout="humanml3d_263")

KINDS: dict[str, tuple[TokenizerConfig, TransformerConfig]] = {
    "two parts": (_OURS, _NETWORK),
    "four parts": (
        replace(
            _OURS,
            parts=("lower", "torso", "left_arm", "right_arm"),
            codebooks=(2, 1, 1, 1),
        ),
        _NETWORK,
    ),
    "whole": (replace(_OURS, parts=("all",)), replace(_NETWORK, trained_with_guidance=False)),
    "upper": (_PUBLISHED, replace(_NETWORK, predicted_parts=("upper",))),
    "published": (replace(_PUBLISHED, parts=("all",)), _NETWORK),
    "kit": (replace(_OURS, layout="kit_251", parts=("all",)), _NETWORK),
    "short": (_OURS, replace(_NETWORK, places=10)),
    "hears paths": (_OURS, replace(_NETWORK, path_condition=True)),
    "short, hears paths": (_OURS, replace(_NETWORK, places=10, path_condition=True)),
}


@cache
def tiny_generator(kind: str, library: str = ONNX) -> MotionPipeline:
    """A generator of one of KINDS; random weights with clear preferences, always the same."""
    tokenizer_config, sizes = KINDS[kind]
    torch.manual_seed(5)
    tokenizer = Tokenizer(tokenizer_config).train()
    tokenizer(torch.randn(8, 32, tokenizer_config.feature_layout.channels))
    network = MaskedTransformer(sizes, tokenizer.config, tokenizer.codebooks_PKD)
    # clear preferences, and an ear for the text, as a trained one has
    for weight in network.parameters():
        if weight.ndim == 2:
            torch.nn.init.normal_(weight, std=0.3)
    config = BundleConfig("tiny", "CC0-1.0", tokenizer_config, sizes, text={"kind": "fake"})
    networks: Networks = TorchNetworks(tokenizer, network)
    if library == ONNX:
        weights = stored_arrays(tokenizer), stored_arrays(network)
        networks = OnnxNetworks(tokenizer_config, sizes, *weights, threads=1)
    bundle = Bundle(Path("tiny"), config, MotionModel(networks), "0" * 64)
    return MotionPipeline(bundle, FakeTextEncoder())
