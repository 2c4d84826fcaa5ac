"""A map for a rig that follows no known convention, by its shape: two legs, two arms, a head.

Legs end at the two lowest places on either side, arms at the two furthest out, the head at the
highest in the middle; where their ways meet are the pelvis and the chest. On each way the joints
stand where a body's do: the knee halfway down the leg, the elbow halfway along the arm. Sides are
known by place, and by names where these say left or right. It is a proposal: a person looks at it.

Shape suffixes: B bones, 3 armature units.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ..rotations import cross, normalize
from .rig_map import RigMap

NAME = "Proposed"

_LEFT = re.compile(
    r"(?:^|[^a-z])(l|left|lft|左|izq\w*|gauche|links?)(?:[^a-z]|$)|left", re.IGNORECASE
)
_RIGHT = re.compile(
    r"(?:^|[^a-z])(r|right|rgt|右|der\w*|droite?|rechts?)(?:[^a-z]|$)|right", re.IGNORECASE
)
_HEAD = re.compile(r"head|頭|kopf|t[eê]te|cabe[zcç]a|testa", re.IGNORECASE)
_LEAST_BONES = 12
_ASIDE, _LOW, _TWIG = 0.03, 0.12, 0.02
"""Parts of a body's height: where a bone is beside the middle, near the floor, too short."""


@dataclass(frozen=True, eq=False)
class Bone:
    """A bone at rest. parent: number of its parent, -1 for none."""

    name: str
    parent: int
    head: FloatArray
    tail: FloatArray


def propose(bones: Sequence[Bone]) -> RigMap:
    """A map of a rig; MMMError says what of a person was not found."""
    if len(bones) < _LEAST_BONES:
        raise MMMError("The rig has too few bones for a person: choose them in the Rig panel.")
    body = _Body(bones)
    read = {"pelvis": (body.pelvis,), "spine": body.spine, "neck": body.neck, "head": body.head}
    slots = {slot: numbers for slot, numbers in read.items() if numbers}
    for side, leg, arm in (("left", *body.left), ("right", *body.right)):
        slots |= {f"{side}_{joint}": (at,) for joint, at in body.leg_joints(leg).items()}
        slots |= {f"{side}_{joint}": (at,) for joint, at in body.arm_joints(arm).items()}
    names = {slot: tuple(bones[at].name for at in numbers) for slot, numbers in slots.items()}
    return RigMap(NAME, names)


