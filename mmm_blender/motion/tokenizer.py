"""Motion features to tokens and back: one convolutional auto-encoder for each body part.

B batch, T frames, C feature channels, L token places, P body parts, W network width, D code
dimension. Convolutions work on (B, W, T). Features are normalised: (x - mean) / std.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .config import TokenizerConfig
from .quantizer import Quantized, Quantizer
from .upper_height import UpperHeight

_KERNEL = 3
_HALVING_KERNEL = 4


@dataclass(frozen=True)
class TokenizerOutput:
    """What training needs.

    reconstruction_BTC: normalised features. commitment: mean over the parts. perplexity_P: codes
    in use. tokens_BLP: the token grid.
    """

    reconstruction_BTC: Tensor
    commitment: Tensor
    perplexity_P: Tensor
    tokens_BLP: Tensor


def _convolution(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> nn.Conv1d:
    """A convolution that keeps the number of places."""
    padding = dilation * (kernel // 2)
    return nn.Conv1d(inputs, outputs, kernel, padding=padding, dilation=dilation)


class ResidualBlock(nn.Module):
    """ReLU, dilated convolution (dilation 0: kernel 1), ReLU, mixing, added to the input."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        kernel = _KERNEL if dilation else 1
        self.dilated = _convolution(width, width, kernel, max(dilation, 1))
        self.mix = _convolution(width, width, 1)

    def forward(self, x_BWT: Tensor) -> Tensor:
        """(B, W, T) to the same shape."""
        return x_BWT + self.mix(self.dilated(x_BWT.relu()).relu())


