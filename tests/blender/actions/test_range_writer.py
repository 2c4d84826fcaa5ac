from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mmm_blender.blender.actions.range_writer import raw_curves, restore, write_range
from mmm_blender.blender.bpy_types import ArmatureObject, FCurve, bpy
from mmm_blender.blender.fcurves.curve_snapshot import all_curves
from mmm_blender.blender.fcurves.keyframe_arrays import (
    HANDLES,
    KEY_DTYPE,
    KeyArray,
    key_frames,
    moving_check,
    read_keys,
    reading_once,
    write_keys,
)
from mmm_blender.blender.fcurves.layered_actions import (
    HAS_SLOTS,
    bone_path,
    curves_by_channel,
    enum_value,
)
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.binding import binding_of
from mmm_blender.blender.rig.clip_channels import channel_motion
from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.rotations import axis_angle_quat, normalize, quat_angle
from mmm_blender.geometry.skeleton import SMPL_22, joint_index
from tests.blender.helpers.curve_layouts import (
    BONES,
    Layout,
    draw_action,
    draw_keys,
    drawn,
    generated,
    layouts,
    new_store,
    rotation_property,
    store_of,
)
from tests.blender.helpers.rigs import wild_clip

AUTOMATIC = {enum_value("handle_left_type", n) for n in ("AUTO", "AUTO_CLAMPED", "VECTOR")}
FREE = enum_value("handle_left_type", "FREE")
LINEAR = enum_value("interpolation", "LINEAR")
CONSTANT = enum_value("interpolation", "CONSTANT")
GENERATED = enum_value("type", "GENERATED")
TYPES = ("handle_left_type", "handle_right_type")
AROUND = range(-30, 70)
"""Frames at which curves are compared."""
TWENTIETH_OF_A_MILLIMETRE = 5e-5

A_CURVE_THAT_STANDS_UPRIGHT = Layout(
    seed=694681057,
    mode="YZX",
    kinds=("sparse",),
    handles=("AUTO_CLAMPED", "FREE", "ALIGNED", "FREE", "VECTOR"),
    smoothing="CONT_ACCEL",
)
"""Both handles of a segment reach to its other end, so that it jumps at 4.5: a handle of a part
around that is longer than the part, and Blender shortens it."""

AN_EASING_THAT_SWINGS_FAST = Layout(
    seed=1042,
    mode="AXIS_ANGLE",
    kinds=("fractional", "sparse"),
    handles=("ALIGNED",),
    smoothing="NONE",
)
"""Elastic, several times a frame."""

spans = st.tuples(st.integers(-15, 50), st.integers(0, 20)).map(lambda at: (at[0], sum(at)))
holds = st.frozensets(st.integers(-60, 280).map(lambda quarter: quarter / 4), max_size=20)


@pytest.fixture
def rig() -> ArmatureObject:
    return create_character(bpy.context)


class Case:
    """An Action before an edit, and what is asked of it."""

    def __init__(self, rig: ArmatureObject, layout: Layout, span: tuple[int, int]) -> None:
        self.rig = rig
        self.first, self.last = span
        self.clip = wild_clip(frames=self.last - self.first + 3, wildness=1.5)
        self.action = draw_action(rig, layout)
        self.before = raw_curves(self.action)
        self.paths = [bone_path(bone, rotation_property(layout.mode)) for bone in BONES]
        self.paths.append(bone_path(BONES[0], "location"))
        self.said = {channel: self.values(channel) for channel in self.channels()}

    def channels(self) -> Iterator[tuple[str, int]]:
        for path in self.paths:
            for index in range(len(self.rig.path_resolve(path))):
                yield path, index

    def curve(self, channel: tuple[str, int]) -> FCurve | None:
        return curves_by_channel(store_of(self.rig, self.action).fcurves).get(channel)

    def values(self, channel: tuple[str, int]) -> FloatArray:
        """What a channel says around the range."""
        curve, (path, index) = self.curve(channel), channel
        still = self.rig.path_resolve(path)[index]
        return np.array([curve.evaluate(t) if curve else still for t in AROUND])

    def old_keys(self, channel: tuple[str, int]) -> KeyArray:
        raw = [curve.keys for (_, *name), curve in self.before.items() if tuple(name) == channel]
        return np.frombuffer(raw[0] if raw else b"", dtype=KEY_DTYPE)

    def write(self, held: frozenset[float] = frozenset()) -> None:
        holds: dict[str, frozenset[float]] = dict.fromkeys(BONES, held)
        write_range(
            self.rig, self.action, self.clip, self.first - 1, self.first, self.last, BONES, holds
        )

    def close(self) -> None:
        bpy.data.actions.remove(self.action)


