"""The masked transformer: a token grid and a text to logits of the motion codes.

B batch, L token places, P columns of the grid (the codebooks of the body parts), K motion codes,
D code dimension, E width, H heads,
W words, S places with the sentence in front (L + 1), F numbers of the path condition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...common.errors import MMMError
from ..config import PATH_FEATURES, TokenizerConfig, TransformerConfig, check_predicted_parts
from .attention import attend, split_heads

if TYPE_CHECKING:
    from .text.features import TextFeatures

_SPECIAL_TOKENS = 3  # END, PAD, MASK, in the vocabulary's order
_WAVELENGTHS = 10_000.0
_INITIAL_DEVIATION = 0.02


@dataclass(frozen=True)
class TextMemory:
    """A text as the blocks want it; made once, used at every sampling step.

    sentence_BE: stands in front of the motion. keys, values: (B, H, W, E / H), one for each
    cross-attention block. attend_B11W: True at words that may be attended to; None for all.
    path_BLE: added to the places; None where no path is given.
    """

    sentence_BE: Tensor
    keys: list[Tensor]
    values: list[Tensor]
    attend_B11W: Tensor | None
    path_BLE: Tensor | None = None


class Attention(nn.Module):
    """Multi-head attention whose keys and values may be made beforehand."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.leave = nn.Linear(width, width)

    def precompute_kv(self, x_BSE: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, H, S, E / H)."""
        return split_heads(self.key(x_BSE), self.heads), split_heads(self.value(x_BSE), self.heads)

    def forward(
        self, x_BSE: Tensor, key_BHSE: Tensor, value_BHSE: Tensor, mask: Tensor | None
    ) -> Tensor:
        """(B, S, E) to the same; ``mask`` (B, 1, 1, keys) is True where a key may be used."""
        query_BHSE = split_heads(self.query(x_BSE), self.heads)
        dropout = self.dropout if self.training else 0.0
        return self.leave(attend(query_BHSE, key_BHSE, value_BHSE, mask, dropout))


class Mlp(nn.Sequential):
    """Two linear layers with GELU between."""

    def __init__(self, width: int, ratio: int, dropout: float) -> None:
        super().__init__(
            nn.Linear(width, width * ratio),
            nn.GELU(),
            nn.Linear(width * ratio, width),
            nn.Dropout(dropout),
        )


class Block(nn.Module):
    """What both kinds of block share: pre-norm attention, pre-norm MLP, both added to the input."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(config.width)
        self.attention = Attention(config.width, config.heads, config.dropout)
        self.drop = nn.Dropout(config.dropout)
        self.norm_mlp = nn.LayerNorm(config.width)
        self.mlp = Mlp(config.width, config.mlp_ratio, config.dropout)

    def finish(self, x_BSE: Tensor, attended_BSE: Tensor) -> Tensor:
        """Add the attention's result, then the MLP's."""
        x_BSE = x_BSE + self.drop(attended_BSE)
        return x_BSE + self.mlp(self.norm_mlp(x_BSE))


class SelfBlock(Block):
    """Places attend to places."""

    def forward(self, x_BSE: Tensor, attend_B11S: Tensor) -> Tensor:
        """(B, S, E) to the same."""
        normed_BSE = self.norm_attention(x_BSE)
        keys, values = self.attention.precompute_kv(normed_BSE)
        return self.finish(x_BSE, self.attention(normed_BSE, keys, values, attend_B11S))


class CrossBlock(Block):
    """Places attend to words."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.norm_words = nn.LayerNorm(config.width)

    def precompute_kv(self, words_BWE: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of the words."""
        return self.attention.precompute_kv(self.norm_words(words_BWE))

    def forward(
        self, x_BLE: Tensor, keys: Tensor, values: Tensor, attend_B11W: Tensor | None
    ) -> Tensor:
        """(B, L, E) to the same."""
        normed_BLE = self.norm_attention(x_BLE)
        return self.finish(x_BLE, self.attention(normed_BLE, keys, values, attend_B11W))


