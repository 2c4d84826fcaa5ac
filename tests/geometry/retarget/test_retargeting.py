"""Any rest pose, any roll, any axes, any size: the same joints in the world.

Shape suffixes: T frames, J = 22 joints, B bones, 3 metres, 4 quaternions w first.
"""

from __future__ import annotations

import numpy as np
import pytest
from _rigs.skeletons import Build, rest_body
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.retarget.alignment import Alignment, RestBody, align
from mmm_blender.geometry.retarget.retargeting import (
    MODEL_HIP_HEIGHT,
    Retargeting,
    bones_between_joints,
    hips_of_clip,
    joints_between_bones,
    root_of_hips,
)
from mmm_blender.geometry.retarget.rig_map import CHAINS, SLOTS
from mmm_blender.geometry.rotations import (
    normalize,
    quat_angle,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    rotation_vector_to_quat,
)
from mmm_blender.geometry.skeleton import SMPL_22, joint_index
from tests.geometry.motions import smooth_clip

LIMBS = ("shoulder", "elbow", "hip", "knee", "ankle")
angles = st.floats(0.0, 80.0)
vectors = st.tuples(*[st.floats(-2.0, 2.0)] * 3)
builds = st.builds(
    Build,
    arms_down=angles,
    elbows=st.floats(0.0, 60.0),
    knees=st.floats(0.0, 30.0),
    spread=st.floats(0.0, 20.0),
)
slow = settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])


class Rig:
    """Bones of the 22 joints (the spine a chain of ``spine``), built from a rest pose."""

    def __init__(
        self, build: Build, turn: FloatArray, scale: float, seed: int, spine: int = 3
    ) -> None:
        rng = np.random.default_rng(seed)
        self.body, self.turn, self.scale = rest_body(build), turn, scale
        heads_J3 = quat_rotate(turn, self.body.joints_J3) * scale
        heads = {name: heads_J3[at] for at, name in enumerate(SMPL_22.names)}
        known = {name: place for name, place in heads.items() if not name.startswith("spine")}
        self.heads_J3 = heads_J3
        self.alignment: Alignment = align(RestBody(known, {}))
        self.rows = [
            (slot, at, spine if slot == "spine" else 1)
            for slot in SLOTS
            for at in range(spine if slot == "spine" else 1)
        ]
        self.rest_B4 = normalize(rng.normal(size=(len(self.rows), 4)))
        numbers: dict[str, list[int]] = {}
        for at, (slot, _, _) in enumerate(self.rows):
            numbers.setdefault(slot, []).append(at)
        self.retargeting = Retargeting(
            self.alignment,
            self.rest_B4,
            bones_between_joints(self.rows),
            joints_between_bones(numbers),
        )

    def joints(self, clip: MotionClip) -> FloatArray:
        """Where the bones bring the joints, (T, 22, 3) in model axes and metres, hips at 0.

        Every bone carries what hangs on it rigidly, as an armature does.
        """
        posed_TB4 = self.retargeting.orientations(clip)
        moved_TB4 = quat_multiply(posed_TB4, quat_conjugate(self.rest_B4))
        bone_of = {slot: at for at, (slot, _, _) in enumerate(self.rows) if slot not in CHAINS}
        spine = [at for at, (slot, _, _) in enumerate(self.rows) if slot == "spine"]
        neck = [at for at, (slot, _, _) in enumerate(self.rows) if slot == "neck"]
        of = {**bone_of, **dict(zip(("spine1", "spine2", "spine3"), spine, strict=False))}
        of["neck"] = neck[0]
        places = np.zeros((clip.frames, 22, 3))
        for joint in range(1, 22):
            parent = SMPL_22.parents[joint]
            bone = self.heads_J3[joint] - self.heads_J3[parent]
            turned = quat_rotate(moved_TB4[:, of[SMPL_22.names[parent]]], bone)
            places[:, joint] = places[:, parent] + turned
        return quat_rotate(quat_conjugate(self.turn), places) / self.scale


