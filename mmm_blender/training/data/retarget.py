"""Captured takes as SMPL clips at 20 fps: R_smpl = R_source A for every joint, see calibration."""

from __future__ import annotations

import numpy as np

from ...common.arrays import BoolArray, FloatArray, IntArray
from ...geometry.clip import MotionClip
from ...geometry.conventions import MODEL_FPS
from ...geometry.kinematics import clip_joints
from ...geometry.rotations import (
    dot,
    make_continuous,
    normalize,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    shortest_arc,
    slerp,
)
from ...geometry.skeleton import SMPL, SMPL_22, SOLE_HEIGHT, joint_index
from .calibration import UP, Calibration, metres_in_unit, rest_bone
from .rigs import SIDES, Rig
from .sources import SourceMotion

FLOOR_PERCENTILE = 2.0


def _world_rotations(motion: SourceMotion, calibration: Calibration) -> dict[str, FloatArray]:
    """World rotations (T, 4) by SMPL joint name, for all joints that the rig knows."""
    rig = calibration.rig

    def aligned(joint: str, source: str) -> FloatArray:
        return quat_multiply(motion.rotations[source], calibration.alignments[joint])

    world = {"pelvis": aligned("pelvis", rig.pelvis), "spine2": aligned("spine2", rig.spine)}
    world["spine1"] = slerp(world["pelvis"], world["spine2"], np.full(motion.frames, 0.5))
    world |= {"spine3": aligned("spine3", rig.chest), "neck": aligned("neck", rig.neck)}
    world["head"] = aligned("head", rig.head)
    limbs = {"collar": "collar", "hip": "thigh", "knee": "shin", "ankle": "foot"}
    limbs |= {"shoulder": "upper_arm", "wrist": "hand"}
    for side in SIDES:
        for joint, part in limbs.items():
            world[f"{side}_{joint}"] = aligned(f"{side}_{joint}", rig.on(part, side))
        world[f"{side}_elbow"] = _bent_elbow(motion, rig, side, world[f"{side}_shoulder"])
        toe = f"{side}_foot"
        follows = toe not in calibration.alignments
        world[toe] = world[f"{side}_ankle"] if follows else aligned(toe, rig.on("toe", side))
    return world


def _bent_elbow(motion: SourceMotion, rig: Rig, side: str, shoulder: FloatArray) -> FloatArray:
    p = motion.positions
    forearm = p[rig.on("hand", side)] - p[rig.on("forearm", side)]
    seen = quat_rotate(quat_conjugate(shoulder), forearm)
    return quat_multiply(shoulder, shortest_arc(rest_bone(f"{side}_elbow"), seen))


def _at_model_rate(
    rotations_TJ4: FloatArray, root_T3: FloatArray, fps: float
) -> tuple[FloatArray, FloatArray]:
    """Sample at 20 fps: slerp for rotations, straight lines for the root."""
    count = int((len(root_T3) - 1) / fps * MODEL_FPS + 1e-6) + 1
    at = np.minimum(np.arange(count) * fps / MODEL_FPS, len(root_T3) - 1)
    low = np.minimum(at.astype(int), max(len(root_T3) - 2, 0))
    high, part = np.minimum(low + 1, len(root_T3) - 1), at - low
    root = root_T3[low] + part[:, None] * (root_T3[high] - root_T3[low])
    return slerp(rotations_TJ4[low], rotations_TJ4[high], part[:, None]), root


def retarget(motion: SourceMotion, calibration: Calibration) -> tuple[MotionClip, float]:
    """A captured take as an SMPL clip at 20 fps that stands on the floor y = 0.

    Returns the clip and how far the take's floor was off, metres (what was subtracted).
    """
    rig, world = calibration.rig, _world_rotations(motion, calibration)
    rotations = np.stack([world[name] for name in SMPL_22.names], axis=1)
    parents = np.array(SMPL_22.parents[1:])
    rotations[:, 1:] = quat_multiply(quat_conjugate(rotations[:, parents]), rotations[:, 1:])
    hips = [motion.positions[rig.on("thigh", side)] for side in SIDES]
    smpl_hips = SMPL.offsets_J3[[joint_index(f"{side}_hip") for side in SIDES]].mean(axis=0)
    middle = (hips[0] + hips[1]) / 2 * metres_in_unit(motion, calibration)
    root = middle - quat_rotate(world["pelvis"], smpl_hips)
    rotations, root = _at_model_rate(make_continuous(rotations), root, motion.fps)
    clip = MotionClip(make_continuous(rotations), root)
    toes = clip_joints(clip)[:, [joint_index(f"{side}_foot") for side in SIDES], 1]
    floor = float(np.percentile(toes.min(axis=1), FLOOR_PERCENTILE)) - SOLE_HEIGHT
    return clip.replace(root_T3=root - floor * UP), floor


def _shared_frames(clip: MotionClip, motion: SourceMotion) -> tuple[BoolArray, IntArray]:
    """Frames of the clip (T,) that were not interpolated, and the take's frames they are."""
    at = np.arange(clip.frames) * motion.fps / clip.fps
    exact = np.abs(at - np.round(at)) < 1e-3
    return exact, np.round(at[exact]).astype(np.int64)


_LIMB_BONES = (
    ("hip", "knee", "thigh", "shin"),
    ("knee", "ankle", "shin", "foot"),
    ("shoulder", "elbow", "upper_arm", "forearm"),
    ("elbow", "wrist", "forearm", "hand"),
)


def bone_direction_errors(
    clip: MotionClip, motion: SourceMotion, calibration: Calibration
) -> float:
    """Mean angle in degrees between limb bones of the clip and of the take at the same times."""
    rig, joints, positions = calibration.rig, clip_joints(clip), motion.positions
    exact, frames = _shared_frames(clip, motion)
    errors: list[FloatArray] = []
    for side in SIDES:
        for start, end, source_start, source_end in _LIMB_BONES:
            ends = joints[:, [joint_index(f"{side}_{start}"), joint_index(f"{side}_{end}")]]
            source = positions[rig.on(source_end, side)] - positions[rig.on(source_start, side)]
            bone = normalize((ends[:, 1] - ends[:, 0])[exact])
            cosine = dot(bone, normalize(source[frames]))
            errors.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return float(np.mean(errors))


def joint_errors(clip: MotionClip, motion: SourceMotion, calibration: Calibration) -> float:
    """Mean distance in millimetres of knees, ankles, elbows and wrists from the scaled take's,
    both seen from between the hips. Mostly other proportions: a figure, not a test."""
    rig, joints, positions = calibration.rig, clip_joints(clip), motion.positions
    exact, frames = _shared_frames(clip, motion)
    scale = metres_in_unit(motion, calibration)
    hips = [joint_index(f"{side}_hip") for side in SIDES]
    middle = joints[:, hips].mean(axis=1)
    source_middle = sum(positions[rig.on("thigh", side)] for side in SIDES) / len(SIDES)
    errors: list[FloatArray] = []
    for side in SIDES:
        for _, end, _, source_end in _LIMB_BONES:
            made = (joints[:, joint_index(f"{side}_{end}")] - middle)[exact]
            wanted = (positions[rig.on(source_end, side)] - source_middle)[frames]
            errors.append(np.linalg.norm(made - wanted * scale, axis=-1))
    return 1000 * float(np.mean(errors))
