"""A prompt becomes a loop: with the starter weights, for what closes well is learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.editing.conditions import Ends
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import quat_angle
from mmm_blender.motion.pipeline.looping import SMOOTH_SEAM
from mmm_blender.motion.pipeline.pipeline import GenerateRequest, MotionPipeline

STARTER = Path(__file__).resolve().parents[3] / "weights" / "starter"
WALK = GenerateRequest("a person walks forward", 1.5, 1, fps=24.0, loop=True)
FRAMES = 36


@pytest.fixture(scope="module")
def starter() -> MotionPipeline:
    return MotionPipeline.load(STARTER)


@pytest.mark.parametrize("prompt", ["a person walks forward", "a person stands still"])
def test_a_round_leads_into_the_next(starter: MotionPipeline, prompt: str) -> None:
    made = starter.generate(replace(WALK, prompt=prompt))
    clip = made.clip
    assert clip.frames == FRAMES + 1 and clip.fps == 24.0
    assert quat_angle(clip.rotations_TJ4[-1], clip.rotations_TJ4[0]).max() < 1e-9
    step = clip.root_T3[-1] - clip.root_T3[0]
    assert step[1] == 0.0, "it neither rises nor sinks"
    assert made.seam is not None and made.seam <= SMOOTH_SEAM
    # velocities meet: the first step of the next round is no other than those around it
    joints = clip_joints(clip)
    rounds = np.concatenate([joints[:-1], joints[:-1] + step])
    steps = np.linalg.norm(np.diff(rounds, axis=0), axis=-1).mean(axis=-1)
    changes = np.abs(np.diff(steps))
    assert changes[FRAMES - 3 : FRAMES + 1].max() <= 1.2 * changes.max()


def test_it_is_made_again_from_its_tokens(starter: MotionPipeline) -> None:
    made = starter.generate(WALK)
    known = replace(WALK, tokens_LP=made.tokens_LP, loop_span=made.loop_span)
    again = starter.generate(known)
    assert np.array_equal(again.clip.rotations_TJ4, made.clip.rotations_TJ4)
    assert np.array_equal(again.clip.root_T3, made.clip.root_T3)
    for wrong in ((0, 10_000), (30, 20)):
        with pytest.raises(MMMError, match="recipe is damaged"):
            starter.generate(replace(known, loop_span=wrong))
    with pytest.raises(MMMError, match="do not fit"):
        starter.generate(replace(known, tokens_LP=made.tokens_LP[:3]))


def test_what_no_loop_can_be_is_said(starter: MotionPipeline) -> None:
    with pytest.raises(MMMError, match="makes 1 to"):
        starter.generate(replace(WALK, seconds=0.5))
    with pytest.raises(MMMError, match="keeps to no path"):
        starter.generate(replace(WALK, ends=Ends("free", "standing")))
