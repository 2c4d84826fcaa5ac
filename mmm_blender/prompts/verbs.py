"""Where an action begins in a chunk of a prompt: a verb that bodies do, in one of its forms."""

from __future__ import annotations

import re

from .word_lists import word_list

BASES = frozenset(word_list("verbs"))
"""Base forms."""

_PASTS = dict(pair.split(":") for pair in word_list("irregular_pasts"))
_IRREGULAR_INGS = {"lying": "lie", "dying": "die", "tying": "tie"}
_VOWELS = frozenset("aeiou")

THIRD, ING, BASE, PAST = "third", "ing", "base", "past"
"""Forms: "walks", "walking", "walk", "walked"."""


def _third_base(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y" if word[:-3] + "y" in BASES else word[:-1]
    for ending in ("es", "s"):
        if word.endswith(ending) and word[: -len(ending)] in BASES:
            return word[: -len(ending)]
    return ""


def _ing_base(word: str) -> str:
    if word in _IRREGULAR_INGS:
        return _IRREGULAR_INGS[word]
    return _stem_base(word, "ing")


def _past_base(word: str) -> str:
    return _PASTS.get(word) or _stem_base(word, "ed")


def _stem_base(word: str, ending: str) -> str:
    """The verb that has this form with a regular ending."""
    stem = word.removesuffix(ending)
    doubled = len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in _VOWELS
    tries = (stem, stem + "e", stem[:-1] if doubled else "", stem[:-1] + "y")
    return next((base for base in tries if base in BASES), "") if stem != word else ""


def verb_form(word: str) -> str:
    """THIRD, ING, BASE or PAST of an action's verb in lower case; "" for any other word."""
    if _ing_base(word):
        return ING
    if word in BASES:
        return BASE
    if _third_base(word):
        return THIRD
    return PAST if _past_base(word) else ""


def base_of(word: str) -> str:
    """The base form of an action's verb; "" for any other word."""
    return _ing_base(word) or (word if word in BASES else _third_base(word) or _past_base(word))


_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without figures and marks."""
    return [word.replace("\u2019", "'").lower() for word in _WORD.findall(text)]
