"""Whether a motion shows what its prompt claims, and what to say where it does not.

The measures are those of ``geometry.deeds``, by which ``tools/evaluate.py`` judges too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...geometry.clip import MotionClip
from ...geometry.deeds.counting import count_steps
from ...geometry.deeds.judges import DEEDS, GOING_SECONDS, JUDGES, SIDES, Seen, split_frames
from ...prompts.claims import A_STRAIGHT_WAY, HAND_DEEDS, Claim, Claims

_LEAST_FRAMES = 4
"""A piece of a motion that is shorter shows nothing."""

_ON_THE_SPOT = frozenset({"stand", "still", "stay", "straight", "bow", "jump", "dance"})
"""What needs no way over the ground."""


@dataclass(frozen=True)
class Verdict:
    """share: of the claims that are met, 0 to 1. unmet: the others, in words; with the share below
    1 and none of them, all are met, but not at once or not in order."""

    share: float
    unmet: tuple[str, ...] = ()

    @property
    def is_met(self) -> bool:
        """All of it is shown."""
        return self.share >= 1.0

    @property
    def only_turns(self) -> bool:
        """All that was said is shown, on a way that is not straight."""
        return self.unmet == (A_STRAIGHT_WAY.words,)


MET = Verdict(1.0)


def verdict_on(claims: Claims, clip: MotionClip) -> Verdict:
    """What a motion shows of at most two parts' claims."""
    if not claims or clip.frames < _LEAST_FRAMES:
        return MET
    if len(claims) == 1:
        return _at_once(claims[0], Seen.of(clip))
    found = [_in_a_row(claims, clip, at) for at in split_frames(clip.frames)]
    return max(found, key=lambda verdict: verdict.share)


def _at_once(part: Sequence[Claim], seen: Seen) -> Verdict:
    scores = [_score(claim, seen) for claim in part]
    unmet = tuple(claim.words for claim, score in zip(part, scores, strict=True) if score < 1.0)
    share = sum(scores) / len(scores)
    if unmet or not _needs_both(part):
        return Verdict(share, unmet)
    together = any(seen.gesture_going_seconds(hands) >= GOING_SECONDS for hands in _hands_of(part))
    return MET if together else Verdict(len(part) / (len(part) + 1))


def _score(claim: Claim, seen: Seen) -> float:
    """How far a claim is met, 1 for wholly."""
    if claim.deed == "steps":
        off = abs(count_steps(seen.joints_TJ3, seen.clip.fps) - claim.count)
        return max(0.0, 1.0 - off / (claim.count + 1))
    return float(JUDGES[claim.deed](seen))


def _needs_both(part: Sequence[Claim]) -> bool:
    """A gesture over a body that goes: each at its own time is not at once."""
    hands = any(claim.deed.split()[0] in HAND_DEEDS for claim in part)
    goes = any(claim.deed.split()[0] not in (*HAND_DEEDS, *_ON_THE_SPOT) for claim in part)
    return hands and goes


def _hands_of(part: Sequence[Claim]) -> list[tuple[str, ...]]:
    """The hands of the part's gestures; each of both where either will do."""
    found: list[tuple[str, ...]] = []
    for claim in part:
        if claim.deed.split()[0] in HAND_DEEDS:
            known = DEEDS.get(claim.deed)
            found += [known.hands] if known else [(side,) for side in SIDES]
    return found


def _in_a_row(claims: Claims, clip: MotionClip, at: int) -> Verdict:
    """The first part before a frame, the second after it, and not the other way round as well."""
    if min(at, clip.frames - at) < _LEAST_FRAMES:
        return Verdict(0.0, tuple(claim.words for part in claims for claim in part))
    halves = Seen.of(clip.slice(0, at)), Seen.of(clip.slice(at, clip.frames))
    met = [_at_once(part, half) for part, half in zip(claims, halves, strict=True)]
    share = sum(each.share for each in met) / len(met)
    unmet = tuple(words for each in met for words in each.unmet)
    if share < 1.0:
        return Verdict(share, unmet)
    swapped = [_at_once(part, half) for part, half in zip(claims, halves[::-1], strict=True)]
    return Verdict(0.75) if all(each.is_met for each in swapped) else MET


def unmet_note(claims: Claims, verdict: Verdict, tries: int) -> tuple[str, ...]:
    """What to tell of a motion that does not show what its prompt claims; nothing of one try, which
    promised nothing."""
    if verdict.is_met or tries < 2:
        return ()
    if verdict.only_turns:
        return (f"It turns in each of {tries} tries: try another seed, or give it a path.",)
    if verdict.unmet:
        words = " and ".join(dict.fromkeys(verdict.unmet))
    else:
        parts = [" and ".join(claim.words for claim in part) for part in claims]
        words = f"{parts[0]} at once" if len(parts) == 1 else " before ".join(parts)
    return (f"It did not come to {words} in {tries} tries: try another seed or other words.",)
