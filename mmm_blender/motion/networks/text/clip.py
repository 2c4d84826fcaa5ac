"""CLIP's text tower, read from a local folder of the public ViT-B/32 files.

The sentence is the text projection at the end of text; the words are all final-layer-norm outputs,
places behind the end included, because the published motion models were trained to look at them.
Shapes: B prompts, W token places, D width, C projected width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ...text.byte_pair import BytePairTokenizer
from ...text.clip_files import ADVICE, ClipFiles, ClipTextConfig, read_clip
from ..weights import as_tensors, load_weights
from .blocks import Block, quick_gelu
from .features import TextFeatures


class ClipTextModel(nn.Module):
    """Token ids to the sentence and the words."""

    def __init__(self, config: ClipTextConfig) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(config.vocabulary, config.width)
        self.place_embedding = nn.Parameter(torch.zeros(config.max_tokens, config.width))
        self.blocks = nn.ModuleList(
            Block(config.width, config.heads, config.mlp_width, quick_gelu)
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.width)
        self.projection = nn.Linear(config.width, config.projected_width, bias=False)

    def forward(self, ids_BW: Tensor, end_B: Tensor) -> tuple[Tensor, Tensor]:
        """``end_B`` is each prompt's end-of-text place; gives (sentence_BC, words_BWD)."""
        words = ids_BW.shape[1]
        causal_WW = torch.ones(words, words, dtype=torch.bool, device=ids_BW.device).tril()
        x_BWD = self.token_embedding(ids_BW) + self.place_embedding[:words]
        for block in self.blocks:
            x_BWD = block(x_BWD, causal_WW)
        x_BWD = self.norm(x_BWD)
        rows_B = torch.arange(len(ids_BW), device=ids_BW.device)
        return self.projection(x_BWD[rows_B, end_B]), x_BWD


class ClipTextEncoder:
    """Prompts to the features that the published motion models were trained on."""

    def __init__(
        self,
        model: ClipTextModel,
        config: ClipTextConfig,
        tokenizer: BytePairTokenizer,
        device: torch.device | str,
    ) -> None:
        self.model = model.eval().float().requires_grad_(False).to(device)
        self.config = config
        self.tokenizer = tokenizer
        self._device = torch.device(device)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> ClipTextEncoder:
        """Read weights and merges of CLIP ViT-B/32 from a folder."""
        files = read_clip(folder)
        model = ClipTextModel(files.config)
        load_weights(model, as_tensors(files.weights), folder, ADVICE)
        return cls(model, files.config, files.tokenizer, device)

    @property
    def width(self) -> int:
        """C, the channels of the sentence and of every word."""
        return self.config.projected_width

    def tokenize(self, prompts: Sequence[str]) -> Tensor:
        """Give (B, W) ids, always W = the tower's places, zeros behind the end of text."""
        files = ClipFiles(self.config, self.tokenizer, {})
        return torch.from_numpy(files.tokenize(prompts))

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> TextFeatures:
        """Encode B prompts; what does not fit the tower's places is not read."""
        ids_BW = self.tokenize(prompts).to(self._device)
        # The first one: a prompt may spell the end of text itself.
        end_B = (ids_BW == self.tokenizer.end_id).int().argmax(dim=1)
        places_W = torch.arange(ids_BW.shape[1], device=self._device)
        sentence_BC, words_BWD = self.model(ids_BW, end_B)
        return TextFeatures(sentence_BC, words_BWD, places_W <= end_B[:, None])
