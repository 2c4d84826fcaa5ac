"""CLIP's byte-pair tokenizer: text to the ids of a list of merges.

A word is written as bytes, each shown as one printable character, and neighbouring symbols are
joined in the order of the merges until none applies. Ids: the 256 byte symbols, the same as word
ends, one for each merge, and two specials.
"""

from __future__ import annotations

import gzip
import html
import io
import itertools
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import ftfy
import regex

from ...common.errors import MMMError
from ...common.untrusted import file_bytes
from .files import read_json

START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"
# Where the merges may lie: transformers' layout, then the file that came with the first release.
MERGES_FILES = ("merges.txt", "bpe_simple_vocab_16e6.txt", "bpe_simple_vocab_16e6.txt.gz")
VOCABULARY_FILE = "vocab.json"
# Words, single digits, runs of other signs, and English contractions split off.
WORD_PATTERN = regex.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+",
    regex.IGNORECASE,
)
# Bytes that Latin-1 prints as a visible sign stand for themselves, the others for signs above it.
VISIBLE_BYTES = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
FIRST_SPARE_SIGN = 0x100
# The released merges file goes on far behind the vocabulary of the released models.
CLIP_VOCABULARY = 49408
MOST_BYTES = 2**24
ADVICE = "get CLIP ViT-B/32's tokenizer files again."

Pair = tuple[str, str]


class BytePairTokenizer:
    """Prompt to ids: start of text, the symbols of its words, end of text."""

    def __init__(self, merges: Sequence[Pair], ids: dict[str, int] | None = None) -> None:
        self._signs = byte_signs()
        self._ids = ids or vocabulary_of(merges)
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._word_ids = lru_cache(maxsize=65536)(self._encode_word)

    @classmethod
    def from_folder(cls, folder: Path) -> BytePairTokenizer:
        """Read the merges, and ``vocab.json`` where there is one, from a folder."""
        path = next((folder / n for n in MERGES_FILES if (folder / n).is_file()), None)
        if path is None:
            raise MMMError(
                f"The folder {folder} has none of {', '.join(MERGES_FILES)}: "
                "choose the folder that holds CLIP ViT-B/32's tokenizer files."
            )
        merges = read_merges(path)
        ids = vocabulary_of(merges)
        listed = folder / VOCABULARY_FILE
        if listed.is_file() and read_json(listed, ADVICE) != ids:
            raise MMMError(
                f"{VOCABULARY_FILE} and {path.name} in {folder} do not belong together: {ADVICE}"
            )
        return cls(merges, ids)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def end_id(self) -> int:
        """The id of the end of text."""
        return self._ids[END]

    def encode(self, text: str, max_tokens: int) -> list[int]:
        """Give at most ``max_tokens`` ids, start and end included; the end of the text is cut."""
        ids = [self._ids[START]]
        for match in WORD_PATTERN.finditer(clean(text)):
            ids.extend(self._word_ids(match.group()))
        return [*ids[: max_tokens - 1], self.end_id]

    def _encode_word(self, word: str) -> tuple[int, ...]:
        if word in (START, END):
            return (self._ids[word],)
        return tuple(self._ids[symbol] for symbol in self._merge(word))

    def _merge(self, word: str) -> list[str]:
        symbols = [self._signs[byte] for byte in word.encode("utf-8")]
        symbols[-1] += WORD_END
        never = len(self._ranks)
        while len(symbols) > 1:
            pairs = itertools.pairwise(symbols)
            best = min(pairs, key=lambda pair: self._ranks.get(pair, never))
            if best not in self._ranks:
                break
            symbols = join_pair(symbols, best)
        return symbols


def clean(text: str) -> str:
    """Mend broken encodings, resolve HTML entities, single spaces, lower case."""
    text = html.unescape(html.unescape(ftfy.fix_text(text)))
    return regex.sub(r"\s+", " ", text.strip()).strip().lower()


def join_pair(symbols: Sequence[str], pair: Pair) -> list[str]:
    """Replace every occurrence of a pair by the joined symbol, from the left."""
    joined: list[str] = []
    place = 0
    while place < len(symbols):
        found = tuple(symbols[place : place + 2]) == pair
        joined.append("".join(pair) if found else symbols[place])
        place += 2 if found else 1
    return joined


def byte_signs() -> dict[int, str]:
    """Give every byte a printable character of its own, in the order that the ids follow."""
    hidden = [byte for byte in range(0x100) if byte not in VISIBLE_BYTES]
    signs = {byte: chr(byte) for byte in VISIBLE_BYTES}
    signs.update({byte: chr(FIRST_SPARE_SIGN + place) for place, byte in enumerate(hidden)})
    return signs


def vocabulary_of(merges: Sequence[Pair]) -> dict[str, int]:
    """Number the symbols that some merges make."""
    signs = list(byte_signs().values())
    ends = [sign + WORD_END for sign in signs]
    symbols = [*signs, *ends, *("".join(pair) for pair in merges), START, END]
    return {symbol: index for index, symbol in enumerate(symbols)}


def read_merges(path: Path) -> list[Pair]:
    """Read one pair a line; the first line is a version remark."""
    try:
        data = file_bytes(path, MOST_BYTES)
        if path.suffix == ".gz":
            with gzip.open(io.BytesIO(data)) as unpacked:
                data = unpacked.read(MOST_BYTES)
        text = data.decode("utf-8")
        pairs = [line.split() for line in text.splitlines()[1:] if line.strip()]
        most = CLIP_VOCABULARY - len(vocabulary_of([]))
        return [(first, second) for first, second in pairs[:most]]
    except (OSError, EOFError, ValueError) as error:
        raise MMMError(f"CLIP's merges file {path} is damaged: {ADVICE}") from error
