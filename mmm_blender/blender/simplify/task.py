"""Simplify Keys without buttons."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.editing.lock_mode import LockMode
from ...geometry.resample import MOST_FRAMES
from ...geometry.rotation_modes import QUATERNION, rotations_of
from ...geometry.rotations import quat_angle
from ...geometry.simplify.pose_error import BoneChain
from ...geometry.simplify.simplify import (
    BoneCurves,
    BoneKeys,
    Tolerance,
    simplify,
    standing_points,
)
from ...geometry.skeleton import SMPL_22
from ..actions.cycles import goes_round
from ..actions.editability import editing_poll_error
from ..actions.range_writer import keyed_extent, raw_curves
from ..actions.validation import keys_poll_error
from ..bpy_types import Action, ArmatureObject, Context, Scene
from ..edit.chosen_range import ChosenRange, Source
from ..fcurves.curve_writer import CurveWriter, open_writer
from ..fcurves.keyframe_arrays import KeyArray, linear_keys, read_keys, reading_once
from ..fcurves.layered_actions import enum_value
from ..fcurves.slot_properties import write_text
from ..history.action_guard import SIMPLIFIED_PROPERTY, rolled_back
from ..history.fingerprint import store_fingerprint
from ..history.locked_keys import locked_keys
from ..rig.binding import binding_of
from ..rig.target import scene_fps
from .bone_samples import KeyedBone, bone_chain, keyed_bones

_SEAM_FRAMES = 4
"""What a round must be longer than for its ends to have keys beside them."""
_HANDLE = 1.0 / 3.0
"""Of the way to the next key: a segment is then a cubic polynomial of the frame."""
_FEET = ("left_ankle", "left_foot", "right_ankle", "right_foot")
_MILLIMETRES = 1000.0


@dataclass(frozen=True)
class SimplifyReport:
    """keys_before, keys_after: of all curves. distance: of the joint that is furthest from where it
    was, metres; angle: of the bone that is turned furthest from it, radians; both of the curves as
    Blender evaluates them, at every frame."""

    keys_before: int
    keys_after: int
    distance: float
    angle: float

    @property
    def sentence(self) -> str:
        """For the person."""
        return (
            f"{self.keys_before} keys became {self.keys_after}: no joint is more than "
            f"{_MILLIMETRES * self.distance:.1f} mm off, no bone more than "
            f"{math.degrees(self.angle):.1f} degrees."
        )


def simplify_keys(context: Context, rig: ArmatureObject, tolerance: Tolerance) -> SimplifyReport:
    """Replace the keys of a character's bones by the fewest within a tolerance.

    Keys that the person set, and those that they moved, stay where they are. Raises MMMError, with
    nothing changed, where the Action cannot be edited or the tolerance makes no sense.
    """
    tolerance.check()
    if reason := editing_poll_error(rig, "ALL"):
        raise MMMError(reason)
    action = rig.animation_data.action
    motion = _Motion.of(context.scene, rig, action, locks=True)
    with reading_once(), rolled_back(action, raw_curves(action)):
        report = motion.simplified(rig, action, tolerance)
        own = {
            bone.name: {float(frame + motion.first) for frame in fixed}
            for bone, fixed in zip(motion.bones, motion.fixed, strict=True)
            if fixed
        }
        store_fingerprint(rig, action, own)
        write_text(action, SIMPLIFIED_PROPERTY, "1", rig)
    return report


def simplify_new(
    scene: Scene, rig: ArmatureObject, action: Action, tolerance: Tolerance
) -> SimplifyReport:
    """The same to an Action that was just made, whether the rig has it or not: nobody has keyed
    anything in it. Its recipe says so, and its fingerprint is still to be stored."""
    tolerance.check()
    return _Motion.of(scene, rig, action, locks=False).simplified(rig, action, tolerance)


@dataclass(frozen=True, eq=False)
class _Motion:
    """What is simplified. curves, fixed: of each bone, at the scene frames from first to last.
    loops: the last frame is the first one a round later."""

    bones: tuple[KeyedBone, ...]
    curves: tuple[BoneCurves, ...]
    fixed: tuple[frozenset[int], ...]
    chain: BoneChain
    first: int
    last: int
    metre: float
    feet: tuple[int, ...]
    fps: float
    loops: bool

    @classmethod
    def of(cls, scene: Scene, rig: ArmatureObject, action: Action, locks: bool) -> _Motion:
        """locks: keys of the person's own stay."""
        keyed = keyed_extent(rig, action)
        assert keyed is not None  # or it could not be edited
        first, last = math.floor(keyed[0]), math.ceil(keyed[1])
        if last - first >= MOST_FRAMES:
            raise MMMError(
                f"The Action has more than {MOST_FRAMES} frames: simplify a shorter one."
            )
        scale = float(rig.matrix_world.median_scale)
        metre = scale * float(scene.unit_settings.scale_length)
        bones = tuple(keyed_bones(rig, action))
        _check_numbers(bones)
        fixed = (frozenset[int](),) * len(bones)
        if locks:
            fixed = _fixed(rig, action, bones, first, last)
        loops = goes_round(rig, action) and last - first > _SEAM_FRAMES
        seam = frozenset({1, last - first - 1} if loops else ())
        curves = tuple(
            bone.sampled(first, last, metre, each | seam)
            for bone, each in zip(bones, fixed, strict=True)
        )
        names = [bone.name for bone in bones]
        binding = binding_of(rig)
        found = (bone for joint in _FEET for bone in binding.bones_of(joint)[:1])
        feet = tuple(names.index(bone) for bone in found if bone in names)
        fps = scene_fps(scene)
        chain = bone_chain(rig, names, metre)
        return cls(bones, curves, fixed, chain, first, last, metre, feet, fps, loops)

    def simplified(
        self, rig: ArmatureObject, action: Action, tolerance: Tolerance
    ) -> SimplifyReport:
        """Write the fewest keys; how far they are off."""
        found = simplify(self.curves, self.chain, tolerance, self.standing())
        pairs = zip(self.curves, found.keys, strict=True)
        keys = tuple(meeting(*each) for each in pairs) if self.loops else found.keys
        before, after = _write(rig, action, self, keys)
        return SimplifyReport(before, after, *self.measured())

    def standing(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Heads and tips of feet that stand. (T, P)."""
        points_TP3 = self.chain.points(*_poses(self.curves))
        heads = list(self.feet)
        tips = [len(self.bones) + bone for bone in heads]
        return standing_points(points_TP3, [*heads, *tips], self.fps)

    def measured(self) -> tuple[float, float]:
        """How far the curves as they are now are from what they were: metres, radians."""
        now = [bone.sampled(self.first, self.last, self.metre, frozenset()) for bone in self.bones]
        (turns_a, moves_a), (turns_b, moves_b) = _poses(self.curves), _poses(now)
        apart = self.chain.points(turns_a, moves_a) - self.chain.points(turns_b, moves_b)
        return float(np.linalg.norm(apart, axis=-1).max()), float(
            quat_angle(turns_a, turns_b).max()
        )


def _check_numbers(bones: tuple[KeyedBone, ...]) -> None:
    for bone in bones:
        for curve in bone.curves:
            if curve is not None and (reason := keys_poll_error(curve)):
                raise MMMError(f"A curve of the bone '{bone.name}' {reason}.")


def meeting(curves: BoneCurves, keys: BoneKeys) -> BoneKeys:
    """Keys of a round with one slope where it meets the next: both ends have a key beside them, so
    that no frame between is moved."""
    slopes_KC = keys.slopes_KC.copy()
    ends_2N = keys.values_KC[[0, -1], : curves.rotation_TN.shape[1]]
    sign = -1.0 if curves.mode == QUATERNION and ends_2N[0] @ ends_2N[1] < 0.0 else 1.0
    signs_C = np.ones(slopes_KC.shape[1])
    signs_C[: ends_2N.shape[1]] = sign  # a quaternion may come back as its negative
    slope_C = 0.5 * (slopes_KC[0] + signs_C * slopes_KC[-1])
    slopes_KC[0], slopes_KC[-1] = slope_C, signs_C * slope_C
    return BoneKeys(keys.knots_K, keys.values_KC, slopes_KC)


def _poses(curves: list[BoneCurves] | tuple[BoneCurves, ...]) -> tuple[FloatArray, FloatArray]:
    """Rotations (T, J, 4) and moves (T, J, 3) of all bones."""
    rotations = [rotations_of(each.rotation_TN, each.mode) for each in curves]
    return np.stack(rotations, axis=1), np.stack([each.moves_T3 for each in curves], axis=1)


def _fixed(
    rig: ArmatureObject, action: Action, bones: tuple[KeyedBone, ...], first: int, last: int
) -> tuple[frozenset[int], ...]:
    """Frames (from 0) at which each bone keeps its key, because the person set or moved it."""
    span = ChosenRange(first, last, Source.GIVEN)
    locked = locked_keys(rig, action, span, SMPL_22.names, LockMode.AUTO)
    named = binding_of(rig).joint_of_bone
    return tuple(
        frozenset(
            int(frame) - first
            for frame in locked.frames.get(named.get(bone.name, ""), ())
            if float(frame).is_integer()
        )
        for bone in bones
    )


def _write(
    rig: ArmatureObject, action: Action, motion: _Motion, keys: tuple[BoneKeys, ...]
) -> tuple[int, int]:
    """Write all keys; how many there were, and how many there are."""
    before = after = 0
    with open_writer(rig, action) as writer:
        for bone, fixed, found in zip(motion.bones, motion.fixed, keys, strict=True):
            counts = _write_bone(writer, bone, fixed, found, motion)
            before, after = before + counts[0], after + counts[1]
    return before, after


def _write_bone(
    writer: CurveWriter,
    bone: KeyedBone,
    fixed: frozenset[int],
    found: BoneKeys,
    motion: _Motion,
) -> tuple[int, int]:
    before = after = 0
    moves_from = len(bone.curves) - 3
    for at, curve in enumerate(bone.curves):
        if curve is None:
            continue
        unit = 1.0 / motion.metre if at >= moves_from else 1.0
        old = read_keys(curve)
        new = bezier_keys(
            (found.knots_K + motion.first).astype(np.float64),
            found.values_KC[:, at] * unit,
            found.slopes_KC[:, at] * unit,
        )
        held = np.isin(found.knots_K, list(fixed))
        new["type"][held] = enum_value("type", "KEYFRAME")
        writer.write(curve, new, np.zeros(len(new), dtype=np.bool_), old)
        before, after = before + len(old), after + len(new)
    return before, after


def bezier_keys(frames_K: FloatArray, values_K: FloatArray, slopes_K: FloatArray) -> KeyArray:
    """Bezier keys of type GENERATED with aligned handles, of slopes in units a frame."""
    keys = linear_keys(frames_K, values_K)
    keys["interpolation"] = enum_value("interpolation", "BEZIER")
    lengths = np.diff(frames_K).astype(np.float64) * _HANDLE
    if not len(lengths):
        return keys
    left, right = np.append(lengths[0], lengths), np.append(lengths, lengths[-1])
    for name, length, sign in (("handle_left", left, -1.0), ("handle_right", right, 1.0)):
        keys[f"{name}_type"] = enum_value(f"{name}_type", "ALIGNED")
        keys[name] = np.stack(
            [frames_K + sign * length, values_K + sign * length * slopes_K], axis=-1
        )
    return keys
