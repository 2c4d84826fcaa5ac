"""A root that is led elsewhere takes its feet along step by step."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import BoolArray, FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.edit_mask import masked_runs, span_mask
from mmm_blender.geometry.editing.path_correction import arrive
from mmm_blender.geometry.editing.seam_blending import meet
from mmm_blender.geometry.feet.foot_plants import standing_contacts
from mmm_blender.geometry.feet.footsteps import RootMoves, StepMoves, lead_in_steps
from mmm_blender.geometry.feet.leg_ik import Legs
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.placement import transform_ground
from mmm_blender.geometry.rotations import quat_multiply, quat_rotate, yaw_quat
from tests.geometry.feet.test_foot_locking import disturbed, walking

FPS = 20.0
FRAMES = 80
MADE = slice(20, 60)
ANCHORED = ~np.isin(np.arange(FRAMES), np.arange(MADE.start, MADE.stop))

ways = st.tuples(st.floats(-0.15, 0.15), st.floats(-0.15, 0.15))
turns = st.floats(-0.3, 0.3)


def bent(clip: MotionClip, metres: tuple[float, float], turn: float) -> MotionClip:
    """The clip turned and moved from frame to frame of MADE, its feet sliding along."""
    share_T = np.clip((np.arange(FRAMES) - MADE.start + 1) / (MADE.stop - MADE.start + 1), 0.0, 1.0)
    share_T = share_T * share_T * (3.0 - 2.0 * share_T)
    yaw_T4 = yaw_quat(turn * share_T)
    pivot_3 = clip.root_T3[40] * [1.0, 0.0, 1.0]
    rotations_TJ4 = clip.rotations_TJ4.copy()
    rotations_TJ4[:, 0] = quat_multiply(yaw_T4, rotations_TJ4[:, 0])
    way_3 = np.array([metres[0], 0.0, metres[1]])
    root_T3 = quat_rotate(yaw_T4, clip.root_T3 - pivot_3) + pivot_3 + share_T[:, None] * way_3
    return clip.replace(rotations_TJ4=rotations_TJ4, root_T3=root_T3)


def contacts(clip: MotionClip) -> BoolArray:
    return standing_contacts(clip_joints(clip), clip.fps)


def ankles(clip: MotionClip) -> FloatArray:
    return Legs.of(clip).ankle_TS3


@settings(max_examples=30, deadline=None)
@given(ways, turns)
def test_no_foothold_moves_while_it_holds(metres: tuple[float, float], turn: float) -> None:
    before = walking(FRAMES, FPS)
    contacts_TSC = contacts(before)
    led = lead_in_steps(before, bent(before, metres, turn), contacts_TSC, ANCHORED)
    own_TS3, ankle_TS3 = ankles(before), ankles(led)
    for side in (0, 1):
        runs = masked_runs(contacts_TSC[:, side].any(axis=-1))
        inside = [run for run in runs if MADE.start <= run[0] and run[1] <= MADE.stop]
        assert len(inside) >= 1
        for start, stop in inside:
            moved = np.ptp(ankle_TS3[start:stop, side], axis=0).max()
            assert moved <= np.ptp(own_TS3[start:stop, side], axis=0).max() + 0.004


@settings(max_examples=20, deadline=None)
@given(ways, turns)
def test_kept_frames_and_the_root_stay(metres: tuple[float, float], turn: float) -> None:
    before = walking(FRAMES, FPS)
    after = bent(before, metres, turn)
    led = lead_in_steps(before, after, contacts(before), ANCHORED)
    assert np.array_equal(led.root_T3, after.root_T3)
    assert np.array_equal(led.rotations_TJ4[ANCHORED], after.rotations_TJ4[ANCHORED])
    assert np.array_equal(
        led.rotations_TJ4[:, [0, 3, 6, 9, 12]], after.rotations_TJ4[:, [0, 3, 6, 9, 12]]
    )


def test_a_root_that_stays_changes_nothing() -> None:
    clip = walking(FRAMES, FPS)
    led = lead_in_steps(clip, clip, contacts(clip), ANCHORED)
    assert led.rotations_TJ4.tobytes() == clip.rotations_TJ4.tobytes()


def test_a_clip_that_is_moved_as_a_whole_keeps_its_pose() -> None:
    clip = walking(FRAMES, FPS)
    moved = transform_ground(clip, 1.0, np.zeros(3), np.array([3.0, 0.0, -2.0]))
    nowhere_T = np.zeros(FRAMES, dtype=np.bool_)
    led = lead_in_steps(clip, moved, contacts(clip), nowhere_T)
    assert np.allclose(clip_joints(led), clip_joints(moved), atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(ways, turns, st.floats(-3.0, 3.0))
def test_a_turned_scene_gives_the_same_motion(
    metres: tuple[float, float], turn: float, scene: float
) -> None:
    def there(clip: MotionClip) -> MotionClip:
        return transform_ground(clip, scene, np.zeros(3), np.array([2.0, 0.0, 5.0]))

    before = walking(FRAMES, FPS)
    after, flags = bent(before, metres, turn), contacts(before)
    led = lead_in_steps(before, after, flags, ANCHORED)
    elsewhere = lead_in_steps(there(before), there(after), flags, ANCHORED)
    assert np.allclose(clip_joints(elsewhere), clip_joints(there(led)), atol=1e-9)


def test_a_foot_that_never_stands_goes_with_the_root() -> None:
    clip = walking(FRAMES, FPS)
    after = bent(clip, (0.2, 0.1), 0.2)
    nowhere_T = np.zeros(FRAMES, dtype=np.bool_)
    steps = StepMoves.of(np.zeros((FRAMES, 2), dtype=np.bool_), nowhere_T)
    toe_TS3 = Legs.of(clip).toe_TS3
    moved_TS3 = steps.of_points(RootMoves.between(clip, after), toe_TS3)
    assert np.allclose(moved_TS3, Legs.of(after).toe_TS3)


def test_a_foot_that_stands_from_a_kept_frame_on_keeps_its_place() -> None:
    clip = walking(FRAMES, FPS)
    flags = contacts(clip)
    standing_T = flags[:, 0].any(axis=-1)
    start, stop = next(run for run in masked_runs(standing_T) if run[1] - run[0] >= 10)
    anchored_T = np.arange(FRAMES) < start + 4
    after = bent(clip, (0.1, 0.1), 0.1)
    shifted = after.replace(root_T3=np.where(anchored_T[:, None], clip.root_T3, after.root_T3))
    led = lead_in_steps(clip, shifted, flags, anchored_T)
    kept_3 = ankles(shifted)[start + 3, 0]
    assert np.abs(ankles(led)[start + 4 : stop, 0] - kept_3).max() < 0.05


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 500))
def test_footholds_hold_beside_kept_frames_too(seed: int) -> None:
    kept = walking(FRAMES, FPS)
    made = disturbed(kept, seed)
    mask = span_mask(FRAMES, MADE.start, MADE.stop, "all")
    after = arrive(made, kept, mask).clip
    met = meet(after, kept, mask)
    flags = contacts(made)
    led = lead_in_steps(made, after, flags, ANCHORED, met)
    assert np.array_equal(led.rotations_TJ4[ANCHORED], kept.rotations_TJ4[ANCHORED])
    own_TS3, toe_TS3 = Legs.of(made).toe_TS3, Legs.of(led).toe_TS3
    for side in (0, 1):
        for start, stop in masked_runs(flags[:, side].any(axis=-1) & ~ANCHORED):
            moved = np.ptp(toe_TS3[start:stop, side], axis=0).max()
            assert moved <= np.ptp(own_TS3[start:stop, side], axis=0).max() + 0.012
    steps_TS = np.linalg.norm(np.diff(toe_TS3, axis=0), axis=-1)
    assert steps_TS[[MADE.start - 1, MADE.stop - 1]].max() < steps_TS.max() + 0.01