class PathEmbedding(nn.Module):
    """The path condition as something to add to the places: nothing where none is known.

    Both layers begin with unit gain: begun as small as the other layers, the path is not heard
    beside the places' own vectors, and the network learns its clips by heart before it listens.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(PATH_FEATURES, width)
        self.out = nn.Linear(width, width)
        for layer in (self.hidden, self.out):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)

    def forward(self, path_BLF: Tensor) -> Tensor:
        """(B, L, F) to (B, L, E)."""
        return self.out(functional.gelu(self.hidden(path_BLF))) * path_BLF[..., :1]


class MaskedTransformer(nn.Module):
    """Predicts the codes of masked cells from the other cells and a text."""

    codebooks_PKD: Tensor
    position_SE: Tensor

    def __init__(
        self, config: TransformerConfig, tokenizer: TokenizerConfig, codebooks_PKD: Tensor
    ) -> None:
        super().__init__()
        self.config = config
        columns, codes, code_dim = codebooks_PKD.shape
        if (columns, codes, code_dim) != (
            len(tokenizer.columns),
            tokenizer.codes,
            tokenizer.code_dim,
        ):
            raise MMMError("The tokenizer and the transformer do not fit: use those of one bundle.")
        check_predicted_parts(config, tokenizer)
        predicted = config.predicted_parts or tokenizer.parts
        self.predicted_columns = [
            column for column, part in enumerate(tokenizer.columns) if part in predicted
        ]
        self.register_buffer("codebooks_PKD", codebooks_PKD.clone(), persistent=False)
        self.register_buffer("position_SE", _sinusoids(config.places + 1, config.width))
        self.special_3D = nn.Parameter(torch.randn(_SPECIAL_TOKENS, code_dim))
        self.embed = nn.Linear(columns * code_dim, config.width)
        self.embed_sentence = nn.Linear(config.text_width, config.width)
        self.embed_words = nn.Linear(config.text_width, config.width)
        if config.trained_with_guidance:
            self.no_text_C = nn.Parameter(torch.zeros(config.text_width))
        self.drop = nn.Dropout(config.dropout)
        self.cross = nn.ModuleList(CrossBlock(config) for _ in range(config.cross_layers))
        self.blocks = nn.ModuleList(SelfBlock(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.heads = nn.ModuleList(
            nn.Linear(config.width, codes, bias=False) for _ in self.predicted_columns
        )
        self.apply(_initialise)
        if config.path_condition:
            self.embed_path = PathEmbedding(config.width)

    def forward(
        self,
        tokens_BLP: Tensor,
        lengths_B: Tensor,
        text: TextFeatures,
        drop_text_B: Tensor | None = None,
        path_BLF: Tensor | None = None,
    ) -> list[Tensor]:
        """Logits (B, L, K) of each predicted column; rows of drop_text_B see no text.

        lengths_B counts motion tokens; L may be less than ``places`` as long as END has a place.
        path_BLF: see ``config.PATH_FEATURES``; all zero where nothing is known.
        """
        return self.logits(tokens_BLP, lengths_B, self.precompute_kv(text, drop_text_B, path_BLF))

    def precompute_kv(
        self,
        text: TextFeatures,
        drop_text_B: Tensor | None = None,
        path_BLF: Tensor | None = None,
    ) -> TextMemory:
        """The text, and the path where the network was taught to follow one, for ``logits``."""
        sentence_BC, words_BWC, mask_BW = text.sentence_BC, text.words_BWC, text.word_mask_BW
        if drop_text_B is not None:
            if not self.config.trained_with_guidance:
                raise MMMError(
                    "These weights were trained without guidance: set the guidance to 1."
                )
            drop_B1 = drop_text_B[:, None]
            no_text_C = self.no_text_C.to(sentence_BC.dtype)
            sentence_BC = torch.where(drop_B1, no_text_C, sentence_BC)
            words_BWC = torch.where(drop_B1[..., None], no_text_C, words_BWC)
            mask_BW = mask_BW | drop_B1  # all words are alike, so which are seen does not matter
        words_BWE = self.embed_words(words_BWC)
        memories = [block.precompute_kv(words_BWE) for block in self._cross]
        attend = mask_BW[:, None, None, :] if self.config.word_mask else None
        keys, values = [keys for keys, _ in memories], [values for _, values in memories]
        conditioned = path_BLF is not None and self.config.path_condition
        path_BLE = self.embed_path(path_BLF) if conditioned else None
        return TextMemory(self.embed_sentence(sentence_BC), keys, values, attend, path_BLE)

    def logits(self, tokens_BLP: Tensor, lengths_B: Tensor, memory: TextMemory) -> list[Tensor]:
        """Logits (B, L, K) of each predicted column for a prepared text."""
        x_BLE = self.hidden(tokens_BLP, lengths_B, memory)[:, 1:]
        return [head(x_BLE) for head in self.heads]

    def hidden(self, tokens_BLP: Tensor, lengths_B: Tensor, memory: TextMemory) -> Tensor:
        """Last layer (B, S, E), the sentence's place first."""
        places = tokens_BLP.shape[1]
        x_BLE = self._embed(tokens_BLP) + self.position_SE[:places]
        x_BLE = self.drop(x_BLE if memory.path_BLE is None else x_BLE + memory.path_BLE)
        for block, keys, values in zip(self._cross, memory.keys, memory.values, strict=True):
            x_BLE = block(x_BLE, keys, values, memory.attend_B11W)
        x_BSE = torch.cat([memory.sentence_BE[:, None].to(x_BLE.dtype), x_BLE], dim=1)
        x_BSE = x_BSE + self.position_SE[: places + 1]
        attend_B11S = _attended(lengths_B, places + 1)[:, None, None, :]
        for block in self.blocks:
            x_BSE = block(x_BSE, attend_B11S)
        return self.norm(x_BSE)

    def _embed(self, tokens_BLP: Tensor) -> Tensor:
        """(B, L, P) to (B, L, E): the columns' vectors one behind the other, projected."""
        vectors = [
            functional.embedding(tokens_BL, torch.cat([codebook_KD, self.special_3D]))
            for tokens_BL, codebook_KD in zip(
                tokens_BLP.unbind(-1), self.codebooks_PKD.unbind(0), strict=True
            )
        ]
        return self.embed(torch.cat(vectors, dim=-1))

    @property
    def _cross(self) -> list[CrossBlock]:
        return [block for block in self.cross if isinstance(block, CrossBlock)]


def _attended(lengths_B: Tensor, places: int) -> Tensor:
    """Boolean (B, S): the sentence, the motion tokens and END."""
    sentence_and_end = 2
    index_S = torch.arange(places, device=lengths_B.device)
    return index_S < lengths_B[:, None] + sentence_and_end


def _sinusoids(places: int, width: int) -> Tensor:
    """Sines on even and cosines on odd channels, wavelengths in geometric steps."""
    channel = torch.arange(0, width, 2)
    angle = torch.arange(places)[:, None] * _WAVELENGTHS ** (-channel / width)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=_INITIAL_DEVIATION)
        if module.bias is not None:  # pyright: ignore[reportUnnecessaryComparison]  (bias=False)
            nn.init.zeros_(module.bias)
