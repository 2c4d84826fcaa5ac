"""Plain facts of a motion by forward kinematics: where it goes, how it turns, how fast, which hands
come up. Angles in degrees, lengths in metres; left is positive. T frames, J joints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ..clip import MotionClip
from ..feet.contacts import CONTACT_JOINTS
from ..kinematics import clip_joints
from ..placement import joint_headings
from ..skeleton import joint_index

_STANDING_SHARE = 0.02  # of the frames a foot's joint is as low as when it stands


@dataclass(frozen=True, eq=False)
class Facts:
    """What a check may look at. forward, left: net travel in the first frame's heading; turn:
    net yaw; speed: mean over the ground; joints_TJ3: metres, model space."""

    forward: float
    left: float
    turn: float
    speed: float
    joints_TJ3: FloatArray

    @classmethod
    def of(cls, clip: MotionClip) -> Facts:
        """Measure a clip."""
        joints = clip_joints(clip)
        yaw = np.unwrap(joint_headings(joints))
        travel = clip.root_T3[-1] - clip.root_T3[0]
        sine, cosine = np.sin(yaw[0]), np.cos(yaw[0])
        steps = np.linalg.norm(np.diff(clip.root_T3[:, [0, 2]], axis=0), axis=-1)
        return cls(
            forward=float(travel[0] * sine + travel[2] * cosine),
            left=float(travel[0] * cosine - travel[2] * sine),
            turn=float(np.degrees(yaw[-1] - yaw[0])),
            speed=float(steps.sum() / clip.seconds),
            joints_TJ3=joints,
        )

    def joint(self, name: str) -> FloatArray:
        """Positions (T, 3) of a joint."""
        return self.joints_TJ3[:, joint_index(name)]

    def raises(self, side: str) -> bool:
        """The wrist of a side comes over its shoulder."""
        lift = self.joint(f"{side}_wrist")[:, 1] - self.joint(f"{side}_shoulder")[:, 1]
        return bool(lift.max() > 0)

    @property
    def bow(self) -> float:
        """How far the trunk leans from the vertical at most, degrees."""
        trunk = self.joint("neck") - self.joint("pelvis")
        return float(np.degrees(np.arccos(trunk[:, 1] / np.linalg.norm(trunk, axis=-1))).max())

    @property
    def flight(self) -> float:
        """How far the lower foot gets off the floor at most, metres."""
        heights = self.joints_TJ3[:, list(CONTACT_JOINTS), 1]
        return float((heights - np.quantile(heights, _STANDING_SHARE, axis=0)).min(axis=-1).max())

    def body_speed(self, fps: float) -> float:
        """Mean speed of the joints, seen from above the ground under the pelvis, m/s."""
        ground = self.joint("pelvis")[:, None] * np.array([1.0, 0.0, 1.0])
        steps = np.linalg.norm(np.diff(self.joints_TJ3 - ground, axis=0), axis=-1)
        return float(steps.mean() * fps) if len(steps) else 0.0
