"""Skeletons that published features speak of: chains of joints and the axes bones start from.

Published rotations are made from joint positions alone. Every bone has a raw axis, the direction
that it is imagined to have before any rotation, and belongs to a chain that starts at the trunk.
``motion.features.humanml3d`` reads these tables; so does the way to and from SMPL's joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.skeleton import SMPL_22

_AXES = {
    "+x": (1.0, 0.0, 0.0),
    "-x": (-1.0, 0.0, 0.0),
    "+y": (0.0, 1.0, 0.0),
    "-y": (0.0, -1.0, 0.0),
    "+z": (0.0, 0.0, 1.0),
}

Chain = tuple[tuple[str, str], ...]
"""Joints from the trunk outwards, each with the raw axis of the bone that ends in it; the first
entry is the joint where the chain hangs, without a bone of its own ("")."""

Blend = tuple[tuple[str, float], ...]
"""A place as a weighted sum of other joints; the weights sum to 1."""


@dataclass(frozen=True, eq=False)
class ChainSkeleton:
    """Joints of one published layout.

    names: one a joint, in feature order. chains: see ``Chain``; each starts with the root's
    rotation, wherever it hangs. hips, shoulders: (left, right). feet: the four contact joints,
    left ankle, left toe, right ankle, right toe. from_smpl, to_smpl: where each joint of this
    skeleton stands in terms of SMPL's 22 joints, and the other way round.
    """

    names: tuple[str, ...]
    chains: tuple[Chain, ...]
    hips: tuple[str, str]
    shoulders: tuple[str, str]
    feet: tuple[str, str, str, str]
    from_smpl: dict[str, Blend]
    to_smpl: dict[str, Blend]

    def index(self, name: str) -> int:
        """Index of a joint by name."""
        return self.names.index(name)

    @cached_property
    def chain_joints(self) -> tuple[tuple[int, ...], ...]:
        """Joint indices of each chain, from the trunk outwards."""
        return tuple(tuple(self.index(name) for name, _ in chain) for chain in self.chains)

    @cached_property
    def raw_axes_J3(self) -> FloatArray:
        """Unit raw axis of the bone that ends in each joint; zero for the root. (J, 3)."""
        axes = np.zeros((len(self.names), 3))
        for chain in self.chains:
            for name, axis in chain[1:]:
                axes[self.index(name)] = _AXES[axis]
        return axes

    @cached_property
    def from_smpl_JJ(self) -> FloatArray:
        """Weights (J, 22): this skeleton's joint positions from SMPL's."""
        return _weights(self.names, SMPL_22.names, self.from_smpl)

    @cached_property
    def to_smpl_JJ(self) -> FloatArray:
        """Weights (22, J): SMPL's joint positions from this skeleton's."""
        return _weights(SMPL_22.names, self.names, self.to_smpl)


def _weights(
    rows: tuple[str, ...], columns: tuple[str, ...], blends: dict[str, Blend]
) -> FloatArray:
    matrix = np.zeros((len(rows), len(columns)))
    for row, blend in blends.items():
        for column, weight in blend:
            matrix[rows.index(row), columns.index(column)] += weight
    return matrix


def _same(*pairs: tuple[str, str]) -> dict[str, Blend]:
    """Joints that stand exactly where another skeleton's joint stands."""
    return {name: ((other, 1.0),) for name, other in pairs}


def _smpl_leg(side: str, across: str) -> Chain:
    axes = (("hip", across), ("knee", "-y"), ("ankle", "-y"), ("foot", "+z"))
    return (("pelvis", ""), *((f"{side}_{name}", axis) for name, axis in axes))


def _smpl_arm(side: str, across: str) -> Chain:
    axes = (("collar", across), ("shoulder", "-y"), ("elbow", "-y"), ("wrist", "-y"))
    return (("spine3", ""), *((f"{side}_{name}", axis) for name, axis in axes))


