"""How posed bones carry others: parents, and the constraints by which rigs pass poses on.

Controls of a rig hang on mechanisms. Their keys say how they stand to what carries them, so that
has to be known on every frame before it is evaluated. Parents and the constraints that pass a pose
on whole (Copy Transforms, Copy Rotation, Copy Location, Armature, Damped Track) are computed here
for all frames at once; whatever else bends a carrier is said by ``unknown``.

Shape suffixes: T frames, 3 armature units, 4 quaternions w first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...common.arrays import FloatArray
from ..rotations import quat_conjugate, quat_multiply, quat_rotate, shortest_arc, slerp

_AXES = {"X": 0, "Y": 1, "Z": 2}


@dataclass(frozen=True, eq=False)
class Place:
    """Poses in armature space: turn_T4 and head_T3; T may be 1."""

    turn_T4: FloatArray
    head_T3: FloatArray

    def times(self, inner: Place) -> Place:
        """A place that is given relative to this one."""
        return Place(
            quat_multiply(self.turn_T4, inner.turn_T4),
            self.head_T3 + quat_rotate(self.turn_T4, inner.head_T3),
        )

    def inverse(self) -> Place:
        """What this place times it is the origin."""
        back = quat_conjugate(self.turn_T4)
        return Place(back, -quat_rotate(back, self.head_T3))

    def mixed(self, other: Place, share: float) -> Place:
        """On the way to another place, turns by the shorter arc."""
        if share >= 1.0:
            return other
        turn = slerp(self.turn_T4, other.turn_T4, share)
        head = self.head_T3 * (1.0 - share) + other.head_T3 * share
        return Place(turn, head)


@dataclass(frozen=True)
class Link:
    """A constraint that passes a pose on. kind: Blender's type. target: a bone. influence: 0 to 1.
    axis: of Damped Track ("TRACK_Y"). head_tail: where on the target, 0 to 1. local: it passes on
    how the target is posed by its channels."""

    kind: str
    target: str
    influence: float = 1.0
    axis: str = "TRACK_Y"
    head_tail: float = 0.0
    local: bool = False


@dataclass(frozen=True, eq=False)
class Node:
    """A bone. rest: in armature space. basis: how it is posed by its own channels. length: of it.
    turns: whether it inherits its parent's rotation. local: whether its location is along its own
    axes, else along those that the armature has at rest, as its parent carries them. links: in
    order. unknown: names of constraints that bend it otherwise."""

    name: str
    parent: str
    rest: Place
    basis: Place
    length: float = 1.0
    turns: bool = True
    local: bool = True
    links: tuple[Link, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def holder(self) -> Link | None:
        """A link that carries the bone whole, as a parent would."""
        first = self.links[0] if self.links else None
        is_whole = first is not None and first.kind == "ARMATURE" and first.influence >= 1.0
        return first if is_whole else None

    def moved(self, carried: Place, basis: Place) -> Place:
        """Where the bone stands by its channels, from where it is carried."""
        head = carried.head_T3 + quat_rotate(self._location_axes(carried), basis.head_T3)
        return Place(quat_multiply(carried.turn_T4, basis.turn_T4), head)

    def channels(self, carried: Place, place: Place) -> Place:
        """The reverse of ``moved``: what its channels are for a place."""
        inward = quat_conjugate(self._location_axes(carried))
        turn = quat_multiply(quat_conjugate(carried.turn_T4), place.turn_T4)
        return Place(turn, quat_rotate(inward, place.head_T3 - carried.head_T3))

    def held(self, place: Place, basis: Place) -> Place:
        """Where it is carried, of a bone that stands at a place by its channels."""
        turn = quat_multiply(place.turn_T4, quat_conjugate(basis.turn_T4))
        axes = self._location_axes(Place(turn, place.head_T3))
        return Place(turn, place.head_T3 - quat_rotate(axes, basis.head_T3))

    def _location_axes(self, carried: Place) -> FloatArray:
        if self.local:
            return carried.turn_T4
        return quat_multiply(carried.turn_T4, quat_conjugate(self.rest.turn_T4))


@dataclass(eq=False)
class PoseGraph:
    """Poses of bones on all frames. placed: those that are known already."""

    nodes: Mapping[str, Node]
    placed: dict[str, Place]
    visiting: set[str] = field(default_factory=set[str])

    def pose(self, name: str) -> Place:
        """Of a bone, with its channels as they are where nobody has placed it."""
        if name not in self.placed:
            node = self.nodes[name]
            place = node.moved(self.carried(name), node.basis)
            self.visiting.add(name)
            for link in node.links[0 if node.holder is None else 1 :]:
                place = self._linked(node, place, link)
            self.visiting.discard(name)
            self.placed[name] = place
        return self.placed[name]

    def carried(self, name: str) -> Place:
        """Where a bone stands by what carries it, its own channels at rest."""
        node = self.nodes[name]
        holder = node.holder
        if holder is not None and name not in self.visiting:
            self.visiting.add(name)
            held = self.pose(holder.target)
            self.visiting.discard(name)
            return held.times(self.nodes[holder.target].rest.inverse().times(node.rest))
        if not node.parent:
            return node.rest
        parent = self.nodes[node.parent].rest
        held = self.pose(node.parent).times(parent.inverse().times(node.rest))
        return held if node.turns else Place(node.rest.turn_T4, held.head_T3)

    def placed_by_links(self, node: Node, place: Place) -> Place:
        """A place of a bone with its head where links put it."""
        for link in node.links:
            if link.kind == "COPY_LOCATION":
                place = self._linked(node, place, link)
        return place

    def _linked(self, node: Node, place: Place, link: Link) -> Place:
        if link.target in self.visiting:  # a circle, which Blender refuses too
            return place
        target = self.pose(link.target)
        if link.local:
            held = self.carried(link.target)
            target = self.carried(node.name).times(held.inverse().times(target))
        match link.kind:
            case "COPY_TRANSFORMS":
                result = target
            case "COPY_ROTATION":
                result = Place(target.turn_T4, place.head_T3)
            case "COPY_LOCATION":
                result = Place(place.turn_T4, self._point(link))
            case "ARMATURE":
                rest = self.nodes[link.target].rest
                result = node.moved(target.times(rest.inverse().times(node.rest)), node.basis)
            case _:
                result = self._tracked(place, link)
        return place.mixed(result, link.influence)

    def _point(self, link: Link) -> FloatArray:
        target = self.pose(link.target)
        along = np.array([0.0, self.nodes[link.target].length * link.head_tail, 0.0])
        return target.head_T3 + quat_rotate(target.turn_T4, along)

    def _tracked(self, place: Place, link: Link) -> Place:
        axis = np.zeros(3)
        axis[_AXES[link.axis[-1]]] = -1.0 if "NEGATIVE" in link.axis else 1.0
        towards = self._point(link) - place.head_T3
        arc = shortest_arc(quat_rotate(place.turn_T4, axis), towards)
        return Place(quat_multiply(arc, place.turn_T4), place.head_T3)

    def carriers(self, name: str) -> dict[str, Node]:
        """All bones that have a say in where a bone is carried, up to those that are placed."""
        found: dict[str, Node] = {}
        holder = self.nodes[name].holder
        open_names = [self.nodes[name].parent, "" if holder is None else holder.target]
        while open_names:
            each = open_names.pop()
            if not each or each in found or each in self.placed:
                continue
            node = found[each] = self.nodes[each]
            open_names += [node.parent, *(link.target for link in node.links)]
        return found
