"""What a prompt says that can be measured on a motion: where it goes, which hands do what, how many
steps, whether it stands still, and in which order.

A claim names a deed as ``geometry.deeds`` knows it. What cannot be measured ("happily") is no
claim, and of a prompt that makes none nothing is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from .splitting import split_prompt
from .verbs import base_of, verb_form, words_of
from .word_lists import word_list

HAND_DEEDS = ("wave", "raise")
"""First words of the names of deeds that hands do."""

UPPER_DEEDS = (*HAND_DEEDS, "bow")
"""First words of the names of deeds that the upper body does."""

_NUMBERS = word_list("numbers")
_STEPS = re.compile(
    r"\b(\d+|a|single|" + "|".join(_NUMBERS) + r")\s+"
    r"(?:(?:small|little|short|big|large|long|quick|fast|slow|careful|heavy)\s+)?steps?\b",
    re.IGNORECASE,
)
_MOST_STEPS = 30

_RUNS = frozenset({"run", "jog", "sprint", "dash"})
_WALKS = frozenset(
    {"walk", "stroll", "march", "stride", "trot", "sneak", "wander", "limp", "hurry"}
    | {"hobble", "pace", "plod", "strut", "tiptoe", "tread", "trudge"}
)
_GOES = frozenset({"step", "go", "move", "shuffle", "sidestep", "retreat", "back"}) | _WALKS
_RAISES = frozenset({"raise", "lift", "greet"})
_LIFTS_UP = frozenset({"put", "hold", "throw", "stretch"})
_RISES = frozenset({"go", "come", "rise", "shoot", "fly", "move"})
_JUMPS = frozenset({"jump", "hop", "leap"})
_NO_JUMP = frozenset({"jacks", "rope"})
_TURNS = frozenset({"turn", "veer"})
_STANDS = frozenset({"stand", "stay", "wait", "pause"})
_STILL = frozenset({"still", "motionless", "quietly"})
_NOT = frozenset({"not", "without", "never", "no", "doesn't", "don't", "isn't"})
_HANDS = frozenset({"hand", "hands", "arm", "arms"})
_CURVES = frozenset({"curve", "curves", "circle", "circles", "bend", "corner", "arc"})
_WINDING = frozenset({"around", "round", "directions"})
_WINDS = frozenset(
    {"turn", "veer", "wander", "circle", "spin", "twirl", "pivot", "zigzag", "stagger", "dance"}
)
_STRAIGHT = frozenset({"walk", "go", "back", "run"})
_FORWARD = frozenset({"forward", "forwards", "ahead", "straight"})
_BACKWARD = frozenset({"backward", "backwards"})
_NOWHERE = frozenset({"spot", "place"})
_STAIRS = frozenset({"up", "upstairs", "down", "downstairs", "stairs", "stair"})
_NOT_A_SIDE = frozenset({"diagonally", "angle"})


@dataclass(frozen=True)
class Claim:
    """deed: its name. words: as a sentence tells of it. count: of steps, 0 for none."""

    deed: str
    words: str
    count: int = 0


Claims = tuple[tuple[Claim, ...], ...]
"""Claims that hold at once, for each part of a prompt in its order. () for none at all."""

_GIVEN_WORDS = {
    "walk": "walking forward",
    "go": "walking",
    "back": "walking backward",
    "run": "running",
    "left": "going to the left",
    "right": "going to the right",
    "turn left": "a turn to the left",
    "turn right": "a turn to the right",
    "turn around": "a turn around",
    "bow": "a bow",
    "jump": "a jump",
    "dance": "a dance",
    "stay": "staying on the spot",
    "straight": "a straight way",
    "stand": "standing",
    "still": "standing still",
    "wave left": "a wave with the left hand",
    "wave right": "a wave with the right hand",
    "wave both": "a wave with both hands",
    "wave any": "a wave",
    "raise left": "a raised left hand",
    "raise right": "a raised right hand",
    "raise both": "both hands raised",
    "raise any": "a raised hand",
}
_PLAIN_WORDS = {
    "walk": "walks forward",
    "go": "walks",
    "back": "walks backward",
    "run": "runs forward",
    "left": "walks to the left",
    "right": "walks to the right",
    "turn left": "turns left",
    "turn right": "turns right",
    "turn around": "turns around",
    "jump": "jumps",
    "dance": "dances salsa",
    "bow": "bows",
    "stand": "stands",
    "still": "stands still",
    "wave left": "waves with the left hand",
    "wave right": "waves with the right hand",
    "wave both": "waves with both hands",
    "wave any": "waves with the right hand",
    "raise left": "raises the left hand",
    "raise right": "raises the right hand",
    "raise both": "raises both hands",
    "raise any": "raises the right hand",
}
DEED_NAMES = frozenset(_GIVEN_WORDS) | {"steps"}
"""Deeds that a prompt can claim."""


def _claim(deed: str) -> Claim:
    return Claim(deed, _GIVEN_WORDS[deed])


A_STRAIGHT_WAY = _claim("straight")
"""What nobody says and everybody means."""


@lru_cache(maxsize=64)
def claims_of(prompt: str) -> Claims:
    """What a prompt claims. Where one of two parts claims nothing, nor does the other: their border
    could be anywhere. More than two parts are for a sequence."""
    parts = split_prompt(prompt)
    claims = tuple(_part_claims(part, alone=len(parts) == 1) for part in parts)
    return claims if len(claims) <= 2 and all(claims) else ()


def plain_prompt(claims: Claims) -> str:
    """The same claims in the plainest words, which models were taught; "" for none."""
    parts = [" and ".join(filter(None, map(_plain, part))) for part in claims]
    return f"a person {', then '.join(parts)}" if parts else ""


def _plain(claim: Claim) -> str:
    return f"takes {claim.words}" if claim.count else _PLAIN_WORDS.get(claim.deed, "")


def whole_claims(prompt: str) -> Claims:
    """What a prompt claims of a motion that is made of it alone, with what goes without saying:
    somebody who does something with the hands or the trunk and nothing else stays where they are,
    and who is sent on is not sent round a corner."""
    claims = claims_of(prompt)
    if len(claims) != 1:
        return claims
    deeds, words = {each.deed for each in claims[0]}, words_of(prompt)
    if all(deed.split()[0] in UPPER_DEEDS for deed in deeds):
        return ((*claims[0], _claim("stay")),)
    winds = set(words) & (_CURVES | _WINDING) or {base_of(word) for word in words} & _WINDS
    goes_on = deeds & _STRAIGHT and not winds
    return ((*claims[0], A_STRAIGHT_WAY),) if goes_on else claims


def upper_claims(claims: Claims, upper: bool) -> Claims:
    """Of these what the upper body does, or (False) what it does not."""
    kept = tuple(
        tuple(each for each in part if (each.deed.split()[0] in UPPER_DEEDS) == upper)
        for part in claims
    )
    return kept if all(kept) else ()


def hand_claims(claims: Claims) -> Claims:
    """What hands do; a path tells the rest of the body where to go."""
    kept = tuple(
        tuple(each for each in part if each.deed.split()[0] in HAND_DEEDS) for part in claims
    )
    return kept if all(kept) else ()


def _part_claims(part: str, alone: bool) -> tuple[Claim, ...]:
    """Claims of what happens at once. alone: it is the whole prompt."""
    found = _step_claims(part)
    words = words_of(_STEPS.sub(" ", part))
    clauses = _clauses(words)
    if found:
        clauses = [each for each in clauses if each.base not in _GOES | {"take"}]
    deeds = [deed for clause in clauses for deed in _deeds(clause)]
    deeds += _standing(words, clauses, still=alone and not deeds and not found)
    found += [_claim(deed) for deed in dict.fromkeys(deeds)]
    return () if _conflicts({each.deed for each in found}) else tuple(found)


def _conflicts(deeds: set[str]) -> bool:
    """Deeds that no body does at once, or of which our judges see one at a time."""
    gestures = {name for name in deeds if name.split()[0] in HAND_DEEDS}
    hands = {name.split()[1] for name in gestures} - {"any"}
    ways = deeds & {"walk", "back", "left", "right"}
    stands = bool(deeds & {"stand", "still"})
    moves = deeds - gestures - {"stand", "still", "stay", "bow"}
    return len(hands) > 1 or len(ways) > 1 or (stands and bool(moves))


def _step_claims(part: str) -> list[Claim]:
    """How many steps are counted; steps of a stair are no steps."""
    found = _STEPS.search(part)
    words = words_of(part)
    if not found or set(words) & _STAIRS or any(base_of(word) == "climb" for word in words):
        return []
    word = found[1].lower()
    count = _NUMBERS.index(word) + 1 if word in _NUMBERS else int(word) if word.isdigit() else 1
    count = min(count, _MOST_STEPS)
    return [Claim("steps", f"{count} step{'s' if count > 1 else ''}", count)]


@dataclass(frozen=True)
class _Clause:
    """A verb and the words up to the next one. before: the words since the verb before it."""

    base: str
    word: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def is_denied(self) -> bool:
        return bool(_NOT & set(self.before[-3:]))

    @property
    def side(self) -> str:
        """ "left" or "right" where just one of them is said."""
        sides = [side for side in ("left", "right") if side in self.after]
        return sides[0] if len(sides) == 1 else ""

    @property
    def hands(self) -> str:
        """Which hands it is about, "" for none."""
        return _hands_in(self.after)

    @property
    def risen_hands(self) -> str:
        """Which hands rise by themselves, "" for none: "both arms go up"."""
        rises = self.base == "rise" or "up" in self.after
        return _hands_in(self.before) if self.base in _RISES and rises else ""


def _hands_in(words: Sequence[str]) -> str:
    """The hands that words name: left, right, both, any, or "" for none."""
    said = set(words)
    if not said & _HANDS:
        return ""
    sides = said & {"left", "right"}
    if "both" in said or len(sides) == 2 or (said & {"hands", "arms"} and not sides):
        return "both"
    return next(iter(sides), "any")


def _clauses(words: Sequence[str]) -> list[_Clause]:
    at = [number for number, word in enumerate(words) if _is_verb(words, number, word)]
    ends = [*at[1:], len(words)][: len(at)]
    begins = [0, *(number + 1 for number in at)][: len(at)]
    return [
        _Clause(base_of(words[a]), words[a], tuple(words[b:a]), tuple(words[a + 1 : e]))
        for a, b, e in zip(at, begins, ends, strict=True)
    ]


def _is_verb(words: Sequence[str], number: int, word: str) -> bool:
    """A verb, and no adverb or noun of the same letters: "walks back", "a circle", "a step"."""
    if not verb_form(word) or word in {"back", "left"} or word in _CURVES:
        return False
    return word not in _HANDS


def _deeds(clause: _Clause) -> list[str]:
    """Names of the deeds that a verb claims with the words behind it."""
    base, after = clause.base, set(clause.after)
    if clause.is_denied:
        return []
    if done := _gesture(clause) or _on_the_spot(base, after):
        return [done]
    if base in _TURNS:
        return _turn(clause)
    return _way(clause) if base in _RUNS | _GOES and not after & (_NOWHERE | _STAIRS) else []


def _gesture(clause: _Clause) -> str:
    """What hands do, "" for nothing."""
    base, after = clause.base, set(clause.after)
    if base == "wave":
        return f"wave {clause.hands or 'any'}"
    lifts = base in _RAISES or (base in _LIFTS_UP and after & {"up", "air"})
    hands = (lifts and clause.hands) or clause.risen_hands
    return f"raise {hands}" if hands else ""


def _on_the_spot(base: str, after: set[str]) -> str:
    """What needs no way over the ground, "" for nothing."""
    if base in _JUMPS and not after & _NO_JUMP:
        return "jump"
    if base == "bow" or (base == "bend" and after & _FORWARD):
        return "bow"
    return "dance" if base == "dance" else ""


def _turn(clause: _Clause) -> list[str]:
    """ "turns left", "turns around", and the noun: "makes a left turn"."""
    noun = [side for side in ("left", "right") if side in clause.before[-2:]]
    side = clause.side or (noun[0] if clause.word == "turn" and len(noun) == 1 else "")
    if side and not set(clause.after) & _HANDS:
        return [f"turn {side}"]
    return ["turn around"] if set(clause.after) & {"around", "round"} else []


def _way(clause: _Clause) -> list[str]:
    """Where somebody goes."""
    base, after, side = clause.base, set(clause.after), clause.side
    runs = ["run"] if base in _RUNS and "slowly" not in after else []
    if side and after & _CURVES:
        return [*runs, f"turn {side}"]
    if after & _BACKWARD or base in {"retreat", "back"} or (base == "step" and "back" in after):
        return ["back"]
    if side and not after & (_NOT_A_SIDE | _HANDS):
        return [side]
    if base in _RUNS:
        return runs
    if after & _FORWARD and not after & _CURVES:
        return ["walk"]
    return ["go"] if base in _WALKS else []


def _standing(words: Sequence[str], clauses: Sequence[_Clause], still: bool) -> list[str]:
    """Somebody who stands, and (still) who does nothing else."""
    stands = [each for each in clauses if each.base in _STANDS and not each.is_denied]
    if not stands or any("up" in each.after for each in stands):
        return []
    moves_not = any(each.base == "move" and each.is_denied for each in clauses)
    if still and (moves_not or set(words) & _STILL):
        return ["still"]
    return ["stand"] if any(each.base == "stand" for each in stands) else []
