"""The files of a student: a text encoder small enough to travel inside a bundle.

It was distilled from a sentence encoder of 22 million parameters and speaks the same vocabulary.
Its embedding table is low-rank and stored in 8 bits, the rest in float16; it runs in float32.
Shapes: V vocabulary, R embedding rank, W word places, B prompts, D inner width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...common.arrays import AnyArray, BoolArray, IntArray
from ...common.errors import MMMError
from ...common.schema import from_json
from ..weight_files import check_arrays, read_arrays
from .files import read_json
from .wordpiece import WordPieceTokenizer

CONFIG_FILE, WEIGHTS_FILE, VOCABULARY_FILE = "config.json", "model.safetensors", "vocab.txt"
# How the embedding table is stored: rows of int8 and one scale a row.
TABLE, TABLE_INT8, TABLE_SCALE = "embedding.weight", "embedding.int8", "embedding.scale"
ADVICE = "put the original text folder of the weights back."
LONGEST_PERIOD = 10000.0  # of the sinusoidal positions, in places
_MOST_SIZE = 2**20
_MOST = {"layers": 64, "max_tokens": 2**12}


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
    def from_json(cls, data: object) -> StudentConfig:
        """Build from a config file's content; refuse what is missing or makes no encoder."""
        where = f"The text encoder's {CONFIG_FILE}"
        config = from_json(cls, data, where, advice=ADVICE, complete=True)
        bad = [
            each.name
            for each in fields(cls)
            if type(size := getattr(config, each.name)) is int
            and not 0 < size <= _MOST.get(each.name, _MOST_SIZE)
        ]
        if not bad and config.inner_width % (2 * config.heads):
            bad = ["heads"]
        if bad:
            raise MMMError(f"{where} has no valid {', '.join(bad)}: {ADVICE}")
        return config

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of all its tensors but the embedding table."""
        width, middle = self.inner_width, self.mlp_width
        layers = {"enter": (self.rank, width)}
        norms = ["norm"]
        for layer in range(self.layers):
            block = f"blocks.{layer}"
            norms += [f"{block}.norm_attention", f"{block}.norm_mlp"]
            layers |= {
                f"{block}.query_key_value": (width, 3 * width),
                f"{block}.attention_out": (width, width),
                f"{block}.mlp_in": (width, middle),
                f"{block}.mlp_out": (middle, width),
            }
        layers |= {"word_head": (width, self.width), "sentence_head": (width, self.width)}
        shapes: dict[str, tuple[int, ...]] = {}
        for name, (inputs, outputs) in layers.items():
            shapes |= {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}
        for name in norms:
            shapes |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
        return shapes


@dataclass(frozen=True, eq=False)
class StudentFiles:
    """A student as read from its folder. weights: without the embedding table, which is
    ``rows_VR`` times ``scale_V1``."""

    config: StudentConfig
    tokenizer: WordPieceTokenizer
    weights: dict[str, AnyArray]
    rows_VR: AnyArray
    scale_V1: AnyArray


def read_student(folder: Path) -> StudentFiles:
    """Read the three files of a student's folder, strictly."""
    config = StudentConfig.from_json(read_json(folder / CONFIG_FILE, ADVICE))
    tokenizer = WordPieceTokenizer.from_file(folder / VOCABULARY_FILE)
    if len(tokenizer) != config.vocabulary:
        raise MMMError(
            f"The text encoder has {config.vocabulary} words but its vocabulary file lists "
            f"{len(tokenizer)}: {ADVICE}"
        )
    stored = read_arrays(folder / WEIGHTS_FILE, ADVICE)
    table = (config.vocabulary, config.rank)
    expected = dict(config.shapes)
    if TABLE_INT8 in stored:
        expected |= {TABLE_INT8: table, TABLE_SCALE: (config.vocabulary, 1)}
    else:
        expected[TABLE] = table
    check_arrays(expected, stored, folder / WEIGHTS_FILE, ADVICE)
    # copies, so that the file is not held open
    stored = {name: np.array(values) for name, values in stored.items()}
    if TABLE_INT8 in stored:
        rows_VR, scale_V1 = stored.pop(TABLE_INT8), stored.pop(TABLE_SCALE)
    else:
        rows_VR = stored.pop(TABLE)
        scale_V1 = np.ones((config.vocabulary, 1), dtype=np.float32)
    return StudentFiles(config, tokenizer, stored, rows_VR, scale_V1)


def pad_tokens(token_lists: Sequence[Sequence[int]], pad_id: int) -> tuple[IntArray, BoolArray]:
    """Lay ragged ids out as (ids_BW, mask_BW), as wide as the longest list."""
    longest = max(map(len, token_lists), default=0)
    ids_BW = np.full((len(token_lists), longest), pad_id, dtype=np.int64)
    mask_BW = np.zeros(ids_BW.shape, dtype=np.bool_)
    for row, ids in enumerate(token_lists):
        ids_BW[row, : len(ids)] = ids
        mask_BW[row, : len(ids)] = True
    return ids_BW, mask_BW


def sinusoids(places: int, width: int) -> npt.NDArray[np.float32]:
    """Fixed position vectors (places, width): sines, then cosines, of falling frequency."""
    exponents = np.arange(width // 2, dtype=np.float32) / np.float32(width // 2)
    angles = np.arange(places, dtype=np.float32)[:, None] * np.float32(LONGEST_PERIOD) ** -exponents
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=-1)