class DownStage(nn.Module):
    """Half the frame rate, then residual blocks."""

    def __init__(self, width: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.halve = nn.Conv1d(width, width, _HALVING_KERNEL, stride=2, padding=1)
        self.residual = nn.Sequential(*(ResidualBlock(width, d) for d in dilations))

    def forward(self, x_BWT: Tensor) -> Tensor:
        """(B, W, T) to (B, W, T / 2)."""
        return self.residual(self.halve(x_BWT))


class UpStage(nn.Module):
    """Residual blocks, then twice the frame rate."""

    def __init__(self, width: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.residual = nn.Sequential(*(ResidualBlock(width, d) for d in dilations))
        self.smooth = _convolution(width, width, _KERNEL)

    def forward(self, x_BWT: Tensor) -> Tensor:
        """(B, W, T) to (B, W, 2 T)."""
        return self.smooth(self.residual(x_BWT).repeat_interleave(2, dim=-1))


class Encoder(nn.Module):
    """Features of one part to latent vectors, one for every token."""

    def __init__(self, channels: int, config: TokenizerConfig) -> None:
        super().__init__()
        width = config.width
        self.enter = _convolution(channels, width, _KERNEL)
        stages = (DownStage(width, config.dilations) for _ in range(config.stages))
        self.stages = nn.Sequential(*stages)
        self.leave = _convolution(width, config.code_dim, config.latent_kernel)

    def forward(self, features_BTC: Tensor) -> Tensor:
        """(B, T, C) to (B, L, D)."""
        x_BWT = self.enter(features_BTC.mT).relu()
        return self.leave(self.stages(x_BWT)).mT


class Decoder(nn.Module):
    """Code vectors of one part to its features."""

    def __init__(self, channels: int, config: TokenizerConfig) -> None:
        super().__init__()
        width = config.width
        self.enter = _convolution(config.code_dim, width, config.latent_kernel)
        stages = (UpStage(width, config.dilations) for _ in range(config.stages))
        self.stages = nn.Sequential(*stages)
        self.refine = _convolution(width, width, _KERNEL)
        self.leave = _convolution(width, channels, config.output_kernel)

    def forward(self, code_BLD: Tensor) -> Tensor:
        """(B, L, D) to (B, T, C)."""
        x_BWT = self.stages(self.enter(code_BLD.mT).relu())
        return self.leave(self.refine(x_BWT).relu()).mT


class PartTokenizer(nn.Module):
    """Encoder, codebook and decoder of one body part, which owns ``channels_C`` of the vector."""

    channels_C: Tensor

    def __init__(self, part: str, config: TokenizerConfig) -> None:
        super().__init__()
        channels_C = torch.from_numpy(config.feature_layout.part_channels(part))
        self.register_buffer("channels_C", channels_C, persistent=False)
        channels = len(channels_C)
        self.encoder = Encoder(channels, config)
        self.quantizer = Quantizer(config.codes, config.code_dim)
        self.decoder = Decoder(channels, config)

    def encode(self, features_BTC: Tensor) -> Tensor:
        """The whole vector's features (B, T, C) to latent vectors (B, L, D) of this part."""
        return self.encoder(features_BTC[..., self.channels_C])

    def forward(self, features_BTC: Tensor, valid_BL: Tensor | None) -> tuple[Tensor, Quantized]:
        """The part's features through the bottleneck, and what passed through it."""
        quantized: Quantized = self.quantizer(self.encode(features_BTC), valid_BL)
        return self.decoder(quantized.vectors_BLD), quantized


class Tokenizer(nn.Module):
    """All parts. Holds the statistics that features are normalised with (``mean_C``, ``std_C``)."""

    mean_C: Tensor
    std_C: Tensor

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.config = config
        layout = config.feature_layout
        self.parts = nn.ModuleList(PartTokenizer(part, config) for part in config.parts)
        self.register_buffer("mean_C", torch.zeros(layout.channels))
        self.register_buffer("std_C", torch.ones(layout.channels))
        self.upper_height = UpperHeight(layout) if config.upper_height_relative else None

    @property
    def codebooks_PKD(self) -> Tensor:
        """The codebooks of all parts, in the order of the grid."""
        return torch.stack([part.quantizer.codebook_KD for part in self.part_tokenizers])

    @property
    def dead_codes(self) -> list[int]:
        """Codes of each part that training does not use."""
        return [part.quantizer.dead_codes for part in self.part_tokenizers]

    def set_statistics(self, mean_C: Tensor, std_C: Tensor) -> None:
        """Mean and deviation of the features (layout's units)."""
        self.mean_C.copy_(mean_C)
        self.std_C.copy_(std_C)

    def normalise(self, features_BTC: Tensor) -> Tensor:
        """Features in the layout's units to what the networks see."""
        return (features_BTC - self.mean_C) / self.std_C

    def denormalise(self, features_BTC: Tensor) -> Tensor:
        """What the networks give to features in the layout's units."""
        return features_BTC * self.std_C + self.mean_C

    def encode(self, features_BTC: Tensor) -> Tensor:
        """Normalised features (B, T, C) to tokens (B, L, P); T a multiple of the token length."""
        features_BTC = self._before(features_BTC)
        tokens = [part.quantizer.encode(part.encode(features_BTC)) for part in self.part_tokenizers]
        return torch.stack(tokens, dim=-1)

    def decode(self, tokens_BLP: Tensor) -> Tensor:
        """Motion tokens (B, L, P), no END or PAD among them, to normalised features (B, T, C)."""
        features = [
            part.decoder(part.quantizer.decode(tokens_BL))
            for part, tokens_BL in zip(self.part_tokenizers, tokens_BLP.unbind(-1), strict=True)
        ]
        return self._after(self._join(features))

    def forward(self, features_BTC: Tensor, valid_BT: Tensor | None = None) -> TokenizerOutput:
        """Normalised features through the bottleneck; valid_BT leaves padding out of the codes."""
        valid_BL = None
        if valid_BT is not None:
            valid_BL = valid_BT.unflatten(1, (-1, self.config.frames_per_token)).all(-1)
            features_BTC = features_BTC * valid_BT[..., None]
        features_BTC = self._before(features_BTC)
        passed = [part(features_BTC, valid_BL) for part in self.part_tokenizers]
        return TokenizerOutput(
            self._after(self._join([features for features, _ in passed])),
            torch.stack([quantized.commitment for _, quantized in passed]).mean(),
            torch.stack([quantized.perplexity for _, quantized in passed]),
            torch.stack([quantized.tokens_BL for _, quantized in passed], dim=-1),
        )

    @property
    def part_tokenizers(self) -> list[PartTokenizer]:
        """Encoder, codebook and decoder of each part, in the order of the grid."""
        return [part for part in self.parts if isinstance(part, PartTokenizer)]

    def _join(self, features: list[Tensor]) -> Tensor:
        """The parts' channels in the layout's order."""
        channels_C = torch.cat([part.channels_C for part in self.part_tokenizers])
        return torch.cat(features, dim=-1)[..., channels_C.argsort()]

    def _before(self, features_BTC: Tensor) -> Tensor:
        if self.upper_height is None:
            return features_BTC
        return self.upper_height.to_relative(features_BTC, self.mean_C, self.std_C)

    def _after(self, features_BTC: Tensor) -> Tensor:
        if self.upper_height is None:
            return features_BTC
        return self.upper_height.to_absolute(features_BTC, self.mean_C, self.std_C)
