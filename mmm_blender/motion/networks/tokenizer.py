"""Motion features to tokens and back: one convolutional auto-encoder for each body part.

B batch, T frames, C feature channels, L token places, P columns of the grid (the codebooks of the
body parts), W network width, D code dimension. Convolutions work on (B, W, T). Features are
normalised: (x - mean) / std.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor, nn

from ..config import TokenizerConfig
from .quantizer import Quantized, Quantizer, ScalarQuantizer
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

    def __init__(self, channels: int, latent: int, config: TokenizerConfig) -> None:
        super().__init__()
        width = config.width
        self.enter = _convolution(channels, width, _KERNEL)
        stages = (DownStage(width, config.dilations) for _ in range(config.stages))
        self.stages = nn.Sequential(*stages)
        self.leave = _convolution(width, latent, config.latent_kernel)

    def forward(self, features_BTC: Tensor) -> Tensor:
        """(B, T, C) to (B, L, D)."""
        x_BWT = self.enter(features_BTC.mT).relu()
        return self.leave(self.stages(x_BWT)).mT


class Decoder(nn.Module):
    """Code vectors of one part to its features."""

    def __init__(self, channels: int, latent: int, config: TokenizerConfig) -> None:
        super().__init__()
        width = config.width
        self.enter = _convolution(latent, width, config.latent_kernel)
        stages = (UpStage(width, config.dilations) for _ in range(config.stages))
        self.stages = nn.Sequential(*stages)
        self.refine = _convolution(width, width, _KERNEL)
        self.leave = _convolution(width, channels, config.output_kernel)

    def forward(self, code_BLD: Tensor) -> Tensor:
        """(B, L, D) to (B, T, C)."""
        x_BWT = self.stages(self.enter(code_BLD.mT).relu())
        return self.leave(self.refine(x_BWT).relu()).mT


def make_quantizer(config: TokenizerConfig) -> Quantizer:
    """One codebook, as the config wants it."""
    if config.levels:
        return ScalarQuantizer(config.levels)
    return Quantizer(config.codes, config.code_dim)


class PartTokenizer(nn.Module):
    """Encoder, codebooks and decoder of one body part, which owns ``channels_C`` of the vector."""

    channels_C: Tensor

    def __init__(self, part: str, config: TokenizerConfig) -> None:
        super().__init__()
        channels_C = torch.from_numpy(config.feature_layout.part_channels(part))
        self.register_buffer("channels_C", channels_C, persistent=False)
        channels, count = len(channels_C), config.part_codebooks[part]
        latent = count * config.code_dim
        self.encoder = Encoder(channels, latent, config)
        self.codebooks = nn.ModuleList(make_quantizer(config) for _ in range(count))
        self.decoder = Decoder(channels, latent, config)

    @property
    def quantizers(self) -> list[Quantizer]:
        """The codebooks, one for each column of this part."""
        return [book for book in self.codebooks if isinstance(book, Quantizer)]

    def latent(self, features_BTC: Tensor) -> Tensor:
        """The whole vector's features (B, T, C) to latent vectors (B, L, D) of this part."""
        return self.encoder(features_BTC.index_select(-1, self.channels_C))

    def encode(self, features_BTC: Tensor) -> list[Tensor]:
        """Tokens (B, L) of each column."""
        slices = self._slices(self.latent(features_BTC))
        return [book.encode(latent) for book, latent in zip(self.quantizers, slices, strict=True)]

    def decode(self, tokens: list[Tensor]) -> Tensor:
        """Tokens (B, L) of each column to the part's features."""
        vectors = [
            book.decode(column) for book, column in zip(self.quantizers, tokens, strict=True)
        ]
        return self.decoder(torch.cat(vectors, dim=-1))

    def forward(
        self, features_BTC: Tensor, valid_BL: Tensor | None
    ) -> tuple[Tensor, list[Quantized]]:
        """The part's features through the bottleneck, and what passed through it."""
        slices = self._slices(self.latent(features_BTC))
        passed: list[Quantized] = [
            book(latent, valid_BL) for book, latent in zip(self.quantizers, slices, strict=True)
        ]
        vectors = torch.cat([quantized.vectors_BLD for quantized in passed], dim=-1)
        return self.decoder(vectors), passed

    def _slices(self, latent_BLD: Tensor) -> tuple[Tensor, ...]:
        return latent_BLD.chunk(len(self.codebooks), dim=-1)


