from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from mmm_blender.common.arrays import BoolArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.editing.edit_mask import (
    PART_JOINTS,
    BodyPart,
    EditMask,
    kept_neighbours,
    masked_runs,
    span_mask,
)
from mmm_blender.geometry.skeleton import ANIMATED_JOINTS, LOWER_JOINTS, UPPER_JOINTS
from tests.geometry.edit_masks import PARTS, masks, spans

FRAMES = 12


@pytest.mark.parametrize("part", PARTS)
@given(span=spans(FRAMES))
def test_a_span_masks_its_frames_and_its_part_alone(part: BodyPart, span: tuple[int, int]) -> None:
    start, stop = span
    mask = span_mask(FRAMES, start, stop, part)
    assert (mask.frames, mask.start, mask.stop) == (FRAMES, start, stop)
    assert mask.rotations_TJ[start:stop, PART_JOINTS[part]].all()
    assert mask.rotations_TJ.sum() == (stop - start) * len(PART_JOINTS[part])
    assert mask.touches_lower == (part != "upper")
    assert mask.touches_upper == (part != "lower")
    assert mask.root_T.sum() == (0 if part == "upper" else stop - start)


@given(masks(FRAMES))
def test_the_root_goes_with_the_pelvis(mask: EditMask) -> None:
    assert np.array_equal(mask.root_T, mask.rotations_TJ[:, 0])
    assert np.array_equal(mask.cells_TC[:, :-1], mask.rotations_TJ)
    assert np.array_equal(mask.cells_TC[:, -1], mask.root_T)


def test_holds_narrow_the_span() -> None:
    held = np.zeros((FRAMES, ANIMATED_JOINTS), dtype=np.bool_)
    held[3] = held[8] = held[5, UPPER_JOINTS] = True
    mask = span_mask(FRAMES, 3, 9, "all", held)
    assert (mask.start, mask.stop) == (4, 8)
    assert not mask.rotations_TJ[5, UPPER_JOINTS].any()
    assert mask.rotations_TJ[5, LOWER_JOINTS].all()
    assert mask.root_T[5]
    assert not mask.root_T[3]


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (5, 5), (6, 5), (2, FRAMES + 1)])
def test_a_span_that_does_not_fit_is_told(start: int, stop: int) -> None:
    with pytest.raises(MMMError, match="range"):
        span_mask(FRAMES, start, stop, "all")


def test_a_mask_of_nothing_is_told() -> None:
    held = np.ones((FRAMES, ANIMATED_JOINTS), dtype=np.bool_)
    with pytest.raises(MMMError, match="held"):
        span_mask(FRAMES, 2, 5, "all", held)


@pytest.mark.parametrize(
    ("rotations", "root"),
    [
        (np.ones((4, 22), dtype=np.bool_), np.ones(3, dtype=np.bool_)),
        (np.ones((4, 21), dtype=np.bool_), np.ones(4, dtype=np.bool_)),
        (np.ones((4, 22), dtype=np.int64), np.ones(4, dtype=np.bool_)),
    ],
)
def test_other_shapes_and_types_are_refused(rotations: BoolArray, root: BoolArray) -> None:
    with pytest.raises(ValueError, match="mask"):
        EditMask(rotations, root)


@settings(max_examples=50)
@given(arrays(np.bool_, (9, 3)))
def test_neighbours_and_runs_are_those_of_a_search(masked: BoolArray) -> None:
    before, after = kept_neighbours(masked)
    for channel in range(masked.shape[1]):
        kept = [t for t in range(9) if not masked[t, channel]]
        for t in range(9):
            assert before[t, channel] == max((k for k in kept if k <= t), default=-1)
            assert after[t, channel] == min((k for k in kept if k >= t), default=9)
        runs = masked_runs(masked[:, channel])
        assert [t for start, stop in runs for t in range(start, stop)] == [
            t for t in range(9) if masked[t, channel]
        ]
        assert all(a_stop < b_start for (_, a_stop), (b_start, _) in itertools.pairwise(runs))
