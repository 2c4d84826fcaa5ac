"""The paper's model with random weights: seconds a prompt, on the CPU and on a GPU if there is one.

B batch, W words, C channels, L token places, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _bench.figures import Figure, Row, Skipped, seconds, seconds_once
from torch import nn

from mmm_blender.common.arrays import BoolArray, IntArray
from mmm_blender.common.errors import MMMError
from mmm_blender.motion.config import (
    BundleConfig,
    SamplerConfig,
    TokenizerConfig,
    TransformerConfig,
)
from mmm_blender.motion.loaded_bundle import Bundle
from mmm_blender.motion.motion_model import MotionModel
from mmm_blender.motion.networks.bundle_file import stored_arrays
from mmm_blender.motion.networks.text.features import TextFeatures as TorchTextFeatures
from mmm_blender.motion.networks.tokenizer import Tokenizer
from mmm_blender.motion.networks.transformer import MaskedTransformer
from mmm_blender.motion.pipeline.pipeline import GenerateRequest, MotionPipeline
from mmm_blender.motion.runtime.cores import physical_cores
from mmm_blender.motion.runtime.interface import Float32Array
from mmm_blender.motion.runtime.onnx.networks import OnnxNetworks
from mmm_blender.motion.runtime.torch_networks import TorchNetworks
from mmm_blender.motion.sampling import masks
from mmm_blender.motion.sampling.noise import Noise
from mmm_blender.motion.text import TextFeatures

BATCHES = (1, 8)
LONGEST = 9.8  # seconds: 196 frames at 20 fps
_WORDS = 77
_CLIP_WIDTH = 512
_SEED = 0
_REPEATS = 3

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
    tokenizer, transformer = paper_networks()
    ours = onnx_model(tokenizer, transformer)
    found = [_row(ours, batch) for batch in BATCHES]
    found.append(_published_row(ours, tokenizer, transformer))
    device = _gpu()
    if device is None:
        return [*found, Skipped("paper-size model on a GPU", "torch sees none on this machine")]
    on_gpu = MotionModel(TorchNetworks(tokenizer.to(device), transformer.to(device)))
    return [*found, *(_row(on_gpu, batch) for batch in BATCHES)]


def _gpu() -> str | None:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


def _row(model: MotionModel, batch: int) -> Figure:
    """One batch; the peer is as many passes of torch's own encoder of the same size."""
    device = model.networks.device
    generator = paper_generator(model)
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
    library = model.networks.library.split()[0]
    return Figure(
        f"paper-size model, 196 frames a prompt, {library} on {device}, batch {batch}",
        took / batch,
        "s",
        "torch's TransformerEncoder",
        seconds_once(peer) / batch,
    )


def _published_row(
    ours: MotionModel, tokenizer: Tokenizer, transformer: MaskedTransformer
) -> Figure:
    """Greedy tokens of one prompt; the peer does as the published loop does: it hears the text
    at every step and predicts every place. MMMError where the tokens differ."""
    text = RandomText().encode(["a person walks"])
    published = MotionModel(_PublishedLoop(tokenizer, transformer))
    lengths_B = np.array([TRANSFORMER.max_tokens])
    grid_BLP = masks.masked_grid(lengths_B, TRANSFORMER.places, 1, TOKENIZER.vocabulary)
    mask_BLP = grid_BLP == TOKENIZER.vocabulary.mask
    made: dict[str, IntArray] = {}

    def fill(model: MotionModel) -> None:
        made[type(model.networks).__name__] = model.fill(
            *(grid_BLP, mask_BLP, lengths_B, text),
            sampler=SamplerConfig(greedy=True),
            noises=[Noise(_SEED)],
        )

    took, theirs = (seconds(lambda m=model: fill(m), _REPEATS) for model in (ours, published))
    first, second = made.values()
    if not np.array_equal(first, second):
        raise MMMError("ONNX Runtime and the published loop give other tokens: the bench is void.")
    what = "paper-size model, 196 frames, greedy, same tokens, CPU"
    return Figure(what, took, "s", "the published loop in torch", theirs, 0.5 * theirs)


class _PublishedLoop(TorchNetworks):
    """The networks as the published loop uses them: nothing is kept from step to step."""

    def prepare(
        self, text: TextFeatures, drop_text_B: BoolArray | None, path_BLF: Float32Array | None
    ) -> Any:
        """Nothing but the text."""
        del drop_text_B, path_BLF
        return TorchTextFeatures.of(text)

    def logits(
        self, tokens_BLP: IntArray, lengths_B: IntArray, prepared: Any, wanted_BL: BoolArray
    ) -> Float32Array:
        """Of all places; those that are wanted are handed on."""
        with torch.inference_mode():
            tokens, lengths = torch.from_numpy(tokens_BLP), torch.from_numpy(lengths_B)
            columns = self.transformer_module(tokens, lengths, prepared)
            return torch.stack(columns, dim=2).numpy()[wanted_BL]


def paper_networks() -> tuple[Tokenizer, MaskedTransformer]:
    """The paper's sizes with random weights."""
    torch.manual_seed(_SEED)
    tokenizer = Tokenizer(TOKENIZER)
    for book in tokenizer.codebooks:  # zeros until training: every token would look the same
        book.codebook_KD.normal_()
    transformer = MaskedTransformer(TRANSFORMER, TOKENIZER, tokenizer.codebooks_PKD)
    return tokenizer.eval(), transformer.eval()


def onnx_model(tokenizer: Tokenizer, transformer: MaskedTransformer) -> MotionModel:
    """The same networks in ONNX Runtime."""
    weights = stored_arrays(tokenizer), stored_arrays(transformer)
    return MotionModel(OnnxNetworks(TOKENIZER, TRANSFORMER, *weights, physical_cores()))


def paper_generator(model: MotionModel) -> MotionPipeline:
    """A pipeline of a model of the paper's sizes."""
    config = BundleConfig("paper-size", "none", TOKENIZER, TRANSFORMER)
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
