"""When a foot stands, and where: contacts, cleaned of flicker and cut where the foot wanders.

Shape suffixes: T frames, 3 xyz in metres (model space).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .conventions import BoolArray, FloatArray
from .edit_mask import masked_runs

BRIDGED_SECONDS = 0.06
"""A foot that leaves the ground for no longer has not left it: one frame at 20 fps."""

SHORTEST_SECONDS = 0.12
"""A foot that stands for less is passing by."""

WANDER_METRES = 0.06
"""A foot that slides slowly (a turn on the spot) is put down anew when it is so far from where it
was: further, and pinning would drag the leg against the body's own motion."""

_RISE_WEIGHT = 4.0
"""Going up counts for more: a heel that rises no longer stands, well before it is high."""

STEP_SECONDS = 0.2
"""Time that the foot then has for its small step."""

AGREE_METRES = 0.01
"""Two fixed places closer than this are one."""


@dataclass(frozen=True, eq=False)
class FootSpan:
    """Frames start..stop (exclusive) in which one foot joint stays at its place.

    places_S3: the place at each frame; all the same unless two fixed ends differ, which then are
    ``apart`` metres from each other.
    """

    joint: int
    start: int
    stop: int
    places_S3: FloatArray
    apart: float = 0.0


def clean_contacts(contact_T: BoolArray, fps: float) -> BoolArray:
    """Contacts without gaps and spans that are too short to be meant. (T,)."""
    cleaned = contact_T.copy()
    for start, stop in masked_runs(~contact_T):
        inside = start > 0 and stop < len(contact_T)
        if inside and (stop - start) / fps <= BRIDGED_SECONDS:
            cleaned[start:stop] = True
    for start, stop in masked_runs(cleaned):
        at_border = start == 0 or stop == len(cleaned)
        if not at_border and (stop - start) / fps < SHORTEST_SECONDS:
            cleaned[start:stop] = False
    return cleaned


def foot_spans(
    joint: int, path_T3: FloatArray, contact_T: BoolArray, free_T: BoolArray, fps: float
) -> list[FootSpan]:
    """Where one joint has to stay, for every run of free frames in which it stands.

    path_T3: where it goes now. contact_T: cleaned contacts. A run that touches a frame that is not
    free takes its place from there.
    """
    spans: list[FootSpan] = []
    for start, stop in masked_runs(contact_T & free_T):
        before = path_T3[start - 1] if start > 0 and contact_T[start - 1] else None
        after = path_T3[stop] if stop < len(path_T3) and contact_T[stop] else None
        spans += _placed(joint, path_T3, _Run(start, stop, before, after), fps)
    return spans


@dataclass(frozen=True, eq=False)
class _Run:
    """Free frames start..stop in which a joint stands, and where it stands in the fixed frames
    that touch them (None: none do)."""

    start: int
    stop: int
    before: FloatArray | None
    after: FloatArray | None


def _placed(joint: int, path_T3: FloatArray, run: _Run, fps: float) -> Iterator[FootSpan]:
    """The run's pieces; the first stands where the fixed frames before do, the last as after."""
    pieces = list(_pieces(path_T3, run, fps))
    for start, stop in pieces:
        first = run.before if start == run.start else None
        last = run.after if stop == run.stop else None
        places = [place for place in (first, last) if place is not None]
        places = places or [np.median(path_T3[start:stop], axis=0)]
        begin, end = places[0], places[-1]
        share = np.linspace(0.0, 1.0, stop - start + 2)[1:-1, None]
        smooth = share * share * (3.0 - 2.0 * share)
        apart = float(np.linalg.norm(end - begin))
        yield FootSpan(joint, start, stop, begin + smooth * (end - begin), apart)


def _pieces(path_T3: FloatArray, run: _Run, fps: float) -> Iterator[tuple[int, int]]:
    """The run, cut where the joint has wandered off; between pieces it is free to step."""
    start, stop = run.start, run.stop
    step = max(1, round(STEP_SECONDS * fps))
    anchor = path_T3[start] if run.before is None else run.before
    at = start
    while at < stop:
        wandered = (path_T3[at] - anchor) * [1.0, _RISE_WEIGHT, 1.0]
        if np.linalg.norm(wandered) > 2.0 * WANDER_METRES and stop - at > 2 * step:
            if at > start:
                yield start, at
            start = at + step
            anchor, at = path_T3[start], start
        at += 1
    yield start, stop
