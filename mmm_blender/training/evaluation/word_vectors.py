"""Words as the published evaluators read them: a GloVe vector and a part of speech each.

The vocabulary's two pickles may hold plain lists, dictionaries, strings and numbers and nothing
that runs.
"""

from __future__ import annotations

import pickle
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...common.arrays import AnyArray
from ...common.errors import MMMError

VECTORS_FILE, WORDS_FILE, NUMBERS_FILE = "our_vab_data.npy", "our_vab_words.pkl", "our_vab_idx.pkl"
MAX_WORDS = 20  # of a sentence; what follows is not read
_START, _END, _UNKNOWN, _OTHER = "sos", "eos", "unk", "OTHER"
_DAMAGED = (pickle.UnpicklingError, EOFError, ValueError, LookupError, TypeError, AttributeError)

Word = tuple[str, str]
"""A word and its part of speech, such as ("walk", "VERB")."""


class _PlainUnpickler(pickle.Unpickler):
    """Knows no global at all."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        raise pickle.UnpicklingError(f"it names {module_name}.{global_name}")


@cache
def _kinds() -> tuple[dict[str, int], dict[str, str]]:
    """Number of each part of speech, and the words that count as a part of their own."""
    table = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    numbers = {name: at for at, name in enumerate(table["order"])}
    return numbers, {word: name for name, words in table["marked"].items() for word in words}


@dataclass(frozen=True, eq=False)
class WordVectors:
    """vectors_VD: a row for every word of the vocabulary. rows: the row of each word."""

    vectors_VD: AnyArray
    rows: Mapping[str, int]

    @classmethod
    def load(cls, folder: Path) -> WordVectors:
        """Read the three files; MMMError says what is wrong with them."""
        try:
            vectors = np.load(folder / VECTORS_FILE, allow_pickle=False)
            words, numbers = (_read(folder / name) for name in (WORDS_FILE, NUMBERS_FILE))
            rows = {str(word): int(numbers[word]) for word in words}
        except OSError as error:
            raise MMMError(
                f"{error.filename} cannot be read ({error.strerror}): put the evaluator's word "
                "vectors there."
            ) from error
        except _DAMAGED as error:
            raise MMMError(
                f"The word vectors in {folder} are damaged ({error}): get them again."
            ) from error
        missing = [word for word in (_START, _END, _UNKNOWN) if word not in rows]
        if vectors.ndim != 2 or missing or not 0 <= max(rows.values()) < len(vectors):
            raise MMMError(f"The word vectors in {folder} do not fit together: get them again.")
        return cls(vectors.astype(np.float32), rows)

    @property
    def width(self) -> int:
        """D, numbers of a word's vector."""
        return self.vectors_VD.shape[1]

    @property
    def kinds(self) -> int:
        """Parts of speech."""
        return len(_kinds()[0])

    def batch(self, sentences: Sequence[Sequence[Word]]) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors (B, W, D) and one-hot parts of speech (B, W, K) of the sentences, each between a
        start and an end; and their lengths (B,)."""
        framed = [
            [(_START, _OTHER), *sentence[:MAX_WORDS], (_END, _OTHER)] for sentence in sentences
        ]
        lengths = torch.tensor([len(sentence) for sentence in framed])
        places = max(map(len, framed))
        vectors = torch.zeros(len(framed), places, self.width)
        kinds = torch.zeros(len(framed), places, self.kinds)
        for row, sentence in enumerate(framed):
            for at, word in enumerate(sentence):
                number, kind = self._look_up(word)
                vectors[row, at] = torch.from_numpy(self.vectors_VD[number])
                kinds[row, at, kind] = 1
        return vectors, kinds, lengths

    def _look_up(self, word: Word) -> tuple[int, int]:
        """Row of the vector and number of the part of speech; an unknown word has neither."""
        numbers, marked = _kinds()
        text, tag = word
        if text not in self.rows:
            return self.rows[_UNKNOWN], numbers[_OTHER]
        kind = marked.get(text, tag)
        return self.rows[text], numbers.get(kind, numbers[_OTHER])


def _read(path: Path) -> Any:
    with path.open("rb") as file:
        return _PlainUnpickler(file).load()
