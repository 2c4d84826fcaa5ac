"""Which cells of the token grid a mask of frames and joints asks for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_blender.common.arrays import BoolArray
from mmm_blender.geometry.editing.edit_mask import EditMask, span_mask
from mmm_blender.geometry.skeleton import LOWER_JOINTS, joint_index
from mmm_blender.motion.config import TokenizerConfig
from mmm_blender.motion.pipeline.token_cells import Places, token_cells

TWO = TokenizerConfig()
FOUR = TokenizerConfig(parts=("lower", "torso", "left_arm", "right_arm"), codebooks=(2, 1, 1, 1))
WHOLE = TokenizerConfig(parts=("all",))
RATES = st.sampled_from([12.0, 20.0, 23.976, 24.0, 25.0, 29.97, 30.0, 60.0, 120.0])


def rows(mask: EditMask, fps: float = 20.0, config: TokenizerConfig = WHOLE) -> list[list[int]]:
    return [column.nonzero()[0].tolist() for column in token_cells(mask, fps, config).T]


def test_at_the_models_rate_a_token_is_four_frames():
    assert rows(span_mask(40, 8, 12, "all")) == [[2]]
    assert rows(span_mask(40, 11, 12, "all")) == [[2]]
    assert rows(span_mask(40, 11, 13, "all")) == [[2, 3]]
    assert rows(span_mask(41, 38, 41, "all")) == [[9, 10]]


@pytest.mark.parametrize(("fps", "places"), [(60.0, 10), (24.0, 10), (23.976, 10), (5.0, 48)])
def test_a_clip_has_as_many_places_as_its_time_needs(fps: float, places: int):
    assert len(Places.of(120 if fps == 60.0 else 48, fps, WHOLE)) == places


@given(st.integers(1, 400), RATES, st.data())
def test_every_masked_frame_is_in_a_masked_place(frames: int, fps: float, data: st.DataObject):
    start = data.draw(st.integers(0, frames - 1))
    stop = data.draw(st.integers(start + 1, frames))
    places = Places.of(frames, fps, WHOLE)
    masked_L = places.overlapping(span_mask(frames, start, stop, "all").root_T)
    frames_T = np.arange(frames)
    for place, masked in enumerate(masked_L):
        seconds = frames_T / fps
        inside_T = (seconds * 5.0 > place + 1e-4) & (seconds * 5.0 < place + 1 - 1e-4)
        if not masked:
            assert not inside_T[start:stop].any()
    slack = int(np.ceil(2 * fps / 20.0))  # a sample of the model hears of the frames around it
    reach_T = (frames_T >= start - places.frames_a_place - slack) & (
        frames_T < stop + places.frames_a_place + slack
    )
    assert all(reach_T[places.first_L[place]] for place in masked_L.nonzero()[0])


def test_body_parts_have_columns_of_their_own():
    assert rows(span_mask(40, 8, 16, "upper"), config=TWO) == [[], [2, 3]]
    assert rows(span_mask(40, 8, 16, "lower"), config=TWO) == [[2, 3], []]
    assert rows(span_mask(40, 8, 16, "upper"), config=FOUR) == [[], [], *3 * [[2, 3]]]
    assert rows(span_mask(40, 8, 16, "lower"), config=FOUR) == [[2, 3], [2, 3], [], [], []]
    assert rows(span_mask(40, 8, 16, "all"), config=FOUR) == 5 * [[2, 3]]


def test_a_masked_root_alone_asks_for_the_lower_body():
    mask = EditMask(np.zeros((20, 22), dtype=np.bool_), np.arange(20) < 4)
    assert rows(mask, config=TWO) == [[0], []]


def held(frames: int, at: int, joints: tuple[int, ...] = tuple(range(22))) -> BoolArray:
    held_TJ = np.zeros((frames, 22), dtype=np.bool_)
    held_TJ[at, list(joints)] = True
    return held_TJ


def test_a_held_pose_shows_its_place():
    assert rows(span_mask(60, 8, 48, "all", held(60, 25))) == [[2, 3, 4, 5, 7, 8, 9, 10, 11]]


def test_a_part_that_is_held_shows_its_own_column_only():
    mask = span_mask(60, 20, 32, "all", held(60, 26, LOWER_JOINTS))
    assert rows(mask, config=TWO) == [[5, 7], [5, 6, 7]]


def test_a_joint_that_is_held_alone_shows_nothing():
    mask = span_mask(60, 20, 32, "all", held(60, 26, (joint_index("left_knee"),)))
    assert rows(mask, config=TWO) == [[5, 6, 7], [5, 6, 7]]


def test_two_posed_keys_are_shown_and_what_lies_between_is_masked():
    mask = span_mask(41, 1, 40, "all")
    assert rows(mask) == [list(range(1, 10))]


def test_poses_held_in_every_place_leave_the_model_all_of_them():
    held_TJ = np.zeros((40, 22), dtype=np.bool_)
    held_TJ[2::4] = True
    assert rows(span_mask(40, 8, 20, "all", held_TJ)) == [[2, 3, 4]]
