"""Whether an armature's keys, and they alone, make the motion that an edit would write into."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from ...common.errors import MMMError
from ...geometry.editing.edit_mask import PART_JOINTS, BodyPart
from ...geometry.rotation_modes import EULER_PROPERTY, PROPERTY
from ...geometry.skeleton import SMPL_22
from ..bpy_types import Action, ArmatureObject, Context, PoseBone
from ..fcurves.frame_range import ALL_FRAMES, FrameRange
from ..fcurves.layered_actions import bone_path, rig_curves, strip_curves
from ..fcurves.slot_properties import WAY_PROPERTY, read_text
from ..rig.binding import PELVIS, RigBinding, find_binding
from ..rig.carrying import carrying_bones, leaves_keys
from ..rig.smpl_rig import inheritance_poll_error
from ..rig.target import scene_of, target_armature
from .range_writer import keyed_extent

BODY_PARTS: Mapping[str, BodyPart] = MappingProxyType(
    {"ALL": "all", "UPPER": "upper", "LOWER": "lower"}
)
"""Body parts as operators name them, and as masks do."""

_CHANNELS = re.compile(r"(?:^|\.)(location|scale|rotation_(quaternion|euler|axis_angle|mode))$")
_IK_TYPES = frozenset({"IK", "SPLINE_IK"})
"""Constraints that move the bones above theirs too."""

_STILL = 1e-5
"""How far a bone's matrix may be from the identity for a bone at rest."""

_BAKE = "Bake the action first (Pose > Animation > Bake Action)"

_AS_KEYED: Mapping[str, tuple[object, str]] = MappingProxyType(
    {
        "action_influence": (1.0, "Influence in the NLA is not 1"),
        "action_blend_type": ("REPLACE", "Blending in the NLA is not Replace"),
        "action_extrapolation": ("HOLD", "Extrapolation in the NLA is not Hold"),
    }
)
"""How the NLA has to take the active Action so that its keys are what is seen, and what to say."""


def part_joints(body_part: str) -> tuple[str, ...]:
    """Names of the SMPL joints of a body part (a key of ``BODY_PARTS``)."""
    return tuple(SMPL_22.names[joint] for joint in PART_JOINTS[BODY_PARTS[body_part]])


def editing_poll_error(
    rig: ArmatureObject | None,
    body_part: str,
    frames: FrameRange | None = None,
    on_object: bool = False,
) -> str:
    """Why the motion of a body part on some frames cannot be edited, in a sentence; else "".

    Keys must be there, be ours to write, and alone determine the pose. What is wrong with single
    curves is ``curve_ranges.check_curves``'s to say. on_object: the way may lie on the object.
    """
    if rig is None:
        return "Select the character whose motion is to be edited."
    binding = find_binding(rig)
    if isinstance(binding, str):
        return binding
    return action_poll_error(rig, on_object) or pose_poll_error(rig, binding, body_part, frames)


def pose_poll_error(
    rig: ArmatureObject, binding: RigBinding, body_part: str, frames: FrameRange | None = None
) -> str:
    """What of ``editing_poll_error`` is not about the Action, which must be there."""
    pose = _Pose(rig, binding, _bones_of(binding, body_part))
    return pose.poll_error(frames or ALL_FRAMES)


def new_action_poll_error(rig: ArmatureObject) -> str:
    """Why an Action of ours, with keys on all that it takes, would not be what is seen of a rig, in
    a sentence; else ""."""
    binding = find_binding(rig)
    if isinstance(binding, str):
        return binding
    data = rig.animation_data
    if data is not None and data.use_tweak_mode:
        return _TWEAKED.format(rig.name)
    names = _bones_of(binding, "ALL")
    pose = _Pose(rig, binding, names, covered=frozenset(_own_channels(rig, binding)))
    return time_poll_error(rig) or pose.movers_error(ALL_FRAMES)


def _bones_of(binding: RigBinding, body_part: str) -> tuple[str, ...]:
    """Bones that are keyed for a body part."""
    joints = part_joints(body_part)
    return tuple(dict.fromkeys(bone for joint in joints for bone in binding.bones_of(joint)))


def _own_channels(rig: ArmatureObject, binding: RigBinding) -> Iterator[tuple[str, int]]:
    """Data paths and indices that a motion of ours keys."""
    for name, keyed in binding.keyed.items():
        mode = str(rig.pose.bones[name].rotation_mode)
        properties = {"rotation": PROPERTY.get(mode, EULER_PROPERTY), "location": "location"}
        for kind in (properties[each] for each in keyed):
            path = bone_path(name, kind)
            yield from ((path, index) for index in range(len(getattr(rig.pose.bones[name], kind))))


_TWEAKED = "A strip of '{}' is being edited in the NLA editor: leave tweak mode there (Tab)."


