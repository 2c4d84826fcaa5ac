"""Sentences for labelled clips: what an animator might have typed to get this motion.

A label is a content ("walk-turn-left") and a style ("elderly"). A caption draws a subject or a
manner from the style and a verb phrase from the content, in one of a few sentence shapes. Left
and right change places in the caption of a mirrored clip. The words are in ``captions.toml``.
"""

from __future__ import annotations

import random
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .motion_file import ClipRecord

_WORDS = Path(__file__).with_suffix(".toml")
_ANYONE = ("a person", "someone", "a man", "a woman", "the character", "the person", "a figure")
_NOUNS = ("person", "man", "woman")
_PLAIN = "normal"
_SUBJECT_TELLS = 0.5  # odds that the subject carries the style ("a tired man")
_SAID_ONCE = 0.6  # odds that a style told by the subject is not told again

Phrase = tuple[str, str]  # "walks forward", "walking forward"


@dataclass(frozen=True)
class Style:
    """Words of a manner: adjectives ("tired"), adverbs ("wearily"), subjects ("a giant") and
    endings ("like a giant")."""

    adjectives: tuple[str, ...] = ()
    adverbs: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(_WORDS.read_text(encoding="utf-8"))


def _style(name: str) -> Style:
    words = _words()
    entry = words["styles"][words["same_style"].get(name, name)]
    return Style(**{kind: tuple(values) for kind, values in entry.items()})


def _phrases(record: ClipRecord) -> list[Phrase]:
    words = _words()
    if record.source != "cmu":
        return words["contents"][record.content]["phrases"]
    label = record.label.lower()
    if label in words["cmu_same"]:
        return words["contents"][words["cmu_same"][label]]["phrases"]
    plain = label.rsplit(" - ", maxsplit=1)[-1]
    return words["cmu"].get(label, [(f"does {plain}", plain)])


_SIDES = re.compile(r"\b(left|right)\b")


def mirror_text(text: str) -> str:
    """The sentence with left and right changed over."""
    return _SIDES.sub(lambda word: "right" if word[0] == "left" else "left", text)


def _article(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def _telling_subjects(style: Style) -> list[str]:
    described = [_article(f"{word} {noun}") for word in style.adjectives for noun in _NOUNS]
    return described + list(style.subjects) * 2


def _styled(verb: str, ing: str, style: Style, rng: random.Random) -> str:
    if rng.random() < _SUBJECT_TELLS:
        sentence = f"{rng.choice(_telling_subjects(style))} {rng.choice((verb, f'is {ing}'))}"
        if rng.random() < _SAID_ONCE:
            return sentence
    else:
        sentence = rng.choice((f"{rng.choice(_ANYONE)} {verb}", ing))
    return f"{sentence} {rng.choice(style.adverbs + style.ends)}"


def _unstyled(verb: str, ing: str, style: Style, rng: random.Random) -> str:
    subject = rng.choice(_ANYONE)
    sentence = rng.choice((f"{subject} {verb}", f"{subject} {verb}", f"{subject} is {ing}", ing))
    return f"{sentence} {rng.choice(('', '', '', *style.adverbs))}".strip()


def caption(record: ClipRecord, rng: random.Random, mirrored: bool = False) -> str:
    """One sentence for a clip; another draw of ``rng`` gives another wording."""
    name = _PLAIN if record.source == "cmu" else record.style
    verb, ing = rng.choice(_phrases(record))
    tell = _unstyled if name == _PLAIN else _styled
    sentence = tell(verb, ing, _style(name), rng)
    return mirror_text(sentence) if mirrored else sentence
