"""The way over the ground on the armature's object instead of its bones, and back.

What goes is the whole path of the bone that leads, as the ground sees it, so that the object goes
where the body does and the body stays over it. Keys stand where they stood: a way is a mixture of
the three curves of a place, and so are its keys and handles.

Shape suffixes: B bones, K keys, 3 channels or armature units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ..bpy_types import Action, ArmatureObject, FCurve
from ..fcurves.keyframe_arrays import POINTS, KeyArray, read_keys, write_keys
from ..fcurves.layered_actions import (
    assigned_action,
    bone_path,
    curves_by_channel,
    ensure_curve_store,
    rig_curves,
)
from ..fcurves.slot_properties import WAY_PROPERTY, read_text, way_base, write_text
from ..rig.binding import RigBinding, binding_of
from ..rig.motion_reader import read_motion
from ..rig.pose_nodes import PoseNodes
from ..rig.pose_reading import pose_reading
from ..rig.travel import location_axes, travelling_bones

_LOCATION = "location"
_CYCLES = "CYCLES"


def way_is_on_object(rig: ArmatureObject, action: Action) -> bool:
    """An Action moves the object over the ground and leaves the body over it."""
    return bool(read_text(action, WAY_PROPERTY, rig))


def base_of_way(rig: ArmatureObject, action: Action) -> FloatArray | None:
    """Where the object stands, (3,), before an Action moves it over the ground; None where the way
    lies on the bones."""
    base = way_base(action, rig)
    return None if base is None else np.array(base)


def way_to_object(rig: ArmatureObject, action: Action, base_3: FloatArray | None = None) -> None:
    """Have an Action move the object where its bones go over the ground. base_3: where it stands
    before, where it is now if not given. MMMError, with nothing changed, where that cannot be."""
    bones = _Bones.of(rig, action, binding_of(rig))
    if any(curve.data_path == _LOCATION for curve in rig_curves(rig, action)):
        raise MMMError(f"'{action.name}' moves the object '{rig.name}' already: clear those keys.")
    if base_3 is None:
        base_3 = np.array(rig.location, dtype=np.float64)
    lead = [read_keys(curve) for curve in bones.curves[0]]
    ways = {name: bones.flat(_values(lead, name), lead) for name in POINTS}
    store, linear_33 = ensure_curve_store(rig, action), object_axes(rig)
    for index in range(3):
        keys = lead[0].copy()
        for name in POINTS:
            keys[name][:, 1] = base_3[index] + (ways[name] @ linear_33.T)[:, index]
        curve = store.fcurves.new(_LOCATION, index=index)
        curve.keyframe_points.add(len(keys))
        write_keys(curve, keys)
        _follow_cycles(bones.curves[0][index], curve)
    bones.add({name: -way for name, way in ways.items()}, "REPEAT")
    write_text(action, WAY_PROPERTY, " ".join(repr(float(each)) for each in base_3), rig)


def way_to_bones(rig: ArmatureObject, action: Action) -> None:
    """The reverse: the object stays where it was, and the bones go."""
    base_3 = base_of_way(rig, action)
    assert base_3 is not None  # the caller has asked
    bones = _Bones.of(rig, action, binding_of(rig))
    found = curves_by_channel(rig_curves(rig, action))
    own = [found.get((_LOCATION, index)) for index in range(3)]
    keys = [read_keys(curve) for curve in bones.curves[0]]
    said_K3 = [
        np.full(len(keys[0]), base)
        if curve is None
        else np.array([curve.evaluate(frame) for frame in keys[0]["co"][:, 0]])
        for curve, base in zip(own, base_3, strict=True)
    ]
    whole = [None if curve is None else read_keys(curve) for curve in own]
    inverse_33 = np.linalg.inv(object_axes(rig))
    ways: dict[str, FloatArray] = {}
    for name in POINTS:
        values = [
            each[name][:, 1] if each is not None and _same_frames(each, keys[0]) else said
            for each, said in zip(whole, said_K3, strict=True)
        ]
        ways[name] = (np.stack(values, axis=-1).astype(np.float64) - base_3) @ inverse_33.T
    bones.add(ways, "REPEAT_OFFSET")
    store = ensure_curve_store(rig, action)
    for curve in filter(None, own):
        store.fcurves.remove(curve)
    write_text(action, WAY_PROPERTY, "", rig)
    rig.location = base_3.tolist()


def read_with_way(rig: ArmatureObject, first: int, last: int) -> MotionClip:
    """``read_motion`` with the way that the object makes for the Action that the rig has."""
    return with_way(rig, read_motion(rig, first, last), first)


def with_way(rig: ArmatureObject, clip: MotionClip, first: int) -> MotionClip:
    """A clip that was read from a frame on, with the way that the object makes for the Action that
    the rig has."""
    action = assigned_action(rig)
    if action is None:
        return clip
    way_T3 = way_of_object(rig, action, range(first, first + clip.frames))
    return clip if way_T3 is None else clip.replace(root_T3=clip.root_T3 + way_T3)


def way_of_object(
    rig: ArmatureObject, action: Action, frames: Sequence[float]
) -> FloatArray | None:
    """The way that an Action moves the object on some frames, (T, 3) in model space; None where it
    lies on the bones."""
    base_3 = base_of_way(rig, action)
    if base_3 is None:
        return None
    found = curves_by_channel(rig_curves(rig, action))
    moved_T3 = np.zeros((len(frames), 3))
    for index in range(3):
        curve = found.get((_LOCATION, index))
        if curve is not None and not curve.mute:
            moved_T3[:, index] = [curve.evaluate(each) - base_3[index] for each in frames]
    reading = pose_reading(rig)
    way_T3 = moved_T3 @ np.linalg.inv(object_axes(rig)).T
    return reading.to_model_points(way_T3) - reading.to_model_points(np.zeros(3))


def keep_object_still(rig: ArmatureObject, action: Action) -> bool:
    """Mute the object's way, so that the body stays in place, or let it go again; True where it
    stays."""
    base_3 = base_of_way(rig, action)
    assert base_3 is not None  # the caller has asked
    curves = [each for each in rig_curves(rig, action) if each.data_path == _LOCATION]
    still = not all(curve.mute for curve in curves)
    for curve in curves:
        curve.mute = still
    if still:
        rig.location = base_3.tolist()
    return still


def ground_of(rig: ArmatureObject, binding: RigBinding) -> FloatArray:
    """Takes what is upright out of a way in armature space. (3, 3)."""
    reading = pose_reading(rig, binding)
    origin_3, above_3 = reading.to_armature_points(np.array([[0.0] * 3, [0.0, 1.0, 0.0]]))
    up_3 = (above_3 - origin_3) / np.linalg.norm(above_3 - origin_3)
    return np.eye(3) - np.outer(up_3, up_3)


@dataclass(frozen=True, eq=False)
class _Bones:
    """Bones that carry the body over the ground, the one that leads first. axes: of each, where its
    location channels point in armature space, (3, 3). ground_33: what of a way lies on the ground.
    """

    curves: Sequence[Sequence[FCurve]]
    axes: Sequence[FloatArray]
    ground_33: FloatArray

    @classmethod
    def of(cls, rig: ArmatureObject, action: Action, binding: RigBinding) -> _Bones:
        """Of a rig and its Action."""
        bones = travelling_bones(rig, binding)
        found = curves_by_channel(rig_curves(rig, action))
        curves: list[list[FCurve]] = []
        for bone in bones:
            own = [found.get((bone_path(bone, _LOCATION), index)) for index in range(3)]
            curves.append([curve for curve in own if curve is not None and not curve.is_empty])
        if not curves or any(len(each) < 3 for each in curves):
            raise MMMError(f"'{action.name}' does not key where the body is: generate a motion.")
        first = read_keys(curves[0][0])
        if not all(_same_frames(read_keys(curve), first) for each in curves for curve in each):
            raise MMMError(
                f"The keys of the place of '{rig.name}' do not stand on the same frames: bake the "
                "action first (Pose > Animation > Bake Action)."
            )
        nodes = PoseNodes(rig)
        axes = [location_axes(rig, nodes, bone) for bone in bones]
        return cls(curves, axes, ground_of(rig, binding))

    def flat(self, values_K3: FloatArray, keys: Sequence[KeyArray]) -> FloatArray:
        """The way over the ground from the first key on that channels of the leading bone make,
        armature space."""
        start_3 = _values(keys, "co")[0]
        return (values_K3 - start_3) @ self.axes[0].T @ self.ground_33.T

    def add(self, ways: dict[str, FloatArray], cycles: str) -> None:
        """Add a way, armature space, to the keys of all bones and their handles. cycles: how
        places go on where curves go round."""
        for row, axes_33 in zip(self.curves, self.axes, strict=True):
            own = {name: way @ np.linalg.inv(axes_33).T for name, way in ways.items()}
            for index, curve in enumerate(row):
                keys = read_keys(curve)
                for name in POINTS:
                    keys[name][:, 1] += own[name][:, index]
                write_keys(curve, keys)
                for modifier in curve.modifiers:
                    if modifier.type == _CYCLES:
                        _set_cycles(modifier, cycles)


def _values(keys: Sequence[KeyArray], name: str) -> FloatArray:
    """Values of three curves' keys, or of their handles. (K, 3)."""
    return np.stack([each[name][:, 1] for each in keys], axis=-1).astype(np.float64)


def _same_frames(keys: KeyArray, others: KeyArray) -> bool:
    return np.array_equal(keys["co"][:, 0], others["co"][:, 0])


def object_axes(rig: ArmatureObject) -> FloatArray:
    """Armature space to what the object's location is measured in, without its place. (3, 3)."""
    return np.array(rig.matrix_basis, dtype=np.float64)[:3, :3]


def _follow_cycles(of: FCurve, curve: FCurve) -> None:
    if any(each.type == _CYCLES for each in of.modifiers):
        _set_cycles(curve.modifiers.new(_CYCLES), "REPEAT_OFFSET")


def _set_cycles(modifier: Any, kind: str) -> None:
    modifier.mode_before = modifier.mode_after = kind
