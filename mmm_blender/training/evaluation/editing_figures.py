"""How well a motion is mended: edits of held-out clips beside slerp, and the seams of long ones.

Only the frames that were regenerated are judged; what was kept is bit for bit the same anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray, IntArray
from ...geometry.clip import MotionClip
from ...geometry.editing.edit_mask import BodyPart, EditMask, span_mask
from ...geometry.editing.mask_infill import fill_masked
from ...geometry.kinematics import clip_joints
from . import metrics
from .evaluator import Evaluator
from .held_out import MIN_FRAMES, Window
from .motion_figures import jerk

Editor = Callable[[MotionClip, EditMask, str, int], MotionClip]
"""Regenerates the masked cells of a clip for a prompt and a seed."""

EDITS = "edits"
FID, FID_SLERP, RATIO = "FID", "FID slerp", "FID / slerp"
AT_SEAMS, INSIDE, SEAM_RATIO = "jerk at seams, m/s³", "jerk inside, m/s³", "ratio"
JUMP, JUMP_SLERP, JUMP_REAL = "seam jump, cm", "seam jump slerp, cm", "seam jump real, cm"

_MOVING_METRES = 0.5

SEAM_REACH = 0.25
"""Seconds to either side of a border that count as the seam."""


@dataclass(frozen=True)
class Task:
    """Which share of a clip is regenerated, from start to stop (0..1), and of which body part."""

    start: float
    stop: float
    part: BodyPart = "all"

    def mask(self, frames: int) -> EditMask:
        """The mask for a clip of so many frames."""
        return span_mask(frames, round(self.start * frames), round(self.stop * frames), self.part)


IN_BETWEEN = "in-between: the middle half"
IN_BETWEEN_MOVING = f"{IN_BETWEEN}, moving clips"
"""On windows of its own, of clips that get somewhere in the masked frames."""

TASKS: Mapping[str, Task] = {
    IN_BETWEEN: Task(0.25, 0.75),
    "prefix kept: the second half": Task(0.5, 1.0),
    "suffix kept: the first half": Task(0.0, 0.5),
    "upper body of the middle half": Task(0.25, 0.75, "upper"),
}

LEAST_FRAMES = 2 * MIN_FRAMES
"""Shorter clips leave too little behind a mask of half of them to tell what it shows."""


def slerp(clip: MotionClip, mask: EditMask, prompt: str, seed: int) -> MotionClip:
    """The editor that knows no motion."""
    del prompt, seed
    return fill_masked(clip, mask)


def task_figures(
    task: Task, windows: Sequence[Window], editor: Editor, evaluator: Evaluator, seed: int
) -> dict[str, float]:
    """FID of the frames regenerated against the real ones, and the jump at their borders."""
    masks = [task.mask(window.clip.frames) for window in windows]
    real = [window.clip for window in windows]
    made, filled = (
        [
            edit(window.clip, mask, window.text, seed + at)
            for at, (window, mask) in enumerate(zip(windows, masks, strict=True))
        ]
        for edit in (editor, slerp)
    )
    new, plain, true = (_masked_embeddings(evaluator, c, masks) for c in (made, filled, real))
    fid, fid_slerp = metrics.fid(true, new), metrics.fid(true, plain)
    jumps = [
        float(np.mean([seam_jump(clip, mask) for clip, mask in zip(clips, masks, strict=True)]))
        for clips in (made, filled, real)
    ]
    return {
        EDITS: float(len(windows)),
        FID: fid,
        FID_SLERP: fid_slerp,
        RATIO: fid / fid_slerp,
        **dict(zip((JUMP, JUMP_SLERP, JUMP_REAL), jumps, strict=True)),
    }


def moves(clip: MotionClip, mask: EditMask) -> bool:
    """Whether the body gets somewhere in the masked frames."""
    ground_T2 = clip.root_T3[mask.start : mask.stop, [0, 2]]
    return float(np.linalg.norm(ground_T2 - ground_T2[0], axis=-1).max()) > _MOVING_METRES


def _masked_embeddings(
    evaluator: Evaluator, clips: Sequence[MotionClip], masks: Sequence[EditMask]
) -> FloatArray:
    return evaluator.embed_motion(
        [clip.slice(mask.start, mask.stop) for clip, mask in zip(clips, masks, strict=True)]
    )


def seam_jump(clip: MotionClip, mask: EditMask) -> float:
    """Mean change of a joint's step from one frame to the next where the mask begins and ends,
    centimetres: what a seam that does not meet in place and speed shows."""
    changes = np.linalg.norm(np.diff(clip_joints(clip), n=2, axis=0), axis=-1).mean(axis=-1)
    # change t is of the frames t, t + 1, t + 2; a border lies before frame s
    borders = [s for s in (mask.start, mask.stop) if 0 < s < clip.frames]
    touching = [t for s in borders for t in (s - 2, s - 1) if 0 <= t < len(changes)]
    return 100 * float(changes[touching].mean())


def sequence_figures(clip: MotionClip, borders: Sequence[int] | IntArray) -> dict[str, float]:
    """Mean jerk within ``SEAM_REACH`` of the borders (frames) and everywhere else, m/s³."""
    values = jerk(clip_joints(clip), clip.fps)
    middle = np.arange(len(values)) + 1.5  # value t is of the frames t to t + 3
    apart = np.abs(middle[:, None] - np.asarray(borders)).min(axis=1)
    near = apart <= SEAM_REACH * clip.fps
    seams, inside = float(values[near].mean()), float(values[~near].mean())
    return {AT_SEAMS: seams, INSIDE: inside, SEAM_RATIO: seams / inside}