def action_poll_error(rig: ArmatureObject, on_object: bool = False) -> str:
    """Why no key of a rig can be edited at all, in a sentence; else "". on_object: as above."""
    data = rig.animation_data
    if data is not None and data.use_tweak_mode:
        return _TWEAKED.format(rig.name)
    if data is None or data.action is None:
        if data is not None and data.use_nla and data.nla_tracks:
            return f"{_BAKE}: '{rig.name}' moves by NLA strips and has no Action of its own."
        return f"'{rig.name}' has no Action to edit: generate a motion or set two keys first."
    action: Action = data.action
    if action.library or not action.is_editable:
        return (
            f"The Action '{action.name}' is linked from another file and cannot be changed: make "
            "it local first."
        )
    return _keys_poll_error(rig, action, on_object) or time_poll_error(rig)


def _keys_poll_error(rig: ArmatureObject, action: Action, on_object: bool) -> str:
    if not on_object and read_text(action, WAY_PROPERTY, rig):
        return (
            f"The way of '{action.name}' over the ground lies on the object '{rig.name}': bring it "
            "back first (Way on Object in the panel Rig)."
        )
    if keyed_extent(rig, action) is None:
        return f"The Action '{action.name}' has no keys on '{rig.name}': set a key first."
    return ""


def time_poll_error(rig: ArmatureObject) -> str:
    """Why a scene frame is not the frame of its keys, in a sentence; else ""."""
    render = scene_of(rig).render
    if render.frame_map_old == render.frame_map_new:
        return ""
    return (
        "Time Stretching is on: set Old and New to the same value (Output properties, Frame Range)."
    )


