"""Words that prompts for motion are made of: what the student text encoder learns from.

The lists lie in ``text_lexicon.toml``; verbs are base forms there, inflected here.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

_LISTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _words(name: str) -> tuple[str, ...]:
    return tuple(_LISTS["words"][name].split())


def _phrases(name: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in _LISTS["phrases"][name].split(";"))


VERBS = _words("verbs")
IRREGULAR_PASTS = {
    pair.partition(":")[0]: pair.partition(":")[2] for pair in _words("irregular_pasts")
}
DOUBLING = frozenset(_words("doubling"))
ADJECTIVES = _words("adjectives")
ADVERBS = _words("adverbs")
PEOPLE = _words("people")
BODY_PARTS = _words("body_parts")
OBJECTS = _words("objects")
DIRECTIONS = _phrases("directions")
ENDINGS = _phrases("endings")
ACTIONS = _phrases("actions")

VOWELS = frozenset("aeiou")
SIBILANTS = ("s", "x", "z", "ch", "sh", "o")


def third_person(verb: str) -> str:
    """Inflect for "a person ...": walk -> walks."""
    if verb.endswith(SIBILANTS):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ies"
    return verb + "s"


def gerund(verb: str) -> str:
    """Inflect for "is ...": walk -> walking."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return verb[:-1] + "ing"
    return _doubled(verb) + "ing"


def past(verb: str) -> str:
    """Inflect for the simple past: walk -> walked."""
    if verb in IRREGULAR_PASTS:
        return IRREGULAR_PASTS[verb]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ied"
    return _doubled(verb) + "ed"


def with_article(noun_phrase: str) -> str:
    """Prefix "a" or "an"."""
    return ("an " if noun_phrase[0] in VOWELS else "a ") + noun_phrase


def _doubled(verb: str) -> str:
    return verb + verb[-1] if verb in DOUBLING else verb