def held_frames(case: Case, held: frozenset[float], bone: str) -> set[float]:
    """All frames whose keys stay, in plain words: named ones, and the whole frames beside those
    that have a key between two frames."""
    inside = {t for t in held if case.first <= t <= case.last}
    for channel in case.channels():
        if f'"{bone}"' in channel[0]:
            for frame in key_frames(case.old_keys(channel)):
                beside = {np.floor(frame), np.ceil(frame)}
                if case.first <= frame <= case.last and frame in held:
                    inside |= {float(t) for t in beside}
    return inside


def kept_keys(case: Case, channel: tuple[str, int], held: set[float]) -> KeyArray:
    keys = case.old_keys(channel)
    frames = key_frames(keys)
    inside = (frames >= case.first) & (frames <= case.last)
    return keys[~inside | np.isin(frames, list(held))]


def is_automatic(key: np.void) -> bool:
    return key["handle_left_type"] in AUTOMATIC or key["handle_right_type"] in AUTOMATIC


def expected_kept(kept: KeyArray, found: KeyArray) -> KeyArray:
    """The kept keys with the most that may change: the types of automatic handles between a new
    key and the first key without any."""
    wanted = kept.copy()
    is_kept = np.isin(found["co"][:, 0], kept["co"][:, 0])
    kept_at = np.flatnonzero(is_kept)
    for order in (1, -1):
        new_stop = False
        for at in range(len(found))[::order]:
            if not is_kept[at]:
                new_stop = True
                continue
            row = int(np.flatnonzero(kept_at == at)[0])
            if not is_automatic(kept[row]):
                new_stop = False
            elif new_stop:
                for name in TYPES:
                    wanted[name][row] = FREE if kept[name][row] in AUTOMATIC else kept[name][row]
    return wanted


@pytest.mark.parametrize("update", [False, True])
def test_kept_keys_stay_bit_for_bit(rig: ArmatureObject, update: bool) -> None:
    @drawn
    @given(layouts, spans, holds)
    def check(layout: Layout, span: tuple[int, int], held: frozenset[float]) -> None:
        case = Case(rig, layout, span)
        case.write(held)
        for channel in case.channels():
            bone = next(bone for bone in BONES if f'"{bone}"' in channel[0])
            kept = kept_keys(case, channel, held_frames(case, held, bone))
            curve = case.curve(channel)
            assert curve is not None
            if update:
                curve.update()
            found = read_keys(curve)
            still = found[np.isin(found["co"][:, 0], kept["co"][:, 0])]
            allowed = expected_kept(kept, found)
            for name in TYPES:
                freed = still[name] != kept[name]
                assert (still[name][freed] == allowed[name][freed]).all()
                still[name][freed] = kept[name][freed]
            for name in HANDLES if update else ():
                np.testing.assert_allclose(still[name], kept[name], rtol=1e-4, atol=1e-4)
                still[name] = kept[name]
            assert still.tobytes() == kept.tobytes()
        case.close()

    check()


def test_frames_outside_the_range_say_what_they_said(rig: ArmatureObject) -> None:
    @drawn
    @example(A_CURVE_THAT_STANDS_UPRIGHT, (-3, 3), frozenset({-13.75, 59.75}))
    @example(AN_EASING_THAT_SWINGS_FAST, (0, 0), frozenset({39.5, 34.25, 27.75, 50.0}))
    @given(layouts, spans, holds)
    def check(layout: Layout, span: tuple[int, int], held: frozenset[float]) -> None:
        case = Case(rig, layout, span)
        ends = [curve.range() for curve in store_of(rig, case.action).fcurves]
        case.write(held)
        start = min((end[0] for end in ends), default=case.first)
        stop = max((end[1] for end in ends), default=case.last)
        outside = [
            at
            for at, t in enumerate(AROUND)
            if (t < case.first and (start < case.first)) or (t > case.last and stop > case.last)
        ]
        for channel, said in case.said.items():
            off = np.abs(case.values(channel) - said)[outside].max(initial=0.0)
            assert off <= TWENTIETH_OF_A_MILLIMETRE
        case.close()

    check()


