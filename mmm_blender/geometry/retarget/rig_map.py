"""Which bones of a rig stand for SMPL's joints.

A limb's joint has one bone. Spine and neck are chains of any length, from the lowest bone up. What
a rig lacks (collars, a neck, toes) has none, and its turn goes to the next bone below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..skeleton import SMPL_22

SPINE = ("spine1", "spine2", "spine3")
"""SMPL's joints between pelvis and neck."""

CHAINS: Mapping[str, tuple[str, ...]] = {"spine": SPINE, "neck": ("neck",)}
"""Slots that hold several bones, and the joints that these stand for together."""

LIMB_JOINTS = ("collar", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "foot")
"""Slots of either side."""

SIDES = ("left", "right")

SLOTS = (
    "pelvis",
    "spine",
    "neck",
    "head",
    *(f"{side}_{joint}" for joint in LIMB_JOINTS for side in SIDES),
)
"""What a map has bones for, from the trunk out."""

REQUIRED = (
    "pelvis",
    *(
        f"{side}_{joint}"
        for joint in ("hip", "knee", "ankle", "shoulder", "elbow")
        for side in SIDES
    ),
)
"""Without these no motion of ours makes sense on a rig."""

COSTS: Mapping[str, str] = {
    "spine": "the trunk stays stiff",
    "neck": "the head turns by itself",
    "head": "the head follows the neck",
    "collar": "shoulders do not rise",
    "wrist": "hands follow the forearms",
    "foot": "toes stay flat with the foot",
}
"""What each missing joint costs."""

Bones = tuple[str, ...]


@dataclass(frozen=True)
class LimbControls:
    """A limb that an animator may also pose by its end.

    joint: the slot of its end ("left_wrist", "left_ankle"). goal: the control that the end follows.
    base: the control of its first bone in that mode, "" for none. pole: the control that its middle
    points to, "" for none. toe: a control beyond the goal, "" for none. switch_bone, switch: a
    number of a bone that says which mode is on; fk: what it is when each bone is posed by itself.
    """

    joint: str
    goal: str
    base: str = ""
    pole: str = ""
    toe: str = ""
    switch_bone: str = ""
    switch: str = ""
    fk: float = 1.0


@dataclass(frozen=True)
class RigMap:
    """name: of the convention. read: bones whose evaluated pose says how a slot is turned, by slot.
    write: bones that an animator keys, the same as ``read`` where not given. root: the bone that
    carries the body's place, that of the pelvis where "". limbs: goals that are keyed to match.
    ground: a bone that may carry the way over the ground, "" for none.
    """

    name: str
    read: Mapping[str, Bones]
    write: Mapping[str, Bones] = field(default_factory=dict[str, Bones])
    root: str = ""
    limbs: tuple[LimbControls, ...] = ()
    ground: str = ""

    def written(self, slot: str) -> Bones:
        """Bones that are keyed for a slot, from the root out."""
        return self.write.get(slot, self.read.get(slot, ()))

    @property
    def carrier(self) -> str:
        """The bone whose location is keyed."""
        return self.root or self.written("pelvis")[0]

    @property
    def joints_found(self) -> int:
        """How many of SMPL's 22 joints have a bone."""
        return sum(len(joints) for joints, bones in self._joints() if bones)

    @property
    def missing(self) -> tuple[str, ...]:
        """Slots without a bone."""
        return tuple(slot for slot in SLOTS if not self.read.get(slot))

    @property
    def lacking(self) -> tuple[str, ...]:
        """Slots without a bone that no motion can do without."""
        return tuple(slot for slot in REQUIRED if not self.read.get(slot))

    @property
    def label(self) -> str:
        """Name and joints: "Mixamo, 22 of 22"."""
        return f"{self.name}, {self.joints_found} of {len(SMPL_22)}"

    def _joints(self) -> Iterator[tuple[tuple[str, ...], Bones]]:
        for slot in SLOTS:
            yield CHAINS.get(slot, (slot,)), self.read.get(slot, ())

    def costs(self) -> tuple[str, ...]:
        """What the missing slots cost, each said once."""
        bare = (slot.removeprefix("left_").removeprefix("right_") for slot in self.missing)
        return tuple(dict.fromkeys(COSTS[slot] for slot in bare if slot in COSTS))


def slot_of(joint: str) -> str:
    """The slot that holds a joint's bones."""
    return next((slot for slot, joints in CHAINS.items() if joint in joints), joint)


def anchors(joints: int, bones: int) -> tuple[int, ...]:
    """Numbers of the bones of a chain that turn as its joints do, each joint's own. The chain has
    at least as many bones; those between share a joint's turn."""
    return tuple((2 * joint * bones + joints) // (2 * joints) - 1 for joint in range(1, joints + 1))