class _Body:
    """Bones by number, with the tree turned so that up is Y and left is X."""

    def __init__(self, bones: Sequence[Bone]) -> None:
        self._bones = bones
        heads_B3 = np.array([bone.head for bone in bones])
        tails_B3 = np.array([bone.tail for bone in bones])
        axes_33 = _axes(bones, heads_B3, tails_B3)
        self.heads_B3, self.tails_B3 = heads_B3 @ axes_33, tails_B3 @ axes_33
        points = np.concatenate([self.heads_B3, self.tails_B3])
        self.low = points.min(axis=0)
        self.height = float((points.max(axis=0) - self.low)[1])
        if not self.height > 0.0:
            raise MMMError("The rig has no height: choose its bones in the Rig panel.")
        self.middle = float(np.median(self.heads_B3[:, 0]))

    @cached_property
    def _children(self) -> list[list[int]]:
        children: list[list[int]] = [[] for _ in self._bones]
        for at, bone in enumerate(self._bones):
            if bone.parent >= 0:
                children[bone.parent].append(at)
        return children

    def _way(self, at: int) -> list[int]:
        """From the root to a bone."""
        way = [at]
        while self._bones[way[-1]].parent >= 0:
            way.append(self._bones[way[-1]].parent)
        return way[::-1]

    def _side(self, at: int) -> float:
        return float(self.heads_B3[at, 0] - self.middle) / self.height

    @cached_property
    def _leaves(self) -> list[int]:
        return [at for at, below in enumerate(self._children) if not below]

    def _furthest(self, score: FloatArray, among: list[int], what: str) -> int:
        if not among:
            raise MMMError(f"The rig has no {what} that MMM can find: choose it in the Rig panel.")
        return max(among, key=lambda at: float(score[at]))

    def _ends(self, kind: str, sign: float) -> int:
        """The end of a leg or an arm on one side."""
        aside = [at for at in self._leaves if sign * self._side(at) > _ASIDE]
        heights = (self.heads_B3[:, 1] - self.low[1]) / self.height
        if kind == "leg":
            near = [at for at in aside if heights[at] < _LOW]
            return self._furthest(-heights, near, "leg on either side")
        reach = sign * (self.tails_B3[:, 0] - self.middle) / self.height
        leg = set(self._way(self._ends("leg", sign)))
        high = [at for at in aside if heights[at] > 0.25 and not set(self._way(at)[-2:]) & leg]
        return self._furthest(reach - 0.5 * (heights < 0.4), high, "arm on either side")

    def _fork(self, ends: Sequence[int], what: str) -> int:
        """Where the ways to several bones part."""
        shared = set(self._way(ends[0])).intersection(*(self._way(end) for end in ends[1:]))
        if not shared:
            raise MMMError(
                f"The {what} of the rig hang on no common bone: map it in the Rig panel."
            )
        return max(shared, key=lambda at: len(self._way(at)))

    @cached_property
    def _legs(self) -> tuple[int, int]:
        return self._ends("leg", 1.0), self._ends("leg", -1.0)

    @cached_property
    def _arms(self) -> tuple[int, int]:
        return self._ends("arm", 1.0), self._ends("arm", -1.0)

    @cached_property
    def _hips(self) -> int:
        return self._fork(self._legs, "legs")

    @cached_property
    def _chest(self) -> int:
        return self._fork(self._arms, "arms")

    @property
    def pelvis(self) -> int:
        """The bone that legs and trunk hang on."""
        return self._hips

    @property
    def spine(self) -> tuple[int, ...]:
        """From above the pelvis to the chest."""
        way = self._way(self._chest)
        if self._hips not in way:
            fork = self._fork((self._hips, self._chest), "legs and arms")
            return tuple(way[way.index(fork) + 1 :])
        return tuple(way[way.index(self._hips) + 1 :])

    @cached_property
    def _to_head(self) -> list[int]:
        """Bones from above the chest to the top."""
        above = [at for at in range(len(self._bones)) if self._chest in self._way(at)[:-1]]
        named = [at for at in above if _HEAD.search(self._bones[at].name)]
        central = [at for at in above if abs(self._side(at)) < _ASIDE]
        if named:
            top = min(named, key=lambda at: len(self._way(at)))
        else:
            top = self._furthest(self.heads_B3[:, 1], central, "head")
            top = self._skull(top)
        way = self._way(top)
        return way[way.index(self._chest) + 1 :]

    def _skull(self, top: int) -> int:
        """The bone that carries the face: from the highest one down while it is a twig."""
        while self._bones[top].parent != self._chest and self._bones[top].parent >= 0:
            parent = self._bones[top].parent
            length = float(np.linalg.norm(self.tails_B3[top] - self.heads_B3[top])) / self.height
            crowded = len(self._children[parent]) > 1 and parent != self._chest
            if length > _TWIG * 2.0 and not crowded:
                break
            top = parent
        return top

    @property
    def neck(self) -> tuple[int, ...]:
        """Between chest and head."""
        return tuple(self._to_head[:-1])

    @property
    def head(self) -> tuple[int, ...]:
        """The last of that way."""
        return tuple(self._to_head[-1:])

    @property
    def left(self) -> tuple[list[int], list[int]]:
        """Ways to the left leg's and arm's end."""
        return self._limbs(0)

    @property
    def right(self) -> tuple[list[int], list[int]]:
        """The same of the right."""
        return self._limbs(1)

    def _limbs(self, side: int) -> tuple[list[int], list[int]]:
        leg, arm = self._way(self._legs[side]), self._way(self._arms[side])
        return leg[leg.index(self._hips) + 1 :], arm[arm.index(self._chest) + 1 :]

    def leg_joints(self, way: list[int]) -> dict[str, int]:
        """Hip, knee, ankle and toe on the way to a leg's end."""
        heights = (self.heads_B3[way, 1] - self.low[1]) / self.height
        low = [at for at in range(len(way)) if heights[at] < _LOW]
        if not low or low[0] < 2:
            raise MMMError("A leg of the rig has too few bones: choose them in the Rig panel.")
        ankle = low[0]
        hip = self._start(way[:ankle])
        knee = self._halfway(way, hip, ankle)
        joints = {"hip": way[hip], "knee": way[knee], "ankle": way[ankle]}
        toes = [at for at in way[ankle + 1 :] if self._apart(at, way[ankle]) > _TWIG]
        return joints | ({"foot": toes[0]} if toes else {})

    def arm_joints(self, way: list[int]) -> dict[str, int]:
        """Collar, shoulder, elbow and wrist on the way to an arm's end."""
        hand = self._hand(way)
        if hand < 2:
            raise MMMError("An arm of the rig has too few bones: choose them in the Rig panel.")
        shoulder = min(self._shoulder(way, hand), hand - 2)
        elbow = self._halfway(way, shoulder, hand)
        joints = {"shoulder": way[shoulder], "elbow": way[elbow], "wrist": way[hand]}
        return joints | ({"collar": way[0]} if shoulder > 0 else {})

    def _hand(self, way: list[int]) -> int:
        """The bone that fingers hang on, or the last but for twigs."""
        for at in range(2, len(way)):
            if len(self._children[way[at]]) > 1 and self._is_end(way[at]):
                return at
        at = len(way) - 1
        while at > 2 and self._apart(way[at], way[at - 1]) < 0.06:
            at -= 1
        return at

    def _is_end(self, at: int) -> bool:
        """Everything below a bone is near it: fingers."""
        below = [each for each in self._leaves if at in self._way(each)]
        reach = max(self._apart(each, at) for each in below)
        return reach < 0.14 and len(below) > 1

    def _shoulder(self, way: list[int], hand: int) -> int:
        """Where the arm begins: from there to the hand it is longest for the bones that it has,
        once it has left the body's middle."""
        aside = [at for at in range(hand - 1) if abs(self._side(way[at])) > 0.055]
        return aside[0] if aside else 1

    def _start(self, way: list[int]) -> int:
        aside = [at for at in range(len(way)) if abs(self._side(way[at])) > _ASIDE]
        return min(aside[0] if aside else 0, max(len(way) - 2, 0))

    def _halfway(self, way: list[int], start: int, end: int) -> int:
        """The bone whose head is nearest the middle of a limb."""
        whole = self._apart(way[end], way[start])
        inside = range(start + 1, end)
        return min(inside, key=lambda at: abs(self._apart(way[at], way[start]) - 0.5 * whole))

    def _apart(self, one: int, other: int) -> float:
        return float(np.linalg.norm(self.heads_B3[one] - self.heads_B3[other])) / self.height


