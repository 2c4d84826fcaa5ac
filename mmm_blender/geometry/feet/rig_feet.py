"""Feet of other legs than SMPL's that stand where the clip's stand.

A rig's thighs, shins and feet have lengths of their own, so the same turns put its toes elsewhere.
Two corrections, both in the model's metres. The body is raised or lowered until the foot that
carries it is as high over its own sole as the clip's is over SMPL's: by the turns of that frame
alone, so that reading takes it out again. Then feet in contact are led by the legs to a path that
moves as the clip's does, and eased back in between; frames that may not change stay as they are.

Shape suffixes: T frames, S = 2 sides (left, right), C = 2 contacts (ankle, toe), R runs of frames
with contact, N = T * S as in ``foot_plants``, 3 metres in model space, 4 quaternions w first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ..clip import MotionClip
from ..editing.seam_blending import Ease, eased
from ..retarget.alignment import Alignment
from ..retarget.retargeting import HIPS_3
from ..rotations import cross, quat_multiply, quat_rotate
from ..smoothing import gaussian_smooth
from .contacts import standing_heights
from .foot_plants import ANKLE, TOE, Runs, standing_contacts
from .leg_ik import LegBones, Legs, with_feet_at

_STANDS_C = standing_heights()[:2]

_LOW = 0.02
"""A foot so much higher than the other one, metres, has a third of its say in the body's height."""

_LARGEST = 0.12
"""A foot that would be led further than this, metres, is let go."""

_LARGEST_STRAIN = np.radians(2.9)
"""A thigh or shin turns by no more for a foot: about what nobody sees of a step."""

_SAME = 1e-9
"""Nearly 0, as of poses whose numbers are the same but for rounding."""

_ROUNDS, _SPREAD = 6, 3
"""How often, and over how many frames on either side, a foot is let nearer to its own way."""

_EASE = Ease(value=0.4, speed=0.12, push=0.0)
"""How a foot gets from its place back to its own way."""


