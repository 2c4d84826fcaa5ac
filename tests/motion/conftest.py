"""A bundle small enough for tests, and a text encoder that needs no files.

B prompts, W words, C channels.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

from mmm_blender.motion.config import (
    BundleConfig,
    SamplerConfig,
    TokenizerConfig,
    TransformerConfig,
)
from mmm_blender.motion.loaded_bundle import load_bundle
from mmm_blender.motion.pipeline.pipeline import MotionPipeline
from mmm_blender.motion.runtime.opening import ONNX, TORCH
from mmm_blender.motion.text import TextFeatures

if TYPE_CHECKING:
    from mmm_blender.motion.networks.text.features import TextFeatures as TorchTextFeatures
    from mmm_blender.motion.networks.tokenizer import Tokenizer
    from mmm_blender.motion.networks.transformer import MaskedTransformer

TEXT_WIDTH = 12
WORDS = 5


class FakeTextEncoder:
    """Random features that depend on the prompt alone."""

    width = TEXT_WIDTH

    def encode(self, prompts: Sequence[str]) -> TextFeatures:
        """The prompt's hash seeds its features; the last word place is empty."""
        rows = [self._row(prompt) for prompt in prompts]
        mask_BW = np.ones((len(prompts), WORDS), dtype=np.bool_)
        mask_BW[:, -1] = False
        words = np.stack([row[1:] for row in rows])
        return TextFeatures(np.stack([row[0] for row in rows]), words, mask_BW)

    def _row(self, prompt: str) -> npt.NDArray[np.float32]:
        seed = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:6], "big")
        shape = (WORDS + 1, TEXT_WIDTH)
        return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


class FakeTorchText:
    """The same in torch."""

    width = TEXT_WIDTH

    def encode(self, prompts: Sequence[str]) -> TorchTextFeatures:
        """As FakeTextEncoder's."""
        from mmm_blender.motion.networks.text.features import TextFeatures as TorchTextFeatures

        return TorchTextFeatures.of(FakeTextEncoder().encode(prompts))


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    if importlib.util.find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def text_encoder() -> FakeTextEncoder:
    return FakeTextEncoder()


@pytest.fixture(scope="session")
def torch_text(needs_torch: None) -> FakeTorchText:
    return FakeTorchText()


@pytest.fixture(scope="session")
def tiny_tokenizer_config() -> TokenizerConfig:
    return TokenizerConfig(width=16, code_dim=4, codes=24)


@pytest.fixture(scope="session")
def tiny_transformer_config() -> TransformerConfig:
    return TransformerConfig(width=32, heads=4, layers=2, cross_layers=1, text_width=TEXT_WIDTH)


@pytest.fixture(scope="session")
def tiny_tokenizer(needs_torch: None, tiny_tokenizer_config: TokenizerConfig) -> Tokenizer:
    """Trained for one step, so that its codebook is not zero."""
    import torch

    from mmm_blender.motion.networks.tokenizer import Tokenizer

    torch.manual_seed(0)
    tokenizer = Tokenizer(tiny_tokenizer_config).train()
    tokenizer(torch.randn(8, 32, tiny_tokenizer_config.feature_layout.channels))
    return tokenizer.eval()


@pytest.fixture(scope="session")
def tiny_transformer(
    tiny_tokenizer: Tokenizer, tiny_transformer_config: TransformerConfig
) -> MaskedTransformer:
    import torch

    from mmm_blender.motion.networks.transformer import MaskedTransformer

    torch.manual_seed(1)
    network = MaskedTransformer(
        tiny_transformer_config, tiny_tokenizer.config, tiny_tokenizer.codebooks_PKD
    )
    # clear preferences, and an ear for the text, as a trained one has
    texts = (network.embed_sentence, network.embed_words)
    for weight in (*network.heads.parameters(), *(layer.weight for layer in texts)):
        torch.nn.init.normal_(weight, std=0.5)
    return network.eval()


@pytest.fixture
def tiny_bundle(
    tmp_path: Path, tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer
) -> Path:
    """Folder of a saved bundle."""
    from mmm_blender.motion.networks.bundle_file import save_bundle

    config = BundleConfig(
        name="tiny",
        licence="CC0-1.0",
        tokenizer=tiny_tokenizer.config,
        transformer=tiny_transformer.config,
        text={"kind": "fake"},
    )
    save_bundle(tmp_path / "tiny", config, tiny_tokenizer, tiny_transformer)
    return tmp_path / "tiny"


@pytest.fixture(params=[ONNX, TORCH])
def generator(
    tiny_bundle: Path, text_encoder: FakeTextEncoder, request: pytest.FixtureRequest
) -> MotionPipeline:
    """On either library."""
    return MotionPipeline(load_bundle(tiny_bundle, library=request.param), text_encoder)


@pytest.fixture(scope="session")
def greedy() -> SamplerConfig:
    return replace(SamplerConfig(), greedy=True)