class Tokenizer(nn.Module):
    """All parts. Holds the statistics that features are normalised with (``mean_C``, ``std_C``)."""

    mean_C: Tensor
    std_C: Tensor
    order_C: Tensor

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.config = config
        layout = config.feature_layout
        self.parts = nn.ModuleList(PartTokenizer(part, config) for part in config.parts)
        self.register_buffer("mean_C", torch.zeros(layout.channels))
        self.register_buffer("std_C", torch.ones(layout.channels))
        owned_C = torch.cat([part.channels_C for part in self.part_tokenizers])
        self.register_buffer("order_C", owned_C.argsort(), persistent=False)
        self.upper_height = UpperHeight(layout) if config.upper_height_relative else None

    @property
    def codebooks_PKD(self) -> Tensor:
        """The codebooks of all columns, in the order of the grid."""
        return torch.stack([book.codebook_KD for book in self.codebooks])

    @property
    def dead_codes(self) -> list[int]:
        """Codes of each column that training does not use."""
        return [book.dead_codes for book in self.codebooks]

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
        tokens = [column for part in self.part_tokenizers for column in part.encode(features_BTC)]
        return torch.stack(tokens, dim=-1)

    def decode(self, tokens_BLP: Tensor) -> Tensor:
        """Motion tokens (B, L, P), no END or PAD among them, to normalised features (B, T, C)."""
        columns = iter(tokens_BLP.unbind(-1))
        features = [
            part.decode(list(islice(columns, len(part.quantizers))))
            for part in self.part_tokenizers
        ]
        return self._after(self._join(features))

    def forward(self, features_BTC: Tensor, valid_BT: Tensor | None = None) -> TokenizerOutput:
        """Normalised features through the bottleneck; valid_BT leaves padding out of the codes."""
        valid_BL = None
        if valid_BT is not None:
            valid_BL = valid_BT.unflatten(1, (-1, self.config.frames_per_token)).all(-1)
            features_BTC = features_BTC * valid_BT[..., None]
        features_BTC = self._before(features_BTC)
        parts = [part(features_BTC, valid_BL) for part in self.part_tokenizers]
        passed: list[Quantized] = [quantized for _, columns in parts for quantized in columns]
        return TokenizerOutput(
            self._after(self._join([features for features, _ in parts])),
            torch.stack([quantized.commitment for quantized in passed]).mean(),
            torch.stack([quantized.perplexity for quantized in passed]),
            torch.stack([quantized.tokens_BL for quantized in passed], dim=-1),
        )

    @property
    def part_tokenizers(self) -> list[PartTokenizer]:
        """Encoder, codebook and decoder of each part, in the order of the grid."""
        return [part for part in self.parts if isinstance(part, PartTokenizer)]

    @property
    def codebooks(self) -> list[Quantizer]:
        """The codebook of each column of the grid."""
        return [book for part in self.part_tokenizers for book in part.quantizers]

    def _join(self, features: list[Tensor]) -> Tensor:
        """The parts' channels in the layout's order."""
        return torch.cat(features, dim=-1).index_select(-1, self.order_C)

    def _before(self, features_BTC: Tensor) -> Tensor:
        if self.upper_height is None:
            return features_BTC
        return self.upper_height.to_relative(features_BTC, self.mean_C, self.std_C)

    def _after(self, features_BTC: Tensor) -> Tensor:
        if self.upper_height is None:
            return features_BTC
        return self.upper_height.to_absolute(features_BTC, self.mean_C, self.std_C)
