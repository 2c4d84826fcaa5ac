"""The same clip at another speed and along another path: a caption then does not say the path.

A network that sees every walk along one path only learns walks by heart and has no use for a path
that it hears. Each clip is therefore also learnt faster, slower and, where it travels, bent: the
whole body is turned a little in every frame about the foot that stands, so feet keep their places
and merely pivot (turned about the pelvis they would slide by up to a decimetre a second).

T frames, 2 the ground's x and z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.clip import MotionClip
from ...geometry.feet.contacts import CONTACT_JOINTS, foot_contacts
from ...geometry.kinematics import clip_joints
from ...geometry.resample import resample
from ...geometry.rotations import normalize, quat_multiply, yaw_quat
from ...geometry.smoothing import gaussian_smooth

PACES = (0.8, 1.25)
"""Slowest and fastest speed of a clip that travels, times its own."""

STANDING_PACES = (0.88, 1.14)
"""The same of one that does not: jumps and blows at another speed soon look wrong."""

MOST_BEND = 25.0
"""Degrees a second that a path is bent by at most."""

U_TURN_SECONDS, U_TURN_LEAST_FRAMES = 2.4, 90
"""How long a turn back takes, and how long a clip must be for a walk there and back."""

_U_TURN_SHARE = 0.15  # of the variants of clips that are long enough and straight
_PIVOT_SIGMA, _PIVOT_REACH = 2.0, 6
"""Smoothing of the point that a body is turned about, frames, so that the root's path keeps its
direction where the weight goes from foot to foot."""

_ROOT_WEIGHT = 0.05  # of the root among the feet: it is the pivot where no foot stands
_WAVES = 1.5  # a bend that changes sides does so at most so often in a clip


@dataclass(frozen=True)
class Variant:
    """How a clip is changed. pace: times its speed. bend: degrees a second at most. waves: how
    often the bend swings to and fro in the clip (0: it stays). phase: where in the swing it begins,
    0..1.
    u_turn: instead of the bend, degrees that the path turns by in ``U_TURN_SECONDS`` at its middle.
    """

    pace: float = 1.0
    bend: float = 0.0
    waves: float = 0.0
    phase: float = 0.0
    u_turn: float = 0.0

    def of(self, clip: MotionClip) -> MotionClip:
        """The clip changed so."""
        paced = at_pace(clip, self.pace)
        bends = bool(self.bend or self.u_turn)
        return bent(paced, self.turn_rates(paced.frames, paced.fps)) if bends else paced

    def turn_rates(self, frames: int, fps: float) -> FloatArray:
        """Bend of the path in every frame (T,), radians a second, left (towards +X) positive."""
        if self.u_turn:
            away_T = (np.arange(frames) - 0.5 * frames) / (fps * U_TURN_SECONDS)
            shape_T = np.where(np.abs(away_T) < 0.5, np.cos(np.pi * away_T) ** 2, 0.0)
            return np.radians(self.u_turn) * shape_T * (2.0 / U_TURN_SECONDS)
        swing_T = np.linspace(0.0, self.waves, frames) + self.phase
        shape_T = np.cos(2.0 * np.pi * swing_T) if self.waves else np.ones(frames)
        return np.radians(self.bend) * shape_T


def draw_variant(rng: np.random.Generator, travels: bool, turns_back: bool = False) -> Variant:
    """A random change of a clip; only one that travels over the ground is bent. turns_back: a share
    of the variants are to turn and go back (``U_TURN_LEAST_FRAMES``)."""
    pace = float(np.exp(rng.uniform(*np.log(PACES if travels else STANDING_PACES))))
    if not travels:
        return Variant(pace)
    if turns_back and rng.random() < _U_TURN_SHARE:
        return Variant(pace, u_turn=float(rng.choice([-180.0, 180.0])))
    waves = float(rng.uniform(0.3, _WAVES)) if rng.random() < 0.5 else 0.0
    return Variant(pace, float(rng.uniform(-MOST_BEND, MOST_BEND)), waves, float(rng.random()))


def at_pace(clip: MotionClip, pace: float) -> MotionClip:
    """The clip played ``pace`` times as fast, at its own frame rate."""
    return clip if pace == 1.0 else resample(clip.replace(fps=clip.fps * pace), clip.fps)


def bent(clip: MotionClip, turn_rates_T: FloatArray) -> MotionClip:
    """The clip along a path that turns by so much more (T,), radians a second about +Y.

    Every step to the next frame is followed by a turn about the pivot of the step's first frame;
    the first frame stays where it is. No turn gives back the clip, to rounding.
    """
    yaw_T = _sums_before(turn_rates_T / clip.fps)
    pivot_T2 = _pivots(clip)
    moved_T2 = _turned(pivot_T2[:-1], yaw_T[:-1]) - _turned(pivot_T2[:-1], yaw_T[1:])
    offset_T2 = np.concatenate([np.zeros((1, 2)), np.cumsum(moved_T2, axis=0)])
    root_T3 = clip.root_T3.copy()
    root_T3[:, [0, 2]] = _turned(root_T3[:, [0, 2]], yaw_T) + offset_T2
    rotations_TJ4 = clip.rotations_TJ4.copy()
    rotations_TJ4[:, 0] = normalize(quat_multiply(yaw_quat(yaw_T), rotations_TJ4[:, 0]))
    return clip.replace(rotations_TJ4=rotations_TJ4, root_T3=root_T3)


def _pivots(clip: MotionClip) -> FloatArray:
    """Where the body stands in every frame, on the ground (T, 2)."""
    joints_TJ3 = clip_joints(clip)
    standing_TF = foot_contacts(joints_TJ3, clip.fps).astype(np.float64)
    weight_TF = gaussian_smooth(standing_TF, _PIVOT_SIGMA, _PIVOT_REACH)
    places = np.concatenate([joints_TJ3[:, list(CONTACT_JOINTS)], clip.root_T3[:, None]], axis=1)
    weights = np.concatenate([weight_TF, np.full((clip.frames, 1), _ROOT_WEIGHT)], axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("tf,tfk->tk", weights, places[..., [0, 2]])


def _turned(ground_T2: FloatArray, yaw_T: FloatArray) -> FloatArray:
    """Points on the ground (x, z) turned about the origin by yaw radians about +Y."""
    x_T, z_T = ground_T2.T
    sin_T, cos_T = np.sin(yaw_T), np.cos(yaw_T)
    return np.stack([x_T * cos_T + z_T * sin_T, z_T * cos_T - x_T * sin_T], axis=-1)


def _sums_before(steps_T: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.cumsum(steps_T[:-1])])