def test_held_frames_say_what_they_said_and_the_others_the_clip(rig: ArmatureObject) -> None:
    @drawn
    @given(layouts, spans, holds)
    def check(layout: Layout, span: tuple[int, int], held: frozenset[float]) -> None:
        case = Case(rig, layout, span)
        motion = channel_motion(rig, binding_of(rig), case.clip)
        wanted_TJ4, wanted_T3 = motion.rotations_TW4, motion.locations_TW3[:, 0]
        case.write(held)
        for path, bone in zip(case.paths, (*BONES, BONES[0]), strict=True):
            stays = held_frames(case, held, bone)
            channels = [channel for channel in case.channels() if channel[0] == path]
            found = np.stack([case.values(channel) for channel in channels], axis=-1)
            said = np.stack([case.said[channel] for channel in channels], axis=-1)
            for t in range(case.first, case.last + 1):
                at, row = AROUND.index(t), t - case.first + 1
                if t in stays:
                    assert np.abs(found[at] - said[at]).max() <= 1e-6
                elif path.endswith("location"):
                    assert np.abs(found[at] - wanted_T3[row]).max() < 1e-5
                else:
                    quat = as_quat(found[at], layout.mode)
                    assert quat_angle(quat, wanted_TJ4[row, joint_index(bone)]) < 1e-3
        case.close()

    check()


def as_quat(values: FloatArray, mode: str) -> FloatArray:
    mathutils = pytest.importorskip("mathutils")
    if mode == "QUATERNION":
        return values
    if mode == "AXIS_ANGLE":
        return axis_angle_quat(normalize(values[1:]), values[0])
    return np.array(mathutils.Euler(values, mode).to_quaternion())


def test_new_keys_in_the_range_are_linear_on_whole_frames_and_all_are_generated(
    rig: ArmatureObject,
) -> None:
    @drawn
    @given(layouts, spans, holds)
    def check(layout: Layout, span: tuple[int, int], held: frozenset[float]) -> None:
        case = Case(rig, layout, span)
        case.write(held)
        for channel in case.channels():
            bone = next(bone for bone in BONES if f'"{bone}"' in channel[0])
            kept = kept_keys(case, channel, held_frames(case, held, bone))
            curve = case.curve(channel)
            assert curve is not None
            found = read_keys(curve)
            assert set(range(case.first, case.last + 1)) <= set(key_frames(found))
            new = found[~np.isin(found["co"][:, 0], kept["co"][:, 0])]
            assert (new["type"] == GENERATED).all()
            at = new["co"][:, 0]
            inside = (at >= case.first) & (at <= case.last)
            assert np.isin(new["interpolation"][inside], (LINEAR, CONSTANT)).all()
            assert (at[inside] % 1.0 == 0.0).all()
            assert (np.diff(found["co"][:, 0]) > 0.0).all()
        case.close()

    check()


def test_nothing_else_is_touched_and_twice_is_once(rig: ArmatureObject) -> None:
    other = bpy.data.actions.new("Other")
    if not HAS_SLOTS:
        other.fcurves.new("location", index=1).keyframe_points.insert(3.0, 1.0)

    @drawn
    @given(layouts, spans, holds)
    def check(layout: Layout, span: tuple[int, int], held: frozenset[float]) -> None:
        case = Case(rig, layout, span)
        case.write(held)
        once = raw_curves(case.action)
        masked = set(case.channels())
        for name, raw in case.before.items():
            if name[1:] not in masked:
                assert once[name] == raw
        assert {name[1:] for name in once if name not in case.before} <= masked
        case.write(held)
        assert raw_curves(case.action) == once
        restore(case.action, case.before)
        assert raw_curves(case.action) == case.before
        case.close()

    kept = raw_curves(other)
    check()
    assert raw_curves(other) == kept