HUMANML3D_22 = ChainSkeleton(
    names=SMPL_22.names,
    chains=(
        _smpl_leg("right", "-x"),
        _smpl_leg("left", "+x"),
        (
            ("pelvis", ""),
            ("spine1", "+y"),
            ("spine2", "+y"),
            ("spine3", "+y"),
            ("neck", "+y"),
            ("head", "+z"),
        ),
        _smpl_arm("right", "-x"),
        _smpl_arm("left", "+x"),
    ),
    hips=("left_hip", "right_hip"),
    shoulders=("left_shoulder", "right_shoulder"),
    feet=("left_ankle", "left_foot", "right_ankle", "right_foot"),
    from_smpl=_same(*zip(SMPL_22.names, SMPL_22.names, strict=True)),
    to_smpl=_same(*zip(SMPL_22.names, SMPL_22.names, strict=True)),
)
"""HumanML3D's 22 joints are SMPL's. The axes can be read off its features: a raw axis is the
bone's direction in the frame that the stored rotations compose to."""

_KIT_ARMS = (("S", "shoulder"), ("E", "elbow"), ("W", "wrist"))
_KIT_LEGS = (("H", "hip"), ("K", "knee"), ("A", "ankle"), ("MR", "foot"))
_KIT_SAME = (
    ("root", "pelvis"),
    ("BP", "spine1"),
    ("BT", "spine3"),
    ("BLN", "neck"),
    ("BUN", "head"),
    *((f"{side[0].upper()}{kit}", f"{side}_{smpl}")
      for side in ("right", "left") for kit, smpl in (*_KIT_ARMS, *_KIT_LEGS)),
)  # fmt: skip
_TOE_TIP = 0.4
"""How far the tip of KIT's toes lies beyond SMPL's toe joint, as a share of ankle to toe joint."""

_COLLAR = 0.4
"""Where SMPL's collar joint lies on the line from the neck to the shoulder."""


def _kit_leg(side: str, across: str) -> Chain:
    axes = (("H", across), ("K", "-y"), ("A", "-y"), ("MR", "+z"), ("F", "+z"))
    return (("root", ""), *((f"{side}{name}", axis) for name, axis in axes))


def _kit_arm(side: str, across: str) -> Chain:
    return (("BLN", ""), (f"{side}S", across), (f"{side}E", "-y"), (f"{side}W", "-y"))


def _toe_tip(side: str) -> Blend:
    return ((f"{side}_foot", 1.0 + _TOE_TIP), (f"{side}_ankle", -_TOE_TIP))


def _collar(side: str) -> Blend:
    return ((f"{side}S", _COLLAR), ("BLN", 1.0 - _COLLAR))


KIT_21 = ChainSkeleton(
    names=(
        *("root", "BP", "BT", "BLN", "BUN"),
        *("RS", "RE", "RW", "LS", "LE", "LW"),
        *("RH", "RK", "RA", "RMR", "RF", "LH", "LK", "LA", "LMR", "LF"),
    ),
    chains=(
        _kit_leg("R", "+x"),
        _kit_leg("L", "-x"),
        (("root", ""), ("BP", "+y"), ("BT", "+y"), ("BLN", "+y"), ("BUN", "+y")),
        _kit_arm("R", "+x"),
        _kit_arm("L", "-x"),
    ),
    hips=("LH", "RH"),
    shoulders=("LS", "RS"),
    feet=("LMR", "LF", "RMR", "RF"),
    from_smpl=_same(*_KIT_SAME) | {"RF": _toe_tip("right"), "LF": _toe_tip("left")},
    to_smpl=_same(*((smpl, kit) for kit, smpl in _KIT_SAME))
    | {"spine2": (("BP", 0.5), ("BT", 0.5))}
    | {"right_collar": _collar("R"), "left_collar": _collar("L")},
)
"""KIT-ML's 21 joints: spine, two arms, two legs with the middle and the tip of the foot.

Sides are those that the published features use: the body faces +Z with joints 5-7 and 11-15 on
its right. The raw axes of shoulders and hips point the other way, as published; an axis is only
where the shortest arc starts, so nothing but the stored rotations depends on it."""
