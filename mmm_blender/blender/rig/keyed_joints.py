"""Where joints are by an Action's keys alone, without asking Blender for a single frame.

A redraw may ask for it: nothing is evaluated and the scene stays at its frame. Where something but
keys bends the rig (IK, scaled bones), the answer is None.

Shape suffixes: T frames, J joints, N numbers of a channel, 3 xyz, 4 quaternion w first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.retarget.pose_graph import Node, Place, PoseGraph
from ...geometry.rotation_modes import EULER_PROPERTY, PROPERTY, rotations_of
from ..bpy_types import Action, ArmatureObject, FCurve
from ..fcurves.layered_actions import bone_path, curves_by_channel, rig_curves
from .binding import RigBinding
from .evaluation import evaluated
from .pose_nodes import PoseNodes
from .pose_reading import pose_reading

_UNSCALED = 1e-3
_FAR = 0.05
"""How far what is computed of a mapped rig may be from what Blender shows now, model metres."""


def keyed_joints(
    rig: ArmatureObject,
    binding: RigBinding,
    action: Action,
    names: Sequence[str],
    frames_T: FloatArray,
) -> FloatArray | None:
    """Places (T, J, 3) of joints in model space, metres, on scene frames; None where keys alone do
    not say it. Raises MMMError where the rig is no character."""
    nodes = _KeyedNodes(rig, action, frames_T)
    graph = PoseGraph(nodes, {})
    shape = (len(frames_T), 3)
    places = [
        np.broadcast_to(graph.pose(binding.read_bone(joint)).head_T3, shape) for joint in names
    ]
    if nodes.bent or any(node.unknown for node in nodes.values()):
        return None
    return pose_reading(rig, binding).to_model_points(np.stack(places, axis=1))


def follows_keys(rig: ArmatureObject, binding: RigBinding, action: Action, frame: float) -> bool:
    """A mapped rig stands now where its keys say: no mechanism bends it that is not computed."""
    if binding.smpl is not None:
        return True
    names = ("pelvis", "head", "left_wrist", "right_wrist", "left_ankle", "right_ankle")
    found = keyed_joints(rig, binding, action, names, np.array([frame]))
    if found is None:
        return False
    posed = evaluated(rig).pose.bones
    heads_J3 = np.array([posed[binding.read_bone(joint)].head for joint in names])
    shown_J3 = pose_reading(rig, binding).to_model_points(heads_J3.astype(np.float64))
    return bool(np.abs(found[0] - shown_J3).max() < _FAR)


class _KeyedNodes(PoseNodes):
    """Nodes posed by keys on all frames. bent: some bone is scaled, which no node knows."""

    def __init__(self, rig: ArmatureObject, action: Action, frames_T: FloatArray) -> None:
        super().__init__(rig)
        self._frames_T = frames_T
        self._curves = curves_by_channel(rig_curves(rig, action))
        self.bent = False

    def __missing__(self, name: str) -> Node:
        bone = self._rig.pose.bones[name]
        node = super().__missing__(name)
        mode = str(bone.rotation_mode)
        self.bent = self.bent or max(abs(float(each) - 1.0) for each in bone.scale) > _UNSCALED
        kind = PROPERTY.get(mode, EULER_PROPERTY)
        turn_TN, move_T3 = (self._channel(name, each, bone) for each in (kind, "location"))
        if turn_TN is None and move_T3 is None:
            return node
        basis = node.basis
        turn_T4 = basis.turn_T4 if turn_TN is None else rotations_of(turn_TN, mode)
        keyed = Place(turn_T4, basis.head_T3 if move_T3 is None else move_T3)
        self[name] = replace(node, basis=keyed)
        return self[name]

    def _channel(self, name: str, kind: str, bone: object) -> FloatArray | None:
        """Keyed values (T, N) of a channel, those of now for numbers without; None for none."""
        now_N = np.array(getattr(bone, kind), dtype=np.float64)
        path = bone_path(name, kind)
        found = [self._curves.get((path, index)) for index in range(len(now_N))]
        values_TN = np.tile(now_N, (len(self._frames_T), 1))
        for index, curve in enumerate(found):
            if _has_keys(curve):
                values_TN[:, index] = sampled(curve, self._frames_T)
        return values_TN if any(map(_has_keys, found)) else None


def _has_keys(curve: FCurve | None) -> bool:
    return curve is not None and len(curve.keyframe_points) > 0 and not curve.mute


def sampled(curve: FCurve | None, frames_T: FloatArray) -> FloatArray:
    """A curve's values on frames (T,) as Blender evaluates them; keys on all frames are read."""
    assert curve is not None
    keys = curve.keyframe_points
    if len(keys) == len(frames_T) and not len(curve.modifiers):
        co = np.empty(2 * len(keys), dtype=np.float32)
        keys.foreach_get("co", co)
        if np.array_equal(co[0::2], frames_T):
            return co[1::2].astype(np.float64)
    return np.array([curve.evaluate(frame) for frame in frames_T.tolist()])


def key_print(curves: Mapping[tuple[str, int], FCurve], frames_T: FloatArray) -> int:
    """Changes whenever a key is moved, and where a handle changes the value on a frame."""
    values: list[object] = []
    for channel, curve in curves.items():
        co = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
        curve.keyframe_points.foreach_get("co", co)
        values += [channel, bool(curve.mute), len(curve.modifiers), co.tobytes()]
        values += [curve.evaluate(frame) for frame in frames_T.tolist()]
    return hash(tuple(values))
