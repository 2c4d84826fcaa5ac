"""Do edits inside locomotion arrive, and do their feet stand? On held-out clips, whole body.

Each clip has a span of 1, 2 or 3 s regenerated, with its caption and without. The remainder is what
the body still has to be led by to meet the motion that goes on; a frame has a still foot where a
heel or a toe is under 0.15 m/s, and the captured motion in the same frames stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...geometry.clip import MotionClip
from ...geometry.editing.edit_mask import EditMask, span_mask
from ...geometry.editing.path_correction import DRIFT_LIMIT_MPS
from ...motion.pipeline.candidates import still_frames
from ...motion.pipeline.edit import EditResult
from .goals import ratio
from .held_out import Window

ArrivalEditor = Callable[[MotionClip, EditMask, str, int], EditResult]
"""Regenerates the masked cells of a clip for a prompt and a seed, and tells what was left."""

EDITS = "edits"
REMAINDER, OVER = "remainder, median m/s", f"remainder over {DRIFT_LIMIT_MPS:g} m/s, %"
TURN = "remainder, median degrees/s"
UNSTILL, UNSTILL_REAL = "frames without a still foot, %", "frames without a still foot before, %"
UNSTILL_RATIO = "frames without a still foot, made / before"

SPAN_SECONDS = (1.0, 2.0, 3.0)

_LEAST_SPEED = 0.4
"""Mean speed over the ground of every second of locomotion, m/s."""

_SIDE_SECONDS = 0.5
"""What stays on both sides of a span, at least."""


def goes_on(clip: MotionClip) -> bool:
    """The body goes over the ground throughout."""
    second = round(clip.fps)
    places_T2 = clip.root_T3[:, [0, 2]]
    if clip.frames <= second:
        return False
    ways = np.linalg.norm(places_T2[second:] - places_T2[:-second], axis=-1)
    return bool(ways.min() > _LEAST_SPEED)


def span_of(clip: MotionClip, seconds: float, rng: np.random.Generator) -> tuple[int, int] | None:
    """Frames start..stop of a span somewhere inside the clip; None where it is too short."""
    length, side = round(seconds * clip.fps), round(_SIDE_SECONDS * clip.fps)
    last = clip.frames - side - length
    if last < side:
        return None
    start = int(rng.integers(side, last + 1))
    return start, start + length


@dataclass(frozen=True)
class _Edit:
    """What one edit gave. unstill, unstill_before: frames without a still foot, of ``frames``."""

    mps: float
    dps: float
    unstill: int
    unstill_before: int
    frames: int


def arrival_figures(
    windows: Sequence[Window], edit: ArrivalEditor, seed: int, with_text: bool
) -> dict[str, float]:
    """The figures over windows of locomotion; those too short for a span take a shorter one.

    with_text: with the window's sentence, else without a text.
    """
    rows: list[_Edit] = []
    for at, window in enumerate(windows):
        rng = np.random.default_rng([seed, at])
        for seconds in np.roll(SPAN_SECONDS, at):
            if span := span_of(window.clip, float(seconds), rng):
                mask = span_mask(window.clip.frames, *span, "all")
                made = edit(window.clip, mask, window.text if with_text else "", seed + at)
                rows.append(_judged(made, window.clip, slice(*span)))
                break
    return _summary(rows)


def _judged(made: EditResult, before: MotionClip, span: slice) -> _Edit:
    unstill, unstill_before = (
        int((~still_frames(clip))[span].sum()) for clip in (made.clip, before)
    )
    frames = span.stop - span.start
    return _Edit(made.remainder_mps, made.remainder_dps, unstill, unstill_before, frames)


def _summary(rows: Sequence[_Edit]) -> dict[str, float]:
    mps = np.array([row.mps for row in rows])
    frames = sum(row.frames for row in rows)
    unstill, before = (sum(getattr(r, n) for r in rows) for n in ("unstill", "unstill_before"))
    return {
        EDITS: float(len(rows)),
        REMAINDER: float(np.median(mps)),
        OVER: 100.0 * float((mps > DRIFT_LIMIT_MPS).mean()),
        TURN: float(np.median([row.dps for row in rows])),
        UNSTILL: 100.0 * unstill / frames,
        UNSTILL_REAL: 100.0 * before / frames,
        UNSTILL_RATIO: ratio(unstill, before),
    }
