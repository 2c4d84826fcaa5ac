"""Sentences for labelled clips: what an animator might have typed to get this motion.

A label is a content ("walk-turn-left") and a style ("elderly"). A caption draws a verb phrase from
the content, words of a manner from the style and a sentence shape, and says how fast, how high and
which way only what was measured in the clip. Left and right change places in the caption of a
mirrored clip. Some wordings are held out: training never sees them, the test asks for them. All
words are in ``captions.toml``.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from .count_words import count_words, turn_name
from .label_phrases import label_phrase
from .measured import Measured
from .motion_file import ClipRecord

_WORDS = Path(__file__).with_suffix(".toml")
_PLAIN = "normal"

_PLAIN_MANNER = 0.15  # odds that an ordinary manner is named at all
_PACE, _HIGH, _LOW = 0.5, 0.3, 0.8
"""Odds that what is unusual is named. A hand that stays below the shoulder is named most often: it
is not what a bare "raises the hand" should give."""
_TELL = 0.35  # odds that something counted or measured is named where there is something
_RARE_ALONE = 0.5  # odds that a held-out phrase stands in a sentence shape of training
_PRONOUNS = {"man": "he", "woman": "she"}
_THEIR = 0.25  # odds of "their left hand" for "the left hand"

_TRAVEL, _TURN = 0.5, 45.0  # metres, degrees: less is no direction
_RISE = 0.3  # metres: less is a crouch
_STRAIGHT_TURN, _STRAIGHT_SIDE = 15.0, 0.15  # degrees; sideways as a share of forward
_QUIET, _STILL = 0.3, 0.15  # m/s that a hand exceeds in 5 % of frames
_STAYS, _SHIFTS = 0.25, 0.06  # metres of the pelvis
_HIGH_LIFT, _LOW_LIFT = 0.35, 0.03  # metres of the wrist over the shoulder: head, shoulder


@dataclass(frozen=True)
class Phrase:
    """A verb phrase: "walks forward", "walking forward"; of clips that show ``needs`` alone."""

    verb: str
    ing: str
    needs: str = ""

    @property
    def base(self) -> str:
        """The same as an order: "walk forward"."""
        return base_form(self.verb)

    def followed_by(self, tail: str) -> Phrase:
        """With a word behind it."""
        return Phrase(f"{self.verb} {tail}", f"{self.ing} {tail}") if tail else self


@dataclass(frozen=True)
class Wording:
    """What a content may be described with. otherwise: of a clip that shows nothing of what the
    phrases need. pace, height, measures: names of tables; hands: whose height."""

    phrases: list[list[str]]
    otherwise: list[str] = field(default_factory=list[str])
    held_out: list[list[str]] = field(default_factory=list[list[str]])
    noun: str = ""
    pace: str = ""
    height: str = ""
    hands: tuple[str, ...] = ()
    measures: str = ""


@dataclass(frozen=True)
class Style:
    """Words of a manner: adjectives ("tired"), adverbs ("wearily"), subjects ("a giant") and
    endings ("like a giant"). nouns: who can be described with an adjective (none: anyone)."""

    adjectives: list[str] = field(default_factory=list[str])
    adverbs: list[str] = field(default_factory=list[str])
    subjects: list[str] = field(default_factory=list[str])
    ends: list[str] = field(default_factory=list[str])
    nouns: list[str] = field(default_factory=list[str])
    held_out_adjectives: list[str] = field(default_factory=list[str])
    held_out_adverbs: list[str] = field(default_factory=list[str])
    held_out_subjects: list[str] = field(default_factory=list[str])

    def opened(self) -> Style:
        """With the held-out words among the others."""
        return Style(
            self.adjectives + self.held_out_adjectives,
            self.adverbs + self.held_out_adverbs,
            self.subjects + self.held_out_subjects,
            self.ends,
            self.nouns,
        )


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(_WORDS.read_text(encoding="utf-8"))


def style_words(name: str) -> Style:
    """The words of a manner."""
    words = _words()
    if name in words["ends"]:
        return Style(ends=[words["ends"][name]])
    return Style(**words["styles"][words["same_style"].get(name, name)])


def wording_of(record: ClipRecord) -> Wording:
    """The words of a clip's content; an unknown CMU label tells itself."""
    words = _words()
    if record.source != "cmu":
        return Wording(**words["contents"][record.content])
    label = record.label.lower()
    if label in words["cmu_same"]:
        return Wording(**words["contents"][words["cmu_same"][label]])
    return Wording(**words["cmu"].get(label, {"phrases": [label_phrase(label)]}))


def lacking_words(content: str, style: str) -> str:
    """The content or style that no caption has words for; empty where both have."""
    words = _words()
    if content not in words["contents"]:
        return content
    known = style in words["ends"] or words["same_style"].get(style, style) in words["styles"]
    return "" if known else style