@dataclass(frozen=True)
class _Pose:
    """What makes the pose of some bones of a rig that has an Action.

    binding: of the rig. bones: those to be edited. covered: data paths and indices that
    the Action keys, or will; those of the Action that there is if not given.
    """

    rig: ArmatureObject
    binding: RigBinding
    bones: tuple[str, ...]
    covered: frozenset[tuple[str, int]] | None = None

    def poll_error(self, frames: FrameRange) -> str:
        smpl = self.binding.smpl
        if smpl is None:
            return self.movers_error(frames) or self.carriers_error()
        posed = (self.posed_sentence(name) for name in self.between if self.is_posed(name))
        return (
            self.movers_error(frames)
            or next(posed, "")
            or inheritance_poll_error(self.rig, smpl, self.bones)
        )

    def carriers_error(self) -> str:
        """What else is animated of what a mapped rig's controls hang on, in a sentence; else ""."""
        keyed = {path for path, _ in self.keyed_channels}
        for name in carrying_bones(self.rig, self.binding):
            prefix = bone_path(name, "")
            if any(path.startswith(prefix) and _CHANNELS.search(path) for path in keyed):
                return (
                    f"The bone '{name}' that carries others of '{self.rig.name}' is animated too: "
                    "bake its motion into the controls below it, and clear its keys first."
                )
        return ""

    def movers_error(self, frames: FrameRange) -> str:
        """What moves the bones beside the Action, in a sentence; else ""."""
        if self.rig.data.pose_position == "REST":
            return (
                f"'{self.rig.name}' is shown in its rest position: choose Pose Position in the "
                "armature's properties."
            )
        movers = (self.constraints(), self.drivers(), self.mixing(), self.strips(frames))
        mover = next((each for kind in movers for each in kind), "")
        return f"{_BAKE}: {mover}." if mover else ""

    @cached_property
    def between(self) -> list[str]:
        """Bones of the rig's maker that stand between two of the body."""
        if self.binding.smpl is None:
            return []
        known = set(self.binding.smpl.values())
        above_all = {str(bone.name) for bone in self.parents(self.binding.smpl[PELVIS])}
        between = {str(bone.name): None for name in self.bones for bone in self.parents(name)}
        return [name for name in between if name not in known | above_all]

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """Bones whose own movers matter, those that the pelvis hangs on among them."""
        if self.binding.smpl is None:
            # a limb's own goal bends its base, and is meant to
            return tuple(name for name in self.bones if name not in self.binding.bases)
        pelvis = self.binding.smpl[PELVIS]
        above = self.parents(pelvis) if pelvis in self.bones else ()
        return (*self.bones, *self.between, *(str(bone.name) for bone in above))

    def parents(self, bone: str) -> Any:
        """Bones above a bone."""
        return self.rig.data.bones[bone].parent_recursive

    @cached_property
    def animated_paths(self) -> set[str]:
        """Data paths of the rig's keys and drivers."""
        data = self.rig.animation_data
        if data is None:
            return set()
        curves = [] if data.action is None else rig_curves(self.rig, data.action)
        return {str(each.data_path) for each in [*curves, *data.drivers]}

    @cached_property
    def keyed_channels(self) -> frozenset[tuple[str, int]]:
        """Channels that the Action alone decides, whatever strips below it say."""
        data = self.rig.animation_data
        if self.covered is not None or data.action is None:
            return self.covered or frozenset()
        return frozenset(
            (str(curve.data_path), int(curve.array_index))
            for curve in rig_curves(self.rig, data.action)
            if not curve.is_empty and not curve.mute
        )

    def constraints(self) -> Iterator[str]:
        """Constraints that move any of the bones, as ends of a sentence."""
        for bone in self.rig.pose.bones:
            for constraint in bone.constraints:
                if self.works(bone, constraint) and self.reach(bone, constraint) & {*self.watched}:
                    yield f"the constraint '{constraint.name}' on '{bone.name}' moves it too"

    def works(self, bone: PoseBone, constraint: Any) -> bool:
        """A constraint has influence, or may get it in the course of time."""
        is_mapped = self.binding.smpl is None
        if is_mapped and leaves_keys(self.binding, bone.name, constraint):
            return False
        path = bone_path(bone.name, f'constraints["{constraint.name}"].')
        # drivers of a maker's rig are its switches: they stand as the person has set them
        paths = {each for each, _ in self.keyed_channels} if is_mapped else self.animated_paths
        animated = any(each.startswith(path) for each in paths)
        able = constraint.is_valid and not constraint.mute
        return able and (animated or constraint.influence > 0.0)

    def reach(self, bone: PoseBone, constraint: Any) -> set[str]:
        """Bones that a constraint moves by itself (what hangs below them aside)."""
        chain = [str(bone.name)]
        if str(constraint.type) in _IK_TYPES:
            chain += [str(parent.name) for parent in self.parents(bone.name)]
            return set(chain[: int(constraint.chain_count) or len(chain)])
        return set(chain)

    def drivers(self) -> Iterator[str]:
        """Drivers of the bones' own channels, as ends of a sentence."""
        data = self.rig.animation_data
        for driver in () if data is None else data.drivers:
            path = str(driver.data_path)
            driven = (name for name in self.watched if path.startswith(bone_path(name, "")))
            if driver.mute or not _CHANNELS.search(path):
                continue
            if (name := next(driven, "")) and not self.keeps_size(name, path):
                yield f"a driver moves '{name}' too"

    def keeps_size(self, name: str, path: str) -> bool:
        """A driver of a mapped rig's scale that leaves a bone at its size."""
        is_scale = self.binding.smpl is None and path.endswith("scale")
        return is_scale and np.allclose(self.rig.pose.bones[name].scale, 1.0, atol=_STILL)

    def mixing(self) -> Iterator[str]:
        """Settings by which the NLA plays the Action itself otherwise than it is keyed, as ends of
        a sentence. They count from the first strip on, whatever that plays and when."""
        data = self.rig.animation_data
        tracks = data.nla_tracks if data is not None and data.use_nla else ()
        if data is None or not any(each.strips for each in tracks if not each.mute):
            return
        for name, (wanted, reason) in _AS_KEYED.items():
            animated = f"animation_data.{name}" in self.animated_paths
            if animated or getattr(data, name) != wanted:
                yield f"the Action's own {reason}{' all the time' if animated else ''}"

    def strips(self, frames: FrameRange) -> Iterator[str]:
        """NLA strips with a say in the bones' pose on these frames, as ends of a sentence."""
        data = self.rig.animation_data
        for track in data.nla_tracks if data is not None and data.use_nla else ():
            if track.is_solo:  # then the Action itself is not heard
                yield f"the NLA track '{track.name}' plays alone"
            for strip in () if track.mute else track.strips:
                if _has_say(strip, frames) and _moves(strip, self.watched, self.keyed_channels):
                    yield f"the NLA strip '{strip.name}' moves it too"

    def is_posed(self, name: str) -> bool:
        """A bone is keyed, or out of its rest pose."""
        if any(path.startswith(bone_path(name, "")) for path in self.animated_paths):
            return True
        return not np.allclose(self.rig.pose.bones[name].matrix_basis, np.eye(4), atol=_STILL)

    @staticmethod
    def posed_sentence(name: str) -> str:
        """What to do about one."""
        return (
            f"The bone '{name}' between two of the body is posed too: clear its keys and its pose "
            "first."
        )


def _has_say(strip: Any, frames: FrameRange) -> bool:
    """A strip is heard on some of the frames, between its ends or by holding beyond them."""
    first, last = float(strip.frame_start), float(strip.frame_end)
    held = {"HOLD": (-math.inf, math.inf), "HOLD_FORWARD": (first, math.inf)}
    return not strip.mute and frames.touches(*held.get(str(strip.extrapolation), (first, last)))


def _moves(strip: Any, bones: Collection[str], covered: Collection[tuple[str, int]]) -> bool:
    """A strip, or one inside it, has keys on any of the bones, other than on ``covered`` channels:
    those the Action above it replaces."""
    if strip.action is None:
        return any(_moves(inner, bones, covered) for inner in strip.strips)
    prefixes = tuple(bone_path(name, "") for name in bones)
    return any(
        str(curve.data_path).startswith(prefixes)
        and (str(curve.data_path), int(curve.array_index)) not in covered
        for curve in strip_curves(strip)
    )


def edited_armature(context: Context) -> ArmatureObject:
    """The character whose motion is edited; MMMError where there is none."""
    rig = target_armature(context)
    if rig is None:
        raise MMMError("Select the character whose motion is to be edited.")
    return rig
