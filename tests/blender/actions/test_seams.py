"""What an edit does to a curve beside its range: as few handles and keys as the curve needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from mmm_blender.blender.actions.range_writer import write_range
from mmm_blender.blender.bpy_types import ArmatureObject, FCurve, bpy
from mmm_blender.blender.fcurves.keyframe_arrays import read_keys
from mmm_blender.blender.fcurves.layered_actions import bone_path, enum_value
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.common.arrays import FloatArray
from tests.blender.helpers.curve_layouts import new_store
from tests.blender.helpers.rigs import wild_clip

BONE = "left_elbow"
AUTO = "AUTO"
FREE = enum_value("handle_left_type", "FREE")
FIRST, LAST = 200, 210
TWO_MILLIMETRES = 2e-3


@pytest.fixture
def rig() -> ArmatureObject:
    return create_character(bpy.context)


def curves_of(
    rig: ArmatureObject, frames: Sequence[float], handles: str, interpolation: str, smoothing: str
) -> list[FCurve]:
    rng, store = np.random.default_rng(3), new_store(rig)
    rig.pose.bones[BONE].rotation_mode = "XYZ"
    curves: list[FCurve] = []
    for index in range(3):
        curve = store.fcurves.new(bone_path(BONE, "rotation_euler"), index=index)
        curve.auto_smoothing = smoothing
        for frame, value in zip(frames, 0.3 * rng.normal(size=len(frames)), strict=True):
            key = curve.keyframe_points.insert(frame, value)
            key.handle_left_type = key.handle_right_type = AUTO if handles == "FREE" else handles
            key.interpolation = interpolation
        for _ in range(40):
            curve.update()
        for key in curve.keyframe_points if handles == "FREE" else ():
            key.handle_left_type = key.handle_right_type = "FREE"
        curves.append(curve)
    return curves


def edit(rig: ArmatureObject, first: int = FIRST, last: int = LAST) -> None:
    clip = wild_clip(last - first + 1)
    write_range(rig, rig.animation_data.action, clip, first, first, last, [BONE], {})


def freed(curve: FCurve) -> FloatArray:
    """Frames of keys outside the range whose handles no longer follow their neighbours."""
    keys = read_keys(curve)
    at = keys["co"][:, 0]
    outside = (at < FIRST) | (at > LAST)
    is_free = (keys["handle_left_type"] == FREE) & outside
    return np.asarray(at[is_free], dtype=np.float64)


@pytest.mark.parametrize(
    ("smoothing", "most"), [("NONE", 30), ("CONT_ACCEL", 200)], ids=["plain", "smooth"]
)
@pytest.mark.parametrize("handles", ["AUTO", "AUTO_CLAMPED", "VECTOR"])
def test_handles_far_from_the_range_stay_automatic(
    rig: ArmatureObject, handles: str, smoothing: str, most: int
):
    """Before: all handles of the curve were fixed."""
    frames = [*range(0, 401, 10)]
    curves = curves_of(rig, frames, handles, "BEZIER", smoothing)
    edit(rig)
    for curve in curves:
        at = freed(curve)
        beyond = at[(at < FIRST - most) | (at > LAST + most)]
        assert not len(beyond)


@pytest.mark.parametrize("smoothing", ["NONE", "CONT_ACCEL"])
@pytest.mark.parametrize("handles", ["AUTO", "AUTO_CLAMPED", "VECTOR"])
def test_what_stays_automatic_stays_where_it_is_when_blender_looks_again(
    rig: ArmatureObject, handles: str, smoothing: str
):
    curves = curves_of(rig, range(0, 401, 10), handles, "BEZIER", smoothing)
    dense = np.array([t for t in np.arange(0.0, 400.0, 0.25) if not FIRST - 1 < t < LAST + 1])
    before = [[curve.evaluate(t) for t in dense] for curve in curves]
    edit(rig)
    for curve, said in zip(curves, before, strict=True):
        curve.update()
        now = np.array([curve.evaluate(t) for t in dense])
        assert np.abs(now - said).max() < TWO_MILLIMETRES


@pytest.mark.parametrize(
    ("interpolation", "most"),
    [
        ("LINEAR", 2),
        ("CONSTANT", 1),
        ("BEZIER", 4),
        ("QUAD", 8),
        ("CUBIC", 8),
        ("SINE", 14),
        ("QUART", 20),
        ("EXPO", 24),
        ("BACK", 8),
        ("BOUNCE", 36),
        ("ELASTIC", 110),  # which swings 26 times here
    ],
)
@pytest.mark.parametrize("handles", ["FREE", "AUTO_CLAMPED"])
def test_a_cut_segment_is_held_by_few_keys_between_frames_too(
    rig: ArmatureObject, interpolation: str, most: int, handles: str
):
    """Before: a key on each of 79 frames, and chords between them."""
    curves = curves_of(rig, (1.0, 90.0), handles, interpolation, "NONE")
    dense = np.array([t for t in np.arange(1.0, 90.0, 0.125) if not 39 < t < 51])
    before = [[curve.evaluate(t) for t in dense] for curve in curves]
    edit(rig, 40, 50)
    for curve, said in zip(curves, before, strict=True):
        at = read_keys(curve)["co"][:, 0]
        assert len(at) - 2 - 11 <= most
        now = np.array([curve.evaluate(t) for t in dense])
        assert np.abs(now - said).max() < TWO_MILLIMETRES
    edit(rig, 40, 50)
    assert all(len(curve.keyframe_points) - 2 - 11 <= most for curve in curves)


@pytest.mark.parametrize("handles", ["AUTO", "VECTOR", "FREE"])
def test_a_key_beside_frame_zero_stands_on_it(rig: ArmatureObject, handles: str) -> None:
    """Found by the mask suite: it stood at -2.7e-12, and the next edit from 0 on took it away."""
    curves = curves_of(rig, (-13.0, 17.0, 40.0), handles, "BEZIER", "NONE")
    edit(rig, 1, 5)
    for curve in curves:
        at = read_keys(curve)["co"][:, 0].astype(np.float64)
        whole = np.round(at)
        assert 0.0 in at
        assert (at == whole)[np.abs(at - whole) < 1e-3].all()
