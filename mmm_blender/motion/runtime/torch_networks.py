"""The networks in torch: on a GPU, and wherever there is no ONNX Runtime.

B batch, T frames, C feature channels, L token places, P columns of the grid, Q of them predicted,
K motion codes, N wanted places, F numbers of the path condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...common.arrays import AnyArray, BoolArray, IntArray
from ..config import TokenizerConfig, TransformerConfig
from ..networks.text.features import TextEncoder as TorchTextEncoder
from ..networks.text.features import TextFeatures as TorchTextFeatures
from ..networks.tokenizer import Tokenizer
from ..networks.transformer import MaskedTransformer, TextMemory
from ..text import TextFeatures
from .interface import Float32Array


class TorchNetworks:
    """See ``interface.Networks``. They may be trained on in between: nothing is copied."""

    def __init__(self, tokenizer: Tokenizer, transformer: MaskedTransformer) -> None:
        self.tokenizer_module = tokenizer.eval()
        self.transformer_module = transformer.eval()

    @property
    def tokenizer(self) -> TokenizerConfig:
        """Sizes of the tokenizer."""
        return self.tokenizer_module.config

    @property
    def transformer(self) -> TransformerConfig:
        """Sizes of the transformer."""
        return self.transformer_module.config

    @property
    def library(self) -> str:
        """Name and version of what runs them."""
        return f"torch {torch.__version__}"

    @property
    def device(self) -> str:
        """Where they run."""
        return str(self._device)

    @property
    def threads(self) -> int:
        """Threads of the processor that they use."""
        return int(torch.get_num_threads())

    @property
    def parameters(self) -> int:
        """Numbers that were trained."""
        modules = (self.tokenizer_module, self.transformer_module)
        return sum(values.numel() for module in modules for values in module.parameters())

    @property
    def mean_C(self) -> Float32Array:
        """Mean of the features, in the layout's units."""
        return self.tokenizer_module.mean_C.cpu().numpy()

    @property
    def std_C(self) -> Float32Array:
        """Deviation of the features, in the layout's units."""
        return self.tokenizer_module.std_C.cpu().numpy()

    @torch.inference_mode()
    def encode(self, features_BTC: Float32Array) -> IntArray:
        """Motion tokens (B, L, P); T a multiple of the token's frames."""
        return self.tokenizer_module.encode(self._given(features_BTC)).cpu().numpy()

    @torch.inference_mode()
    def decode(self, tokens_BLP: IntArray) -> Float32Array:
        """Features (B, T, C) of motion tokens, no END or PAD among them."""
        return self.tokenizer_module.decode(self._given(tokens_BLP)).float().cpu().numpy()

    @torch.inference_mode()
    def decode_part(self, part: int, tokens_BLP: IntArray) -> Float32Array:
        """Of one body part alone: its columns' tokens to its channels."""
        module = self.tokenizer_module.part_tokenizers[part]
        return module.decode(list(self._given(tokens_BLP).unbind(-1))).float().cpu().numpy()

    @torch.inference_mode()
    def prepare(
        self, text: TextFeatures, drop_text_B: BoolArray | None, path_BLF: Float32Array | None
    ) -> TextMemory:
        """A text, and the path where the network was taught to follow one, for ``logits``."""
        features = TorchTextFeatures.of(text, self._device)
        drop_B = None if drop_text_B is None else self._given(drop_text_B)
        path = None if path_BLF is None else self._given(path_BLF)
        return self.transformer_module.precompute_kv(features, drop_B, path)

    @torch.inference_mode()
    def logits(
        self, tokens_BLP: IntArray, lengths_B: IntArray, prepared: Any, wanted_BL: BoolArray
    ) -> Float32Array:
        """Logits (N, Q, K) of the wanted places, row by row."""
        network = self.transformer_module
        hidden_BSE = network.hidden(self._given(tokens_BLP), self._given(lengths_B), prepared)
        wanted_NE = hidden_BSE[:, 1:][self._given(wanted_BL)]
        logits = torch.stack([head(wanted_NE) for head in network.heads], dim=1)
        return logits.float().cpu().numpy()

    @property
    def _device(self) -> torch.device:
        return self.tokenizer_module.mean_C.device

    def _given(self, values: AnyArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._device)


class TorchText:
    """A text encoder in torch, as the pipeline wants it."""

    def __init__(self, encoder: TorchTextEncoder) -> None:
        self.encoder = encoder

    @property
    def width(self) -> int:
        """C, the channels of the sentence and of every word."""
        return self.encoder.width

    @property
    def tokenizer(self) -> Any:
        """What cuts its prompts into pieces."""
        return getattr(self.encoder, "tokenizer", None)

    def encode(self, prompts: Sequence[str]) -> TextFeatures:
        """Encode B prompts at once."""
        return self.encoder.encode(prompts).numpy()
