"""Motions seen while they are made: nothing that is made hangs on it, and it costs a share."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.geometry.editing.edit_mask import span_mask
from mmm_blender.motion.pipeline.pipeline import (
    EditRequest,
    GenerateRequest,
    MotionPipeline,
    SequenceRequest,
)
from mmm_blender.motion.pipeline.previews import SHARE, Preview, Previews
from tests.geometry.motions import smooth_clip

TINY = Path(__file__).resolve().parents[2] / "data" / "tiny"
CLIP = smooth_clip(72, 24.0, seed=2)
WALK = GenerateRequest("a person walks forward", seconds=3.0, seed=7)
EDIT = EditRequest(CLIP, span_mask(72, 24, 48, "all"), "a person runs", 3)
SEQUENCE = SequenceRequest(("a person walks", "a person runs"), (1.0, 2.0), (1, 2))


@pytest.fixture(scope="module")
def pipeline() -> MotionPipeline:
    return MotionPipeline.load(TINY, threads=1)


def watched(seen: list[Preview]) -> Previews:
    """Every look at the clock finds it an hour later, but a preview takes no time."""
    return Previews(seen.append, clock=map(float, itertools.count(0, 3600)).__next__)


def make(pipeline: MotionPipeline, request: Any, previews: Previews | None) -> Any:
    by_kind: dict[type, Callable[..., Any]] = {
        GenerateRequest: pipeline.generate,
        EditRequest: pipeline.edit,
        SequenceRequest: pipeline.sequence,
    }
    return by_kind[type(request)](request, None, None, previews)


@pytest.mark.parametrize("request_", [WALK, EDIT, SEQUENCE], ids=["generate", "edit", "sequence"])
def test_what_is_made_does_not_hang_on_who_looks_on(
    pipeline: MotionPipeline, request_: Any
) -> None:
    seen: list[Preview] = []
    plain, shown = make(pipeline, request_, None), make(pipeline, request_, watched(seen))
    assert np.array_equal(plain.tokens_LP, shown.tokens_LP)
    assert plain.clip.rotations_TJ4.tobytes() == shown.clip.rotations_TJ4.tobytes()
    assert plain.clip.root_T3.tobytes() == shown.clip.root_T3.tobytes()
    assert seen and all(np.isfinite(each.joints_TJ3).all() for each in seen)
    for each in seen:
        assert each.joints_TJ3.shape == (len(each.known_T), 22, 3)
        assert each.known_T.min() >= 0.0 and each.known_T.max() <= 1.0


def test_more_is_known_from_step_to_step(pipeline: MotionPipeline) -> None:
    seen: list[Preview] = []
    pipeline.generate(WALK, None, None, watched(seen))
    shares = [float(each.known_T.mean()) for each in seen]
    assert shares[0] < 0.5 and shares == sorted(shares)
    assert len(seen[0].joints_TJ3) == 60


def test_an_edit_shows_its_frames_where_they_belong(pipeline: MotionPipeline) -> None:
    seen: list[Preview] = []
    pipeline.edit(EDIT, None, None, watched(seen))
    assert seen[-1].joints_TJ3.shape[0] == 24 and seen[-1].start == pytest.approx(1.0)
    apart_2 = (seen[-1].joints_TJ3[0, 0] - CLIP.root_T3[24])[[0, 2]]
    assert np.abs(apart_2).max() < 0.5, "it goes on from the motion that is kept"


@dataclass
class Filler:
    """As far as it is asked."""

    on_grid: Any = None


def test_previews_take_no_more_than_their_share() -> None:
    now = [0.0]
    previews = Previews(lambda _seen: None, clock=lambda: now[0])

    decoded: list[float] = []

    def decode(_tokens: Any) -> Any:
        now[0] += 0.03
        decoded.append(now[0])
        return CLIP

    filler: Any = Filler()
    on_grid = previews.of(filler, decode).on_grid
    assert on_grid is not None
    for _ in range(100):
        now[0] += 0.05
        assert on_grid(np.zeros((5, 2), int), np.ones((5, 2), bool)) is False
    assert len(decoded) > 1 and 0.03 * len(decoded) <= SHARE * now[0] + 0.03


@pytest.mark.parametrize("request_", [WALK, EDIT, SEQUENCE], ids=["generate", "edit", "sequence"])
def test_what_is_there_is_kept_and_is_whole(pipeline: MotionPipeline, request_: Any) -> None:
    asked: list[int] = []

    def enough() -> bool:
        asked.append(1)
        return True

    made = make(pipeline, request_, Previews(None, enough))
    whole = make(pipeline, request_, None)
    assert made.tokens_LP.shape == whole.tokens_LP.shape and asked
    codes = pipeline.model.vocabulary.codes
    assert made.tokens_LP.min() >= 0 and made.tokens_LP.max() < codes, "no cell is left open"
    assert np.isfinite(made.clip.root_T3).all() and made.clip.frames == whole.clip.frames
