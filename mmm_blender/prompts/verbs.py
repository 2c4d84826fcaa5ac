"""Where an action begins in a chunk of a prompt: a verb that bodies do, in one of its forms."""

from __future__ import annotations

import re

BASES = frozenset(
    """
    accelerate advance aim approach arrive ascend attack back balance beckon beg begin bend block
    bounce bow box breathe brush call carry catch celebrate change charge chase cheer circle clap
    clean climb close collapse come continue crawl creep cross crouch crumple cry dance dash descend
    direct dive do dodge drag draw dribble drink drop duck eat enter exercise exit face fall fight
    fish flip float fly follow freeze gallop gesture get give glance go grab greet guide hail halt
    handle hang hide hit hobble hold hop hover hug hunch hurry jab jog juggle jump keep kick kneel
    knock land laugh lead lean leap leave lie lift limp listen look lower lunge make march mime mop
    mount move nod open pace paddle parry pass pat pause perform pick pirouette pivot place play
    plod point pose pounce practice practise prance pray press pull punch push put raise reach recoil
    rest retreat return rise roll rotate row run rush salute sashay scan scoop scramble scratch
    scream search set shake shift shiver shoot shout shove show shrug shuffle sidestep signal sing
    sink sit skate skip slap slash sleep slide slip sneak sneeze spar spin sprint squat stagger
    stamp stand start stay step stomp stoop stop stretch stride strike stroll strut stumble sway
    sweep swim swing take tap thank think throw tiptoe touch tread trip trot trudge try tumble turn
    twirl twist type vault veer wait wake walk wander wash watch wave whirl wipe work wrestle yawn
    yell zigzag
    """.split()
)
"""Base forms."""

_IRREGULAR_INGS = {"lying": "lie", "dying": "die", "tying": "tie"}
_VOWELS = frozenset("aeiou")

THIRD, ING, BASE = "third", "ing", "base"
"""Forms: "walks", "walking", "walk"."""


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
    stem = word.removesuffix("ing")
    doubled = len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in _VOWELS
    tries = (stem, stem + "e", stem[:-1] if doubled else "")
    return next((base for base in tries if base in BASES), "") if stem != word else ""


def verb_form(word: str) -> str:
    """THIRD, ING or BASE of an action's verb in lower case; "" for any other word."""
    if _ing_base(word):
        return ING
    if word in BASES:
        return BASE
    return THIRD if _third_base(word) else ""


def base_of(word: str) -> str:
    """The base form of an action's verb; "" for any other word."""
    return _ing_base(word) or (word if word in BASES else _third_base(word))


_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without figures and marks."""
    return [word.replace("’", "'").lower() for word in _WORD.findall(text)]
