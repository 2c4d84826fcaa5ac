"""The paper's model with random weights: seconds a prompt, on the CPU and on a GPU if there is one.

B batch, W words, C channels, L token places, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from _bench.figures import Figure, Row, Skipped, seconds_once
from torch import nn

from mmm_blender.motion.config import (
    BundleConfig,
    SamplerConfig,
    TokenizerConfig,
    TransformerConfig,
)
from mmm_blender.motion.loaded_bundle import Bundle
from mmm_blender.motion.motion_model import MotionModel
from mmm_blender.motion.networks.tokenizer import Tokenizer
from mmm_blender.motion.networks.transformer import MaskedTransformer
from mmm_blender.motion.pipeline.pipeline import GenerateRequest, MotionPipeline
from mmm_blender.motion.runtime.torch_networks import TorchNetworks
from mmm_blender.motion.text import TextFeatures

BATCHES = (1, 8)
LONGEST = 9.8  # seconds: 196 frames at 20 fps
_WORDS = 77
_CLIP_WIDTH = 512
_SEED = 0

TOKENIZER = TokenizerConfig(
    layout="humanml3d_263",
    parts=("all",),
    width=512,
    code_dim=32,
    codes=8192,
    dilations=(9, 3, 1),
    latent_kernel=3,
    output_kernel=3,
)
TRANSFORMER = TransformerConfig(
    width=1024,
    heads=16,
    layers=16,
    text_width=_CLIP_WIDTH,
    word_mask=False,
    trained_with_guidance=False,
)


class RandomText:
    """Stands for CLIP's text tower, whose time is not the motion model's."""

    width = _CLIP_WIDTH

    def encode(self, prompts: Sequence[str]) -> TextFeatures:
        """Noise."""
        count = len(prompts)
        rng = np.random.default_rng(_SEED)
        sentence_BC = rng.standard_normal((count, self.width), dtype=np.float32)
        words_BWC = rng.standard_normal((count, _WORDS, self.width), dtype=np.float32)
        return TextFeatures(sentence_BC, words_BWC, np.ones((count, _WORDS), dtype=np.bool_))


def rows() -> list[Row]:
    """The CPU, and a GPU or why not."""
    found = [_row("cpu", batch) for batch in BATCHES]
    device = _gpu()
    if device is None:
        return [*found, Skipped("paper-size model on a GPU", "torch sees none on this machine")]
    return [*found, *(_row(device, batch) for batch in BATCHES)]


def _gpu() -> str | None:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


def _row(device: str, batch: int) -> Figure:
    """One batch; the peer is as many passes of torch's own encoder of the same size."""
    generator = paper_generator(device)
    requests = [GenerateRequest("a person walks", LONGEST, seed) for seed in range(batch)]
    steps = SamplerConfig().full_length_steps
    encoder = _torch_encoder(device)
    places_BLD = torch.randn(batch, TRANSFORMER.places + 1, TRANSFORMER.width, device=device)

    def peer(passes: int = steps) -> None:
        with torch.inference_mode():
            for _ in range(passes):
                encoder(places_BLD)
            places_BLD.sum().item()  # waits for a GPU

    generator.generate(GenerateRequest("a person walks", generator.min_seconds))  # warms up
    took = seconds_once(lambda: generator.generate_batch(requests))
    peer(passes=1)
    return Figure(
        f"paper-size model, 196 frames a prompt, {device}, batch {batch}",
        took / batch,
        "s",
        "torch's TransformerEncoder",
        seconds_once(peer) / batch,
    )


def paper_generator(device: str) -> MotionPipeline:
    """The paper's sizes with random weights."""
    torch.manual_seed(_SEED)
    tokenizer = Tokenizer(TOKENIZER)
    transformer = MaskedTransformer(TRANSFORMER, TOKENIZER, tokenizer.codebooks_PKD)
    config = BundleConfig("paper-size", "none", TOKENIZER, TRANSFORMER)
    model = MotionModel(TorchNetworks(tokenizer.to(device), transformer.to(device)))
    return MotionPipeline(Bundle(Path("paper-size"), config, model, ""), RandomText())


def _torch_encoder(device: str) -> nn.TransformerEncoder:
    """Self-attention blocks alone, as many as self- and cross-attention blocks together."""
    layer = nn.TransformerEncoderLayer(
        TRANSFORMER.width,
        TRANSFORMER.heads,
        TRANSFORMER.width * TRANSFORMER.mlp_ratio,
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )
    layers = TRANSFORMER.layers + TRANSFORMER.cross_layers
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False).to(device).eval()
