"""Clips on a mapped rig's controls, and its evaluated pose as a clip.

A control's keys say how it stands to what carries it. A clip says where every bone stands, so the
rig's carriers are computed for all frames first (``geometry.retarget.pose_graph``), then the keys
follow. Goals and poles of limbs are keyed to where the limb's bones stand, so that switching
between both ways of posing changes nothing.

Shape suffixes: T frames, W written bones, B read bones, 3 armature units, 4 quaternions w first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.feet.rig_feet import RigFeet
from ...geometry.retarget.alignment import Alignment
from ...geometry.retarget.pose_graph import Node, Place, PoseGraph
from ...geometry.retarget.retargeting import (
    Retargeting,
    bones_between_joints,
    hips_of_clip,
    joints_between_bones,
    root_of_hips,
)
from ...geometry.retarget.rig_map import LimbControls, RigMap
from ...geometry.rotations import (
    cross,
    identity_quats,
    make_continuous,
    matrix_to_quat,
    normalize,
    quat_multiply,
    quat_rotate,
)
from ..bpy_types import ArmatureObject
from .binding import RigBinding, WrittenBone
from .pose_nodes import PoseNodes, carried_now
from .pose_space import orientation_quats
from .rig_rest import rig_alignment

_HIPS = ("left_hip", "right_hip")
_FAR, _TURNED = 1e-3, np.radians(0.2)
"""How far what is computed of a carrier may be from what Blender shows: in leg lengths, radians."""

_STRAIGHT, _BENT = np.sin(np.radians(3.0)), np.sin(np.radians(12.0))
"""Sines of a limb's bend below and above which its plane is not, or is, known by its bones."""


@dataclass(frozen=True, eq=False)
class ChannelMotion:
    """What a clip is in the channels of all written bones: rotations (T, W, 4), w first, whatever
    their rotation modes are, and locations (T, W, 3)."""

    rotations_TW4: FloatArray
    locations_TW3: FloatArray


