"""The steps of tools/evaluate.py that mend and join motions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
from tqdm import tqdm

from ...geometry.clip import MotionClip
from ...geometry.editing.edit_mask import EditMask
from ...motion.pipeline.pipeline import EditRequest, MotionPipeline, SequenceRequest
from ..data.motion_file import ClipRecord
from .editing_figures import (
    IN_BETWEEN,
    IN_BETWEEN_MOVING,
    LEAST_FRAMES,
    TASKS,
    Editor,
    moves,
    sequence_figures,
    task_figures,
)
from .evaluator import Evaluator
from .held_out import Window, fitting_windows
from .suite import TEST_SEED

SEGMENTS = 5  # prompts of a long sequence
SEGMENT_SECONDS = 3.0

CAPTURED_MIDDLES = "captured clips, at their middles"
"""Row of the long sequences."""

LEAST_MOVING = 16
"""Moving clips, for fewer of which a FID says nothing."""

MOVING_SEED = TEST_SEED + 2


def editor_of(generator: MotionPipeline, bar: tqdm[NoReturn]) -> Editor:
    """Edits with the bundle, as the panel does."""

    def edit(clip: MotionClip, mask: EditMask, prompt: str, seed: int) -> MotionClip:
        bar.update()
        return generator.edit(EditRequest(clip, mask, prompt, seed)).clip

    return edit


def edit_figures(
    generator: MotionPipeline, evaluator: Evaluator, windows: Sequence[Window], count: int
) -> dict[str, dict[str, float]]:
    """Every editing task that the bundle can do, on whole clips before pieces of them."""
    chosen = [window for window in windows if window.clip.frames >= LEAST_FRAMES][:count]
    possible = {name: t for name, t in TASKS.items() if t.part in generator.model.editable_parts}
    with tqdm(total=len(possible) * len(chosen), desc="edits", mininterval=5) as bar:
        edit = editor_of(generator, bar)
        return {
            name: task_figures(task, chosen, edit, evaluator, TEST_SEED)
            for name, task in possible.items()
        }


def moving_figures(
    generator: MotionPipeline,
    evaluator: Evaluator,
    records: Sequence[ClipRecord],
    clips: Sequence[MotionClip],
    count: int,
) -> dict[str, dict[str, float]]:
    """In-betweening of clips that get somewhere in the masked frames, on windows of their own, as
    few of the others' are such; empty where fewer than ``LEAST_MOVING`` are found."""
    task = TASKS[IN_BETWEEN]
    if task.part not in generator.model.editable_parts:
        return {}

    def fits(clip: MotionClip) -> bool:
        return clip.frames >= LEAST_FRAMES and moves(clip, task.mask(clip.frames))

    windows = fitting_windows(records, clips, count, MOVING_SEED, fits)
    if len(windows) < LEAST_MOVING:
        return {}
    with tqdm(total=len(windows), desc="edits, moving clips", mininterval=5) as bar:
        edit = editor_of(generator, bar)
        figures = task_figures(task, windows, edit, evaluator, MOVING_SEED)
    return {IN_BETWEEN_MOVING: figures}


def long_figures(
    generator: MotionPipeline, windows: Sequence[Window], count: int
) -> dict[str, dict[str, float]]:
    """Jerk of long sequences: at the seams, inside, and their ratio; and of captured clips."""
    rows: list[dict[str, float]] = []
    for at in tqdm(range(count), desc="long sequences", mininterval=5):
        prompts = [window.text for window in windows[at * SEGMENTS :][:SEGMENTS]]
        seconds = (SEGMENT_SECONDS,) * len(prompts)
        seeds = tuple(range(TEST_SEED, TEST_SEED + len(prompts)))
        clip = generator.sequence(SequenceRequest(tuple(prompts), seconds, seeds)).clip
        borders = np.round(np.cumsum(seconds)[:-1] * clip.fps).astype(np.int64)
        rows.append(sequence_figures(clip, borders))
    made = {f"{count} of {SEGMENTS} prompts, {SEGMENT_SECONDS:g} s each": _mean(rows)}
    return made | captured_middles(windows)


def captured_middles(windows: Sequence[Window]) -> dict[str, dict[str, float]]:
    """What a seam's figures are where none is: at the middles of captured clips."""
    clips = [window.clip for window in windows if window.clip.frames >= LEAST_FRAMES]
    rows = [sequence_figures(clip, [clip.frames // 2]) for clip in clips]
    return {CAPTURED_MIDDLES: _mean(rows)} if rows else {}


def _mean(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
