"""The steps of tools/evaluate.py that mend and join motions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
from tqdm import tqdm

from mmm_blender.geometry.clip import MotionClip

from ...geometry.editing.edit_mask import EditMask
from ...motion.pipeline.pipeline import EditRequest, MotionPipeline, SequenceRequest
from .editing_figures import LEAST_FRAMES, TASKS, Editor, sequence_figures, task_figures
from .evaluator import Evaluator
from .held_out import Window
from .suite import TEST_SEED

SEGMENTS = 5  # prompts of a long sequence
SEGMENT_SECONDS = 3.0


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


def long_figures(
    generator: MotionPipeline, windows: Sequence[Window], count: int
) -> dict[str, dict[str, float]]:
    """Jerk of long sequences: at the seams, inside, and their ratio."""
    rows: list[dict[str, float]] = []
    for at in tqdm(range(count), desc="long sequences", mininterval=5):
        prompts = [window.text for window in windows[at * SEGMENTS :][:SEGMENTS]]
        seconds = (SEGMENT_SECONDS,) * len(prompts)
        seeds = tuple(range(TEST_SEED, TEST_SEED + len(prompts)))
        made = generator.sequence(SequenceRequest(tuple(prompts), seconds, seeds)).clip
        borders = np.round(np.cumsum(seconds)[:-1] * made.fps).astype(np.int64)
        rows.append(sequence_figures(made, borders))
    mean = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return {f"{count} of {SEGMENTS} prompts, {SEGMENT_SECONDS:g} s each": mean}
