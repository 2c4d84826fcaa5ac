"""What an export may want beside the motion as it is: a range, a rate, the root bone, a T-pose.

Clips get it by arithmetic; for Blender's exporters the rig plays a copy of its Action meanwhile.

Shape suffixes: T frames.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.resample import resample
from ...geometry.standing import t_pose_at, with_t_pose
from ..bpy_types import Action, ArmatureObject, Scene, bpy
from ..fcurves.layered_actions import (
    Channel,
    curves_by_channel,
    ensure_curve_store,
    rig_curves,
    temporarily_assigned,
)
from ..rig.binding import RigBinding, binding_of
from ..rig.clip_channels import clip_channels
from ..rig.motion_reader import read_motion
from ..rig.rig_options import HIPS, ROOT_BONE
from ..rig.target import scene_fps

AS_KEYED = "KEYED"
ROOTS = (
    (AS_KEYED, "As Keyed", "The bone that has the keys carries the way over the ground"),
    (HIPS, "Hips", "The hips carry the way over the ground"),
    (ROOT_BONE, "Root Bone", "The rig's root bone carries the way over the ground"),
)


@dataclass(frozen=True)
class ExportOptions:
    """first, last: frames of the scene, None for the motion's own. fps: of the file, 0 for the
    scene's. root: AS_KEYED, HIPS or ROOT_BONE carries the way. t_pose: a T-pose on the first frame,
    and the motion from the next one on."""

    first: int | None = None
    last: int | None = None
    fps: float = 0.0
    root: str = AS_KEYED
    t_pose: bool = False

    def range_of(self, first: int, last: int) -> tuple[int, int]:
        """What of a motion's frames is exported. MMMError where that is nothing."""
        begin = first if self.first is None else max(first, self.first)
        end = last if self.last is None else min(last, self.last)
        if begin > end:
            raise MMMError(
                f"There is no motion between the frames {self.first} and {self.last} (it goes from "
                f"{first} to {last}): choose others."
            )
        return begin, end

    def finished(self, clip: MotionClip) -> MotionClip:
        """The clip of the range at the file's rate, behind a T-pose if one is wanted."""
        made = resample(clip, self.fps) if self.fps else clip
        return with_t_pose(made) if self.t_pose else made

    @property
    def changes_keys(self) -> bool:
        """Blender's exporters need other keys than the rig has."""
        return bool(self.fps) or self.t_pose or self.root != AS_KEYED


@contextmanager
def played_for_export(
    rig: ArmatureObject, scene: Scene, options: ExportOptions, first: int, last: int
) -> Generator[tuple[int, int]]:
    """The rig plays what the options want; gives the first and last frame of it. The scene's rate
    is the file's, which the caller takes back."""
    if not options.changes_keys:
        yield first, last
        return
    clip = read_motion(rig, first, last)
    action: Action = rig.animation_data.action
    copy = action.copy()
    try:
        with temporarily_assigned(rig, copy):
            binding = _with_root(rig, options.root)
            _key(rig, copy, _root_channels(rig, binding, clip, options.root), float(first))
            begin, end = first, _at_rate(rig, copy, scene, options.fps, first, last)
            if options.t_pose:
                begin -= 1
                still = clip_channels(rig, binding, t_pose_at(clip), np.zeros(1, np.bool_))
                _key(rig, copy, still, float(begin))
            yield begin, end
    finally:
        bpy.data.actions.remove(copy)


def _with_root(rig: ArmatureObject, root: str) -> RigBinding:
    """How the rig is keyed with the way on another bone. MMMError where it has none."""
    binding = binding_of(rig)
    if root == AS_KEYED:
        return binding
    found = replace(binding, on_root=root == ROOT_BONE)
    if root == ROOT_BONE and not any(each.role == "ground" for each in found.written):
        raise MMMError(
            f"'{rig.name}' has no root bone that is known: choose Hips or As Keyed, or name one in "
            "its map."
        )
    return found


def _root_channels(
    rig: ArmatureObject, binding: RigBinding, clip: MotionClip, root: str
) -> list[Channel]:
    """Channels of the bones that carry the body, and of what hangs on the root, for a clip."""
    if root == AS_KEYED or binding.smpl is not None:
        return []
    ground = binding.rig_map.ground
    moved = {each.bone for each in binding.written if each.location} - {ground}
    channels = clip_channels(rig, binding, clip, np.zeros(clip.frames, np.bool_))
    wanted = [each for each in channels if each.group in moved | {ground}]
    if root == HIPS and ground:  # where it rests, for good
        wanted += _resting(rig, ground, clip.frames)
    return wanted


def _resting(rig: ArmatureObject, bone: str, frames: int) -> list[Channel]:
    """The curves that a bone's place has in the Action, at rest."""
    curves = rig_curves(rig, rig.animation_data.action)
    own = [
        curve
        for curve in curves
        if str(curve.data_path).endswith(f'["{bpy.utils.escape_identifier(bone)}"].location')
    ]
    zeros_T = np.zeros(frames)
    return [Channel(str(each.data_path), int(each.array_index), bone, zeros_T) for each in own]


def _key(rig: ArmatureObject, action: Action, channels: list[Channel], first: float) -> None:
    """Give the Action keys of these channels, a frame each from the first on."""
    store = ensure_curve_store(rig, action)
    known = curves_by_channel(rig_curves(rig, action))
    for channel in channels:
        curve = known.get((channel.data_path, channel.index))
        if curve is None:
            curve = store.fcurves.new(channel.data_path, index=channel.index)
        for at, value in enumerate(channel.values_T.tolist()):
            key = curve.keyframe_points.insert(first + at, value, options={"FAST"})
            key.interpolation = "LINEAR"
        curve.update()


def _at_rate(  # noqa: PLR0917  # an Action in a scene, and what of it
    rig: ArmatureObject, action: Action, scene: Scene, fps: float, first: int, last: int
) -> int:
    """Have the scene and the Action's keys go at another rate from the first frame on; the frame on
    which the last one lies then."""
    if not fps:
        return last
    ratio = fps / scene_fps(scene)
    for curve in rig_curves(rig, action):
        keys = curve.keyframe_points
        for name in ("co", "handle_left", "handle_right"):
            points = np.empty(2 * len(keys), dtype=np.float32)
            keys.foreach_get(name, points)
            points[0::2] = first + (points[0::2] - first) * ratio
            keys.foreach_set(name, points)
        curve.update()
    scene.render.fps = max(1, round(fps))
    scene.render.fps_base = scene.render.fps / fps
    return first + round((last - first) * ratio)
