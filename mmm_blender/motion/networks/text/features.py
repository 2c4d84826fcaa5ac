"""What the torch text encoders say of prompts.

B prompts, W word places, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ... import text as plain


@dataclass(frozen=True, eq=False)
class TextFeatures:
    """Sentence and words of B prompts. word_mask_BW: True where a place holds a word."""

    sentence_BC: Tensor
    words_BWC: Tensor
    word_mask_BW: Tensor

    @classmethod
    def of(cls, features: plain.TextFeatures, device: torch.device | str = "cpu") -> TextFeatures:
        """The same from arrays."""
        arrays = (features.sentence_BC, features.words_BWC, features.word_mask_BW)
        return cls(*(torch.from_numpy(np.ascontiguousarray(each)).to(device) for each in arrays))

    def to(self, device: torch.device | str) -> TextFeatures:
        """Give the same features on another device."""
        return TextFeatures(
            self.sentence_BC.to(device), self.words_BWC.to(device), self.word_mask_BW.to(device)
        )

    def numpy(self) -> plain.TextFeatures:
        """The same as arrays."""
        return plain.TextFeatures(
            self.sentence_BC.float().cpu().numpy(),
            self.words_BWC.float().cpu().numpy(),
            self.word_mask_BW.cpu().numpy(),
        )


class TextEncoder(Protocol):
    """Anything that turns prompts into features, in float32 and without gradients."""

    @property
    def width(self) -> int:
        """C, the channels of the sentence and of every word."""
        ...

    def encode(self, prompts: Sequence[str]) -> TextFeatures:
        """Encode B prompts at once; places behind the shorter ones are masked."""
        ...
