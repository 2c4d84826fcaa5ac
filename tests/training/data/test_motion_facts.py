"""What a motion did, told from the motion alone."""

import numpy as np
import pytest

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.deeds.facts import Facts
from mmm_blender.geometry.placement import Placement, place
from mmm_blender.geometry.rotations import quat_multiply, rotation_vector_to_quat, yaw_quat
from mmm_blender.geometry.skeleton import joint_index
from mmm_blender.training.data.motion_facts import CHECKS, PROMPTS

FRAMES = 80


def gliding(forward: float = 0.0, left: float = 0.0, turn: float = 0.0) -> MotionClip:
    """A T-pose with hanging arms that goes so many metres and turns so many degrees in 4 s."""
    done = np.linspace(0, 1, FRAMES)
    rotations = np.zeros((FRAMES, 22, 4))
    rotations[..., 0] = 1.0
    for side, sign in (("left", -1), ("right", 1)):
        hanging = rotation_vector_to_quat(np.array([0.0, 0.0, sign * 1.3]))
        rotations[:, joint_index(f"{side}_shoulder")] = hanging
    rotations[:, 0] = yaw_quat(np.radians(turn) * done)
    root = np.stack([left * done, np.full(FRAMES, 0.95), forward * done], axis=-1)
    return MotionClip(rotations, root)


def with_turned(clip: MotionClip, joint: str, vector: tuple[float, float, float]) -> MotionClip:
    rotations = clip.rotations_TJ4.copy()
    at = joint_index(joint)
    turn = rotation_vector_to_quat(np.array(vector))
    rotations[FRAMES // 2 :, at] = quat_multiply(turn, rotations[FRAMES // 2 :, at])
    return clip.replace(rotations_TJ4=rotations)


MOTIONS = {
    "goes forward": gliding(forward=1.5),
    "goes backward": gliding(forward=-1.0),
    "steps left": gliding(left=0.6),
    "steps right": gliding(left=-0.6),
    "turns left": gliding(turn=80),
    "turns right": gliding(turn=-80),
    "runs": gliding(forward=12.0),
    "left hand up": with_turned(gliding(), "left_shoulder", (0.0, 0.0, 2.4)),
    "right hand up": with_turned(gliding(), "right_shoulder", (0.0, 0.0, -2.4)),
    "bows": with_turned(gliding(), "spine1", (1.2, 0.0, 0.0)),
}


def test_every_check_has_five_different_wordings():
    assert PROMPTS.keys() == CHECKS.keys()
    assert all(len(set(wordings)) == 5 for wordings in PROMPTS.values())


@pytest.mark.parametrize("check", MOTIONS)
@pytest.mark.parametrize("yaw", [0.0, 2.0])
def test_a_motion_passes_its_own_check_wherever_it_starts(check: str, yaw: float):
    clip = place(MOTIONS[check], Placement(x=3.0, z=-1.0, yaw=yaw))
    passed = {name for name, obeyed in CHECKS.items() if obeyed(Facts.of(clip))}
    assert passed == {check} | ({"goes forward"} if check == "runs" else set())


def test_standing_still_obeys_nothing():
    assert not any(obeyed(Facts.of(gliding())) for obeyed in CHECKS.values())


def test_both_hands_are_neither_hand_alone():
    clip = with_turned(MOTIONS["left hand up"], "right_shoulder", (0.0, 0.0, -2.4))
    facts = Facts.of(clip)
    assert CHECKS["both hands up"](facts)
    assert not CHECKS["left hand up"](facts)
    assert not CHECKS["right hand up"](facts)
