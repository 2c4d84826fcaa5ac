"""Clips at another speed and along another path."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_blender.geometry.deeds.facts import Facts
from mmm_blender.geometry.resample import resample
from mmm_blender.motion.features.smpl import encode_clip
from mmm_blender.training.data.augmentation import Variant, at_pace, bent
from tests.geometry.motions import hinged_clip


def test_no_bend_is_the_clip_itself() -> None:
    clip = hinged_clip(60, turn=0.4)
    same = bent(clip, np.zeros(60))
    assert same.root_T3 == pytest.approx(clip.root_T3, abs=1e-12)
    assert same.rotations_TJ4 == pytest.approx(clip.rotations_TJ4, abs=1e-12)
    assert Variant().of(clip) is clip


def test_a_bend_turns_by_what_it_says() -> None:
    clip = hinged_clip(60, turn=0.0)
    turned = Variant(bend=20.0).of(clip)
    before, after = Facts.of(clip), Facts.of(turned)
    assert after.turn - before.turn == pytest.approx(20.0 * 59 / 20, abs=1e-6)
    assert turned.root_T3[0] == pytest.approx(clip.root_T3[0])
    assert turned.root_T3[:, 1] == pytest.approx(clip.root_T3[:, 1])


def test_a_turn_back_is_a_half() -> None:
    clip = hinged_clip(100, turn=0.0)
    before, after = Facts.of(clip), Facts.of(Variant(u_turn=180.0).of(clip))
    assert after.turn - before.turn == pytest.approx(180.0, abs=1.0)


def test_a_paced_clip_is_the_resampled_one() -> None:
    clip = hinged_clip(80, turn=0.3)
    faster = at_pace(clip, 1.25)
    assert faster.frames == 64 and faster.fps == clip.fps
    wanted = encode_clip(resample(clip, 16.0).replace(fps=20.0))
    assert encode_clip(faster) == pytest.approx(wanted, abs=1e-9)