@slow
@given(builds, vectors, st.floats(0.01, 100.0), st.integers(0, 999))
def test_any_rest_pose_and_roll_gives_the_same_joints(
    build: Build, turn: tuple[float, float, float], scale: float, seed: int
) -> None:
    clip = smooth_clip(4)
    rig = Rig(build, rotation_vector_to_quat(np.array(turn)), scale, seed)
    wanted = clip_joints(clip)
    wanted -= wanted[:, :1]
    lean = float(quat_angle(rig.alignment.axes_4, rig.turn))
    assert lean < np.radians(15.0)
    assume(lean < 1e-6)  # a body that rests nearly along an axis is taken to stand along it
    limbs = [joint_index(f"{side}_{part}") for side in ("left", "right") for part in LIMBS]
    assert np.abs(rig.joints(clip)[:, limbs] - wanted[:, limbs]).max() < 1e-6


@slow
@given(builds, vectors, st.integers(0, 999), st.integers(1, 6))
def test_back_and_forth_gives_the_same_rotations(
    build: Build, turn: tuple[float, float, float], seed: int, spine: int
) -> None:
    clip = smooth_clip(4)
    rig = Rig(build, rotation_vector_to_quat(np.array(turn)), 1.0, seed, spine)
    back = rig.retargeting.rotations(rig.retargeting.orientations(clip))
    kept = [at for at, name in enumerate(SMPL_22.names) if spine == 3 or "spine" not in name]
    kept = [at for at in kept if spine >= 3 or SMPL_22.names[SMPL_22.parents[at]] != "spine3"]
    assert np.degrees(quat_angle(back[:, kept], clip.rotations_TJ4[:, kept])).max() < 0.01
    hips_T3 = hips_of_clip(rig.alignment, clip)
    root_T3 = root_of_hips(rig.alignment, hips_T3, clip.rotations_TJ4[:, 0])
    assert np.abs(root_T3 - clip.root_T3).max() < 1e-9


@slow
@given(st.floats(0.6, 1.6), st.floats(0.9, 1.1), st.floats(0.0, 20.0), st.floats(0.0, 25.0))
def test_a_standing_body_of_any_size_stands_on_its_soles(
    legs: float, thigh: float, spread: float, knees: float
) -> None:
    build = Build(legs=legs, thigh=thigh, spread=spread, knees=knees)
    rig = Rig(build, rotation_vector_to_quat(np.zeros(3)), 1.0, 0)
    still = MotionClip(
        np.tile([1.0, 0.0, 0.0, 0.0], (1, 22, 1)),
        np.array([[0.0, MODEL_HIP_HEIGHT + 0.085, 0.0]]),
    )
    hips_3 = hips_of_clip(rig.alignment, still)[0]
    toes = rig.joints(still)[0, [joint_index("left_foot"), joint_index("right_foot")]]
    middle = rig.joints(still)[0, [joint_index("left_hip"), joint_index("right_hip")]].mean(axis=0)
    soles = hips_3[1] + toes[:, 1] - middle[1]
    assert np.abs(soles - rig.body.joints_J3[:, 1].min()).max() < 1e-3


def test_swapped_sides_and_a_body_that_does_not_stand_are_told() -> None:
    joints_J3 = rest_body(Build()).joints_J3
    heads = {name: joints_J3[at] for at, name in enumerate(SMPL_22.names)}
    swapped = {
        name.replace("left", "?").replace("right", "left").replace("?", "right"): place
        for name, place in heads.items()
    }
    with pytest.raises(MMMError, match="toes point backwards"):
        align(RestBody(swapped, {}))
    flat = {name: place * np.array([1.0, 0.0, 1.0]) for name, place in heads.items()}
    with pytest.raises(MMMError):
        align(RestBody(flat, {}))
    heads["left_knee"] = heads["left_hip"]
    with pytest.raises(MMMError, match="no length"):
        align(RestBody(heads, {}))
