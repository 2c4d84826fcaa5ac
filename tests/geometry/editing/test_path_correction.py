from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import BoolArray, FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.edit_mask import BodyPart, EditMask, span_mask
from mmm_blender.geometry.editing.path_correction import (
    DRIFT_LIMIT_MPS,
    NO_MOVE,
    TURN_LIMIT_DPS,
    GroundMove,
    arrive,
    carry_after,
)
from mmm_blender.geometry.placement import transform_ground
from mmm_blender.geometry.rotations import quat_conjugate, quat_multiply, yaw_of, yaw_quat
from tests.geometry.edit_masks import spans
from tests.geometry.reconstructions import elsewhere, reconstructed, walk

FRAMES = 60
RATES = (20.0, 23.976, 24.0, 30.0, 60.0)
GROUND = [0, 2]


def yaw_apart(a: MotionClip, b: MotionClip, frame: int) -> float:
    """Radians about +Y from the pelvis of ``a`` to that of ``b``."""
    turn = quat_multiply(b.rotations_TJ4[frame, 0], quat_conjugate(a.rotations_TJ4[frame, 0]))
    return abs(float(yaw_of(turn)))


def ground_apart(a: MotionClip, b: MotionClip, frame: int) -> float:
    return float(np.abs(a.root_T3[frame, GROUND] - b.root_T3[frame, GROUND]).max())


def meets(a: MotionClip, b: MotionClip, frame: int) -> bool:
    return yaw_apart(a, b, frame) < 1e-7 and ground_apart(a, b, frame) < 1e-7


def holding(frames: tuple[int, ...]) -> BoolArray:
    held = np.zeros((FRAMES, 22), dtype=np.bool_)
    held[list(frames)] = True
    return held


def pelvis_speeds(clip: MotionClip) -> FloatArray:
    return np.diff(clip.root_T3[:, GROUND], axis=0) * clip.fps


@settings(max_examples=30, deadline=None)
@given(spans(FRAMES), st.sampled_from(RATES), st.sampled_from(["all", "lower"]), st.integers(0, 50))
def test_it_stands_and_faces_as_kept_on_both_sides_of_the_span(
    span: tuple[int, int], fps: float, part: BodyPart, seed: int
) -> None:
    kept = walk(FRAMES, fps)
    made = reconstructed(kept, seed)
    arrival = arrive(made, kept, span_mask(FRAMES, *span, part))
    for frame in (span[0] - 1, span[1]):
        if 0 <= frame < FRAMES:
            assert meets(arrival.clip, kept, frame)
    assert np.array_equal(arrival.clip.root_T3[:, 1], made.root_T3[:, 1])
    assert np.array_equal(arrival.clip.rotations_TJ4[:, 1:], made.rotations_TJ4[:, 1:])
    assert arrival.ground_move == NO_MOVE