@dataclass(frozen=True, eq=False)
class RigFeet:
    """bones: of a rig's legs, metres of the model. stands_SC: heights of its ankles and toes over
    its soles in the T-pose."""

    bones: LegBones
    stands_SC: FloatArray

    @classmethod
    def of(cls, alignment: Alignment) -> RigFeet:
        """Of a rig that is measured."""
        hip_S3, thigh_S3, shank_S3, foot_S3 = alignment.legs_S43.swapaxes(0, 1)
        ankle_S = alignment.height / alignment.scale + (hip_S3 + thigh_S3 + shank_S3)[:, 1]
        bones = LegBones(HIPS_3 + hip_S3, thigh_S3, shank_S3, foot_S3)
        return cls(bones, np.stack([ankle_S, ankle_S + foot_S3[:, 1]], axis=-1))

    def raised(self, clip: MotionClip) -> MotionClip:
        """The clip with the body as high as the rig's legs ask for."""
        return self._moved(clip, 1.0)

    def lowered(self, clip: MotionClip) -> MotionClip:
        """The reverse of ``raised``."""
        return self._moved(clip, -1.0)

    def planted(self, clip: MotionClip, free_T: BoolArray | None = None) -> MotionClip:
        """``raised``, and with the legs turned so that the rig's feet stand where they touch the
        floor. free_T: frames in which the legs may change, None for all. What ends in the pose in
        which it begins goes round, and still does."""
        if free_T is None and _goes_round(clip):
            return self.planted(_thrice(clip), np.ones(3 * clip.frames - 2, dtype=np.bool_)).slice(
                clip.frames - 1, 2 * clip.frames - 1
            )
        free_T = np.ones(clip.frames, dtype=np.bool_) if free_T is None else free_T
        raised, own = self.raised(clip), Legs.of(clip)
        legs = Legs.of_bones(raised, self.bones)
        contacts_TSC = standing_contacts(own.joints_TJ3, clip.fps)
        toe_TS3 = self._toes(own, legs, contacts_TSC, free_T, clip.fps)
        toe_TS3 = _without_strain(legs, toe_TS3)
        ankle_TS3, foot_TS4 = legs.reached(toe_TS3, legs.feet_TS4)
        moved_TS = (toe_TS3 != legs.toe_TS3).any(axis=-1)
        turned = with_feet_at(raised.rotations_TJ4, legs, ankle_TS3, foot_TS4, moved_TS)
        return raised.replace(rotations_TJ4=turned)

    def _moved(self, clip: MotionClip, sign: float) -> MotionClip:
        root_T3 = clip.root_T3.copy()
        root_T3[:, 1] += sign * self._lift(clip)
        return clip.replace(root_T3=root_T3)

    def _lift(self, clip: MotionClip) -> FloatArray:
        """How much higher the body has to be, (T,), by the clip's turns alone."""
        own, legs = Legs.of(clip), Legs.of_bones(clip, self.bones)
        over_TSC = _heights(own) - _STANDS_C
        apart_TSC = over_TSC - (_heights(legs) - self.stands_SC)
        lowest_T = over_TSC.min(axis=(1, 2), keepdims=True)
        weight_TSC = np.exp((lowest_T - over_TSC) / _LOW)
        return (weight_TSC * apart_TSC).sum(axis=(1, 2)) / weight_TSC.sum(axis=(1, 2))

    def _toes(  # legs of both, and when they stand
        self, own: Legs, legs: Legs, contacts_TSC: BoolArray, free_T: BoolArray, fps: float
    ) -> FloatArray:
        """Where the rig's toes should be. (T, S, 3)."""
        runs = Runs.of(contacts_TSC.any(axis=-1), free_T)
        foot_TS3 = legs.toe_TS3 - legs.ankle_TS3
        path_TS3 = _path(own, legs, foot_TS3, contacts_TSC)
        over_TSC = _heights(own) - _STANDS_C + self.stands_SC
        by_ankle_TS = over_TSC[..., ANKLE] + foot_TS3[..., 1]
        height_TS = np.where(contacts_TSC[..., TOE], over_TSC[..., TOE], by_ankle_TS)
        wanted_TS3 = legs.toe_TS3.copy()
        wanted_TS3[..., 1] = np.where(free_T[:, None], height_TS, wanted_TS3[..., 1])
        shift_N3 = _flat(wanted_TS3 - path_TS3)
        held_N3 = runs.held(shift_N3, runs.mean(shift_N3))
        moved_TS3 = path_TS3 + _unflat(held_N3) - legs.toe_TS3
        held_TS = runs.inside_TS & ~_too_far(runs, moved_TS3)
        known_TS3 = np.where(held_TS[..., None], moved_TS3, 0.0)
        return legs.toe_TS3 + eased(known_TS3, ~held_TS & free_T[:, None], fps, _EASE)


def _goes_round(clip: MotionClip) -> bool:
    """Whether a clip ends in the pose in which it begins, wherever that is over the ground."""
    turns_TJ4 = clip.rotations_TJ4
    apart = 1.0 - np.abs(np.sum(turns_TJ4[0] * turns_TJ4[-1], axis=-1)).min()
    rise = abs(float(clip.root_T3[-1, 1] - clip.root_T3[0, 1]))
    return clip.frames > 2 and bool(apart < _SAME) and rise < _SAME


def _thrice(clip: MotionClip) -> MotionClip:
    """A clip that goes round, with the round before and the one after."""
    way_3 = clip.root_T3[-1] - clip.root_T3[0]
    turns, places = clip.rotations_TJ4, clip.root_T3
    return clip.replace(
        rotations_TJ4=np.concatenate([turns[:-1], turns, turns[1:]]),
        root_T3=np.concatenate([places[:-1] - way_3, places, places[1:] + way_3]),
    )


