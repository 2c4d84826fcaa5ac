"""The body of a motion that is still being made, as the job that runs has shown it last.

Poses stand half a second apart, the fainter the less of them is to stay; the one of the current
frame stands out.

Shape suffixes: T frames, J joints, K ends of lines, two in a row make one; 3 xyz.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...common.arrays import FloatArray
from ...worker.preview_messages import Previewed
from ..bpy_types import Context
from ..jobs.session import Job, session
from ..viewport_lines import Colour, Lines
from .take_lines import stick_figure

_APART_SECONDS = 0.5
_MOST_POSES = 16
_LEVELS: tuple[tuple[float, float], ...] = ((0.34, 0.15), (0.67, 0.35), (2.0, 0.7))
"""Shares of a pose that are to stay, below which it is drawn with an opacity."""
_TINT = (1.0, 0.85, 0.35)
_NOW: Colour = (1.0, 0.95, 0.7, 1.0)


@dataclass
class _Drawn:
    """What was drawn last. seen: of which preview."""

    seen: Previewed | None = None
    lines: list[Lines] = field(default_factory=list[Lines])
    joints_TJ3: FloatArray = field(default_factory=lambda: np.zeros((0, 22, 3)))
    frames_T: FloatArray = field(default_factory=lambda: np.zeros(0))


_drawn = _Drawn()


def step_lines(context: Context) -> list[Lines]:
    """Of the job that runs; none where it has shown nothing, or is for another scene."""
    job = session.job
    if job is None or not job.running or job.preview is None or job.stage is None:
        _drawn.seen = None
        return []
    stage = job.stage
    if stage.scene_uid != context.scene.session_uid:
        return []
    if _drawn.seen is not job.preview:
        _draw_again(job)
    return [*_drawn.lines, *_now(float(context.scene.frame_current))]


def _draw_again(job: Job) -> None:
    seen, stage = job.preview, job.stage
    assert seen is not None and stage is not None
    _drawn.seen, _drawn.joints_TJ3 = seen, stage.in_world(seen)
    _drawn.frames_T = stage.frames(seen)
    step = max(round(_APART_SECONDS * seen.fps), -(-len(seen.known_T) // _MOST_POSES), 1)
    known_P, poses_PJ3 = seen.known_T[::step], _drawn.joints_TJ3[::step]
    level_P = np.searchsorted([below for below, _ in _LEVELS], known_P, side="right")
    _drawn.lines = [
        Lines(stick_figure(poses_PJ3[level_P == level]).reshape(-1, 3), (*_TINT, alpha), 1.5)
        for level, (_, alpha) in enumerate(_LEVELS)
        if (level_P == level).any()
    ]


def _now(frame: float) -> list[Lines]:
    """The pose of the current frame, if it is among them."""
    frames_T = _drawn.frames_T
    if not len(frames_T) or not frames_T[0] <= frame <= frames_T[-1]:
        return []
    at = int(np.abs(frames_T - frame).argmin())
    return [Lines(stick_figure(_drawn.joints_TJ3[at]), _NOW, 2.5, on_top=True)]
