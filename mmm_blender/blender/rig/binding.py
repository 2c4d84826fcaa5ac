"""A character as motions see it: which bones are read, and which channels are keyed for a joint.

SMPL's own rigs in T-pose go by ``PoseSpace``: a bone a joint, exact. All others go by a map and an
alignment (``mapped_pose``).

Shape suffixes: T frames, W written bones, 3 xyz, 4 quaternions w first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...common.errors import MMMError
from ...geometry.retarget.rig_map import CHAINS, SLOTS, LimbControls, RigMap, anchors
from ...geometry.skeleton import SMPL_22
from ..bpy_types import Action, ArmatureObject, Object
from ..fcurves.layered_actions import assigned_action
from ..fcurves.slot_properties import ROOT_PROPERTY, read_text
from .rig_maps import MAP_PROPERTY, SMPL_NAME, find_rig_map, smpl_bones_of
from .rig_options import HIPS, OBJECT, ROOT_BONE, root_motion, taken_root_motion
from .rig_rest import rig_alignment
from .smpl_rig import find_smpl_bones

_T_POSE = np.radians(15.0)
"""An SMPL rig whose limbs rest nearer to a T-pose than this rests in one."""

PELVIS = SMPL_22.names[0]


@dataclass(frozen=True)
class WrittenBone:
    """A bone that is keyed. joint: whose it is, for masks and locks. slot, at: of the map, and the
    bone's number in that slot. role: "fk", or what it is to a limb that is posed by its end
    ("goal", "base", "pole", "toe"), or "ground". location, rotation: which channels are keyed."""

    joint: str
    bone: str
    slot: str
    at: int = 0
    role: str = "fk"
    location: bool = False
    rotation: bool = True


@dataclass(frozen=True, eq=False)
class RigBinding:
    """How a character is read and keyed. smpl: the bone of each joint where it is an SMPL rig in
    T-pose, else None. on_root: the rig's root bone carries the way over the ground."""

    rig_map: RigMap
    smpl: Mapping[str, str] | None = None
    on_root: bool = False

    @property
    def recipe_name(self) -> str:
        """What recipes call the map; "" for SMPL's own."""
        return "" if self.smpl is not None else self.rig_map.name

    @property
    def recipe_root(self) -> str:
        """What recipes say of an edit that carries its way; "" for SMPL's own bones."""
        return "" if self.smpl is not None else ROOT_BONE if self.on_root else HIPS

    @cached_property
    def written(self) -> tuple[WrittenBone, ...]:
        """All bones that are keyed, those of an SMPL rig in the order of the joints."""
        if self.smpl is not None:
            return tuple(
                WrittenBone(joint, self.smpl[joint], joint, location=joint == PELVIS)
                for joint in SMPL_22.names
            )
        return (*self._ground, *_written(self.rig_map))

    @property
    def _ground(self) -> tuple[WrittenBone, ...]:
        """The bone that carries the way over the ground, where the person wants one."""
        bone = self.rig_map.ground
        if not self.on_root or not bone or bone == self.rig_map.carrier:
            return ()
        return (WrittenBone(PELVIS, bone, PELVIS, role="ground", location=True),)

    @cached_property
    def keyed(self) -> Mapping[str, tuple[str, ...]]:
        """Of every bone that is keyed: "rotation", "location", or both."""
        kinds = ("rotation", "location")
        return {
            each.bone: tuple(kind for kind in kinds if getattr(each, kind)) for each in self.written
        }

    @cached_property
    def bases(self) -> frozenset[str]:
        """First bones of limbs that are bent by their goals."""
        return frozenset(each.bone for each in self.written if each.role == "base")

    def bones_of(self, joint: str) -> tuple[str, ...]:
        """Bones that are keyed for a joint; none where the rig lacks it."""
        return tuple(dict.fromkeys(each.bone for each in self.written if each.joint == joint))

    @cached_property
    def joint_of_bone(self) -> Mapping[str, str]:
        """The joint of every bone that is keyed."""
        return {each.bone: each.joint for each in self.written}

    def read_bone(self, joint: str) -> str:
        """The bone that shows where a joint is; that of its parent where the rig has none."""
        if self.smpl is not None:
            return self.smpl[joint]
        slot = next((slot for slot, chain in CHAINS.items() if joint in chain), joint)
        bones = self.rig_map.read.get(slot, ())
        if not bones:
            return self.read_bone(SMPL_22.names[SMPL_22.parents[SMPL_22.names.index(joint)]])
        chain = CHAINS.get(slot, (slot,))
        if len(bones) >= len(chain):
            return bones[anchors(len(chain), len(bones))[chain.index(joint)]]
        return bones[-(-(chain.index(joint) + 1) * len(bones) // len(chain)) - 1]

    def joints(self, names: frozenset[str] | None = None) -> frozenset[str]:
        """Joints among ``names`` that have bones to be keyed."""
        found = frozenset(each.joint for each in self.written)
        return found if names is None else found & names


def _written(rig_map: RigMap) -> Iterator[WrittenBone]:
    for slot in SLOTS:
        bones = rig_map.written(slot)
        for at, bone in enumerate(bones):
            joint = _joint_of(slot, at, len(bones))
            yield WrittenBone(joint, bone, slot, at, location=bone == rig_map.carrier)
    for limb in rig_map.limbs:
        yield from _goals(limb)


def _joint_of(slot: str, at: int, count: int) -> str:
    """The joint that a bone of a slot belongs to; of a chain the next one that it leads to."""
    chain = CHAINS.get(slot, (slot,))
    if count >= len(chain):
        ends = anchors(len(chain), count)
        return chain[next(number for number, end in enumerate(ends) if at <= end)]
    return chain[at * len(chain) // count]


def _goals(limb: LimbControls) -> Iterator[WrittenBone]:
    side, end = limb.joint.split("_")
    first = f"{side}_shoulder" if end == "wrist" else f"{side}_hip"
    yield WrittenBone(limb.joint, limb.goal, limb.joint, role="goal", location=True)
    if limb.base:
        yield WrittenBone(first, limb.base, first, role="base")
    if limb.pole:
        yield WrittenBone(first, limb.pole, first, role="pole", location=True, rotation=False)
    if limb.toe:
        yield WrittenBone(f"{side}_foot", limb.toe, f"{side}_foot", role="toe")


def find_binding(rig: Object) -> RigBinding | str:
    """How a character is read and keyed; or, in one sentence, why it cannot be."""
    found = find_rig_map(rig)
    if isinstance(found, str):
        return found
    try:
        turned = rig_alignment(rig, found).turned
    except MMMError as error:
        smpl = _smpl_bones(rig, found)
        return str(error) if smpl is None else RigBinding(found, smpl)
    smpl = _smpl_bones(rig, found) if turned < _T_POSE else None
    if smpl is not None:
        return RigBinding(found, smpl)
    binding = RigBinding(found, on_root=_played_root_motion(rig) == ROOT_BONE)
    return _connected(rig, binding) or binding


def _played_root_motion(rig: Object) -> str:
    """What carries the way of the motion that the rig has; of new ones where it has none, or one
    that does not say."""
    action = assigned_action(rig)
    said = None if action is None or taken_root_motion() else read_text(action, ROOT_PROPERTY, rig)
    return said if isinstance(said, str) and said else root_motion(rig)


def moved_bones(rig: ArmatureObject, action: Action) -> frozenset[str]:
    """Bones whose motion a new Action has of its own: what it keys, and the root bone where that
    carries the way in the Action before it."""
    binding = binding_of(rig)
    on_root = read_text(action, ROOT_PROPERTY, rig) == ROOT_BONE
    ground = (binding.rig_map.ground,) if on_root and binding.rig_map.ground else ()
    return frozenset((*binding.keyed, *ground))


def recorded_root_motion(rig: Object, binding: RigBinding) -> str:
    """What a recipe says that carries the way of a new motion; "" where there is no choice."""
    choice = root_motion(rig)
    return choice if binding.smpl is None or choice == OBJECT else ""


def _connected(rig: Object, binding: RigBinding) -> str:
    """Which bone that has to move cannot, in a sentence; else ""."""
    for each in binding.written:
        if each.location and rig.data.bones[each.bone].use_connect:
            return (
                f"The bone '{each.bone}' of '{rig.name}' is connected to its parent and cannot "
                "move: turn Connected off in its bone properties."
            )
    return ""


def _smpl_bones(rig: Object, found: RigMap) -> Mapping[str, str] | None:
    """The bone of each joint where the rig's names are SMPL's, else None. What was recognised is
    not looked for again; a map of the person's own may say otherwise than the names."""
    if found.name != SMPL_NAME:
        return None
    if not rig.get(MAP_PROPERTY):
        return smpl_bones_of(found)
    named = find_smpl_bones(rig)
    return None if isinstance(named, str) else named


def binding_of(rig: ArmatureObject) -> RigBinding:
    """``find_binding``, raising its reason as MMMError."""
    found = find_binding(rig)
    if isinstance(found, str):
        raise MMMError(found)
    return found