@settings(max_examples=20, deadline=None)
@given(spans(FRAMES), st.integers(0, 50))
def test_where_the_generated_clip_stands_does_not_matter(span: tuple[int, int], seed: int) -> None:
    kept = walk(FRAMES)
    made = reconstructed(kept, seed)
    mask = span_mask(FRAMES, *span, "all")
    a, b = arrive(made, kept, mask), arrive(elsewhere(made, seed + 1), kept, mask)
    assert np.allclose(a.clip.root_T3, b.clip.root_T3)
    assert a.speed_mps == pytest.approx(b.speed_mps, abs=1e-9)
    assert a.turn_rate_dps == pytest.approx(b.turn_rate_dps, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(spans(FRAMES), st.integers(0, 50))
def test_the_right_motion_elsewhere_comes_back_unstrained(span: tuple[int, int], seed: int) -> None:
    kept = walk(FRAMES)
    arrival = arrive(elsewhere(kept, seed), kept, span_mask(FRAMES, *span, "all"))
    assert np.allclose(arrival.clip.root_T3, kept.root_T3)
    assert arrival.speed_mps < 1e-9
    assert arrival.turn_rate_dps < 1e-6
    assert not arrival.strained


def test_an_upper_body_edit_moves_nothing() -> None:
    kept = walk(FRAMES)
    made = reconstructed(kept, 1)
    arrival = arrive(made, kept, span_mask(FRAMES, 10, 30, "upper"))
    assert np.array_equal(arrival.clip.root_T3, made.root_T3)
    assert np.array_equal(arrival.clip.rotations_TJ4, made.rotations_TJ4)
    assert (arrival.speed_mps, arrival.turn_rate_dps, arrival.ground_move) == (0.0, 0.0, NO_MOVE)


def test_a_clip_made_wholly_anew_starts_where_the_old_one_did() -> None:
    kept = walk(FRAMES)
    arrival = arrive(reconstructed(kept, 1), kept, span_mask(FRAMES, 0, FRAMES, "all"))
    assert meets(arrival.clip, kept, 0)
    assert arrival.speed_mps == 0.0


def longer_way(metres: float, degrees: float) -> tuple[MotionClip, MotionClip, EditMask]:
    """A walk of 3 s that must end ``metres`` further on and turned by ``degrees``, after 2 s."""
    made = walk(90, turn=0.0)
    mask = span_mask(90, 20, 79, "all")
    ahead = np.array([0.0, 0.0, metres])
    moved = transform_ground(made, np.radians(degrees), made.root_T3[79], made.root_T3[79] + ahead)
    kept = made.replace(
        rotations_TJ4=np.where(
            np.arange(90)[:, None, None] < 79, made.rotations_TJ4, moved.rotations_TJ4
        ),
        root_T3=np.where(np.arange(90)[:, None] < 79, made.root_T3, moved.root_T3),
    )
    return made, kept, mask


@pytest.mark.parametrize("metres", [0.1, DRIFT_LIMIT_MPS * 1.9, DRIFT_LIMIT_MPS * 2.1])
def test_a_place_that_had_to_be_spread_is_told(metres: float) -> None:
    arrival = arrive(*longer_way(metres, 0.0))
    assert arrival.speed_mps == pytest.approx(metres / 2.0)
    assert arrival.turn_rate_dps == pytest.approx(0.0, abs=1e-6)
    assert arrival.strained == (metres > 2.0 * DRIFT_LIMIT_MPS)


@pytest.mark.parametrize("degrees", [3.0, -2.1 * TURN_LIMIT_DPS])
def test_a_heading_that_had_to_be_spread_is_told(degrees: float) -> None:
    arrival = arrive(*longer_way(0.0, degrees))
    assert arrival.turn_rate_dps == pytest.approx(abs(degrees) / 2.0)
    assert arrival.speed_mps > 0.0  # bending the way moves its end, which is brought back
    assert arrival.strained == (abs(degrees) > 2.0 * TURN_LIMIT_DPS)


def test_the_remainder_sets_in_and_dies_away_without_a_jump_in_speed() -> None:
    made, kept, mask = longer_way(0.4, 40.0)
    speeds = pelvis_speeds(arrive(made, kept, mask).clip)
    # 0.2 m/s set in over half a second: at most 1 m/s^2 at any frame, and the turn of a walk
    assert np.linalg.norm(np.diff(speeds, axis=0) * 30.0, axis=-1).max() < 3.0
    turns = np.diff(yaw_of(arrive(made, kept, mask).clip.rotations_TJ4[:, 0])) * 30.0
    assert np.abs(np.diff(turns) * 30.0).max() < np.radians(120.0)


def test_a_body_that_stands_at_first_takes_its_part_when_it_walks() -> None:
    made, kept, mask = longer_way(0.4, 0.0)
    standing = made.root_T3.copy()
    standing[20:50] = standing[20] + np.arange(30)[:, None] * np.array([0.0, 0.0, 1e-4])
    standing[50:] += standing[49] - made.root_T3[50]
    kept_root = kept.root_T3.copy()
    kept_root[79:] += standing[79] - made.root_T3[79]
    arrival = arrive(made.replace(root_T3=standing), kept.replace(root_T3=kept_root), mask).clip
    moved = np.linalg.norm(arrival.root_T3 - standing, axis=-1)
    assert moved[49] < 0.1 * moved[79]


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(12, 47), max_size=6), st.integers(0, 50))
def test_held_roots_inside_the_span_are_met(holds: set[int], seed: int) -> None:
    kept = walk(FRAMES, turn=0.8)
    mask = span_mask(FRAMES, 10, 50, "all", holding(tuple(holds)))
    arrived = arrive(reconstructed(kept, seed), kept, mask).clip
    lone = [f for f in holds if not {f - 1, f + 1, f - 2, f + 2} & holds]
    assert all(meets(arrived, kept, frame) for frame in (9, *lone, 50))
    # frames of a short hold keep the way between them: near, but not moved each for itself
    assert all(ground_apart(arrived, kept, frame) < 0.05 for frame in holds)


