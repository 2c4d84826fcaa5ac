"""Moves all that is keyed from a frame on: in time, and over the ground in one piece.

What is before the frame stays bit for bit. Over the ground only the pelvis' keys move; every other
curve is not touched.

Shape suffixes: N keys of a curve, T frames, C components of a property.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.editing.path_correction import GroundMove
from ...geometry.retarget.pose_graph import Place
from ...geometry.rotation_modes import QUATERNION, rotations_of, values_after
from ...geometry.rotations import (
    matrix_to_quat,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    yaw_quat,
)
from ...geometry.skeleton import SMPL_22
from ..bpy_types import Action, ArmatureObject, FCurve
from ..fcurves.curve_writer import CurveWriter, open_writer
from ..fcurves.keyframe_arrays import (
    BEZIER,
    HANDLES,
    LINEAR,
    ON_FRAME,
    POINTS,
    SEGMENT_FIELDS,
    KeyArray,
    fix_handles,
    free_seams,
    key_frames,
    linear_keys,
    no_keys,
    read_keys,
    sorted_by_frame,
)
from ..fcurves.slot_properties import OBJECT_BONE, body_curves
from ..fcurves.splice_keys import brackets_before, cut_off
from ..rig.binding import PELVIS, RigBinding, binding_of
from ..rig.carrying import loose_bones
from ..rig.clip_channels import pose_to_basis
from ..rig.pose_nodes import PoseNodes, carried_now
from ..rig.pose_reading import pose_reading
from ..rig.pose_space import pose_space
from .object_share import ObjectShare
from .range_writer import keyed_extent
from .validation import LOCATION, BoneProperty, bone_properties, check_curves

_LAST_FRAME = 1_048_574
"""Blender's own limit of a scene."""


def move_keys(rig: ArmatureObject, action: Action, from_frame: int, shift: int) -> None:
    """Shift every key of the rig at ``from_frame`` or later by whole frames, with its handles.

    shift: negative brings them nearer; keys that would be overtaken are gone. A segment across the
    border is keyed on its whole frames on both sides, at what it said there. Keys of all bones
    move, those of fingers too, and of the object where it carries the way. Raises MMMError where
    one is locked.
    """
    _check(rig, action, from_frame)
    with open_writer(rig, action) as writer:
        _shift(writer, rig, action, from_frame, shift)


def move_ground(rig: ArmatureObject, action: Action, from_frame: int, move: GroundMove) -> None:
    """Carry the pelvis' keys at ``from_frame`` or later over the ground, rigidly, with handles.

    move: in model space (turn about the origin's +Y, then x and z in metres). Quaternions keep the
    signs that they have to each other, angles their whole turns. Where keys do not stand together
    on all components, whole frames are keyed. Raises MMMError where curves refuse.
    """
    _check(rig, action, from_frame)
    with open_writer(rig, action) as writer:
        _carry(writer, rig, action, from_frame, move)


def _check(rig: ArmatureObject, action: Action, from_frame: int) -> None:
    check_curves(rig, action, [PELVIS], from_frame, max(from_frame, _LAST_FRAME))
    for curve in _curves(rig, action):
        if curve.lock or (curve.group is not None and curve.group.lock):
            raise MMMError(
                f"The curve {curve.data_path}[{curve.array_index}] is locked, and later keys must "
                "move: unlock it in the graph editor."
            )


def _curves(rig: ArmatureObject, action: Action) -> list[FCurve]:
    """Those of bones, and of the object's place where it carries the way."""
    return [curve for curves in body_curves(rig, action).values() for curve in curves]


def _write(writer: CurveWriter, curve: FCurve, before: KeyArray, keys: KeyArray) -> None:
    """Write keys that all have the handles that they are to have."""
    if before.tobytes() != keys.tobytes():
        writer.write(curve, keys, np.ones(len(keys), dtype=np.bool_), before)


def _shift(
    writer: CurveWriter, rig: ArmatureObject, action: Action, from_frame: int, shift: int
) -> None:
    extent = keyed_extent(rig, action)
    if extent is None or not shift:
        return
    stop = from_frame + min(shift, 0)
    goes_on = extent[0] < stop - ON_FRAME, extent[1] > from_frame - ON_FRAME
    for curve in _curves(rig, action):
        before = read_keys(curve)
        border = _Border(stop, from_frame, *goes_on)
        _write(writer, curve, before, _shifted(curve, sorted_by_frame(before), border, shift))