def test_quaternions_never_swing_through_zero(rig: ArmatureObject) -> None:
    @drawn
    @given(st.integers(0, 99), st.integers(5, 30), st.integers(0, 9), st.booleans(), st.booleans())
    def check(seed: int, first: int, more: int, flip_left: bool, flip_right: bool) -> None:
        rng = np.random.default_rng(seed)
        store = new_store(rig)
        quats = normalize(np.cumsum(rng.normal(size=(46, 4)) * 0.05, axis=0) + rng.normal(size=4))
        quats[: first + 1] *= -1.0 if flip_left else 1.0
        quats[first + more // 2 + 1 :] *= -1.0 if flip_right else 1.0
        path = bone_path("left_elbow", "rotation_quaternion")
        for index in range(4):
            curve = store.fcurves.new(path, index=index)
            keys = draw_keys(rng, range(46), ["AUTO_CLAMPED"])
            keys["co"][:, 1], keys["interpolation"] = quats[:, index], LINEAR
            write_keys(curve, keys)
        action, last = rig.animation_data.action, first + more
        clip = wild_clip(more + 1, wildness=1.5)
        write_range(rig, action, clip, first, first, last, ["left_elbow"], {})
        curves = [curves_by_channel(store.fcurves)[path, index] for index in range(4)]
        dense = np.arange(first - 1.0, last + 1.01, 0.125)
        found = np.array([[curve.evaluate(t) for curve in curves] for t in dense])
        assert np.linalg.norm(found, axis=-1).min() > 0.7
        whole = found[::8]
        signs = np.sum(whole[1:] * whole[:-1], axis=-1)
        assert signs[0] >= 0.0
        assert signs[-1] >= 0.0 or more == 0
        bpy.data.actions.remove(action)

    check()


@pytest.mark.parametrize("mode", ["XYZ", "ZYX", "AXIS_ANGLE"])
def test_angles_a_turn_away_do_not_spin(rig: ArmatureObject, mode: str) -> None:
    bone = rig.pose.bones["left_elbow"]
    bone.rotation_mode = mode
    store = new_store(rig)
    path = bone_path("left_elbow", rotation_property(mode))
    count = 4 if mode == "AXIS_ANGLE" else 3
    turns = {0: 2.0 * np.pi} if mode == "AXIS_ANGLE" else {0: 4.0 * np.pi, 2: -2.0 * np.pi}
    for index in range(count):
        curve = store.fcurves.new(path, index=index)
        for frame in (1, 9, 16, 30):
            value = 0.3 + 0.1 * index + (turns.get(index, 0.0) if frame > 10 else 0.0)
            curve.keyframe_points.insert(frame, value).interpolation = "LINEAR"
    write_range(rig, rig.animation_data.action, wild_clip(6), 10, 10, 15, ["left_elbow"], {})
    curves = [curves_by_channel(store.fcurves)[path, index] for index in range(count)]
    found = np.array([[c.evaluate(t) for c in curves] for t in np.arange(9.0, 16.01, 0.125)])
    # a step from one whole frame to the next is either small or a jump without anything between
    quats = np.array([as_quat(row, mode) for row in found])
    assert quat_angle(quats[1:], quats[:-1]).max() < 1.0
    assert np.abs(found[8] - found[0]).max() < np.pi
    assert np.abs(found[-1] - found[-9]).max() < np.pi


def test_a_range_at_the_end_extends_the_action(rig: ArmatureObject) -> None:
    action = generated(rig)
    store = store_of(rig, action)
    said = [[curve.evaluate(t) for t in range(1, 51)] for curve in store.fcurves]
    clip = wild_clip(10)
    write_range(rig, action, clip, 51, 51, 60, SMPL_22.names, {})
    for curve, values in zip(store.fcurves, said, strict=True):
        assert [curve.evaluate(t) for t in range(1, 51)] == values
        assert tuple(curve.range()) == (1.0, 60.0)
        # the level stretch is keyed at its ends only
        assert len(curve.keyframe_points) == 40 + 2 + 10


def test_a_range_before_the_first_key_leaves_the_gap_as_it_was(rig: ArmatureObject) -> None:
    action = generated(rig)
    store = store_of(rig, action)
    write_range(rig, action, wild_clip(5), -20, -20, -16, SMPL_22.names, {})
    for curve in store.fcurves:
        first = curve.evaluate(1.0)
        assert all(curve.evaluate(t) == first for t in np.arange(-15.0, 1.0, 0.25))
        assert curve.evaluate(-30.0) == curve.evaluate(-20.0)


def test_an_empty_action_gets_the_range_only(rig: ArmatureObject) -> None:
    store = new_store(rig)
    action = rig.animation_data.action
    write_range(rig, action, wild_clip(5), 3, 3, 7, SMPL_22.names, {})
    assert {tuple(curve.range()) for curve in store.fcurves} == {(3.0, 7.0)}
    assert len(store.fcurves) == 22 * 4 + 3
    assert {str(curve.group.name) for curve in store.fcurves} == set(SMPL_22.names)


def test_missing_curves_keep_the_bones_own_values_outside(rig: ArmatureObject) -> None:
    store = new_store(rig)
    for frame in (1, 40):
        rig.pose.bones["head"].keyframe_insert("rotation_quaternion", frame=frame)
    rig.pose.bones["left_elbow"].rotation_quaternion = (0.6, 0.8, 0.0, 0.0)
    action = rig.animation_data.action
    store = store_of(rig, action)
    write_range(rig, action, wild_clip(9), 10, 10, 18, ["left_elbow"], {})
    path = bone_path("left_elbow", "rotation_quaternion")
    for index, value in enumerate(np.array([0.6, 0.8, 0.0, 0.0], dtype=np.float32)):
        curve = curves_by_channel(store.fcurves)[path, index]
        assert curve.range()[:] == (9.0, 19.0)
        assert curve.evaluate(0.0) == curve.evaluate(9.0) == curve.evaluate(25.0) == value


def test_a_pose_between_frames_is_held_with_the_frames_beside_it(rig: ArmatureObject) -> None:
    action = generated(rig)
    store = store_of(rig, action)
    path = bone_path("left_elbow", "rotation_quaternion")
    curves = [curves_by_channel(store.fcurves)[path, index] for index in range(4)]
    for curve in curves:
        curve.keyframe_points.insert(14.5, 0.25)
    said = [[curve.evaluate(t) for t in (14.0, 14.5, 15.0)] for curve in curves]
    write_range(
        rig, action, wild_clip(11), 10, 10, 20, ["left_elbow"], {"left_elbow": frozenset({14.5})}
    )
    assert [[curve.evaluate(t) for t in (14.0, 14.5, 15.0)] for curve in curves] == said
    write_range(rig, action, wild_clip(11), 10, 10, 20, ["left_elbow"], {})
    assert all(14.5 not in key_frames(read_keys(curve)) for curve in curves)


def test_the_rigs_own_bone_names_do_too(rig: ArmatureObject) -> None:
    for bone in rig.data.bones:
        bone.name = f"f_avg_{bone.name}"
    action = generated(rig)
    raw = raw_curves(action)
    held = {"f_avg_head": frozenset({5})}
    write_range(rig, action, wild_clip(9), 2, 2, 10, ["f_avg_head", "neck"], held)
    changed = {name[1] for name, curve in raw_curves(action).items() if curve != raw[name]}
    assert changed == {
        bone_path(f"f_avg_{name}", "rotation_quaternion") for name in ("head", "neck")
    }
    head = curves_by_channel(store_of(rig, action).fcurves)[
        bone_path("f_avg_head", "rotation_quaternion"), 0
    ]
    assert any(key.co[0] == 5 for key in head.keyframe_points)


def test_what_is_known_of_curves_is_what_they_have(rig: ArmatureObject) -> None:
    @drawn
    @given(layouts, spans, holds)
    def check(layout: Layout, span: tuple[int, int], held: frozenset[float]) -> None:
        case = Case(rig, layout, span)
        with reading_once():
            before = raw_curves(case.action)
            case.write(held)
            known = raw_curves(case.action)
            checks = [moving_check(curve) for curve in all_curves(case.action).values()]
        assert before == case.before
        assert known == raw_curves(case.action)
        assert checks == [moving_check(curve) for curve in all_curves(case.action).values()]
        with reading_once():
            raw_curves(case.action)
            restore(case.action, before)
            known = raw_curves(case.action)
        assert known == raw_curves(case.action) == before
        case.close()

    check()