def facts_of(measured: Measured | None) -> set[str]:
    """What a phrase may need a clip to show, of what was measured in it."""
    if measured is None:
        return set()
    found = {
        "forward": measured.forward > _TRAVEL,
        "backward": measured.forward < -_TRAVEL,
        "to the left": measured.left > _TRAVEL,
        "to the right": measured.left < -_TRAVEL,
        "up": measured.rise > _RISE,
        "down": measured.rise < -_RISE,
        "turns left": measured.turn > _TURN,
        "turns right": measured.turn < -_TURN,
        "straight": measured.forward > _TRAVEL
        and abs(measured.turn) < _STRAIGHT_TURN
        and abs(measured.left) < _STRAIGHT_SIDE * measured.forward,
    }
    turn = turn_name(measured.turn)
    found |= {f"{size} turn": turn == size for size in ("quarter", "half", "full")}
    found |= _quiet_facts(measured)
    return {name for name, shown in found.items() if shown}


def _quiet_facts(measured: Measured) -> dict[str, bool]:
    """What does not move; nothing is known of it where it was not measured (no seconds)."""
    known = measured.seconds > 0
    left, right = measured.left_hand_speed < _QUIET, measured.right_hand_speed < _QUIET
    stands = known and measured.steps == 0 and measured.reach < _STAYS
    return {
        "quiet left arm": known and left,
        "quiet right arm": known and right,
        "quiet arms": known and left and right,
        "no step": stands,
        "still": stands and measured.hand_speed < _STILL and abs(measured.turn) < _STRAIGHT_TURN,
        "shifts": stands and measured.reach > _SHIFTS,
    }


_SIDES = re.compile(r"\b(left|right)\b")
_HAND = re.compile(r"\bthe (?=(left|right) (hand|arm)|hands\b)")


def mirror_text(text: str) -> str:
    """The sentence with left and right changed over."""
    return _SIDES.sub(lambda word: "right" if word[0] == "left" else "left", text)


_VERBS = re.compile(r"(^|\band |\bthen )([a-z]+s)\b")


def base_form(verb: str) -> str:
    """A third-person phrase as an order: "walks and turns left" gives "walk and turn left"."""

    def bare(match: re.Match[str]) -> str:
        word = match[2]
        if word.endswith(("ches", "shes", "sses", "xes", "oes")):
            return match[1] + word[:-2]
        return match[1] + word[:-1]

    return _VERBS.sub(bare, verb)