@dataclass(frozen=True)
class _Border:
    """Keys from ``start`` on move; those before ``stop`` stay; any between are gone. goes_on:
    whether the Action has keys on either side."""

    stop: int
    start: int
    goes_on_before: bool
    goes_on_after: bool


def _shifted(curve: FCurve, keys: KeyArray, border: _Border, shift: int) -> KeyArray:
    frames = key_frames(keys)
    stays_N, moves_N = frames < border.stop, frames >= border.start
    if stays_N.all() or moves_N.all():
        return np.concatenate([keys[stays_N], _later(keys[moves_N], shift)])
    before = cut_off(frames, border.stop)
    after = -cut_off(-frames[::-1], ON_FRAME - border.start)[::-1]
    # where all keys of a side are gone, the level stretch beyond them keeps its value
    if border.goes_on_before and not stays_N.any():
        before = np.array([border.stop - 1.0])
    if border.goes_on_after and not moves_N.any():
        after = np.array([float(border.start)])
    pins = [_pins(curve, frames) for frames in (before, after)]
    moved = [_later(part, shift) for part in (pins[1], keys[moves_N])]
    return _joined(keys[stays_N], pins[0], *moved)


def _pins(curve: FCurve, frames: FloatArray) -> KeyArray:
    """New keys at what the curve says at ``frames``."""
    return linear_keys(frames, [curve.evaluate(frame) for frame in frames], free=True)


def _later(keys: KeyArray, shift: int) -> KeyArray:
    """The same keys so many frames later, handles and all."""
    moved = keys.copy()
    for name in POINTS:
        moved[name][:, 0] += shift
    return moved


def _joined(
    staying: KeyArray, pins_before: KeyArray, pins_after: KeyArray, moving: KeyArray
) -> KeyArray:
    """Keys on both sides of the border with new ones along it; automatic handles that the border
    would bend are fixed."""
    border = linear_keys([0.0], [0.0])
    keys = np.concatenate([staying, border, moving])
    is_key_N = np.arange(len(keys)) != len(staying)
    free_seams(keys, is_key_N)
    return sorted_by_frame(np.concatenate([keys[is_key_N], pins_before, pins_after]))


@dataclass(frozen=True, eq=False)
class _Carrier:
    """A ground move in a pelvis bone's own channels.

    turn_4 comes before the bone's rotation; a location p goes to linear_33 p + offset_3.
    """

    turn_4: FloatArray
    linear_33: FloatArray
    offset_3: FloatArray

    def matrix(self, mode: str) -> tuple[FloatArray, FloatArray]:
        """Matrix (C, C) and offset (C,) of the channels where the move is linear in them."""
        if mode == LOCATION:
            return self.linear_33, self.offset_3
        columns = [quat_multiply(self.turn_4, unit) for unit in np.eye(4)]
        return np.stack(columns, axis=-1), np.zeros(4)

    def values(self, values_TC: FloatArray, mode: str) -> FloatArray:
        """The values (T, C) after the move, each as near to its old ones as those before it."""
        if mode in (LOCATION, QUATERNION):
            matrix, offset = self.matrix(mode)
            return values_TC @ matrix.T + offset
        turned = quat_multiply(self.turn_4, rotations_of(values_TC, mode))
        carried, change = np.empty_like(values_TC), np.zeros(values_TC.shape[1])
        for frame, rotation_4 in enumerate(turned):
            carried[frame] = values_after(rotation_4[None], mode, values_TC[frame] + change)[0]
            change = carried[frame] - values_TC[frame]
        return carried


