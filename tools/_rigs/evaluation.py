"""Figures of motions on rigs, measured on the evaluated bones.

Shape suffixes: T frames, J = 22 joints, 3 metres in model space, 4 quaternions w first.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mmm_blender.blender.actions.range_writer import raw_curves, write_range
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.keyframe_arrays import KEY_DTYPE
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.rig.binding import binding_of
from mmm_blender.blender.rig.evaluation import evaluated
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.blender.rig.pose_reading import pose_reading
from mmm_blender.blender.rig.rig_rest import rig_alignment
from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.feet.contacts import foot_contacts, standing_heights
from mmm_blender.geometry.feet.rig_feet import RigFeet
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.retarget.presets import Preset, presets
from mmm_blender.geometry.rotations import normalize, quat_angle
from mmm_blender.geometry.skeleton import SMPL_22, joint_index

from .blender_rigs import build_armature, rigify_human
from .skeletons import Build, Style, bones_of_preset
from .unknown import proposed_right

BUILDS = (
    Build(arms_down=0.0, roll=1),
    Build(arms_down=25.0, elbows=15.0, roll=2, legs=1.1, thigh=1.04, shoulders=1.15),
    Build(arms_down=50.0, spread=6.0, roll=3, legs=0.85, arms=0.9, trunk=1.1),
    Build(arms_down=80.0, knees=8.0, elbows=25.0, roll=4, trunk=0.9, thigh=0.96),
)
"""Proportions and rest poses of every convention."""

STYLES = (Style(), Style(up="Y", scale=0.01), Style(turn=(0.0, 0.0, 0.6)), Style())

LIMBS = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
_LONG_FRAMES = 600


@dataclass
class Figures:
    """Lists of what was measured, over all rigs and clips. unknown: whether rigs of unknown names
    are proposed right, with and without sides in their names, by kind."""

    directions: list[FloatArray] = field(default_factory=list[FloatArray])
    places: list[FloatArray] = field(default_factory=list[FloatArray])
    slides: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    floors: list[FloatArray] = field(default_factory=list[FloatArray])
    rotations: list[FloatArray] = field(default_factory=list[FloatArray])
    edits: int = 0
    changed: int = 0
    recognised: dict[str, str] = field(default_factory=dict[str, str])
    unknown: dict[bool, dict[str, bool]] = field(default_factory=dict[bool, dict[str, bool]])
    seconds: list[float] = field(default_factory=list[float])
    inserts: list[float] = field(default_factory=list[float])
    ik_fk: list[float] = field(default_factory=list[float])


def evaluate(clips: Mapping[str, MotionClip], edits: int) -> Figures:
    """Measure all presets, and Rigify's human."""
    figures = Figures()
    known = [preset for preset in presets() if preset.name != "Rigify"]
    for number, preset in enumerate(known):
        for at, build in enumerate(BUILDS):
            rig = _fresh(preset, build, STYLES[at])
            figures.recognised[preset.name] = binding_of(rig).rig_map.label
            clip = list(clips.values())[(number + at) % len(clips)]
            _measure(figures, rig, clip)
            share = edits // (len(known) * len(BUILDS)) + 1
            _measure_edits(figures, rig, clip, min(share, edits - figures.edits), number * 7 + at)
        _say(preset.name)
    figures.unknown = {sided: proposed_right(sided) for sided in (True, False)}
    _measure_rigify(figures, clips)
    _measure_speed(figures, clips)
    return figures


def _say(name: str) -> None:
    print(f"measured {name}", flush=True)


def _fresh(preset: Preset, build: Build, style: Style) -> ArmatureObject:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return build_armature(preset.name, bones_of_preset(preset, build), style)


def _measure(figures: Figures, rig: ArmatureObject, clip: MotionClip) -> None:
    write_clip(rig, clip, 1)
    joints_TJ3 = rig_joints(rig, clip.frames)
    wanted_TJ3 = clip_joints(clip)
    figures.directions.append(direction_errors(joints_TJ3, wanted_TJ3))
    figures.places.append(place_errors(joints_TJ3, wanted_TJ3))
    slide, floor = foot_figures(joints_TJ3, wanted_TJ3, clip.fps, _toes_over_soles(rig))
    figures.slides.append(slide)
    figures.floors.append(floor)
    back = read_motion(rig, 1, clip.frames)
    figures.rotations.append(np.degrees(quat_angle(back.rotations_TJ4, clip.rotations_TJ4)))


