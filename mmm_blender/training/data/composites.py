"""Sentences of two parts, and the pairs of clips that show them: "while" and "then".

The token grid has streams of their own for the lower and the upper body, so a walk's legs and a
wave's arms make somebody who walks and waves (``WHILE``); and the tokens of one clip, a few masked
places and the tokens of another make somebody who does one thing, then another (``THEN``). No clip
of the data shows either. Only pairs that can be are made: gestures over standing legs go onto
walking, running and standing legs.

An item is a variant of a clip or its mirror image: number 2 v + 1 is the mirror image of variant v.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from ...common.arrays import BoolArray, FloatArray, IntArray
from .clip_variants import PHRASES, ClipVariants

PEOPLE = ("a person", "a person", "someone", "a man", "a woman", "the character", "a figure")

WHILE_SHAPES = (
    "{who} {a} and {b}",
    "{who} {a} and {b}",
    "{who} {a} while {b_ing}",
    "{who} {a} while {b_ing}",
    "{who} {b} while {a_ing}",
    "{who} is {a_ing} and {b_ing}",
    "{who} {a}, {b_ing}",
    "{a_ing} and {b_ing}",
    "{who} {a} and {b} at the same time",
    "while {a_ing}, {who} {b}",
)
IDLE_SHAPES = (
    "{who} {a} without moving the arms",
    "{who} {a} with the arms still",
    "{who} {a} and keeps the arms still",
    "{a_ing} without moving the arms",
    "{who} {a}, arms hanging down",
)
THEN_SHAPES = (
    "{who} {a}, then {b}",
    "{who} {a}, then {b}",
    "{who} {a} and then {b}",
    "{who} {a} and then {b}",
    "{who} {a} before {b_ing}",
    "after {a_ing}, {who} {b}",
    "{who} first {a}, then {b}",
    "{a_ing}, then {b_ing}",
)

LEAST_TOKENS = 8
"""Tokens that each half must have, to show what it is called."""

_IDLE_SHARE = 0.12  # of the "while" pairs have arms that do nothing, and as many legs that stand


@dataclass(frozen=True, eq=False)
class Pairs:
    """Composites to draw from. first_N: the item whose lower body (while) or whole body (then) is
    taken; second_N: the upper body, or the second motion. texts: a sentence each."""

    first_N: IntArray
    second_N: IntArray
    texts: list[str]


def while_pairs(
    variants: ClipVariants, odds_V: FloatArray, count: int, rng: np.random.Generator
) -> Pairs | None:
    """Legs of one clip, arms of another; None where the data have no such clips.

    odds_V: how often each variant is drawn.
    """
    long_V = variants.frames_V >= 4 * (LEAST_TOKENS + 1)
    travels_V, idle_V = variants.travels_V & long_V, variants.idle_V & long_V
    gesture_V = variants.gesture_V & long_V
    if not (travels_V.any() and gesture_V.any()):
        return None
    has_idle = idle_V.any()
    idle_arms_N = (rng.random(count) < _IDLE_SHARE) & has_idle
    idle_legs_N = (rng.random(count) < _IDLE_SHARE) & has_idle & ~idle_arms_N
    idle_N = _draw(idle_V if has_idle else travels_V, odds_V, count, rng)
    legs_N = np.where(idle_legs_N, idle_N, _draw(travels_V, odds_V, count, rng))
    arms_N = np.where(idle_arms_N, idle_N, _draw(gesture_V, odds_V, count, rng))
    first_N, second_N = _sided(legs_N, rng), _sided(arms_N, rng)
    draw = random.Random(int(rng.integers(2**31)))
    rows = zip(first_N, second_N, idle_arms_N, strict=True)
    texts = [
        _sentence(IDLE_SHAPES if idle else WHILE_SHAPES, variants, int(a), int(b), draw)
        for a, b, idle in rows
    ]
    return Pairs(first_N, second_N, texts)


def then_pairs(
    variants: ClipVariants, odds_V: FloatArray, count: int, rng: np.random.Generator
) -> Pairs | None:
    """One clip, then another; both upright, so that one can follow the other at once."""
    fits_V = variants.upright_V & (variants.frames_V >= 4 * (LEAST_TOKENS + 1))
    if not fits_V.any():
        return None
    first_N, second_N = (
        _sided(_draw(fits_V, odds_V, count, rng), rng),
        _sided(_draw(fits_V, odds_V, count, rng), rng),
    )
    draw = random.Random(int(rng.integers(2**31)))
    rows = zip(first_N, second_N, strict=True)
    texts = [_sentence(THEN_SHAPES, variants, int(a), int(b), draw) for a, b in rows]
    return Pairs(first_N, second_N, texts)


def _draw(fits_V: BoolArray, odds_V: FloatArray, count: int, rng: np.random.Generator) -> IntArray:
    """Numbers of variants that fit, by their odds."""
    odds = np.where(fits_V, odds_V, 0.0)
    return rng.choice(len(odds), count, p=odds / odds.sum())


def _sided(variant_N: IntArray, rng: np.random.Generator) -> IntArray:
    """Items: half of the variants mirrored."""
    return 2 * variant_N + rng.integers(0, 2, len(variant_N))


def _sentence(
    shapes: tuple[str, ...], variants: ClipVariants, a: int, b: int, draw: random.Random
) -> str:
    """Both items' verb phrases in one of the shapes."""
    (verb_a, ing_a), (verb_b, ing_b) = (
        variants.phrases[item * PHRASES + draw.randrange(PHRASES)] for item in (a, b)
    )
    words = {"a": verb_a, "a_ing": ing_a, "b": verb_b, "b_ing": ing_b}
    return draw.choice(shapes).format(who=draw.choice(PEOPLE), **words)
