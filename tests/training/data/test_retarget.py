"""Calibration must find any skeleton's joint frames from its motion alone."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_blender.geometry.rotations import quat_angle
from mmm_blender.geometry.skeleton import SMPL_22
from mmm_blender.training.data.calibration import axis_names, calibrate
from mmm_blender.training.data.retarget import bone_direction_errors, retarget
from mmm_blender.training.data.rigs import SIDES
from tests.training.synthetic import RIG, as_source, signed_axes, walk_on_the_spot


@pytest.mark.parametrize("seed", range(3))
def test_unknown_joint_frames_are_found(seed: int) -> None:
    clip = walk_on_the_spot()
    source = as_source(clip, signed_axes(np.random.default_rng(seed)), unit=0.01)
    calibration = calibrate(RIG, [source])
    made, floor = retarget(source, calibration)
    off = np.degrees(quat_angle(made.rotations_TJ4, clip.rotations_TJ4)).max(axis=0)
    worst = dict(zip(SMPL_22.names, off.round(2), strict=True))
    # an elbow bends by the shortest arc, a few degrees beside its hinge; the hand undoes it
    assert off.max() < 3.0, worst
    arms = [SMPL_22.names.index(f"{side}_{end}") for side in SIDES for end in ("elbow", "wrist")]
    assert np.delete(off, arms).max() < 0.01, worst
    assert calibration.scale == pytest.approx(0.01, rel=1e-6)
    np.testing.assert_allclose(made.root_T3, clip.root_T3, atol=2e-3)
    assert abs(floor) < 2e-3
    assert bone_direction_errors(made, source, calibration) < 1e-3


def test_calibration_reports_the_axes_in_words() -> None:
    assert axis_names(np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])) == "-Y +X +Z"


def test_the_rate_becomes_twenty_frames_a_second() -> None:
    clip = walk_on_the_spot(120)
    fast = clip.replace(fps=60.0)
    source = as_source(fast, signed_axes(np.random.default_rng(0)), unit=1.0)
    made, _ = retarget(source, calibrate(RIG, [source]))
    assert made.fps == 20.0
    assert made.frames == 40
    np.testing.assert_allclose(
        quat_angle(made.rotations_TJ4, clip.rotations_TJ4[::3]), 0, atol=0.06
    )
