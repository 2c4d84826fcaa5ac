"""The mannequin's parts: one tapered capsule a row, in the rest pose of the SMPL skeleton.

Only the middle and the left side are written down; the right side is its mirror image.
Model space (Y up, facing +Z, left +X), metres.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Part:
    """A capsule whose ends may differ in thickness.

    joint: whose bone carries it. start, end: (joint, offset from that joint) of its axis.
    radii: at start and end. squash: factors on its thickness along x, y and z. melt: how far it
    flows into the parts before it. All metres.
    """

    joint: str
    start: tuple[str, Point]
    end: tuple[str, Point]
    radii: tuple[float, float]
    squash: Point = (1.0, 1.0, 1.0)
    melt: float = 0.03


_MIDDLE = (
    # pelvis and belly
    Part("pelvis", ("left_hip", (0.012, 0.020, 0.005)), ("right_hip", (-0.012, 0.020, 0.005)),
         (0.098, 0.098), (1.0, 1.0, 1.02)),
    Part("spine1", ("pelvis", (0.0, 0.06, 0.0)), ("spine1", (0.0, 0.07, 0.025)),
         (0.128, 0.118), (1.08, 1.0, 0.80), 0.05),
    Part("spine2", ("spine2", (0.0, -0.02, 0.005)), ("spine2", (0.0, 0.06, 0.0)),
         (0.120, 0.130), (1.06, 1.0, 0.80), 0.05),
    # rib cage, girdle, neck
    Part("spine3", ("spine3", (0.0, -0.01, 0.005)), ("spine3", (0.0, 0.080, -0.005)),
         (0.125, 0.132), (1.16, 1.0, 0.84), 0.05),
    Part("spine3", ("left_collar", (0.035, -0.005, -0.005)),
         ("right_collar", (-0.035, -0.005, -0.005)), (0.072, 0.072), (1.0, 1.0, 0.95), 0.05),
    Part("neck", ("neck", (0.0, -0.03, -0.008)), ("head", (0.0, 0.03, -0.018)),
         (0.060, 0.055), melt=0.04),
    # head: skull, face, chin, nose
    Part("head", ("head", (0.0, 0.085, -0.012)), ("head", (0.0, 0.100, 0.000)),
         (0.089, 0.089), (0.90, 1.06, 1.12), 0.02),
    Part("head", ("head", (0.0, 0.055, 0.042)), ("head", (0.0, -0.010, 0.062)),
         (0.064, 0.036), (1.0, 1.0, 1.0), 0.03),
    Part("head", ("head", (0.0, 0.075, 0.097)), ("head", (0.0, 0.045, 0.112)),
         (0.007, 0.013), melt=0.015),
)  # fmt: skip

_LEFT = (
    # chest, shoulder
    Part("spine3", ("left_collar", (0.005, -0.065, 0.075)), ("left_collar", (0.02, -0.06, 0.07)),
         (0.058, 0.058), (1.1, 1.0, 0.75), 0.05),
    Part("left_collar", ("neck", (0.03, -0.02, -0.012)), ("left_shoulder", (-0.035, 0.015, 0.0)),
         (0.045, 0.042), melt=0.05),
    Part("left_shoulder", ("left_shoulder", (-0.005, -0.005, 0.0)),
         ("left_shoulder", (0.040, -0.005, 0.0)), (0.066, 0.058), melt=0.04),
    # arm
    Part("left_shoulder", ("left_shoulder", (0.02, 0.0, 0.0)), ("left_elbow", (0.0, 0.0, 0.0)),
         (0.053, 0.040), melt=0.03),
    Part("left_elbow", ("left_elbow", (0.0, 0.0, 0.0)), ("left_elbow", (0.09, 0.0, 0.0)),
         (0.039, 0.042), melt=0.02),
    Part("left_elbow", ("left_elbow", (0.07, 0.002, 0.0)), ("left_wrist", (0.0, 0.0, 0.0)),
         (0.042, 0.028), (1.0, 0.95, 1.0), 0.03),
    # hand: palm, fingers, thumb
    Part("left_wrist", ("left_wrist", (0.015, 0.0, 0.0)), ("left_hand", (0.0, 0.002, 0.005)),
         (0.031, 0.046), (1.0, 0.55, 1.0), 0.03),
    Part("left_hand", ("left_hand", (0.0, 0.002, 0.004)), ("left_hand", (0.066, -0.006, 0.002)),
         (0.044, 0.036), (1.0, 0.45, 1.0), 0.02),
    Part("left_wrist", ("left_wrist", (0.030, -0.004, 0.020)),
         ("left_wrist", (0.088, -0.014, 0.062)), (0.018, 0.0125), melt=0.018),
    # leg
    Part("left_hip", ("left_hip", (0.022, -0.035, -0.050)), ("left_hip", (0.020, -0.02, -0.045)),
         (0.083, 0.083), melt=0.04),
    Part("left_hip", ("left_hip", (0.026, -0.03, 0.005)), ("left_knee", (0.0, 0.0, 0.0)),
         (0.088, 0.056), melt=0.03),
    Part("left_knee", ("left_knee", (0.0, 0.0, 0.006)), ("left_knee", (0.0, -0.06, 0.0)),
         (0.054, 0.050), melt=0.02),
    Part("left_knee", ("left_knee", (0.0, -0.09, -0.022)), ("left_knee", (0.0, -0.17, -0.026)),
         (0.046, 0.042), melt=0.04),
    Part("left_knee", ("left_knee", (0.0, -0.02, -0.004)), ("left_ankle", (0.0, 0.0, -0.006)),
         (0.050, 0.035), melt=0.03),
    # foot: heel, sole, toes
    Part("left_ankle", ("left_ankle", (0.0, 0.0, -0.006)), ("left_ankle", (0.002, -0.055, -0.028)),
         (0.036, 0.036), melt=0.02),
    Part("left_ankle", ("left_ankle", (0.002, -0.045, -0.02)), ("left_foot", (-0.002, -0.003, 0.0)),
         (0.042, 0.040), (0.98, 0.85, 1.0), 0.03),
    Part("left_foot", ("left_foot", (-0.004, -0.006, 0.0)), ("left_foot", (0.002, -0.014, 0.055)),
         (0.043, 0.036), (1.05, 0.66, 1.0), 0.02),
)  # fmt: skip


def _mirrored(part: Part) -> Part:
    def anchor(of: tuple[str, Point]) -> tuple[str, Point]:
        name, (x, y, z) = of
        return name.replace("left_", "right_"), (-x, y, z)

    return replace(
        part,
        joint=part.joint.replace("left_", "right_"),
        start=anchor(part.start),
        end=anchor(part.end),
    )


PARTS: tuple[Part, ...] = (
    *_MIDDLE, *(side for part in _LEFT for side in (part, _mirrored(part)))
)  # fmt: skip
"""All parts, trunk first."""


BODY, LEFT, RIGHT, FACE = range(4)
"""Tones of the body's material slots."""


@dataclass(frozen=True)
class Region:
    """Faces that take a tone: those beyond a plane, on the skin of a joint and all below it.

    joint, offset: a point of the plane, and whose skin. normal: unit vector to the toned side.
    """

    tone: int
    joint: str
    offset: Point
    normal: Point


REGIONS = (
    Region(FACE, "head", (0.0, 0.0, 0.058), (0.0, 0.0, 1.0)),
    Region(LEFT, "left_elbow", (0.0, 0.0, 0.0), (1.0, 0.0, 0.0)),
    Region(RIGHT, "right_elbow", (0.0, 0.0, 0.0), (-1.0, 0.0, 0.0)),
    Region(LEFT, "left_knee", (0.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
    Region(RIGHT, "right_knee", (0.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
)
