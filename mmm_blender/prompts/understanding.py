"""What of a prompt a bundle did not understand, in one line: never an error, never in the way.

Before the press the bundle's own list of words answers; the worker, which has the text encoder,
finds the nearest actions for any words at all.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .knowledge import Knowledge, Neighbour
from .verbs import words_of
from .word_lists import word_list

FUNCTION_WORDS = frozenset(word_list("function_words"))
"""Words that name no action: nobody has to have taught them."""

UNDERSTOOD = 0.66
"""Cosine of the text encoder from which on two actions are taken for the same one ("strolls" is
nearest to "walks around" with 0.84, "plays the violin" to "dances" with 0.38)."""

_FOREIGN = frozenset(word_list("foreign_words"))
_TYPO_CUTOFF = 0.8  # of difflib's ratio
_LEAST_TYPO = 4  # letters: shorter words are like everything
_MOST_NAMED = 3
_NEAREST = 2

Nearest = Callable[[str], Neighbour]
"""Known actions nearest to a prompt, by the text encoder."""


@dataclass(frozen=True)
class Doubtful:
    """unknown: words that no caption had. typos: such a word and the known one that was meant."""

    unknown: tuple[str, ...] = ()
    typos: tuple[tuple[str, str], ...] = ()


def notes_on(
    prompt: str,
    knowledge: Knowledge | None,
    nearest: Nearest | None = None,
    pieces_of: Callable[[str], int] | None = None,
) -> tuple[str, ...]:
    """Sentences on what was not understood of a prompt; () where all was, or nothing is known of
    the bundle.

    nearest: of a prompt, for what ``knowledge.near`` has no answer to. pieces_of: pieces of words
    that the text encoder cuts a word into, one if not given.
    """
    if knowledge is None or not prompt.strip():
        return ()
    words = words_of(prompt)
    if _is_foreign(prompt, words, knowledge):
        return ("Only English is understood: write, for example, 'a person walks forward'.",)
    found = doubtful(words, knowledge, nearest)
    notes = [_typo_note(found), _unknown_note(prompt, found, knowledge, nearest)]
    notes.append(_length_note(words, knowledge, pieces_of))
    return tuple(note for note in notes if note)


def line_of(notes: Sequence[str]) -> str:
    """Notes as the one line of the panel."""
    return " ".join(notes)


def _is_foreign(prompt: str, words: Sequence[str], knowledge: Knowledge) -> bool:
    """Another script, or words that English does not have and other languages are full of."""
    letters = [c for c in prompt if c.isalpha()]
    if letters and sum("LATIN" not in unicodedata.name(c, "") for c in letters) * 2 > len(letters):
        return True
    plain = [_without_accents(word) for word in words]
    new = [word for word in plain if word not in FUNCTION_WORDS and not knowledge.has_word(word)]
    return any(word in _FOREIGN for word in new) and 2 * len(new) > len(words)


def _without_accents(word: str) -> str:
    split = unicodedata.normalize("NFD", word)
    return "".join(c for c in split if unicodedata.category(c) != "Mn")


def doubtful(
    words: Sequence[str], knowledge: Knowledge, nearest: Nearest | None = None
) -> Doubtful:
    """The words that no caption had, and that mean nothing that one had."""
    unknown: list[str] = []
    typos: list[tuple[str, str]] = []
    for word in dict.fromkeys(words):
        if word in FUNCTION_WORDS or "'" in word or knowledge.has_word(word):
            continue
        if meant := _known_spelling(word, knowledge):
            typos.append((word, meant))
        elif not _is_near(word, knowledge, nearest):
            unknown.append(word)
    return Doubtful(tuple(unknown), tuple(typos))


def _known_spelling(word: str, knowledge: Knowledge) -> str:
    """The known word of nearly the same letters, "" where there is none or ``near`` knows it."""
    if len(word) < _LEAST_TYPO or word in knowledge.near:
        return ""
    likely = [w for w in knowledge.words if len(w) >= _LEAST_TYPO and w[0] == word[0]]
    close = difflib.get_close_matches(word, likely, 3, _TYPO_CUTOFF)
    return max(close, key=lambda each: (_ratio(word, each), knowledge.words[each]), default="")


def _ratio(a: str, b: str) -> float:
    return round(difflib.SequenceMatcher(None, a, b).ratio(), 2)


def _is_near(word: str, knowledge: Knowledge, nearest: Nearest | None) -> bool:
    if word in knowledge.near:
        return knowledge.near[word].score >= UNDERSTOOD
    return nearest is not None and nearest(f"a person {word}").score >= UNDERSTOOD


def _typo_note(found: Doubtful) -> str:
    meant = _quoted([known for _, known in found.typos[:_MOST_NAMED]])
    return f"Did you mean {meant}?" if meant else ""


def _unknown_note(
    prompt: str, found: Doubtful, knowledge: Knowledge, nearest: Nearest | None
) -> str:
    if not found.unknown:
        return ""
    note = f"Never seen: {_quoted(found.unknown[:_MOST_NAMED])}."
    verbs = _nearest_verbs(prompt, found, knowledge, nearest)
    return f"{note} Nearest: {_quoted(verbs)}." if verbs else note


def _nearest_verbs(
    prompt: str, found: Doubtful, knowledge: Knowledge, nearest: Nearest | None
) -> tuple[str, ...]:
    listed = next((knowledge.near[w].verbs for w in found.unknown if w in knowledge.near), ())
    named = nearest(prompt).verbs if nearest is not None else listed
    return named[:_NEAREST]


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _length_note(
    words: Sequence[str], knowledge: Knowledge, pieces_of: Callable[[str], int] | None
) -> str:
    read = 0
    for number, word in enumerate(words, start=1):
        read += pieces_of(word) if pieces_of else 1
        if read > knowledge.most_pieces:
            return (
                f"Nothing after '{words[max(number - 2, 0)]}' (word {max(number - 1, 1)}) is read: "
                "shorten the prompt or split it into a sequence."
            )
    return ""
