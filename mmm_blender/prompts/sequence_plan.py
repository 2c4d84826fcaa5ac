"""Whether a prompt is one clip or a sequence, and how many seconds each part of one gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .splitting import split_prompt
from .verbs import base_of, words_of
from .word_lists import word_list


@dataclass(frozen=True)
class Limits:
    """What one clip of a bundle holds. composites: it was taught sentences of two parts."""

    min_seconds: float = 1.0
    max_seconds: float = 9.8
    composites: bool = False


@dataclass(frozen=True)
class Part:
    """One prompt of a sequence and its length."""

    prompt: str
    seconds: float


_MOST_PARTS = 2
"""Parts that one clip of a bundle with composites holds."""

_USUAL = 3.0
_NATURAL: dict[float, frozenset[str]] = {
    4.0: frozenset({"walk", "run", "jog", "dance", "stroll", "march", "sneak", "climb", "crawl"}),
    3.0: frozenset({"wave", "bow", "sit", "lie", "pick", "put", "raise", "lift", "guide"}),
    2.0: frozenset({"turn", "stop", "jump", "hop", "kick", "punch", "step", "stand", "wait"}),
}
_SECONDS_A_STEP, _SECONDS_A_METER, _A_START = 0.55, 0.85, 0.4
_SLACK = 0.3  # of a length that may differ from what is counted
_NUMBERS = word_list("numbers")
_COUNTED = re.compile(
    r"\b(\d+(?:\.\d+)?|" + "|".join(_NUMBERS) + r"|a|an)\s+(seconds?|steps?|met(?:er|re)s?)\b"
)


def natural_seconds(prompt: str) -> tuple[float, bool]:
    """How long what a prompt tells takes, and whether the prompt says so itself."""
    if found := _COUNTED.search(prompt.lower()):
        word, unit = found[1], found[2]
        spelt = 1.0 if word in ("a", "an") else 0.0
        count = float(_NUMBERS.index(word) + 1) if word in _NUMBERS else spelt or float(word)
        if unit.startswith("second"):
            return count, True
        each = _SECONDS_A_STEP if unit.startswith("step") else _SECONDS_A_METER
        return each * count + _A_START, True
    bases = [base_of(word) for word in words_of(prompt)]
    lengths = (s for base in bases for s, verbs in _NATURAL.items() if base in verbs)
    return next(lengths, _USUAL), False


def plan_sequence(
    prompt: str,
    seconds: float,
    limits: Limits,
    is_known_whole: Callable[[str], bool] = lambda _prompt: False,
) -> tuple[Part, ...]:
    """The parts of a prompt that one clip cannot hold; () where it is one clip.

    seconds: what the panel asks for, shared between the parts where it is enough for them.
    is_known_whole: a sentence that the bundle was taught as it stands is never cut.
    """
    parts = split_prompt(prompt)
    if len(parts) < 2 or is_known_whole(prompt):
        return ()
    lengths = [natural_seconds(part) for part in parts]
    whole = sum(length for length, _ in lengths)
    if limits.composites and len(parts) <= _MOST_PARTS and whole <= limits.max_seconds:
        return ()
    made = [
        min(max(round(each, 1), limits.min_seconds), limits.max_seconds)
        for each in _shared(lengths, seconds)
    ]
    return tuple(Part(*pair) for pair in zip(parts, made, strict=True))


def _shared(lengths: Sequence[tuple[float, bool]], seconds: float) -> list[float]:
    """Natural lengths, stretched to fill more seconds where more are asked for; what a part says
    itself stays as it is."""
    asked = sum(length for length, is_asked in lengths if is_asked)
    free = sum(length for length, is_told in lengths if not is_told)
    stretch = max(1.0, (seconds - asked) / free) if free else 1.0
    return [length if is_told else length * stretch for length, is_told in lengths]


def length_note(prompt: str, seconds: float) -> str:
    """Where a prompt counts steps, metres or seconds that take another time than it is given; ""
    where it counts nothing. Weights walk on for as long as the clip lasts."""
    natural, is_told = natural_seconds(prompt)
    if not is_told or abs(seconds - natural) <= _SLACK * natural:
        return ""
    return f"What it counts takes about {natural:.2g} s: set the seconds to that."


def sequence_note(parts: Sequence[Part]) -> str:
    """What the panel says of a prompt that becomes a sequence; "" for one clip."""
    if not parts:
        return ""
    lengths = " + ".join(f"{part.seconds:.3g}" for part in parts)
    return f"Becomes a sequence of {len(parts)} prompts: {lengths} s."
