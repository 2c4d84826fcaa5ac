"""The armature's evaluated motion, whatever makes it: keys, NLA, constraints, drivers.

Blender has to be asked frame by frame, which is slow in a heavy scene: ``MotionReader`` asks for
a few frames at a time and leaves the scene at its own frame in between.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ...common.arrays import BoolArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.placement import Placement, headings
from ..bpy_types import ArmatureObject, Scene, bpy
from .binding import binding_of
from .clip_channels import check_inheritance
from .evaluation import evaluated
from .pose_reading import pose_reading
from .target import DataBlockRef, scene_fps, scene_of

CHUNK_SECONDS = 0.02
"""How long the window waits for us at a time, where frames are quick."""

CHUNK_FRAMES = 10
"""Frames that are read at a time where they are slow: for all of them the scene goes back to its
own frame once, which takes as long as a frame."""

LONGEST_CHUNK_SECONDS = 1.0
"""How long the window may wait for us at a time, however slow frames are."""

_MATRIX_NUMBERS = 16

_CHANNELS = {
    "location": 3,
    "rotation_quaternion": 4,
    "rotation_euler": 3,
    "rotation_axis_angle": 4,
    "scale": 3,
}
"""What a pose bone is posed by, and how many numbers each has."""

Channels: TypeAlias = Mapping[str, npt.NDArray[np.float32]]
"""Of all bones of a rig (B, N), by the channel's name."""


def read_motion(rig: ArmatureObject, first: int, last: int) -> MotionClip:
    """The motion on the scene frames ``first`` to ``last``, one sample a frame, in one go.

    In model space (metres, Y up), whatever the object's transform. Raises MMMError where the rig
    is not evaluated at all.
    """
    reader = MotionReader(rig, first, last)
    while not reader.done:
        reader.read(math.inf)
    return reader.clip()


def read_in_chunks(
    rig: ArmatureObject, first: int, last: int, wanted_T: BoolArray | None = None
) -> Generator[float, None, MotionClip]:
    """``read_motion`` in chunks that leave a window usable; yields how far it is, 0 to 1.

    wanted_T: frames that count; the others show the nearest one before them that does.
    """
    reader = MotionReader(rig, first, last, wanted_T)
    while not reader.done:
        reader.read()
        yield reader.fraction
    return reader.clip()


@dataclass(frozen=True)
class _Where:
    """The scene and the rig, by name: undo and deletion leave no reference dangling."""

    scene: DataBlockRef
    rig: DataBlockRef

    def find(self) -> tuple[Scene, ArmatureObject]:
        scene, rig = self.scene.find(bpy.data.scenes), self.rig.find(bpy.data.objects)
        if scene is None or rig is None or scene != bpy.context.scene:
            raise MMMError(f"'{self.rig.name}' is not in the scene any more: press again.")
        return scene, rig


class MotionReader:
    """Reads the frames ``first`` to ``last`` of the context's scene, as far as it is let.

    A pose that is not keyed yet is there again after each time.

    Shape suffixes: T frames, N frames that are read, B bones of the rig times 16 numbers.
    """

    def __init__(
        self, rig: ArmatureObject, first: int, last: int, wanted_T: BoolArray | None = None
    ) -> None:
        """wanted_T: as in ``read_in_chunks``."""
        scene = bpy.context.scene
        self._where = _Where(DataBlockRef.of(scene), DataBlockRef.of(rig))
        self._reading = pose_reading(rig)
        self._bones = [rig.pose.bones.find(name) for name in self._reading.read_bones]
        self._fps = float(scene.render.fps) / float(scene.render.fps_base)
        if wanted_T is None or not wanted_T.any():
            wanted_T = np.ones(last - first + 1, dtype=np.bool_)
        self._frames_N = (first + np.flatnonzero(wanted_T)).tolist()
        self._row_T = np.maximum(np.cumsum(wanted_T) - 1, 0)
        self._read_rows = 0
        self._matrices_NB = np.empty(
            (len(self._frames_N), len(rig.pose.bones) * _MATRIX_NUMBERS), dtype=np.float32
        )

    @property
    def done(self) -> bool:
        """Every frame is read."""
        return self._read_rows == len(self._frames_N)

    @property
    def fraction(self) -> float:
        """Frames that are read, of all."""
        return self._read_rows / len(self._frames_N)

    def read(self, seconds: float = CHUNK_SECONDS, longest: float = LONGEST_CHUNK_SECONDS) -> None:
        """Read on for about so long, or for ``CHUNK_FRAMES`` frames if these take longer, but no
        longer than ``longest``; the scene comes back to its frame."""
        scene, rig = self._where.find()
        if len(rig.pose.bones) * _MATRIX_NUMBERS != self._matrices_NB.shape[1]:
            raise MMMError(f"The bones of '{rig.name}' were changed meanwhile: press again.")
        started, enough = time.perf_counter(), self._read_rows + CHUNK_FRAMES
        with scene_left_as_it_is(scene, rig):
            self._read_frame(scene, rig)
            while not self.done:
                took = time.perf_counter() - started
                if took >= (seconds if self._read_rows >= enough else max(seconds, longest)):
                    break
                self._read_frame(scene, rig)

    def _read_frame(self, scene: Scene, rig: ArmatureObject) -> None:
        scene.frame_set(self._frames_N[self._read_rows])
        evaluated = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
        if not evaluated.is_evaluated:
            raise MMMError(f"'{rig.name}' is hidden, so it does not move: show it and press again.")
        # one call a frame: a Matrix for every bone would take longer than all of Blender's work
        evaluated.pose.bones.foreach_get("matrix", self._matrices_NB[self._read_rows])
        self._read_rows += 1

    def clip(self) -> MotionClip:
        """What was read. MMMError where a pose is no number."""
        matrices = self._matrices_NB.reshape(len(self._frames_N), -1, 4, 4)[:, self._bones]
        _check_numbers(self._where.rig.name, matrices, self._frames_N)
        # RNA tells matrices column by column
        columns_TB44 = matrices.astype(np.float64)[self._row_T]
        linear_TB33 = np.swapaxes(columns_TB44[..., :3, :3], -1, -2)
        return self._reading.clip(linear_TB33, columns_TB44[..., 3, :3], self._fps)


