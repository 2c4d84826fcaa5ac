"""The student: a text encoder small enough to travel inside a bundle.

It was distilled from a sentence encoder of 22 million parameters and speaks the same vocabulary.
Its embedding table is low-rank and stored in 8 bits, the rest in float16; it runs in float32.
Shapes: B prompts, W token places, D inner width, C channels out, V vocabulary, R embedding rank.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from ....common.atomic_files import make_folder, write_files
from ....common.errors import MMMError
from ...text import TextFeatures
from ...text.files import read_json
from ..weights import check_weights, load_weights, read_tensors
from ...text.wordpiece import WordPieceTokenizer
from .blocks import Block

CONFIG_FILE, WEIGHTS_FILE, VOCABULARY_FILE = "config.json", "model.safetensors", "vocab.txt"
# How the embedding table is stored: rows of int8 and one scale a row.
TABLE, TABLE_INT8, TABLE_SCALE = "embedding.weight", "embedding.int8", "embedding.scale"
INT8_MAX = 127
ADVICE = "put the bundle's original text folder back."
_MOST_SIZE, _MOST_LAYERS, _MOST_PLACES = 2**20, 64, 2**12
LONGEST_PERIOD = 10000.0  # of the sinusoidal positions, in places


@dataclass(frozen=True)
class StudentConfig:
    """Sizes of the student, and whose student it is."""

    vocabulary: int
    rank: int = 128
    inner_width: int = 256
    layers: int = 3
    heads: int = 4
    mlp_width: int = 512
    width: int = 384
    max_tokens: int = 64
    teacher: str = ""
    teacher_licence: str = ""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StudentConfig:
        """Build from a config file's content; refuse what is missing or makes no encoder."""
        names = {"teacher", "teacher_licence"}
        sizes = {field.name for field in fields(cls)} - names
        bad = [name for name in sorted(sizes) if not _is_size(data.get(name))]
        bad += [name for name in sorted(names) if not isinstance(data.get(name), str)]
        if not bad and data["inner_width"] % (2 * data["heads"]):
            bad = ["heads"]
        most = {"layers": _MOST_LAYERS, "max_tokens": _MOST_PLACES}
        bad += [name for name, size in most.items() if name not in bad and data[name] > size]
        if bad:
            raise MMMError(
                f"The text encoder's {CONFIG_FILE} has no valid {', '.join(bad)}: {ADVICE}"
            )
        return cls(**{name: data[name] for name in sizes | names})


def _is_size(value: object) -> bool:
    return type(value) is int and 0 < value <= _MOST_SIZE


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
        config = StudentConfig.from_json(read_json(folder / CONFIG_FILE, ADVICE))
        tokenizer = WordPieceTokenizer.from_file(folder / VOCABULARY_FILE)
        if len(tokenizer) != config.vocabulary:
            raise MMMError(
                f"The text encoder has {config.vocabulary} words but its vocabulary file lists "
                f"{len(tokenizer)}: {ADVICE}"
            )
        stored = _read_weights(folder / WEIGHTS_FILE)
        with torch.device("meta"):  # the config may ask for any size
            check_weights(StudentTextModel(config), stored, folder / WEIGHTS_FILE, ADVICE)
        model = StudentTextModel(config)
        load_weights(model, stored, folder / WEIGHTS_FILE, ADVICE)
        return cls(model, tokenizer, device)

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
    longest = max(map(len, token_lists), default=0)
    ids_BW = torch.full((len(token_lists), longest), pad_id, dtype=torch.long)
    mask_BW = torch.zeros_like(ids_BW, dtype=torch.bool)
    for row, ids in enumerate(token_lists):
        ids_BW[row, : len(ids)] = torch.tensor(ids, dtype=torch.long)
        mask_BW[row, : len(ids)] = True
    return ids_BW, mask_BW


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


def _read_weights(path: Path) -> dict[str, Tensor]:
    stored = read_tensors(path, ADVICE)
    if TABLE_INT8 in stored and TABLE_SCALE in stored:
        stored[TABLE] = stored.pop(TABLE_INT8).float() * stored.pop(TABLE_SCALE)
    return stored
