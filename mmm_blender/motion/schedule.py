"""How many cells stay masked as sampling goes on, and in how many steps.

A schedule maps progress t in [0, 1] to the masked share in [1, 0].
"""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[float], float]

FULL_LENGTH_TOKENS = 49
"""Motion tokens of the longest clip (49 x 4 = 196 frames at 20 fps), for which a sampler's
``full_length_steps`` is meant."""


def cosine(progress: float) -> float:
    """Slow at first, fast at the end (the paper's choice)."""
    return math.cos(math.pi / 2 * progress)


def linear(progress: float) -> float:
    """The same share at every step (for comparison)."""
    return 1.0 - progress


SCHEDULES: dict[str, Schedule] = {"cosine": cosine, "linear": linear}


def masked_count(schedule: Schedule, progress: float, cells: int) -> int:
    """Cells of ``cells`` that are masked at that progress; never fewer than one."""
    return max(1, math.floor(schedule(progress) * cells))


def step_progress(
    tokens: int, full_length_steps: int, closing_step: bool = False, steps: int | None = None
) -> list[float]:
    """Progress t at every step for a clip of ``tokens`` motion tokens.

    The paper's rule makes the number of steps proportional to the length. ``closing_step`` adds a
    step at t = 1 where that gives fewer than ``full_length_steps``. ``steps`` overrules both.
    """
    count = steps or max(1, round(full_length_steps / FULL_LENGTH_TOKENS * tokens))
    progress = [step / count for step in range(count)]
    if steps is None and closing_step and count < full_length_steps:
        progress.append(1.0)
    return progress