def _carried_properties(
    rig: ArmatureObject, action: Action, move: GroundMove
) -> Iterator[tuple[BoneProperty, _Carrier]]:
    """What stands on the ground by its own channels, and how it is carried: of a mapped rig every
    control that hangs on no other."""
    binding, share = binding_of(rig), ObjectShare.of(rig, action)
    if share is not None:
        whole, move = move, share.left_to_body(rig, move)
        carrier = _Carrier(np.array([1.0, 0.0, 0.0, 0.0]), *share.left_to_object(rig, whole))
        own = (each for each in bone_properties(rig, action, [PELVIS]) if each.bone == OBJECT_BONE)
        yield from ((each, carrier) for each in own)
    if binding.smpl is not None:
        carrier = _carrier(rig, binding.smpl, move)
        own = (each for each in bone_properties(rig, action, [PELVIS]) if each.bone != OBJECT_BONE)
        yield from ((each, carrier) for each in own)
        return
    carriers = {
        bone: _mapped_carrier(rig, binding, bone, move) for bone in loose_bones(rig, binding)
    }
    for each in bone_properties(rig, action, SMPL_22.names):
        if each.bone in carriers:
            yield each, carriers[each.bone]


def _mapped_carrier(
    rig: ArmatureObject, binding: RigBinding, bone: str, move: GroundMove
) -> _Carrier:
    """Of a control that hangs on what stands still."""
    reading = pose_reading(rig, binding)
    node = PoseNodes(rig)[bone]
    held = carried_now(rig, node)
    yaw, way = yaw_quat(move.turn), np.array([move.x, 0.0, move.z])

    def armature_axes(points: FloatArray) -> FloatArray:
        return (reading.to_armature_points(points) - reading.to_armature_points(np.zeros(3))).T

    def channels(points: FloatArray) -> FloatArray:
        heads_N3 = reading.to_armature_points(points)
        return node.channels(held, Place(held.turn_T4, heads_N3)).head_T3.reshape(heads_N3.shape)

    def carried(points: FloatArray) -> FloatArray:
        return channels(quat_rotate(yaw, points) + way)

    still, columns = channels(np.zeros(3)), channels(np.eye(3))
    there = np.linalg.inv((columns - still).T)
    linear = (carried(np.eye(3)) - carried(np.zeros(3))).T @ there
    turned = armature_axes(quat_rotate(yaw, np.eye(3))) @ np.linalg.inv(armature_axes(np.eye(3)))
    before, after = quat_conjugate(held.turn_T4[0]), held.turn_T4[0]
    turn = quat_multiply(before, quat_multiply(matrix_to_quat(turned), after))
    return _Carrier(turn, linear, carried(np.zeros(3)) - linear @ still)


def _carrier(rig: ArmatureObject, bones: Mapping[str, str], move: GroundMove) -> _Carrier:
    space = pose_space(rig, bones)
    before_4, basis_33, origin_3 = pose_to_basis(rig, rig.data.bones[bones[PELVIS]])
    frame_4 = quat_multiply(before_4, space.axes_4)
    yaw = yaw_quat(move.turn)

    def channels(points: FloatArray) -> FloatArray:
        return space.to_armature_points(points) @ basis_33.T + origin_3

    def carried(points: FloatArray) -> FloatArray:
        return channels(quat_rotate(yaw, points) + np.array([move.x, 0.0, move.z]))

    still, columns = channels(np.zeros(3)), channels(np.eye(3))
    there = np.linalg.inv((columns - still).T)
    linear = (carried(np.eye(3)) - carried(np.zeros(3))).T @ there
    turn = quat_multiply(frame_4, quat_multiply(yaw, quat_conjugate(frame_4)))
    return _Carrier(turn, linear, carried(np.zeros(3)) - linear @ still)


def _carry(
    writer: CurveWriter, rig: ArmatureObject, action: Action, from_frame: int, move: GroundMove
) -> None:
    extent = keyed_extent(rig, action)
    if extent is None or move == GroundMove():
        return
    for each, carrier in _carried_properties(rig, action, move):
        carried = _Carried(each, from_frame, extent[0] < from_frame - ON_FRAME, carrier)
        for index, curve in enumerate(each.curves if len(carried.frames) else ()):
            target = curve or writer.new(each.path, index, each.bone)
            _write(writer, target, carried.raw[index], carried.keys(index))


