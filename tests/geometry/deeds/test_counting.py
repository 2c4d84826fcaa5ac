"""Steps and waves are counted as one would by eye."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.deeds.counting import count_steps, count_waves
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import identity_quats
from mmm_blender.geometry.skeleton import SMPL, SMPL_22, SOLE_HEIGHT, joint_index
from mmm_blender.training.data.measured import measure
from tests.training.synthetic import bend, walk_on_the_spot

HEIGHT = -SMPL_22.rest_positions_J3[joint_index("left_foot"), 1] + SOLE_HEIGHT


def walking_feet(steps: int, length: float, pause: int = 6, swing: int = 8) -> FloatArray:
    """Joints (T, 22, 3) of a body whose feet go forward in turn, the pelvis between them."""
    frames = pause + steps * (pause + swing)
    joints = np.tile(SMPL_22.rest_positions_J3, (frames, 1, 1)) + np.array([0, HEIGHT, 0])
    place = {"left": np.zeros(frames), "right": np.zeros(frames)}
    lift = {"left": np.zeros(frames), "right": np.zeros(frames)}
    for step in range(steps):
        side, start = ("left", "right")[step % 2], pause + step * (pause + swing)
        t = np.linspace(0, 1, swing)
        span = length if step in (0, steps - 1) and steps > 1 else 2 * length
        before = place[side][start - 1]
        place[side][start : start + swing] = before + span * t
        place[side][start + swing :] = before + span
        lift[side][start : start + swing] = 0.15 * np.sin(np.pi * t)
    for side in ("left", "right"):
        feet = [joint_index(f"{side}_{joint}") for joint in ("ankle", "foot")]
        joints[:, feet, 2] += place[side][:, None]
        joints[:, feet, 1] += lift[side][:, None]
    joints[:, 0, 2] += (place["left"] + place["right"]) / 2
    return joints


@settings(max_examples=20, deadline=None)
@given(steps=st.integers(0, 12), length=st.floats(0.3, 0.8))
def test_steps_of_any_length_are_counted(steps: int, length: float) -> None:
    assert count_steps(walking_feet(steps, length), 20.0) == steps


def test_shuffles_and_lifted_feet_are_no_steps() -> None:
    assert count_steps(walking_feet(6, 0.05), 20.0) == 0
    assert count_steps(clip_joints(walk_on_the_spot(120)), 20.0) == 0


def test_a_step_that_a_border_cuts_counts_where_the_foot_comes_down() -> None:
    joints = walking_feet(3, 0.6, pause=6, swing=8)
    assert count_steps(joints[6 + 2 :], 20.0) == 3  # opens early in the first swing
    assert count_steps(joints[6 + 7 :], 20.0) == 2  # and at its end
    assert count_steps(joints[: -6 - 3], 20.0) == 2  # closes before the last comes down


def waving(
    waves: int, side: str = "left", swing: float = 0.5, frames_a_wave: int = 12
) -> MotionClip:
    """An arm goes up, its forearm swings so often, and it goes down."""
    up, down = np.linspace(0, 1, 15), np.linspace(1, 0, 15)
    turn = np.sin(np.linspace(0, 2 * np.pi * waves, waves * frames_a_wave + 1)) * swing
    raised = np.concatenate([up, np.ones(len(turn)), down])
    angle = np.concatenate([np.zeros(15), turn, np.zeros(15)])
    sign = 1.0 if side == "left" else -1.0
    rotations = identity_quats(len(raised), 22)
    for other, where in (("left", -1.0), ("right", 1.0)):
        lowered = where * 1.3 * np.ones(len(raised))
        bend(rotations, f"{other}_shoulder", (0, 0, 1), lowered)
    bend(rotations, f"{side}_shoulder", (0, 0, 1), sign * (-1.3 + 1.3 * raised))
    bend(rotations, f"{side}_elbow", (0, 0, 1), sign * (1.5 * raised + angle))
    return MotionClip(rotations, np.tile([0.0, HEIGHT, 0.0], (len(raised), 1)))


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("waves", [0, 1, 2, 3, 5, 8])
def test_waves_of_either_hand_are_counted(waves: int, side: str) -> None:
    joints = clip_joints(waving(waves, side))
    other = "right" if side == "left" else "left"
    assert abs(count_waves(joints, side) - waves) <= 1
    assert count_waves(joints, other) == 0
    if not waves:
        assert count_waves(joints, side) == 0


def test_a_tremble_is_no_wave() -> None:
    assert count_waves(clip_joints(waving(5, swing=0.05)), "left") == 0


def test_a_measured_clip_tells_it_all() -> None:
    shown = measure(waving(4))
    assert shown.steps == 0
    assert shown.left_waves in (3, 4, 5)
    assert shown.right_waves == 0
    assert shown.left_hand_speed > 5 * max(shown.right_hand_speed, 0.01)
    assert shown.hand_speed == max(shown.left_hand_speed, shown.right_hand_speed)
    assert shown.left_hand > 0 > shown.right_hand
    assert shown.reach == shown.distance == shown.low == 0.0
    assert abs(shown.high) < 1e-6
    assert shown.seconds == pytest.approx((30 + 4 * 12 + 1) / 20, abs=0.01)
    assert SMPL.names[0] == "pelvis"