def rig_joints(rig: ArmatureObject, frames: int) -> FloatArray:
    """Heads of the bones that stand for the joints, (T, 22, 3), metres of the model."""
    binding = binding_of(rig)
    names = [binding.read_bone(joint) for joint in SMPL_22.names]
    reading = pose_reading(rig, binding)
    places: list[FloatArray] = []
    for frame in range(1, frames + 1):
        bpy.context.scene.frame_set(frame)
        posed = evaluated(rig).pose.bones
        places.append(np.array([posed[name].head for name in names], dtype=np.float64))
    return reading.to_model_points(np.array(places))


def direction_errors(joints_TJ3: FloatArray, wanted_TJ3: FloatArray) -> FloatArray:
    """Degrees between limbs of the rig and of the clip. (T, 8)."""
    angles = []
    for side in ("left", "right"):
        for upper, lower in LIMBS:
            ends = [joint_index(f"{side}_{name}") for name in (upper, lower)]
            bones = [
                normalize(each[:, ends[1]] - each[:, ends[0]]) for each in (joints_TJ3, wanted_TJ3)
            ]
            cosine = np.sum(bones[0] * bones[1], axis=-1)
            angles.append(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    return np.stack(angles, axis=-1)


def place_errors(joints_TJ3: FloatArray, wanted_TJ3: FloatArray) -> FloatArray:
    """Metres by which wrists and ankles are elsewhere than the clip has them from shoulders and
    hips, in lengths of the limb, and the head from the middle of the hips, in lengths of the trunk.
    (T, 5)."""
    apart = []
    hips = [joint_index("left_hip"), joint_index("right_hip")]
    for side in ("left", "right"):
        for start, end in (("shoulder", "wrist"), ("hip", "ankle")):
            ends = [joint_index(f"{side}_{name}") for name in (start, end)]
            middle = joint_index(f"{side}_{'elbow' if start == 'shoulder' else 'knee'}")
            apart.append(_scaled(joints_TJ3, wanted_TJ3, ends[0], middle, ends[1]))
    head = joint_index("head")
    found, wanted = (
        each[:, head] - each[:, hips].mean(axis=1) for each in (joints_TJ3, wanted_TJ3)
    )
    size = np.median(np.linalg.norm(wanted, axis=-1)) / np.median(np.linalg.norm(found, axis=-1))
    apart.append(np.linalg.norm(found * size - wanted, axis=-1))
    return np.stack(apart, axis=-1)


def _scaled(
    joints_TJ3: FloatArray, wanted_TJ3: FloatArray, start: int, middle: int, end: int
) -> FloatArray:
    lengths = [
        np.linalg.norm(each[:, middle] - each[:, start], axis=-1)
        + np.linalg.norm(each[:, end] - each[:, middle], axis=-1)
        for each in (joints_TJ3, wanted_TJ3)
    ]
    size = (lengths[1] / lengths[0])[:, None]
    found = (joints_TJ3[:, end] - joints_TJ3[:, start]) * size
    return np.linalg.norm(found - (wanted_TJ3[:, end] - wanted_TJ3[:, start]), axis=-1)


def _toes_over_soles(rig: ArmatureObject) -> FloatArray:
    """Heights of the rig's toes over its own soles in the T-pose, (2,), metres of the model."""
    binding = binding_of(rig)
    if binding.smpl is not None:
        return standing_heights()[1::2]
    return RigFeet.of(rig_alignment(rig, binding.rig_map)).stands_SC[:, 1]


def foot_figures(
    joints_TJ3: FloatArray, wanted_TJ3: FloatArray, fps: float, stands_S: FloatArray
) -> tuple[tuple[float, float], FloatArray]:
    """Mean slide of toes in contact, m/s, of the rig and of the clip; and metres by which the rig's
    toes are lower or higher over its soles than the clip's over SMPL's while they stand. stands_S:
    heights of the rig's toes over its soles."""
    contacts = foot_contacts(wanted_TJ3, fps)
    toes = [joint_index("left_foot"), joint_index("right_foot")]
    stands = contacts[:, 1::2]  # ankle, toe, ankle, toe
    both = stands[1:] & stands[:-1]
    speeds = [
        np.linalg.norm(np.diff(each[:, toes][..., [0, 2]], axis=0), axis=-1) * fps
        for each in (joints_TJ3, wanted_TJ3)
    ]
    heights = (joints_TJ3[:, toes, 1] - stands_S, wanted_TJ3[:, toes, 1] - standing_heights()[1::2])
    floor = np.abs(heights[0] - heights[1])[stands]
    if not both.any():
        return (0.0, 0.0), floor
    return (float(speeds[0][both].mean()), float(speeds[1][both].mean())), floor


# --- edits ---------------------------------------------------------------------------------------


def _measure_edits(
    figures: Figures, rig: ArmatureObject, clip: MotionClip, count: int, seed: int
) -> None:
    """Random ranges and joints; keys outside them must stay bit for bit."""
    rng = np.random.default_rng(seed)
    action = rig.animation_data.action
    seen = read_motion(rig, 1, clip.frames)
    for _ in range(max(count, 0)):
        first = int(rng.integers(2, clip.frames - 12))
        last = int(first + rng.integers(3, 10))
        joints = tuple(rng.choice(SMPL_22.names, int(rng.integers(1, 22)), replace=False))
        other = seen.replace(rotations_TJ4=seen.rotations_TJ4[::-1].copy())
        before = _outside(rig, first, last, joints)
        write_range(rig, action, _spliced(seen, other, first, last), 1, first, last, joints, {})
        figures.edits += 1
        figures.changed += before != _outside(rig, first, last, joints)


def _spliced(seen: MotionClip, other: MotionClip, first: int, last: int) -> MotionClip:
    rotations = seen.rotations_TJ4.copy()
    rotations[first - 1 : last] = other.rotations_TJ4[first - 1 : last]
    return seen.replace(rotations_TJ4=rotations)


def _outside(
    rig: ArmatureObject, first: int, last: int, joints: tuple[str, ...]
) -> dict[object, bytes]:
    """Keys outside a mask; where handles turn Free is not counted (it is Blender's way to stay)."""
    binding = binding_of(rig)
    bones = {bone for joint in joints for bone in binding.bones_of(joint)}
    kept: dict[object, bytes] = {}
    for name, raw in raw_curves(rig.animation_data.action).items():
        keys = np.frombuffer(raw.keys, KEY_DTYPE)
        at = keys["co"][:, 0]
        if any(f'["{bone}"]' in name[1] for bone in bones):
            keys = keys[(at < first) | (at > last)]
        kept[name] = keys["co"].tobytes() + keys["interpolation"].tobytes()
    return kept


# --- Rigify and speed ----------------------------------------------------------------------------


def _measure_rigify(figures: Figures, clips: Mapping[str, MotionClip]) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rig = rigify_human()
    figures.recognised["Rigify"] = binding_of(rig).rig_map.label
    _switch(rig, 1.0)
    for bone in rig.pose.bones:
        bone.ik_stretch = 0.0
    for clip in clips.values():
        _measure(figures, rig, clip)
        frames = range(1, clip.frames + 1, 5)
        places = []
        for fk in (1.0, 0.0):
            _switch(rig, fk)
            places.append(_deform_heads(rig, frames))
        figures.ik_fk.append(float(np.linalg.norm(places[0] - places[1], axis=-1).max()))
        _switch(rig, 1.0)
    _say("Rigify")


def _switch(rig: ArmatureObject, fk: float) -> None:
    for limb in binding_of(rig).rig_map.limbs:
        rig.pose.bones[limb.switch_bone][limb.switch] = fk
    rig.update_tag()
    bpy.context.view_layer.update()


def _deform_heads(rig: ArmatureObject, frames: range) -> FloatArray:
    names = [bone.name for bone in rig.data.bones if bone.name.startswith("DEF-")]
    places = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        posed = evaluated(rig).pose.bones
        places.append([posed[name].head[:] for name in names])
    return np.array(places)


def _measure_speed(figures: Figures, clips: Mapping[str, MotionClip]) -> None:
    """600 frames onto a rig of sixty bones, beside ``keyframe_insert`` on as many channels."""
    preset = next(each for each in presets() if each.name == "Unreal 5")
    rig = _fresh(preset, BUILDS[0], STYLES[0])
    clip = next(iter(clips.values()))
    times = -(-_LONG_FRAMES // clip.frames)
    long = MotionClip(
        np.tile(clip.rotations_TJ4, (times, 1, 1))[:_LONG_FRAMES],
        np.tile(clip.root_T3, (times, 1))[:_LONG_FRAMES],
        clip.fps,
    )
    for _ in range(3):
        begun = time.process_time()
        write_clip(rig, long, 1)
        figures.seconds.append(time.process_time() - begun)
    bones = {each.bone for each in binding_of(rig).written}
    begun = time.process_time()
    for frame in range(1, _LONG_FRAMES + 1, 10):
        for bone in bones:
            rig.pose.bones[bone].keyframe_insert("rotation_quaternion", frame=frame)
    figures.inserts.append((time.process_time() - begun) * 10.0)
