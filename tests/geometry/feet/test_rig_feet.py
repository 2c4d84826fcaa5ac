"""Feet of rigs with other legs than SMPL's: they stand where the clip's stand.

Shape suffixes: T frames, S = 2 sides, 3 metres, 4 quaternions w first.
"""

from __future__ import annotations

import numpy as np
from _rigs.skeletons import Build, rest_body
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import BoolArray, FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.feet.contacts import standing_heights
from mmm_blender.geometry.feet.foot_plants import standing_contacts
from mmm_blender.geometry.feet.leg_ik import ANKLES, HIPS, KNEES, Legs
from mmm_blender.geometry.feet.rig_feet import RigFeet
from mmm_blender.geometry.retarget.alignment import RestBody, align
from mmm_blender.geometry.rotations import quat_angle
from mmm_blender.geometry.skeleton import SMPL_22
from tests.geometry.feet.test_foot_locking import walking
from tests.geometry.motions import smooth_clip

FPS = 24.0
builds = st.builds(
    Build,
    legs=st.floats(0.8, 1.2),
    thigh=st.floats(0.94, 1.06),
    feet=st.floats(0.85, 1.2),
    knees=st.floats(0.0, 15.0),
)
some = settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])


def feet_of(build: Build) -> RigFeet:
    joints_J3 = rest_body(build).joints_J3
    heads = {
        name: joints_J3[at] for at, name in enumerate(SMPL_22.names) if not name.startswith("spine")
    }
    return RigFeet.of(align(RestBody(heads, {})))


def stepping() -> MotionClip:
    return walking(72, FPS)


def slide(toe_TS3: FloatArray, stands_TS: BoolArray) -> float:
    """Mean metres a second of toes that stand."""
    both_TS = stands_TS[1:] & stands_TS[:-1]
    steps_TS = np.linalg.norm(np.diff(toe_TS3[..., [0, 2]], axis=0), axis=-1)
    return float(steps_TS[both_TS].mean() * FPS)


def test_legs_like_smpls_stay_as_they_are() -> None:
    clip = stepping()
    planted = feet_of(Build()).planted(clip)
    assert np.allclose(planted.root_T3, clip.root_T3, atol=1e-9)
    assert quat_angle(planted.rotations_TJ4, clip.rotations_TJ4).max() < 1e-6


@some
@given(builds, st.integers(0, 100))
def test_reading_takes_the_height_out_again(build: Build, seed: int) -> None:
    feet, clip = feet_of(build), smooth_clip(20, FPS, seed)
    assert np.allclose(feet.lowered(feet.raised(clip)).root_T3, clip.root_T3, atol=1e-12)


@some
@given(builds)
def test_standing_feet_stand_on_their_own_soles(build: Build) -> None:
    feet, clip = feet_of(build), stepping()
    own = Legs.of(clip)
    stands_TS = standing_contacts(own.joints_TJ3, FPS)[..., 1]
    legs = Legs.of_bones(feet.planted(clip), feet.bones)
    assert slide(legs.toe_TS3, stands_TS) < 1.2 * slide(own.toe_TS3, stands_TS) + 0.002
    over_TS = legs.toe_TS3[..., 1] - feet.stands_SC[:, 1]
    own_TS = own.toe_TS3[..., 1] - standing_heights()[1]
    assert np.percentile(np.abs(over_TS - own_TS)[stands_TS], 95) < 0.01


@some
@given(builds)
def test_thighs_and_shins_hardly_turn(build: Build) -> None:
    feet, clip = feet_of(build), stepping()
    before = Legs.of_bones(feet.raised(clip), feet.bones)
    after = Legs.of_bones(feet.planted(clip), feet.bones)
    assert np.degrees(quat_angle(before.hips_TS4, after.hips_TS4)).max() < 3.5
    assert quat_angle(before.feet_TS4, after.feet_TS4).max() < 0.1


@some
@given(builds, st.integers(5, 30), st.integers(1, 35))
def test_frames_that_may_not_change_stay_bit_for_bit(build: Build, first: int, long: int) -> None:
    feet, clip = feet_of(build), stepping()
    free_T = np.zeros(clip.frames, dtype=np.bool_)
    free_T[first : first + long] = True
    planted = feet.planted(clip, free_T)
    assert np.array_equal(planted.rotations_TJ4[~free_T], clip.rotations_TJ4[~free_T])
    others = [joint for joint in range(22) if joint not in (*HIPS, *KNEES, *ANKLES)]
    assert np.array_equal(planted.rotations_TJ4[:, others], clip.rotations_TJ4[:, others])
    # what is led beside a seam is led from what is kept: no jump
    legs = Legs.of_bones(planted, feet.bones)
    own = Legs.of_bones(feet.raised(clip), feet.bones)
    apart_TS = np.linalg.norm(legs.toe_TS3 - own.toe_TS3, axis=-1)
    assert apart_TS[[first, first + long - 1]].max() < 0.012


@some
@given(builds)
def test_what_goes_round_still_does(build: Build) -> None:
    feet, there = feet_of(build), stepping()
    turns, places = there.rotations_TJ4, there.root_T3
    clip = there.replace(
        rotations_TJ4=np.concatenate([turns, turns[-2::-1]]),
        root_T3=np.concatenate([places, places[-2::-1]]),
    )
    planted = feet.planted(clip)
    assert planted.frames == clip.frames
    assert quat_angle(planted.rotations_TJ4[0], planted.rotations_TJ4[-1]).max() < 1e-7
    assert np.allclose(planted.root_T3, feet.raised(clip).root_T3, atol=1e-12)
