from __future__ import annotations

import numpy as np
import pytest

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.edit_mask import EditMask
from mmm_blender.geometry.editing.path_correction import NO_MOVE
from mmm_blender.motion.config import SamplerConfig
from mmm_blender.motion.pipeline.edit import EditResult
from mmm_blender.training.evaluation.arrival_figures import (
    OVER,
    REMAINDER,
    UNSTILL_RATIO,
    arrival_figures,
    goes_on,
    span_of,
)
from mmm_blender.training.evaluation.held_out import Window
from tests.geometry.feet.test_foot_locking import standing, walking


def window(clip: MotionClip) -> Window:
    return Window("w", "t", ("walk", "normal"), 0, clip, "a person walks")


def test_locomotion_goes_on_throughout() -> None:
    assert goes_on(walking(80, 20.0)) and not goes_on(standing(80, 20.0))
    assert not goes_on(walking(15, 20.0))
    halting = np.concatenate(
        [walking(60, 20.0).root_T3, np.tile(walking(60, 20.0).root_T3[-1:], (40, 1))]
    )
    assert not goes_on(walking(100, 20.0).replace(root_T3=halting))


def test_spans_lie_inside() -> None:
    rng = np.random.default_rng(0)
    clip = walking(60, 20.0)
    for seconds in (1.0, 2.0):
        span = span_of(clip, seconds, rng)
        assert span is not None and span[0] >= 10 and span[1] <= 50
        assert span[1] - span[0] == seconds * 20
    assert span_of(clip, 3.0, rng) is None


def test_an_editor_that_changes_nothing_stands_as_before() -> None:
    def keep(clip: MotionClip, mask: EditMask, prompt: str, seed: int) -> EditResult:
        del mask, prompt
        tokens = np.zeros((1, 1), dtype=np.int64)
        return EditResult(clip, tokens, SamplerConfig(), seed, NO_MOVE, (), 0.3 * (seed % 2))

    clip = walking(100, 20.0)
    loose = clip.replace(
        root_T3=clip.root_T3 + [[0.0, 0.0, 0.02 * (t % 7 == 0)] for t in range(100)]
    )
    figures = arrival_figures([window(loose)] * 4, keep, 0, with_text=True)
    assert figures["edits"] == 4 and figures[UNSTILL_RATIO] == pytest.approx(1.0)
    assert figures[REMAINDER] == pytest.approx(0.15) and figures[OVER] == 50.0