def _article(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def _pace_words(wording: Wording, measured: Measured | None, held_out: bool) -> list[str]:
    if not wording.pace or measured is None:
        return []
    pace = _words()["paces"][wording.pace]
    value = getattr(measured, pace["of"])
    if pace["slow"] <= value <= pace["fast"]:
        return []
    kind = "slowly" if value < pace["slow"] else "quickly"
    return pace[f"held_out_{kind}" if held_out else kind]


def _height(wording: Wording, measured: Measured | None, rng: random.Random) -> str:
    """How high the hands come, where it is to be named."""
    if not wording.height or measured is None:
        return ""
    words = _words()["heights"][wording.height]
    lift = min(getattr(measured, f"{side}_hand") for side in wording.hands)
    if lift < _LOW_LIFT and rng.random() < _LOW:
        return rng.choice(words["low"])
    return rng.choice(words["high"]) if lift > _HIGH_LIFT and rng.random() < _HIGH else ""


@dataclass(frozen=True)
class _Teller:
    """Draws the words of one caption."""

    style: Style
    phrase: Phrase
    noun: str
    pace: str
    rng: random.Random
    held_out: bool

    def fill(self, shape: str) -> str:
        """The shape with words in its places."""
        wanted = set(re.findall(r"{(\w+)}", shape))
        alone = not wanted & {"manner", "adverb"}
        phrase = self.phrase.followed_by(self.pace if alone else "")
        words = {"verb": phrase.verb, "ing": phrase.ing, "base": phrase.base, "noun": self.noun}
        drawn = {name: getattr(self, f"_{name}")() for name in sorted(wanted - set(words))}
        return self._owned(shape.format(**words, **drawn))

    def _anyone(self) -> str:
        people = _words()["people"]
        return self.rng.choice(people["anyone"] + (people["held_out"] if self.held_out else []))

    def _pronoun(self) -> str:
        nouns = self.style.nouns or ["man", "woman"]
        return self.rng.choice([word for noun, word in _PRONOUNS.items() if noun in nouns])

    def _described(self) -> str:
        style = self.style
        nouns = style.nouns or _words()["people"]["nouns"]
        described = [_article(f"{word} {noun}") for word in style.adjectives for noun in nouns]
        return self.rng.choice(described + style.subjects * 2)

    def _adjective(self) -> str:
        return self.rng.choice(self.style.adjectives)

    def _adverb(self) -> str:
        return self.rng.choice([word for word in self.style.adverbs if " " not in word])

    def _manner(self) -> str:
        manner = self.rng.choice(self.style.adverbs + self.style.ends)
        return f"{self.pace} and {manner}" if self.pace and " " not in self.pace else manner

    def _owned(self, sentence: str) -> str:
        """Now and then "their left hand"; he and she have his and hers."""
        pronoun = sentence.split(maxsplit=1)[0]
        if pronoun in ("he", "she"):
            return _HAND.sub("his " if pronoun == "he" else "her ", sentence)
        return _HAND.sub("their ", sentence) if self.rng.random() < _THEIR else sentence


def _phrase(rows: list[list[str]], measured: Measured | None, rng: random.Random) -> Phrase | None:
    """A phrase that is true of the clip, if there is one. Where nothing was measured the label is
    believed: phrases with needs serve only if there are no others."""
    phrases = [Phrase(*row) for row in rows]
    shown = facts_of(measured)
    fitting = [phrase for phrase in phrases if not phrase.needs or phrase.needs in shown]
    if measured is None:
        fitting = fitting or phrases
    return rng.choice(fitting) if fitting else None


def _counted(wording: Wording, measured: Measured | None, rng: random.Random) -> Phrase | None:
    """A phrase with something counted or measured, in a share of the draws."""
    if not wording.measures or measured is None or rng.random() > _TELL:
        return None
    words, shown = count_words(measured, rng), facts_of(measured)
    fitting = [
        Phrase(verb.format(**words), ing.format(**words))
        for verb, ing, *needs in _words()["measures"][wording.measures]["phrases"]
        if set(re.findall(r"{(\w+)}", verb)) <= set(words) and set(needs) <= shown
    ]
    return rng.choice(fitting) if fitting else None


def _shape(kinds: Sequence[str], noun: str, rng: random.Random) -> str:
    return rng.choice([shape for shape in kinds if noun or "{noun}" not in shape])


def _shape_kind(record: ClipRecord, rng: random.Random) -> str:
    if record.source == "cmu" or record.style == _PLAIN:
        tells = record.source == "bandai" and rng.random() < _PLAIN_MANNER
        return "ordinary" if tells else "plain"
    return "ended" if record.style in _words()["ends"] else "styled"


def phrase_of(
    record: ClipRecord, rng: random.Random, mirrored: bool = False, held_out: bool = False
) -> Phrase:
    """Only a verb phrase of a clip, to say it beside another; it counts nothing."""
    wording, measured = wording_of(record), record.measured
    rare = _phrase(wording.held_out, measured, rng) if held_out else None
    phrase = rare or _phrase(wording.phrases, measured, rng) or Phrase(*wording.otherwise)
    return Phrase(mirror_text(phrase.verb), mirror_text(phrase.ing)) if mirrored else phrase


def caption(
    record: ClipRecord, rng: random.Random, mirrored: bool = False, held_out: bool = False
) -> str:
    """One sentence for a clip; another draw of ``rng`` gives another wording.

    held_out: a wording that no caption without it has: its verb phrase or its sentence shape is
    kept from training, and words of manner may be.
    """
    wording, name = wording_of(record), _PLAIN if record.source == "cmu" else record.style
    style, measured = style_words(name), record.measured
    rare = _phrase(wording.held_out, measured, rng) if held_out else None
    # held-out sentences tell no counts: the evaluator that reads them was trained without
    counted = None if held_out else _counted(wording, measured, rng)
    phrase = rare or counted or _phrase(wording.phrases, measured, rng)
    phrase = phrase or Phrase(*wording.otherwise)
    closed = counted is not None and "without" in counted.verb  # takes no further words
    height = "" if closed else _height(wording, measured, rng)
    paces = [] if height or closed else _pace_words(wording, measured, held_out)
    pace = rng.choice(paces) if paces and rng.random() < _PACE else ""
    teller = _Teller(
        style.opened() if held_out else style,
        phrase.followed_by(height), wording.noun, pace, rng, held_out,
    )  # fmt: skip
    shapes = _words()["shapes"][_shape_kind(record, rng)]
    kinds = shapes["held_out" if held_out else "train"]
    if rare and rng.random() < _RARE_ALONE:
        kinds = [shape for shape in shapes["train"] if "{noun}" not in shape]
    sentence = teller.fill(_shape(kinds, wording.noun, rng))
    return mirror_text(sentence) if mirrored else sentence
