"""The sentences that a bundle is asked to obey, and what must be seen of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...geometry.clip import MotionClip
from ...geometry.deeds.judges import DEEDS, both_at_once, in_order, stands_still, steps_of

Obeyed = Callable[[MotionClip], bool]


@dataclass(frozen=True)
class Ask:
    """A prompt of so many seconds and what its motion has to show."""

    prompt: str
    seconds: float
    obeyed: Obeyed


_WHILE_SECONDS, _THEN_SECONDS, _STILL_SECONDS = 4.0, 6.0, 4.0

WHILE_PAIRS: tuple[tuple[str, str], ...] = tuple(
    (legs, f"{kind} {side}")
    for legs in ("walk", "back", "run", "turn")
    for kind in ("wave", "raise")
    for side in ("left", "right", "both")
)
"""Legs and gesture of 24 sentences; a turn goes to the left and to the right in turn."""

_WHILE_SHAPES = (
    "a person {a} and {b}",
    "a person {a} while {b_ing}",
    "someone is {a_ing} and {b_ing}",
    "a man {b} while {a_ing}",
)

THEN_PAIRS: tuple[tuple[str, str], ...] = (
    ("walk", "wave right"),
    ("walk", "wave left"),
    ("walk", "wave both"),
    ("walk", "raise both"),
    ("walk", "bow"),
    ("walk", "back"),
    ("walk", "run"),
    ("walk", "stand"),
    ("run", "walk"),
    ("run", "stand"),
    ("wave right", "walk"),
    ("wave left", "back"),
    ("wave both", "bow"),
    ("raise right", "walk"),
    ("raise left", "raise right"),
    ("raise both", "bow"),
    ("bow", "walk"),
    ("bow", "wave right"),
    ("bow", "back"),
    ("stand", "walk"),
    ("stand", "wave left"),
    ("back", "wave right"),
    ("turn left", "wave right"),
    ("back", "walk"),
)
"""First and second deed of 24 sentences."""

_THEN_SHAPES = (
    "a person {a}, then {b}",
    "a person {a} and then {b}",
    "someone first {a}, then {b}",
    "a woman {a}, then {b}",
)

STILL_PROMPTS = (
    "a person stands still",
    "someone is standing still",
    "a man stands without moving",
    "a person stands quietly",
    "a woman stands and does not move",
)

STEP_SHAPES = ("a person takes {steps}", "a person takes {steps} forward", "someone walks {steps}")
STEP_COUNTS = (1, 2, 3, 4, 5, 6)
_NUMBERS = ("one step", "two steps", "three steps", "four steps", "five steps", "six steps")
SECONDS_A_STEP, _SECONDS_MORE = 0.55, 0.4  # of captured walks (0.53 s in the median), and a start
USUAL_SECONDS = 4.0
"""What the panel asks for, whatever the number of steps."""


def sentence(shape: str, first: str, second: str) -> str:
    """Two deeds as one sentence."""
    a, b = DEEDS[first], DEEDS[second]
    return shape.format(a=a.verb, a_ing=a.ing, b=b.verb, b_ing=b.ing)


def while_asks() -> list[Ask]:
    """The 24 sentences of two deeds at once."""
    asks: list[Ask] = []
    for number, (legs, gesture) in enumerate(WHILE_PAIRS):
        side = ("turn left", "turn right")[number % 2]
        name = side if legs == "turn" else legs
        text = sentence(_WHILE_SHAPES[number % len(_WHILE_SHAPES)], name, gesture)
        asks.append(Ask(text, _WHILE_SECONDS, both_at_once(DEEDS[name], DEEDS[gesture])))
    return asks


def then_asks() -> list[Ask]:
    """The 24 sentences of two deeds in a row."""
    shapes = [_THEN_SHAPES[number % len(_THEN_SHAPES)] for number in range(len(THEN_PAIRS))]
    return [
        Ask(sentence(shape, *pair), _THEN_SECONDS, in_order(*(DEEDS[name] for name in pair)))
        for shape, pair in zip(shapes, THEN_PAIRS, strict=True)
    ]


def still_asks() -> list[Ask]:
    """Sentences of somebody who does nothing."""
    return [Ask(prompt, _STILL_SECONDS, stands_still) for prompt in STILL_PROMPTS]


def step_asks(usual_seconds: bool) -> list[Ask]:
    """One to six steps, met within one: in the panel's usual seconds, or in their own."""
    asks: list[Ask] = []
    for count, words in zip(STEP_COUNTS, _NUMBERS, strict=True):
        own = max(1.0, SECONDS_A_STEP * count + _SECONDS_MORE)
        seconds = USUAL_SECONDS if usual_seconds else round(own, 2)
        asks += [
            Ask(shape.format(steps=words), seconds, within_one(count)) for shape in STEP_SHAPES
        ]
    return asks


def within_one(count: int) -> Obeyed:
    """So many steps, one more or one less; none at all are not one."""
    return lambda clip: steps_of(clip) >= 1 and abs(steps_of(clip) - count) <= 1


WHILE, THEN, STILL = "both of 24 'while' pairs", "24 'then' pairs in order", "stands still"
STEPS, STEPS_OWN = "n steps in 4 s, within one", "n steps in their own time, within one"

SENTENCES: Mapping[str, Sequence[Ask]] = {
    WHILE: while_asks(),
    THEN: then_asks(),
    STILL: still_asks(),
    STEPS: step_asks(usual_seconds=True),
    STEPS_OWN: step_asks(usual_seconds=False),
}
"""What is asked, by the row of the report."""
