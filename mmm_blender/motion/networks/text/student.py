"""The student: a text encoder small enough to travel inside a bundle.

It was distilled from a sentence encoder of 22 million parameters and speaks the same vocabulary.
Its embedding table is low-rank and stored in 8 bits, the rest in float16; it runs in float32.
Shapes: B prompts, W token places, D inner width, C channels out, V vocabulary, R embedding rank.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from ....common.atomic_files import make_folder, write_files
from ...text import student_files
from ...text.student_files import (
    ADVICE,
    CONFIG_FILE,
    LONGEST_PERIOD,
    TABLE,
    TABLE_INT8,
    TABLE_SCALE,
    VOCABULARY_FILE,
    WEIGHTS_FILE,
    StudentConfig,
    read_student,
)
from ...text.wordpiece import WordPieceTokenizer
from ..weights import as_tensors, load_weights
from .blocks import Block
from .features import TextFeatures

INT8_MAX = 127


class StudentTextModel(nn.Module):
    """Token ids to a sentence vector and one vector a token, none of them normalised."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.rank)
        self.enter = nn.Linear(config.rank, config.inner_width)
        self.blocks = nn.ModuleList(
            Block(config.inner_width, config.heads, config.mlp_width, functional.gelu)
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.inner_width)
        self.word_head = nn.Linear(config.inner_width, config.width)
        self.sentence_head = nn.Linear(config.inner_width, config.width)
        places = sinusoids(config.max_tokens, config.inner_width)
        self.register_buffer("places_WD", places, persistent=False)
        self.places_WD: Tensor

    def forward(self, ids_BW: Tensor, mask_BW: Tensor) -> tuple[Tensor, Tensor]:
        """``mask_BW`` is True at real tokens; gives (sentence_BC, words_BWC)."""
        x_BWD = self.enter(self.embedding(ids_BW)) + self.places_WD[: ids_BW.shape[1]]
        for block in self.blocks:
            x_BWD = block(x_BWD, mask_BW[:, None, None, :])
        x_BWD = self.norm(x_BWD)
        weight_BW1 = mask_BW.unsqueeze(-1).to(x_BWD.dtype)
        mean_BD = (x_BWD * weight_BW1).sum(1) / weight_BW1.sum(1)
        return self.sentence_head(mean_BD), self.word_head(x_BWD)


class StudentTextEncoder:
    """Prompts to features: every vector has length sqrt(C), so channels are of order one."""

    def __init__(
        self, model: StudentTextModel, tokenizer: WordPieceTokenizer, device: torch.device | str
    ) -> None:
        self.config = model.config
        self.tokenizer = tokenizer
        self._device = torch.device(device)
        self.model = model.eval().float().requires_grad_(False).to(self._device)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> StudentTextEncoder:
        """Read the three files of a student's folder, strictly."""
        files = read_student(folder)
        state = as_tensors(files.weights)
        state[TABLE] = torch.from_numpy(files.rows_VR * files.scale_V1)
        model = StudentTextModel(files.config)
        load_weights(model, state, folder, ADVICE)
        return cls(model, files.tokenizer, device)

    @property
    def width(self) -> int:
        """C, the channels of the sentence and of every word."""
        return self.config.width

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> TextFeatures:
        """Encode B prompts; tokens behind the config's ``max_tokens`` are not read."""
        ids_BW, mask_BW = pad_tokens(
            [self.tokenizer.encode(prompt, self.config.max_tokens) for prompt in prompts],
            self.tokenizer.pad_id,
        )
        return self.encode_ids(ids_BW.to(self._device), mask_BW.to(self._device))

    @torch.no_grad()
    def encode_ids(self, ids_BW: Tensor, mask_BW: Tensor) -> TextFeatures:
        """Features of prompts that are cut into token ids already, on the encoder's device."""
        sentence_BC, words_BWC = self.model(ids_BW, mask_BW)
        scale = math.sqrt(self.width)
        words_BWC = functional.normalize(words_BWC, dim=-1) * mask_BW.unsqueeze(-1)
        return TextFeatures(
            functional.normalize(sentence_BC, dim=-1) * scale, words_BWC * scale, mask_BW
        )


def pad_tokens(token_lists: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Lay ragged ids out as (ids_BW, mask_BW), as wide as the longest list."""
    ids_BW, mask_BW = student_files.pad_tokens(token_lists, pad_id)
    return torch.from_numpy(ids_BW), torch.from_numpy(mask_BW)


def sinusoids(places: int, width: int) -> Tensor:
    """Fixed position vectors (places, width): sines, then cosines, of falling frequency."""
    exponents = torch.arange(width // 2, dtype=torch.float32) / (width // 2)
    angles = torch.arange(places, dtype=torch.float32)[:, None] * LONGEST_PERIOD**-exponents
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def save_student(folder: Path, model: StudentTextModel, vocabulary: Sequence[str]) -> None:
    """Write a student's folder: 8-bit and float16 weights, vocabulary and config, or none of it."""
    state = {name: value.detach().float().cpu() for name, value in model.state_dict().items()}
    table_int8, table_scale = quantise_rows(state.pop(TABLE))
    stored = {name: value.half().contiguous() for name, value in state.items()}
    stored |= {TABLE_INT8: table_int8, TABLE_SCALE: table_scale}
    contents = {
        WEIGHTS_FILE: save(stored),
        VOCABULARY_FILE: ("\n".join(vocabulary) + "\n").encode(),
        CONFIG_FILE: (json.dumps(asdict(model.config), indent=2) + "\n").encode(),
    }
    make_folder(folder)
    write_files({folder / name: content for name, content in contents.items()})


def quantise_rows(table_VR: Tensor) -> tuple[Tensor, Tensor]:
    """Give int8 rows and one float32 scale a row: table = int8 * scale."""
    scale_V1 = table_VR.abs().amax(dim=1, keepdim=True).clamp_min(1e-8) / INT8_MAX
    return (table_VR / scale_V1).round().to(torch.int8), scale_V1