def _check_numbers(rig: str, matrices_N: npt.NDArray[Any], frames_N: Sequence[int]) -> None:
    """MMMError with the first frame on which a value is no number, or endless."""
    fine_N = np.isfinite(matrices_N).reshape(len(frames_N), -1).all(axis=-1)
    if not fine_N.all():
        frame = frames_N[int(np.argmin(fine_N))]
        raise MMMError(
            f"The pose of '{rig}' at frame {frame} holds a value that is no number: mend the key, "
            "driver or constraint that makes it."
        )


# --- poses without keys --------------------------------------------------------------------------


@contextmanager
def scene_left_as_it_is(scene: Scene, rig: ArmatureObject) -> Generator[None]:
    """The scene comes back to its frame, and the rig to a pose that nobody has keyed yet."""
    frame, subframe = int(scene.frame_current), float(scene.frame_subframe)
    posed = _channels(rig)
    try:
        yield
    finally:
        scene.frame_set(frame, subframe=subframe)
        _pose(rig, posed)


@contextmanager
def unkeyed_pose_kept(scene: Scene, rig: ArmatureObject) -> Generator[None]:
    """What the user has posed without keying it outlives keys that are written inside, but for
    channels to which these give another value at the current frame."""
    posed, before = _channels(rig), _keyed_channels(scene, rig)
    try:
        yield
    finally:
        after = _keyed_channels(scene, rig)
        _pose(
            rig,
            {
                name: np.where(before[name] == after[name], posed[name], after[name])
                for name in _CHANNELS
            },
        )


def _keyed_channels(scene: Scene, rig: ArmatureObject) -> Channels:
    """Channels as the keys have them at the current frame: what was posed otherwise is gone."""
    scene.frame_set(int(scene.frame_current), subframe=float(scene.frame_subframe))
    return _channels(rig)


def _channels(rig: ArmatureObject) -> Channels:
    bones = rig.pose.bones
    values = {name: np.empty((len(bones), each), np.float32) for name, each in _CHANNELS.items()}
    for name, values_BN in values.items():
        bones.foreach_get(name, values_BN.ravel())
    return values


def _pose(rig: ArmatureObject, wanted: Channels) -> None:
    """Give all bones these channels; Blender computes the pose from them, not from the keys."""
    now = _channels(rig)
    different = [name for name in _CHANNELS if not np.array_equal(now[name], wanted[name])]
    for name in different:
        rig.pose.bones.foreach_set(name, wanted[name].ravel())
    if different:
        rig.update_tag(refresh={"DATA"})


def read_pose(rig: ArmatureObject) -> MotionClip:
    """The rig's pose as it is seen now (current frame, constraints and all): a clip of a frame."""
    reading = pose_reading(rig)
    posed = evaluated(rig).pose.bones
    matrices = np.array([[posed[name].matrix for name in reading.read_bones]], dtype=np.float64)
    _check_numbers(str(rig.name), matrices, [int(scene_of(rig).frame_current)])
    return reading.clip(matrices[..., :3, :3], matrices[..., :3, 3], scene_fps(scene_of(rig)))


def current_placement(rig: ArmatureObject) -> Placement:
    """Where the rig stands and which way it faces at the current frame, for ``place``.

    In the rig's own model space: the object's transform is not in it, since keys are not either.
    Raises MMMError where no clip could be keyed: better now than once it is made.
    """
    check_inheritance(rig, binding_of(rig))
    pose = read_pose(rig)
    x, _, z = pose.root_T3[0]
    return Placement(x=float(x), z=float(z), yaw=float(headings(pose)[0]))