class MappedPose:
    """A mapped rig as it rests and is set up now."""

    def __init__(self, rig: ArmatureObject, binding: RigBinding) -> None:
        self._rig, self._binding = rig, binding
        self.alignment: Alignment = rig_alignment(rig, binding.rig_map)

    # --- reading ---------------------------------------------------------------------------------

    @cached_property
    def read_bones(self) -> tuple[str, ...]:
        """Bones whose evaluated matrices make a clip."""
        return tuple(bone for chain in self._map.read.values() for bone in chain)

    def clip(self, linear_TB33: FloatArray, heads_TB3: FloatArray, fps: float) -> MotionClip:
        """Matrices of ``read_bones`` in armature space, which may carry scale, as a clip."""
        rotations_TJ4 = self._reading.rotations(orientation_quats(linear_TB33))
        hips = [self.read_bones.index(self._map.read[slot][0]) for slot in _HIPS]
        hips_T3 = heads_TB3[:, hips].mean(axis=1)
        root_T3 = root_of_hips(self.alignment, hips_T3, rotations_TJ4[:, 0])
        return self._feet.lowered(MotionClip(rotations_TJ4, root_T3, fps))

    @cached_property
    def _feet(self) -> RigFeet:
        return RigFeet.of(self.alignment)

    @cached_property
    def _reading(self) -> Retargeting:
        numbers: dict[str, Sequence[int]] = {}
        rows: list[tuple[str, int, int]] = []
        for slot, chain in self._map.read.items():
            numbers[slot] = range(len(rows), len(rows) + len(chain))
            rows += [(slot, at, len(chain)) for at in range(len(chain))]
        rest_B4 = self._rest(self.read_bones)
        joints = joints_between_bones(numbers)
        return Retargeting(self.alignment, rest_B4, bones_between_joints(rows), joints)

    # --- writing ---------------------------------------------------------------------------------

    def channels(self, clip: MotionClip, free_T: BoolArray | None = None) -> ChannelMotion:
        """A clip in the channels of all written bones, feet on the rig's own legs. free_T: frames
        in which the legs may change, None for all. MMMError names what cannot be computed."""
        clip = self._feet.planted(clip, free_T)
        written = self._binding.written
        wanted_TW4 = self._writing.orientations(clip)
        wanted = {each.bone: wanted_TW4[:, at] for at, each in enumerate(written)}
        # from nowhere in particular: keys must not depend on where the root stands now
        bones, carrier = self._of_role(wanted, "fk"), self._map.carrier
        hips_T3 = hips_of_clip(self.alignment, clip)
        ground = self._ground(hips_T3)
        graph = _WantedGraph(self._nodes, dict(ground), bones, {carrier: np.zeros((1, 3))})
        shift_T3 = hips_T3 - np.mean([graph.pose(self._fk(slot)).head_T3 for slot in _HIPS], axis=0)
        node, held = self._nodes[carrier], graph.carried(carrier)
        moved = Place(held.turn_T4, held.head_T3 + shift_T3)
        locations = {carrier: node.channels(held, moved).head_T3}
        graph = _WantedGraph(self._nodes, dict(ground), bones, locations)
        for limb in self._map.limbs:
            self._set_goal(graph, limb, wanted)
        return self._as_channels(graph, len(clip.root_T3))

    def _ground(self, hips_T3: FloatArray) -> dict[str, Place]:
        """Where the bone is that carries the way over the ground, where there is one."""
        bones = [each.bone for each in self._binding.written if each.role == "ground"]
        up_3 = quat_rotate(self.alignment.axes_4, np.array([0.0, 1.0, 0.0]))
        way_T3 = hips_T3 - self.alignment.hips_3
        way_T3 = way_T3 - (way_T3 @ up_3)[:, None] * up_3
        rests = {bone: PoseGraph(self._nodes, {}).carried(bone) for bone in bones}
        return {
            bone: Place(np.tile(rest.turn_T4[:1], (len(way_T3), 1)), rest.head_T3 + way_T3)
            for bone, rest in rests.items()
        }

    def _as_channels(self, graph: _WantedGraph, frames: int) -> ChannelMotion:
        written = self._binding.written
        rotations_TW4 = identity_quats(frames, len(written))
        locations_TW3 = np.zeros((frames, len(written), 3))
        for at, each in enumerate(written):
            node, carried = self._nodes[each.bone], graph.carried(each.bone)
            place = node.channels(carried, graph.pose(each.bone))
            rotations_TW4[:, at] = place.turn_T4
            locations_TW3[:, at] = place.head_T3
        return ChannelMotion(make_continuous(rotations_TW4), locations_TW3)

    def _set_goal(
        self, graph: _WantedGraph, limb: LimbControls, wanted: dict[str, FloatArray]
    ) -> None:
        """Place the controls of a limb that is posed by its end, where its bones stand."""
        first, middle, end = self._limb_bones(limb)
        places = [graph.pose(bone) for bone in (first, middle, end)]
        on_end = self._nodes[end].rest.inverse().times(self._nodes[limb.goal].rest)
        graph.placed[limb.goal] = places[2].times(on_end)
        if limb.toe:
            graph.wanted[limb.toe] = wanted[limb.toe]
        plane_T4 = _limb_turn(places, self._nodes[first].rest, self._nodes[end].rest)
        if limb.base:
            rest = self._nodes[first].rest.inverse().times(self._nodes[limb.base].rest)
            graph.wanted[limb.base] = quat_multiply(plane_T4, rest.turn_T4)
        if limb.pole:
            graph.placed[limb.pole] = self._pole(limb, places, plane_T4)

    def _pole(self, limb: LimbControls, places: list[Place], plane_T4: FloatArray) -> Place:
        """A pole as far from the limb's middle as it rests, in the limb's plane."""
        first, middle, end = (self._nodes[bone].rest for bone in self._limb_bones(limb))
        pole = self._nodes[limb.pole].rest
        frame = Place(_limb_turn([first, middle, end], first, end), middle.head_T3)
        from_middle = frame.inverse().times(pole)
        return Place(plane_T4, places[1].head_T3).times(from_middle)

    def _limb_bones(self, limb: LimbControls) -> tuple[str, str, str]:
        side, end = limb.joint.split("_")
        names = ("shoulder", "elbow") if end == "wrist" else ("hip", "knee")
        first, middle = (self._fk(f"{side}_{name}") for name in names)
        return first, middle, self._fk(limb.joint)

    def _fk(self, slot: str) -> str:
        return self._map.written(slot)[-1]

    def _of_role(self, wanted: dict[str, FloatArray], role: str) -> dict[str, FloatArray]:
        return {each.bone: wanted[each.bone] for each in self._binding.written if each.role == role}

    @cached_property
    def _writing(self) -> Retargeting:
        written = self._binding.written
        counts = {each.slot: len(self._map.written(each.slot)) for each in written}
        rows = [_row(each, counts[each.slot], self._map) for each in written]
        rest_W4 = self._rest([each.bone for each in written])
        return Retargeting(self.alignment, rest_W4, bones_between_joints(rows))

    @cached_property
    def _nodes(self) -> PoseNodes:
        """The rig's mechanism. MMMError where it cannot be computed."""
        nodes = PoseNodes(self._rig)
        still = PoseGraph(nodes, {})
        scale = self.alignment.scale
        for each in self._binding.written:
            if each.role == "base":  # its goal bends it
                continue
            check_written(self._rig, nodes, each.bone, each.location)
            now, computed = carried_now(self._rig, nodes[each.bone]), still.carried(each.bone)
            apart = now.inverse().times(computed)
            turn = 2.0 * np.arccos(np.clip(np.abs(apart.turn_T4[0, 0]), 0.0, 1.0))
            far = np.linalg.norm(apart.head_T3[0]) / scale
            if turn > _TURNED or (each.location and far > _FAR):
                raise MMMError(_odd_carrier(self._rig, nodes, each.bone))
        return nodes

    def _rest(self, bones: Sequence[str]) -> FloatArray:
        matrices = [self._rig.data.bones[name].matrix_local for name in bones]
        return orientation_quats(np.array(matrices, dtype=np.float64)[:, :3, :3])

    @property
    def _map(self) -> RigMap:
        return self._binding.rig_map


