"""BERT's uncased WordPiece tokenizer: text to the ids of a vocabulary file, one piece a line."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ...common.errors import MMMError
from ...common.untrusted import file_bytes

MOST_BYTES = 2**24

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
CONTINUATION = "##"
# A longer word is not looked up piece by piece (the cost is quadratic): it is unknown.
LONGEST_WORD = 100
REPLACEMENT_CHARACTER = "\ufffd"
# Scripts written without spaces: every character is a word (the blocks that BERT names).
IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPieceTokenizer:
    """Prompt to ids: [CLS], the pieces of its words, [SEP]."""

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces
        self._ids = {piece: index for index, piece in enumerate(pieces)}
        missing = [p for p in (PAD, UNKNOWN, START, END) if p not in self._ids]
        if missing:
            raise MMMError(
                f"The text encoder's vocabulary lacks {', '.join(missing)}; "
                "put the original weights back."
            )
        self.pad_id = self._ids[PAD]
        self._word_ids = lru_cache(maxsize=65536)(self._split_word)

    @classmethod
    def from_file(cls, path: Path) -> WordPieceTokenizer:
        """Read a ``vocab.txt``."""
        try:
            text = file_bytes(path, MOST_BYTES).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise MMMError(
                f"The text encoder's vocabulary {path} cannot be read; "
                "put the original weights back."
            ) from error
        return cls(text.rstrip("\n").split("\n"))

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, text: str, max_tokens: int) -> list[int]:
        """Give at most ``max_tokens`` ids, [CLS] and [SEP] included; the end of the text is cut."""
        ids = [self._ids[START]]
        for word in split_words(text):
            ids.extend(self._word_ids(word))
            if len(ids) >= max_tokens:
                break
        return [*ids[: max_tokens - 1], self._ids[END]]

    def _split_word(self, word: str) -> tuple[int, ...]:
        """Cut a word into the longest known pieces from the left, or call it unknown."""
        unknown = (self._ids[UNKNOWN],)
        if len(word) > LONGEST_WORD:
            return unknown
        ids: list[int] = []
        start = 0
        while start < len(word):
            found = self._longest_piece(word, start)
            if found is None:
                return unknown
            piece_id, start = found
            ids.append(piece_id)
        return tuple(ids)

    def _longest_piece(self, word: str, start: int) -> tuple[int, int] | None:
        prefix = CONTINUATION if start else ""
        for stop in range(len(word), start, -1):
            piece_id = self._ids.get(prefix + word[start:stop])
            if piece_id is not None:
                return piece_id, stop
        return None


def split_words(text: str) -> list[str]:
    """Lower-case words without accents; punctuation and ideographs stand alone."""
    return "".join(_spaced(_normalised(text))).split()


def _normalised(text: str) -> str:
    kept = "".join(c for c in text if not _is_dropped(c))
    bare = (c for c in unicodedata.normalize("NFD", kept) if unicodedata.category(c) != "Mn")
    # One character at a time: str.lower would look at its neighbours (Greek final sigma).
    return "".join(c.lower() for c in bare)


def _spaced(text: str) -> Iterator[str]:
    for character in text:
        if _is_punctuation(character) or _is_ideograph(character):
            yield f" {character} "
        else:
            yield " " if character.isspace() else character


def _is_dropped(character: str) -> bool:
    if character in "\t\n\r":
        return False
    control = unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs"}
    return control or character == REPLACEMENT_CHARACTER


def _is_punctuation(character: str) -> bool:
    # BERT counts every ASCII symbol, also those that Unicode calls something else ($, +, ^, `).
    ascii_symbol = character.isascii() and character.isprintable() and not character.isalnum()
    if ascii_symbol and character != " ":
        return True
    return unicodedata.category(character).startswith("P")


def _is_ideograph(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in IDEOGRAPHS)
