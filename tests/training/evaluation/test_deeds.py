"""What is seen of two deeds, of steps and of standing, in motions that are made up."""

import numpy as np
import pytest

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.deeds.judges import (
    DEEDS,
    Seen,
    both_at_once,
    in_order,
    stands_still,
    wrist_speeds,
)
from mmm_blender.geometry.rotations import quat_multiply, rotation_vector_to_quat
from mmm_blender.geometry.skeleton import joint_index
from mmm_blender.training.evaluation.hand_speed import raised_hand_speed
from mmm_blender.training.evaluation.judge_rates import after, deed_rates, joined_rates
from mmm_blender.training.evaluation.sentences import SENTENCES, THEN, WHILE, within_one

FRAMES = 80
SIGNS = {"left": -1.0, "right": 1.0}


def turned(clip: MotionClip, joint: str, vectors_T3: FloatArray) -> MotionClip:
    rotations = clip.rotations_TJ4.copy()
    at = joint_index(joint)
    rotations[:, at] = quat_multiply(rotations[:, at], rotation_vector_to_quat(vectors_T3))
    return clip.replace(rotations_TJ4=rotations)


def about_z(angles_T: FloatArray) -> FloatArray:
    return np.stack([0 * angles_T, 0 * angles_T, angles_T], axis=-1)


def standing(forward: float = 0.0) -> MotionClip:
    """Hanging arms; glides so far in 4 s."""
    rotations = np.zeros((FRAMES, 22, 4))
    rotations[..., 0] = 1.0
    root = np.zeros((FRAMES, 3))
    root[:, 1], root[:, 2] = 0.95, forward * np.linspace(0, 1, FRAMES)
    clip = MotionClip(rotations, root)
    for side, sign in SIGNS.items():
        clip = turned(clip, f"{side}_shoulder", about_z(np.full(FRAMES, sign * 1.3)))
    return clip


def waving(clip: MotionClip, *sides: str, swing: float = 0.6) -> MotionClip:
    """Raised arms whose forearms go there and back twice a second."""
    time = np.arange(FRAMES) / 20
    for side in sides:
        sign = SIGNS[side]
        clip = turned(clip, f"{side}_shoulder", about_z(np.full(FRAMES, -sign * 2.1)))
        swings = sign * (-0.7 + swing * np.sin(2 * np.pi * 2.0 * time))
        clip = turned(clip, f"{side}_elbow", about_z(swings))
    return clip


@pytest.mark.parametrize("hands", [("left",), ("right",), ("left", "right")])
def test_a_wave_is_one_of_just_these_hands(hands: tuple[str, ...]):
    seen = Seen.of(waving(standing(), *hands))
    for name, deed in DEEDS.items():
        if deed.hands:
            assert deed.shown(seen) == (deed.hands == hands), name


def test_a_raised_hand_that_does_not_swing_is_no_wave():
    seen = Seen.of(waving(standing(), "left", swing=0.0))
    assert DEEDS["raise left"].shown(seen)
    assert not DEEDS["wave left"].shown(seen)
    assert raised_hand_speed(seen.clip) == pytest.approx(0, abs=1e-6)
    assert raised_hand_speed(waving(standing(), "left")) > 0.5
    assert raised_hand_speed(standing(2.0)) == 0


def test_two_deeds_are_seen_at_once_and_not_one_by_one():
    judge = both_at_once(DEEDS["walk"], DEEDS["wave right"])
    walk = standing(3.0)
    assert judge(waving(walk, "right"))
    for other in (walk, waving(standing(), "right"), waving(walk, "left")):
        assert not judge(other)
    assert not judge(after(walk, waving(standing(), "right")))


def test_two_deeds_in_a_row_have_an_order():
    judge = in_order(DEEDS["walk"], DEEDS["wave right"])
    walk, wave = standing(3.0), waving(standing(), "right")
    assert judge(after(walk, wave))
    for other in (after(wave, walk), walk, wave, waving(walk, "right")):
        assert not judge(other)


def test_who_stands_still_rests_the_hands():
    assert stands_still(standing())
    assert not stands_still(standing(1.0))
    assert not stands_still(waving(standing(), "left"))
    left, right = wrist_speeds(waving(standing(), "left"))
    assert left > 0.5
    assert right == pytest.approx(0, abs=1e-6)


def test_a_count_of_steps_is_met_within_one_and_never_by_none(monkeypatch: pytest.MonkeyPatch):
    def met(shown: int, asked: int) -> bool:
        def steps_of(_clip: object) -> int:
            return shown

        monkeypatch.setattr("mmm_blender.training.evaluation.sentences.steps_of", steps_of)
        return within_one(asked)(standing())

    assert [met(shown, 1) for shown in range(4)] == [False, True, True, False]
    assert [met(shown, 4) for shown in range(2, 7)] == [False, True, True, True, False]


def test_every_row_asks_what_it_says():
    prompts = {name: [ask.prompt for ask in asks] for name, asks in SENTENCES.items()}
    assert len(set(prompts[WHILE])) == len(set(prompts[THEN])) == 24
    assert all("then" in prompt for prompt in prompts[THEN])
    assert "a person walks forward and waves with the left hand" in prompts[WHILE]


def test_judges_tell_how_often_captured_motion_passes():
    walk, wave = standing(3.0), waving(standing(), "right")
    captured = {"walk": [walk], "wave right": [wave, walk], "stand": [standing()]}
    assert deed_rates(captured) == {"walk": 1.0, "wave right": 0.5, "stand": 1.0}
    rates = joined_rates({"walk": [walk], "wave right": [wave], "stand": [standing()]})
    assert rates[WHILE] == 1
    assert rates[f"{WHILE}, legs alone"] == 0
    assert rates[THEN] == 1
