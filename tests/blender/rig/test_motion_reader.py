"""Reading evaluated motion: any rig, any source, in chunks, and the scene as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.history import new_action
from mmm_blender.blender.rig import motion_reader
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.rotations import dot
from tests.blender.helpers.rigs import STYLES, build_rig, wild_clip

FIRST = -7
"""A frame before zero, to begin with."""
ANGLE = 1e-5
"""Radians, of float32 matrices."""
RATIO = 1.2
"""How long reading may take, in bare loops over the frames."""


def assert_same_motion(read: MotionClip, expected: MotionClip) -> None:
    assert read.fps == pytest.approx(expected.fps)
    cosines = np.abs(dot(read.rotations_TJ4, expected.rotations_TJ4))
    assert 2.0 * np.arccos(np.minimum(cosines, 1.0)).max() < 2e-3  # arccos magnifies 1e-6
    assert np.abs(1.0 - cosines).max() < ANGLE
    np.testing.assert_allclose(read.root_T3, expected.root_T3, atol=1e-5)


def animated(style: str = "all bones up", frames: int = 12) -> tuple[ArmatureObject, MotionClip]:
    rig, clip = build_rig(STYLES[style]), wild_clip(frames)
    new_action.write_clip(rig, clip, FIRST)
    return rig, clip


def last_of(clip: MotionClip) -> int:
    return FIRST + clip.frames - 1


@pytest.mark.parametrize("style", STYLES)
def test_what_was_written_is_read(style: str) -> None:
    rig, clip = animated(style)
    assert_same_motion(motion_reader.read_motion(rig, FIRST, last_of(clip)), clip)


def in_nla(rig: ArmatureObject) -> None:
    data = rig.animation_data
    track = data.nla_tracks.new()
    track.strips.new("strip", FIRST, data.action)
    data.action = None


def constrained(rig: ArmatureObject) -> None:
    constraint = rig.pose.bones["left_elbow"].constraints.new("COPY_ROTATION")
    constraint.target, constraint.subtarget = rig, "right_hip"


def driven(rig: ArmatureObject) -> None:
    curve = rig.pose.bones["neck"].driver_add("rotation_quaternion", 1)
    curve.driver.expression = "sin(frame)"


@pytest.mark.parametrize("source", [in_nla, constrained, driven])
def test_any_source_is_read_as_it_is_seen(source: Callable[[ArmatureObject], None]) -> None:
    rig, clip = animated()
    source(rig)
    read = motion_reader.read_motion(rig, FIRST, last_of(clip))
    for frame in range(clip.frames):
        bpy.context.scene.frame_set(FIRST + frame)
        assert_same_motion(read.slice(frame, frame + 1), motion_reader.read_pose(rig))


def test_the_object_may_stand_anywhere() -> None:
    rig, clip = animated()
    rig.location, rig.rotation_euler, rig.scale = (3.0, -1.0, 2.0), (0.3, 0.2, 1.0), (0.1, 0.1, 0.1)
    assert_same_motion(motion_reader.read_motion(rig, FIRST, last_of(clip)), clip)


def test_the_current_frame_comes_back_after_every_chunk() -> None:
    rig, clip = animated(frames=40)
    scene = bpy.context.scene
    scene.frame_set(3, subframe=0.25)
    reader = motion_reader.MotionReader(rig, FIRST, last_of(clip))
    fractions: list[float] = []
    while not reader.done:
        reader.read(0.0, longest=0.0)
        fractions.append(reader.fraction)
        assert (scene.frame_current, scene.frame_subframe) == (3, 0.25)
    assert len(fractions) == clip.frames  # a chunk of no time reads one frame
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert_same_motion(reader.clip(), clip)


@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE", "YZX"])
def test_a_pose_that_is_not_keyed_is_there_after_every_chunk(mode: str) -> None:
    rig = build_rig(STYLES["all bones up"])
    rig.pose.bones["left_elbow"].rotation_mode = mode
    new_action.write_clip(rig, wild_clip(40), FIRST)
    bpy.context.scene.frame_set(3)
    keyed = motion_reader.read_pose(rig)
    elbow = rig.pose.bones["left_elbow"]
    elbow.matrix_basis = rig.pose.bones["right_hip"].matrix_basis.copy()
    rig.pose.bones["pelvis"].location.x += 0.5
    rig.pose.bones["head"].scale.y = 1.25
    bpy.context.view_layer.update()
    posed, channels = motion_reader.read_pose(rig), channels_of(rig)
    assert np.abs(posed.root_T3 - keyed.root_T3).max() > 0.1
    reader = motion_reader.MotionReader(rig, FIRST, FIRST + 39)
    while not reader.done:
        reader.read(0.0)
        bpy.context.view_layer.update()
        assert channels_of(rig) == channels
        assert_same_motion(motion_reader.read_pose(rig), posed)


def channels_of(rig: ArmatureObject) -> list[Any]:
    names = ("location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle", "scale")
    return [tuple(getattr(bone, name)) for bone in rig.pose.bones for name in names]


def test_a_pose_that_is_not_keyed_outlives_keys_that_leave_its_frame_alone() -> None:
    rig, _ = animated(frames=40)
    scene = bpy.context.scene
    scene.frame_set(3)
    for name in ("left_elbow", "right_elbow"):
        rig.pose.bones[name].rotation_quaternion = (0.5, 0.5, 0.5, 0.5)
    with motion_reader.unkeyed_pose_kept(scene, rig):
        rig.pose.bones["right_elbow"].rotation_quaternion = (0.0, 1.0, 0.0, 0.0)
        rig.pose.bones["right_elbow"].keyframe_insert("rotation_quaternion", frame=3)
        rig.pose.bones["left_elbow"].keyframe_insert("rotation_quaternion", frame=30)
    bpy.context.view_layer.update()
    assert tuple(rig.pose.bones["left_elbow"].rotation_quaternion) == (0.5, 0.5, 0.5, 0.5)
    assert tuple(rig.pose.bones["right_elbow"].rotation_quaternion) == (0.0, 1.0, 0.0, 0.0)


@dataclass
class SlowFrames:
    """A clock of its own, for which a change of the frame takes ``seconds``, all else nothing."""

    seconds: float = 0.0
    now: float = 0.0
    changes: list[int] = field(default_factory=list[int])

    def change(self, scene: Any, *_: Any) -> None:
        self.changes.append(scene.frame_current)
        self.now += self.seconds

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowFrames]:
    frames = SlowFrames()
    handler = frames.change
    monkeypatch.setattr(motion_reader, "time", frames)
    bpy.app.handlers.frame_change_pre.append(handler)
    yield frames
    bpy.app.handlers.frame_change_pre.remove(handler)


def test_a_chunk_ends_in_time(slow: SlowFrames) -> None:
    rig, clip = animated(frames=80)
    slow.seconds = motion_reader.CHUNK_SECONDS / motion_reader.CHUNK_FRAMES / 2
    reader = motion_reader.MotionReader(rig, FIRST, last_of(clip))
    reader.read()
    assert not reader.done
    assert slow.now < 1.1 * motion_reader.CHUNK_SECONDS


def test_where_frames_are_slow_the_scene_goes_back_to_its_frame_now_and_then(
    slow: SlowFrames,
) -> None:
    rig, clip = animated(frames=80)
    slow.seconds = motion_reader.CHUNK_SECONDS
    read = run(motion_reader.read_in_chunks(rig, FIRST, last_of(clip)))
    assert len(slow.changes) <= RATIO * clip.frames
    assert_same_motion(read, clip)


def test_where_frames_are_very_slow_a_chunk_ends_all_the_same(slow: SlowFrames) -> None:
    rig, _ = animated(frames=80)
    slow.seconds = 0.02
    motion_reader.MotionReader(rig, FIRST, FIRST + 79).read(longest=0.05)
    assert len(slow.changes) == 4  # three frames, and back


def test_frames_that_nobody_wants_are_not_read() -> None:
    rig, clip = animated()
    wanted_T = np.ones(clip.frames, dtype=np.bool_)
    wanted_T[4:9] = False
    bpy.context.scene.frame_set(50)
    seen: list[int] = []

    def note(scene: Any, *_: Any) -> None:
        seen.append(scene.frame_current)

    bpy.app.handlers.frame_change_post.append(note)
    try:
        chunks = motion_reader.read_in_chunks(rig, FIRST, last_of(clip), wanted_T)
        read = run(chunks)
    finally:
        bpy.app.handlers.frame_change_post.remove(note)
    assert not {FIRST + frame for frame in range(4, 9)} & set(seen)
    assert read.frames == clip.frames
    kept = np.flatnonzero(wanted_T)
    np.testing.assert_allclose(read.root_T3[kept], clip.root_T3[kept], atol=1e-5)
    np.testing.assert_allclose(read.root_T3[4:9], np.tile(read.root_T3[3], (5, 1)), atol=1e-9)


def run(chunks: object) -> MotionClip:
    """A generator to its end."""
    while True:
        try:
            next(chunks)  # pyright: ignore[reportArgumentType]
        except StopIteration as end:
            return end.value


def test_a_hidden_rig_is_refused_and_the_frame_comes_back() -> None:
    rig, clip = animated()
    bpy.context.scene.frame_set(5)
    rig.hide_viewport = True
    with pytest.raises(MMMError, match="is hidden"):
        motion_reader.read_motion(rig, FIRST, last_of(clip))
    assert bpy.context.scene.frame_current == 5


def test_a_rig_that_goes_away_between_chunks_is_noticed() -> None:
    rig, clip = animated(frames=40)
    reader = motion_reader.MotionReader(rig, FIRST, last_of(clip))
    reader.read(0.0)
    bpy.data.objects.remove(rig)
    with pytest.raises(MMMError, match="not in the scene any more"):
        reader.read(0.0)


def test_bones_that_change_between_chunks_are_noticed() -> None:
    rig, clip = animated(frames=40)
    reader = motion_reader.MotionReader(rig, FIRST, last_of(clip))
    reader.read(0.0)
    bpy.ops.object.mode_set(mode="EDIT")
    bone = rig.data.edit_bones.new("tail")
    bone.tail = (0.0, 0.0, 1.0)
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(MMMError, match="were changed meanwhile"):
        reader.read(0.0)
