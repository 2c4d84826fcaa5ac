"""What the pipeline asks of the networks, whichever library runs them.

Arrays are NumPy's on both sides. B batch, T frames, C feature channels, L token places, P columns
of the grid, Q of them that are predicted, K motion codes, N wanted places, F numbers of the path
condition. Features are normalised.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ...common.arrays import BoolArray, IntArray
from ..config import TokenizerConfig, TransformerConfig
from ..text import TextFeatures

Float32Array = npt.NDArray[np.float32]


class Networks(Protocol):
    """A tokenizer and its transformer, in memory."""

    @property
    def tokenizer(self) -> TokenizerConfig:
        """Sizes of the tokenizer."""
        ...

    @property
    def transformer(self) -> TransformerConfig:
        """Sizes of the transformer."""
        ...

    @property
    def library(self) -> str:
        """Name and version of what runs them."""
        ...

    @property
    def device(self) -> str:
        """Where they run: "cpu", "cuda:0", "mps"."""
        ...

    @property
    def threads(self) -> int:
        """Threads of the processor that they use."""
        ...

    @property
    def parameters(self) -> int:
        """Numbers that were trained."""
        ...

    @property
    def mean_C(self) -> Float32Array:
        """Mean of the features, in the layout's units."""
        ...

    @property
    def std_C(self) -> Float32Array:
        """Deviation of the features, in the layout's units."""
        ...

    def encode(self, features_BTC: Float32Array) -> IntArray:
        """Motion tokens (B, L, P); T a multiple of the token's frames."""
        ...

    def decode(self, tokens_BLP: IntArray) -> Float32Array:
        """Features (B, T, C) of motion tokens, no END or PAD among them."""
        ...

    def decode_part(self, part: int, tokens_BLP: IntArray) -> Float32Array:
        """Of one body part alone: its columns' tokens to its channels (``part_channels``)."""
        ...

    def prepare(
        self, text: TextFeatures, drop_text_B: BoolArray | None, path_BLF: Float32Array | None
    ) -> Any:
        """A text, and the path where the network was taught to follow one, for ``logits``.

        drop_text_B: rows that hear no text. Raises MMMError where the network knows no such rows.
        """
        ...

    def logits(
        self, tokens_BLP: IntArray, lengths_B: IntArray, prepared: Any, wanted_BL: BoolArray
    ) -> Float32Array:
        """Logits (N, Q, K) of the wanted places, row by row.

        lengths_B counts motion tokens; L may be less than ``places`` as long as END has a place.
        """
        ...
