"""A rig's bones as nodes of a ``PoseGraph``: what of their mechanisms can be computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...geometry.retarget.pose_graph import Link, Node, Place
from ..bpy_types import ArmatureObject
from .evaluation import evaluated
from .pose_space import orientation_quats

_PASSED_ON = frozenset(
    {
        *("COPY_TRANSFORMS", "COPY_ROTATION", "COPY_LOCATION"),
        *("ARMATURE", "CHILD_OF", "DAMPED_TRACK"),
    }
)
_WITHOUT_EFFECT = frozenset({"COPY_SCALE", "LIMIT_SCALE", "MAINTAIN_VOLUME", "LIMIT_DISTANCE"})
"""What changes sizes only, and what keeps stretched limbs from growing."""
_WHOLE_PARENT = tuple(
    f"use_{kind}_{axis}" for kind in ("location", "rotation", "scale") for axis in "xyz"
)
"""What makes Child Of a parent. Whether it stands at rest as one does is seen by comparing."""
_WHOLE_SPACES = frozenset({"WORLD", "POSE"})
_LEAST = 1e-5


class PoseNodes(dict[str, Node]):
    """Nodes by the bones' names, made when they are asked for."""

    def __init__(self, rig: ArmatureObject) -> None:
        super().__init__()
        self._rig, self._evaluated = rig, evaluated(rig)

    def __missing__(self, name: str) -> Node:
        bone, posed = self._rig.pose.bones[name], self._evaluated.pose.bones[name]
        rest = bone.bone
        links, unknown = [], []
        for constraint in posed.constraints:
            if not constraint.is_valid or constraint.mute or constraint.influence <= _LEAST:
                continue
            found = list(_links(self._rig, constraint))
            links += found
            if not found and str(constraint.type) not in _WITHOUT_EFFECT:
                unknown.append(str(constraint.name))
        node = Node(
            name=name,
            parent="" if rest.parent is None else str(rest.parent.name),
            rest=place_of(rest.matrix_local),
            basis=place_of(bone.matrix_basis),
            length=float(rest.length),
            turns=bool(rest.use_inherit_rotation),
            local=bool(rest.use_local_location),
            links=tuple(links),
            unknown=tuple(unknown),
        )
        self[name] = node
        return node


def place_of(matrix: Any) -> Place:
    """A matrix of Blender's, which may carry scale, as a place of one frame."""
    whole_44 = np.array(matrix, dtype=np.float64)
    return Place(orientation_quats(whole_44[None, :3, :3]), whole_44[None, :3, 3])


def carried_now(rig: ArmatureObject, node: Node) -> Place:
    """Where a bone without constraints stands by what carries it, as Blender has it now."""
    posed = evaluated(rig).pose.bones[node.name]
    return node.held(place_of(posed.matrix), place_of(posed.matrix_basis))


def _links(rig: ArmatureObject, constraint: Any) -> Iterator[Link]:
    """A constraint as links; none where it is of a kind that is not computed."""
    kind = str(constraint.type)
    if kind not in _PASSED_ON:
        return
    if kind == "ARMATURE":
        targets = [each for each in constraint.targets if each.weight > _LEAST]
        whole = len(targets) == 1 and targets[0].weight > 1.0 - _LEAST
        if whole and _is_own(rig, targets[0].target) and targets[0].subtarget:
            yield Link(kind, str(targets[0].subtarget), float(constraint.influence))
        return
    if not (_is_own(rig, constraint.target) and constraint.subtarget):
        return
    if kind == "CHILD_OF":
        if all(getattr(constraint, name) for name in _WHOLE_PARENT):
            yield Link("ARMATURE", str(constraint.subtarget), float(constraint.influence))
        return
    if not _is_plain(constraint):
        return
    yield Link(
        kind,
        str(constraint.subtarget),
        float(constraint.influence),
        axis=str(getattr(constraint, "track_axis", "TRACK_Y")),
        head_tail=float(getattr(constraint, "head_tail", 0.0)),
        local=str(getattr(constraint, "owner_space", "")) == "LOCAL",
    )


def _is_own(rig: ArmatureObject, target: Any) -> bool:
    """A constraint's target is the rig itself, evaluated or not."""
    return target is not None and target.original == rig.original


def _is_plain(constraint: Any) -> bool:
    """A constraint passes the whole of its target's pose on."""
    if constraint.type == "DAMPED_TRACK":
        return True
    spaces = {str(constraint.owner_space), str(constraint.target_space)}
    axes = [getattr(constraint, f"use_{axis}", True) for axis in "xyz"]
    odd = [getattr(constraint, f"invert_{axis}", False) for axis in "xyz"]
    mix = str(getattr(constraint, "mix_mode", "REPLACE"))
    offset = getattr(constraint, "use_offset", False)
    if spaces == {"LOCAL"} and constraint.type == "COPY_LOCATION":
        return False
    whole = spaces <= _WHOLE_SPACES or spaces == {"LOCAL"}
    return whole and all(axes) and not any(odd) and mix == "REPLACE" and not offset
