"""In-betweening of moving clips has windows of its own, enough of them whatever the others show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.mask_infill import fill_masked
from mmm_blender.training.data.motion_file import ClipRecord
from mmm_blender.training.evaluation import edit_suite
from mmm_blender.training.evaluation.editing_figures import IN_BETWEEN_MOVING, TASKS, moves
from mmm_blender.training.evaluation.held_out import fitting_windows, make_windows
from tests.training import judges

TASK = next(iter(TASKS.values()))


def moving(clip: MotionClip) -> bool:
    return moves(clip, TASK.mask(clip.frames))


def material() -> tuple[list[ClipRecord], list[MotionClip]]:
    """Every fourth clip goes ahead, the others stay; long enough for an edit."""
    records, _ = judges.material()
    clips: list[MotionClip] = []
    for at in range(len(records)):
        clip = judges.clip(at, 60)
        ahead_T3 = np.outer(np.linspace(0.0, 3.0, 60), [0.0, 0.0, 1.0 if at % 4 == 0 else 0.0])
        clips.append(clip.replace(root_T3=clip.root_T3 + ahead_T3))
    return records, clips


@dataclass
class Editor:
    """Fills as slerp does, and counts."""

    asked: int = 0
    editable_parts = ("all",)

    @property
    def model(self) -> Any:
        return self

    def edit(self, request: Any) -> Any:
        self.asked += 1
        assert request.prompt
        return type("Made", (), {"clip": fill_masked(request.clip, request.mask)})


def test_windows_that_fit_are_those_of_all_windows_that_do() -> None:
    records, clips = material()
    found = fitting_windows(records, clips, 30, 5, moving)
    among = [w for w in make_windows(records, clips, 400, 5) if moving(w.clip)][:30]
    assert [(w.name, w.start, w.clip.frames) for w in found] == [
        (w.name, w.start, w.clip.frames) for w in among
    ]
    assert len(found) == 30 and all(w.text for w in found)


def test_none_are_looked_for_without_end() -> None:
    records, clips = material()
    assert fitting_windows(records, clips, 5, 0, lambda clip: False) == []
    assert fitting_windows([], [], 5, 0, moving) == []


def test_moving_clips_are_judged_on_windows_of_their_own() -> None:
    editor: Any = Editor()
    figures = edit_suite.moving_figures(editor, judges.judge(), *material(), 20)
    row = figures[IN_BETWEEN_MOVING]
    assert editor.asked == row["edits"] == 20
    assert row["FID / slerp"] == pytest.approx(1)


def test_too_few_moving_clips_are_not_judged() -> None:
    editor: Any = Editor()
    assert edit_suite.moving_figures(editor, judges.judge(), *judges.material(), 20) == {}
    assert edit_suite.moving_figures(editor, judges.judge(), *material(), 15) == {}
    assert editor.asked == 0