def check_written(rig: ArmatureObject, nodes: PoseNodes, bone: str, location: bool) -> None:
    """MMMError where constraints of a bone would bend what is keyed. location: whether its place
    is."""
    node = nodes[bone]
    own = [link for link in node.links if link != node.holder]
    constraint = next(iter(node.unknown), None)
    if constraint is None and any(link.kind != "COPY_LOCATION" or location for link in own):
        constraint = next(
            str(each.name) for each in rig.pose.bones[bone].constraints if not each.mute
        )
    if constraint is not None:
        raise MMMError(
            f"The constraint '{constraint}' on '{bone}' of '{rig.name}' would bend what is keyed: "
            "mute it, or map the control that drives the bone in the Rig panel."
        )


def _odd_carrier(rig: ArmatureObject, nodes: PoseNodes, bone: str) -> str:
    carriers = PoseGraph(nodes, {}).carriers(bone).values()
    odd = next((node for node in carriers if node.unknown), None)
    if odd is not None:
        return (
            f"The constraint '{odd.unknown[0]}' on '{odd.name}' carries '{bone}' of '{rig.name}' "
            "in a way that MMM does not know: map other controls in the Rig panel."
        )
    return (
        f"What carries '{bone}' of '{rig.name}' is scaled, sheared or driven: clear the "
        "pose of the bones above it."
    )


def _row(each: WrittenBone, count: int, rig_map: RigMap) -> tuple[str, int, int]:
    """Where a written bone lies in the map. A root above the pelvis goes with the pelvis."""
    if each.role != "fk":
        return each.slot, 0, 1
    return each.slot, each.at, count


def _limb_turn(places: list[Place], first_rest: Place, end_rest: Place) -> FloatArray:
    """How a limb's first bone stands when its hinge is square to the limb's plane: that of the
    bone where the limb is straight. places: of both bones and the end. (T, 4)."""
    first, middle, end = places
    upper = normalize(middle.head_T3 - first.head_T3)
    lower = normalize(end.head_T3 - middle.head_T3)
    normal = cross(upper, lower)
    bend = np.linalg.norm(normal, axis=-1)[:, None]
    axis_3 = np.array([1.0, 0.0, 0.0])
    own = quat_rotate(first.turn_T4, axis_3)
    own = own - np.sum(own * upper, axis=-1, keepdims=True) * upper
    side = np.sign(np.sum(normal * own, axis=-1, keepdims=True))
    share = np.clip((bend - _STRAIGHT) / (_BENT - _STRAIGHT), 0.0, 1.0)
    hinge = normalize(normalize(own) * (1.0 - share) + normalize(normal) * side * share)
    return matrix_to_quat(np.stack([hinge, upper, cross(hinge, upper)], axis=-1))


class _WantedGraph(PoseGraph):
    """A graph in which some bones turn as they are wanted to. locations: of bones that are moved
    by their own channels."""

    def __init__(
        self,
        nodes: PoseNodes,
        placed: dict[str, Place],
        wanted: dict[str, FloatArray],
        locations: dict[str, FloatArray] | None = None,
    ) -> None:
        super().__init__(nodes, placed)
        self.wanted = dict(wanted)
        self._locations = locations or {}

    def pose(self, name: str) -> Place:
        """As wanted, at its own location."""
        if name in self.wanted and name not in self.placed:
            carried = self.carried(name)
            node: Node = self.nodes[name]
            own = Place(identity_quats(1), self._locations.get(name, node.basis.head_T3))
            place = Place(self.wanted[name], node.moved(carried, own).head_T3)
            self.placed[name] = self.placed_by_links(node, place)
        return super().pose(name)