def test_after_a_long_hold_the_motion_sets_out_from_where_it_ended() -> None:
    kept = walk(FRAMES)
    made = reconstructed(kept, 3, drift=0.5)
    mask = span_mask(FRAMES, 10, 50, "all", holding(tuple(range(20, 35))))
    arrived = arrive(made, kept, mask).clip
    assert all(meets(arrived, kept, frame) for frame in (9, 20, 34, 50))


@settings(max_examples=30, deadline=None)
@given(spans(FRAMES), st.integers(0, 50))
def test_the_kept_motion_can_be_carried_to_where_the_new_one_arrives(
    span: tuple[int, int], seed: int
) -> None:
    kept = walk(FRAMES)
    made = reconstructed(walk(FRAMES, turn=-0.7), seed)
    arrival = arrive(made, kept, span_mask(FRAMES, *span, "all"), moves_after=True)
    assert (arrival.speed_mps, arrival.turn_rate_dps) == (0.0, 0.0)
    carried = carry_after(kept, span[1], arrival.ground_move)
    assert meets(arrival.clip, kept, span[0] - 1 if span[0] else span[1])
    assert (arrival.ground_move == NO_MOVE) == (span[0] == 0 or span[1] == FRAMES)
    if span[1] < FRAMES:
        assert meets(arrival.clip, carried, span[1])
    before, after = slice(None, span[1]), slice(span[1], None)
    assert np.array_equal(carried.root_T3[before], kept.root_T3[before])
    assert np.array_equal(carried.rotations_TJ4[before], kept.rotations_TJ4[before])
    assert np.array_equal(carried.rotations_TJ4[after, 1:], kept.rotations_TJ4[after, 1:])
    steps = [np.linalg.norm(np.diff(c.root_T3[after], axis=0), axis=-1) for c in (carried, kept)]
    assert np.allclose(*steps)


def test_holds_inside_are_met_before_the_motion_runs_free() -> None:
    kept = walk(FRAMES)
    mask = span_mask(FRAMES, 10, 40, "all", holding((25,)))
    arrival = arrive(reconstructed(kept, 2, drift=0.5), kept, mask, moves_after=True)
    assert meets(arrival.clip, kept, 25)
    assert meets(arrival.clip, carry_after(kept, 40, arrival.ground_move), 40)
    assert arrival.speed_mps > 0.0


def test_a_ground_move_turns_about_the_origin_and_then_shifts() -> None:
    kept = walk(FRAMES)
    carried = carry_after(kept, 0, GroundMove(np.pi / 2.0, 1.0, 2.0))
    x, y, z = kept.root_T3.T
    assert np.allclose(carried.root_T3, np.stack([z + 1.0, y, 2.0 - x], axis=-1))
    turned = quat_multiply(yaw_quat(np.pi / 2.0), kept.rotations_TJ4[:, 0])
    assert np.allclose(carried.rotations_TJ4[:, 0], turned)


def test_clips_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="belong together"):
        arrive(walk(10), walk(11), span_mask(10, 2, 4, "all"))
    with pytest.raises(ValueError, match="belong together"):
        arrive(walk(10, 24.0), walk(10, 30.0), span_mask(10, 2, 4, "all"))
