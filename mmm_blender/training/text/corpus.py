"""Sentences for the student text encoder to learn from, made up without a network.

Three kinds: motion sentences from templates, motion templates with any word of the vocabulary in a
slot, and loose vocabulary words (inflected too, so that word pieces are met in combination).
Words chosen by ``is_held_out`` appear in none of them: they measure how far meaning carries.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable, Sequence

from ..data.captions import caption
from ..data.motion_file import ClipRecord
from . import lexicon

HELD_OUT_ONE_IN = 25
# Stems are compared by their first letters, so that "walked" is held out with "walking".
STEM_LETTERS = 5
SHORTEST_WORD = 3
SUFFIXES = ("s", "ing", "ed", "er", "ly", "ness", "ful", "like")
MOST_LOOSE_WORDS = 6
# Shares of the kinds of sentence.
MOTION_SHARE, SLOT_SHARE = 0.5, 0.2
LONG_SENTENCE_SHARE = 0.08

Sentence = Callable[[random.Random], str]


def is_held_out(word: str) -> bool:
    """Say whether a word is kept from the training sentences; stable between runs."""
    stem = word.lower()[:STEM_LETTERS]
    return zlib.crc32(stem.encode()) % HELD_OUT_ONE_IN == 0


def has_held_out(sentence: str) -> bool:
    """Say whether any word of a sentence is held out."""
    return any(is_held_out(word) for word in sentence.replace("-", " ").split())


def plain_words(vocabulary: Iterable[str]) -> list[str]:
    """Pick the whole English-looking words of a WordPiece vocabulary."""
    return [p for p in vocabulary if p.isascii() and p.isalpha() and len(p) >= SHORTEST_WORD]


def make_corpus(count: int, vocabulary: Sequence[str], seed: int = 0) -> list[str]:
    """Make ``count`` different sentences; every plain word of the vocabulary comes once alone."""
    rng = random.Random(seed)
    words = plain_words(vocabulary)
    lexicon_words = (*lexicon.VERBS, *lexicon.ADJECTIVES, *lexicon.ADVERBS, *lexicon.PEOPLE)
    sentences = dict.fromkeys([*words, *lexicon_words, *map(lexicon.third_person, lexicon.VERBS)])
    sentences.update(dict.fromkeys(map(lexicon.gerund, lexicon.VERBS)))
    while len(sentences) < count:
        sentences[_any_sentence(rng, words)] = None
    return list(sentences)[:count]


def draw_captions(records: Iterable[ClipRecord], per_clip: int, seed: int = 0) -> list[str]:
    """Draw what the motion model will hear of some clips, mirrored ones too, without doubles."""
    rng = random.Random(seed)
    return list(
        dict.fromkeys(
            caption(record, rng, mirrored)
            for record in records
            for _ in range(per_clip)
            for mirrored in (False, True)
        )
    )


def _any_sentence(rng: random.Random, words: Sequence[str]) -> str:
    draw = rng.random()
    if draw < MOTION_SHARE:
        return long_or_short(rng)
    if draw < MOTION_SHARE + SLOT_SHARE:
        return slot_sentence(rng, words)
    return loose_words(rng, words)


def long_or_short(rng: random.Random) -> str:
    """Make one motion sentence, now and then a chain of several."""
    first = motion_sentence(rng)
    if rng.random() > LONG_SENTENCE_SHARE:
        return first
    more = [motion_sentence(rng) for _ in range(rng.randint(1, 3))]
    return rng.choice([", then ", ". ", " and after that "]).join([first, *more])


def motion_sentence(rng: random.Random) -> str:
    """Make one sentence about someone who moves, in one of many wordings."""
    return rng.choice(_MOTION_WORDINGS)(rng)


def slot_sentence(rng: random.Random, words: Sequence[str]) -> str:
    """Put arbitrary words where a motion sentence has its adjective, verb or manner."""
    one, two = _maybe_inflected(rng, words), _maybe_inflected(rng, words)
    return rng.choice(
        [
            f"a person {one}",
            f"a {one} person {_third(rng)}",
            f"a person {_third(rng)} {one}",
            f"a person {_third(rng)} like a {one}",
            f"a {one} {_third(rng)} {rng.choice(lexicon.DIRECTIONS)}",
            f"someone {one} {rng.choice(lexicon.DIRECTIONS)}",
            f"the {one} {two}",
            f"{_gerund(rng)} {one} {two}",
        ]
    )


def loose_words(rng: random.Random, words: Sequence[str]) -> str:
    """String a few vocabulary words together."""
    count = rng.randint(1, MOST_LOOSE_WORDS)
    return " ".join(_maybe_inflected(rng, words) for _ in range(count))


def _maybe_inflected(rng: random.Random, words: Sequence[str]) -> str:
    word = rng.choice(words)
    return word + rng.choice(SUFFIXES) if rng.random() < 0.25 else word


def _third(rng: random.Random) -> str:
    return lexicon.third_person(rng.choice(lexicon.VERBS))


def _gerund(rng: random.Random) -> str:
    return lexicon.gerund(rng.choice(lexicon.VERBS))


def _subject(rng: random.Random) -> str:
    noun = "person" if rng.random() < 0.4 else rng.choice(lexicon.PEOPLE)
    adjective = f"{rng.choice(lexicon.ADJECTIVES)} " if rng.random() < 0.5 else ""
    if rng.random() < 0.3:
        return f"the {adjective}{noun}"
    return lexicon.with_article(adjective + noun)


def _tail(rng: random.Random) -> str:
    pools = [lexicon.ADVERBS, lexicon.DIRECTIONS, lexicon.ENDINGS]
    return " ".join(rng.choice(pool) for pool in pools if rng.random() < 0.4)


def _present(rng: random.Random) -> str:
    return f"{_subject(rng)} {_third(rng)} {_tail(rng)}".strip()


def _continuous(rng: random.Random) -> str:
    return f"{_subject(rng)} is {_gerund(rng)} {_tail(rng)}".strip()


def _simple_past(rng: random.Random) -> str:
    return f"{_subject(rng)} {lexicon.past(rng.choice(lexicon.VERBS))} {_tail(rng)}".strip()


def _pronoun(rng: random.Random) -> str:
    return f"{rng.choice(['he', 'she', 'they'])} {_third(rng)} {_tail(rng)}".strip()


def _imperative(rng: random.Random) -> str:
    return f"{rng.choice(lexicon.VERBS)} {_tail(rng)}".strip()


def _bare_gerund(rng: random.Random) -> str:
    return f"{_gerund(rng)} {_tail(rng)}".strip()


def _action(rng: random.Random) -> str:
    return f"{_subject(rng)} {rng.choice(lexicon.ACTIONS)} {_tail(rng)}".strip()


def _body_part(rng: random.Random) -> str:
    side = rng.choice(["", "left ", "right ", "both "])
    owner = rng.choice(["the ", "his ", "her ", "their "])
    return f"{_subject(rng)} {_third(rng)} {owner}{side}{rng.choice(lexicon.BODY_PARTS)}"


def _with_object(rng: random.Random) -> str:
    thing = lexicon.with_article(rng.choice(lexicon.OBJECTS).replace("-", " "))
    return f"{_subject(rng)} {_third(rng)} {thing} {_tail(rng)}".strip()


def _two_verbs(rng: random.Random) -> str:
    joint = rng.choice([" and ", " and then ", ", then ", " while also "])
    return f"{_subject(rng)} {_third(rng)} {_tail(rng)}".strip() + f"{joint}{_third(rng)}"


def _feeling(rng: random.Random) -> str:
    feeling = rng.choice(lexicon.ADJECTIVES)
    verb = rng.choice(["is", "feels", "looks", "seems", "moves as if", "acts"])
    return f"{_subject(rng)} {verb} {feeling} and {_third(rng)}"


def _manner_first(rng: random.Random) -> str:
    return f"{rng.choice(lexicon.ADVERBS)}, {_present(rng)}"


def _label(rng: random.Random) -> str:
    return f"{rng.choice(lexicon.ADJECTIVES)} {rng.choice(lexicon.VERBS)}"


_MOTION_WORDINGS: tuple[Sentence, ...] = (
    _present,
    _present,
    _present,
    _continuous,
    _simple_past,
    _pronoun,
    _imperative,
    _bare_gerund,
    _action,
    _action,
    _body_part,
    _with_object,
    _two_verbs,
    _feeling,
    _manner_first,
    _label,
)