class _Carried:
    """One property of the pelvis with its later keys carried.

    goes_on: something is keyed before the border. frames: of the later keys, of any component.
    later, pins: of each component, the carried keys and new ones between the border and them.
    """

    def __init__(self, of: BoneProperty, from_frame: int, goes_on: bool, carrier: _Carrier) -> None:
        self.of, self.from_frame, self.goes_on = of, from_frame, goes_on
        self.raw = [no_keys() if curve is None else read_keys(curve) for curve in of.curves]
        self.old = [sorted_by_frame(keys) for keys in self.raw]
        later = [keys[key_frames(keys) >= from_frame] for keys in self.old]
        self.pins = [no_keys()] * len(later)
        self.frames = np.unique(np.concatenate([key_frames(keys) for keys in later]))
        if not len(self.frames):
            self.later = later
        elif of.mode in (LOCATION, QUATERNION) and _stand_together(later):
            self.later = self._as_they_are(later, carrier)
        else:
            self.later = self._frame_by_frame(later, carrier)

    def keys(self, index: int) -> KeyArray:
        """All keys of a component after the move."""
        keys, frames = self.old[index], key_frames(self.old[index])
        stays_N = frames < self.from_frame
        pins = brackets_before(frames, stays_N, self.from_frame, self.goes_on)
        said = [self.of.value(index, frame) for frame in pins]
        before = linear_keys(pins, said, free=True)
        if not len(before) and not stays_N.any():
            return self.later[index]
        return _joined(keys[stays_N], before, self.pins[index], self.later[index])

    def _as_they_are(self, later: list[KeyArray], carrier: _Carrier) -> list[KeyArray]:
        """Keys and handles moved as points: the curves between them move rigidly too."""
        matrix, offset = carrier.matrix(self.of.mode)
        moved = [keys.copy() for keys in later]
        for name in POINTS:
            points_CN = np.array([keys[name][:, 1] for keys in later], dtype=np.float64)
            for keys, values_N in zip(moved, matrix @ points_CN + offset[:, None], strict=True):
                keys[name][:, 1] = values_N
        # a clamped handle is clamped by its own component, so it would not turn with the others
        for keys in moved if (later[0]["interpolation"] == BEZIER).any() else ():
            fix_handles(keys)
        gap = np.arange(self.from_frame, self.frames[0]) if self.goes_on else np.empty(0)
        values_TC = self._values(gap, carrier)
        self.pins = [linear_keys(gap, values_T, free=True) for values_T in values_TC.T]
        return moved

    def _frame_by_frame(self, later: list[KeyArray], carrier: _Carrier) -> list[KeyArray]:
        """Whole frames keyed, in straight lines; keys that are there keep what else they have."""
        start = self.from_frame if self.goes_on else np.ceil(self.frames[0])
        whole = np.arange(start, self.frames[-1] + 1.0)
        frames = np.union1d(self.frames, whole[whole <= self.frames[-1]])
        values_TC = self._values(frames, carrier)
        moved: list[KeyArray] = []
        for keys, values_T in zip(later, values_TC.T, strict=True):
            made = linear_keys(frames, values_T, free=True)
            at = np.searchsorted(frames, key_frames(keys))
            known = keys.copy()
            known["interpolation"] = LINEAR
            if len(frames) > len(keys):
                fix_handles(known)
            known["co"][:, 1] = values_T[at]
            for name in HANDLES:
                known[name][:, 1] += known["co"][:, 1] - keys["co"][:, 1]
            made[at] = known
            moved.append(made)
        return moved

    def _values(self, frames: FloatArray, carrier: _Carrier) -> FloatArray:
        """Carried values (T, C) of what the curves say."""
        said = [self.of.values(frame) for frame in frames]
        values_TC = np.array(said).reshape(len(frames), len(self.of.curves))
        return carrier.values(values_TC, self.of.mode)


def _stand_together(later: list[KeyArray]) -> bool:
    """All components have keys at the same frames, joined by segments of the same kind."""
    first = later[0]
    if any(len(keys) != len(first) for keys in later):
        return False
    for keys in later:
        same = [np.array_equal(keys[name], first[name]) for name in SEGMENT_FIELDS]
        same += [np.array_equal(keys[name][:, 0], first[name][:, 0]) for name in POINTS]
        if not all(same):
            return False
    return True
