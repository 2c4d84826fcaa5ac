"""How often the judges of sentences pass captured motion: one that fails it is no judge.

Single deeds are looked for in clips that were labelled with them, two deeds at once in the legs of
one captured clip under the arms of another, two in a row in one captured clip after another.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ...geometry.clip import MotionClip
from ...geometry.deeds.facts import Facts
from ...geometry.deeds.judges import DEEDS, Seen, both_at_once, in_order, stands_still
from ...geometry.editing.edit_mask import PART_JOINTS
from ...geometry.placement import Placement, headings, place
from ..data.captions import facts_of
from ..data.labels import label_of
from ..data.measured import measure
from ..data.motion_facts import CHECKS
from ..data.motion_file import ClipRecord
from .sentences import STILL, THEN, THEN_PAIRS, WHILE, WHILE_PAIRS

LABELS: Mapping[str, str] = {
    "walk": "walk",
    "back": "walk-back",
    "run": "run",
    "turn left": "walk-turn-left",
    "turn right": "walk-turn-right",
    "bow": "bow",
    "stand": "stand",
    "wave left": "wave-left-hand",
    "wave right": "wave-right-hand",
    "wave both": "wave-both-hands",
    "raise left": "raise-up-left-hand",
    "raise right": "raise-up-right-hand",
    "raise both": "raise-up-both-hands",
    "side left": "walk-left",
    "side right": "walk-right",
}
"""The content that a clip of a deed, or of a sidestep, is labelled with."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "goes forward": ("walk",),
    "goes backward": ("back",),
    "steps left": ("side left",),
    "steps right": ("side right",),
    "turns left": ("turn left",),
    "turns right": ("turn right",),
    "runs": ("run",),
    "left hand up": ("wave left", "raise left"),
    "right hand up": ("wave right", "raise right"),
    "both hands up": ("wave both", "raise both"),
    "bows": ("bow",),
}
"""Whose clips show what the eleven kinds of single prompts ask for."""

_MOST = 60  # clips of a deed
_TRIES = 10  # joined clips of a pair

Captured = Mapping[str, Sequence[MotionClip]]


def captured_by_deed(
    pairs: Iterable[tuple[ClipRecord, MotionClip]], seed: int = 0
) -> dict[str, list[MotionClip]]:
    """Captured clips of each deed, some of many."""
    deeds = {label: deed for deed, label in LABELS.items()}
    found: dict[str, list[MotionClip]] = {deed: [] for deed in LABELS}
    for record, clip in pairs:
        if deed := deeds.get(label_of(record)[0]):
            found[deed].append(clip)
    rng = random.Random(seed)
    return {deed: rng.sample(clips, min(_MOST, len(clips))) for deed, clips in found.items()}


def deed_rates(captured: Captured) -> dict[str, float]:
    """Share of the captured clips of each deed in which it is seen."""
    return {
        deed: _share(DEEDS[deed].shown(Seen.of(clip)) for clip in clips)
        for deed, clips in captured.items()
        if clips and deed in DEEDS
    }


def kind_rates(captured: Captured) -> dict[str, float]:
    """Share of captured clips of each of the eleven kinds that passes the check of its prompts."""
    shown = {kind: [c for d in deeds for c in captured.get(d, ())] for kind, deeds in KINDS.items()}
    return {
        kind: _share(CHECKS[kind](Facts.of(clip)) for clip in clips)
        for kind, clips in shown.items()
        if clips
    }


def joined_rates(captured: Captured, seed: int = 0) -> dict[str, float]:
    """Share of joined captured clips that passes the judges of two deeds, and of the same clips in
    the wrong order or without the gesture; of clips named still that pass as still."""
    rng = random.Random(seed)
    at_once = [("turn left" if a == "turn" else a, b) for a, b in WHILE_PAIRS]
    over = [(a, b, _over(x, y), x) for a, b, x, y in _draws(captured, at_once, rng)]
    row = [(a, b, after(x, y), after(y, x)) for a, b, x, y in _draws(captured, THEN_PAIRS, rng)]
    rates = {
        WHILE: _share(both_at_once(DEEDS[a], DEEDS[b])(clip) for a, b, clip, _ in over),
        f"{WHILE}, legs alone": _share(both_at_once(DEEDS[a], DEEDS[b])(x) for a, b, _, x in over),
        THEN: _share(in_order(DEEDS[a], DEEDS[b])(clip) for a, b, clip, _ in row),
        f"{THEN}, wrong order": _share(in_order(DEEDS[a], DEEDS[b])(x) for a, b, _, x in row),
        STILL: _share(stands_still(clip) for clip in captured.get("stand", ()) if _is_told(clip)),
    }
    return {name: share for name, share in rates.items() if not np.isnan(share)}


def _is_told(clip: MotionClip) -> bool:
    """A clip of somebody who stands is described with "still" in the captions."""
    return "still" in facts_of(measure(clip))


def _draws(
    captured: Captured, pairs: Sequence[tuple[str, str]], rng: random.Random
) -> list[tuple[str, str, MotionClip, MotionClip]]:
    """Some clips of both deeds of each pair that was captured."""
    return [
        (a, b, rng.choice(captured[a]), rng.choice(captured[b]))
        for a, b in pairs
        if captured.get(a) and captured.get(b)
        for _ in range(_TRIES)
    ]


def _over(legs: MotionClip, gesture: MotionClip) -> MotionClip:
    """The upper body of a gesture, held at its end, over another clip's legs."""
    frame = np.minimum(np.arange(legs.frames), gesture.frames - 1)
    rotations = legs.rotations_TJ4.copy()
    upper = list(PART_JOINTS["upper"])
    rotations[:, upper] = gesture.rotations_TJ4[frame][:, upper]
    return legs.replace(rotations_TJ4=rotations)


def after(first: MotionClip, second: MotionClip) -> MotionClip:
    """One clip, and then another from where the first one ends: a cut."""
    yaw = float(headings(first.slice(first.frames - 1, first.frames))[0])
    x, _, z = first.root_T3[-1]
    moved = place(second, Placement(float(x), float(z), yaw))
    return first.replace(
        rotations_TJ4=np.concatenate([first.rotations_TJ4, moved.rotations_TJ4]),
        root_T3=np.concatenate([first.root_T3, moved.root_T3]),
    )


def _share(shown: Iterable[bool]) -> float:
    """NaN for nothing."""
    values = list(shown)
    return float(np.mean(values)) if values else float("nan")