def _without_strain(legs: Legs, toe_TS3: FloatArray) -> FloatArray:
    """Places of the toes, nearer to where they are wherever thigh or shin would turn too far."""
    moved_TS3 = toe_TS3 - legs.toe_TS3
    for _ in range(_ROUNDS):
        strain_TS = _strain(legs, legs.toe_TS3 + moved_TS3)
        if strain_TS.max(initial=0.0) <= 1.0:
            break
        share_TS = 1.0 / np.maximum(strain_TS, 1.0)
        wide_TS = np.pad(share_TS, ((_SPREAD, _SPREAD), (0, 0)), mode="edge")
        least_TS = np.lib.stride_tricks.sliding_window_view(wide_TS, 2 * _SPREAD + 1, 0).min(-1)
        moved_TS3 = moved_TS3 * gaussian_smooth(least_TS, 0.5 * _SPREAD, _SPREAD)[..., None]
    return legs.toe_TS3 + moved_TS3


def _strain(legs: Legs, toe_TS3: FloatArray) -> FloatArray:
    """How far thigh or shin turns for toes in these places, 1 as far as they may. (T, S)."""
    ankle_TS3, foot_TS4 = legs.reached(toe_TS3, legs.feet_TS4)
    solved_TBS4 = legs.solved(ankle_TS3, foot_TS4)
    thigh_TS4 = quat_multiply(legs.pelvis_T4[:, None], solved_TBS4[:, 0])
    shank_TS4 = quat_multiply(thigh_TS4, solved_TBS4[:, 1])
    before_TS4 = quat_multiply(legs.hips_TS4, legs.knees_local_TS4)
    bones = (legs.bones.thigh_S3, legs.bones.shank_S3)
    angles = [
        _angle(quat_rotate(new_TS4, bone_S3), quat_rotate(old_TS4, bone_S3))
        for new_TS4, old_TS4, bone_S3 in zip(
            (thigh_TS4, shank_TS4), (legs.hips_TS4, before_TS4), bones, strict=True
        )
    ]
    return np.maximum(angles[0], angles[1]) / _LARGEST_STRAIN


def _angle(one_TS3: FloatArray, other_TS3: FloatArray) -> FloatArray:
    return np.arctan2(np.linalg.norm(cross(one_TS3, other_TS3), axis=-1),
                      np.sum(one_TS3 * other_TS3, axis=-1))  # fmt: skip


def _heights(legs: Legs) -> FloatArray:
    """Of ankles and toes. (T, S, C)."""
    return np.stack([legs.ankle_TS3[..., 1], legs.toe_TS3[..., 1]], axis=-1)


def _path(own: Legs, legs: Legs, foot_TS3: FloatArray, contacts_TSC: BoolArray) -> FloatArray:
    """A path of the rig's toes that moves, of what touches the floor, as the clip's does: known
    but for a shift. foot_TS3: the rig's feet from ankle to toe. (T, S, 3)."""
    still_TSC = contacts_TSC[1:] & contacts_TSC[:-1]
    by_ankle_TS3 = np.diff(own.ankle_TS3, axis=0) + np.diff(foot_TS3, axis=0)
    step_TS3 = np.where(still_TSC[..., ANKLE, None], by_ankle_TS3, np.diff(legs.toe_TS3, axis=0))
    step_TS3 = np.where(still_TSC[..., TOE, None], np.diff(own.toe_TS3, axis=0), step_TS3)
    return np.concatenate([legs.toe_TS3[:1], legs.toe_TS3[:1] + np.cumsum(step_TS3, axis=0)])


def _too_far(runs: Runs, moved_TS3: FloatArray) -> BoolArray:
    """Frames of runs in which a foot would be led too far. (T, S)."""
    away_N = np.linalg.norm(_flat(moved_TS3), axis=-1)
    far_N = np.zeros(len(away_N), dtype=np.bool_)
    for start, stop, most in zip(runs.start_R, runs.stop_R, runs.most(away_N), strict=True):
        far_N[start:stop] = most > _LARGEST
    return far_N.reshape(2, -1).T


def _flat(values_TS3: FloatArray) -> FloatArray:
    return values_TS3.swapaxes(0, 1).reshape(-1, 3)


def _unflat(values_N3: FloatArray) -> FloatArray:
    return values_N3.reshape(2, -1, 3).swapaxes(0, 1)