def _axes(bones: Sequence[Bone], heads_B3: FloatArray, tails_B3: FloatArray) -> FloatArray:
    """Matrix (3, 3) that takes armature axes to left, up, forward: points @ axes."""
    pairs = _named_pairs(bones)
    points = np.concatenate([heads_B3, tails_B3])
    extent = points.max(axis=0) - points.min(axis=0)
    if not np.isfinite(extent).all():
        raise MMMError("A bone of the rig rests at no place: mend its rest pose.")
    if pairs:
        left = normalize(np.sum([heads_B3[one] - heads_B3[other] for one, other in pairs], axis=0))
    else:
        left = np.array([1.0, 0.0, 0.0])
    across = int(np.argmax(np.abs(left)))
    candidates = [axis for axis in (2, 1) if axis != across]
    upward = max(candidates, key=lambda axis: float(extent[axis]))
    up = np.eye(3)[upward]
    left = normalize(left - (left @ up) * up)
    return np.stack([left, up, cross(left, up)], axis=-1)


def _named_pairs(bones: Sequence[Bone]) -> list[tuple[int, int]]:
    """Bones whose names differ in their side alone."""
    of = {bone.name: at for at, bone in enumerate(bones)}
    pairs: list[tuple[int, int]] = []
    for name, at in of.items():
        if _LEFT.search(name):
            bare = _LEFT.sub("<>", name)
            found = [it for other, it in of.items() if it != at and _RIGHT.sub("<>", other) == bare]
            pairs += [(at, it) for it in found[:1]]
    return pairs
