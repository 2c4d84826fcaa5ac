"""Edits and sequences of a bundle, seen from Blender; reading the motion that an edit is about."""

from __future__ import annotations

import gc
import time
from collections import deque
from pathlib import Path

import numpy as np
from _bench.figures import Figure, Row, Skipped, seconds, seconds_once
from _bench.parts import swaying_clip

import mmm_blender
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.session import session
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.motion_reader import read_in_chunks, read_motion
from mmm_blender.blender.rig.target import scene_fps
from mmm_blender.common.errors import MMMError
from mmm_blender.worker.protocol import Edit, Generated, GenerateSequence, LoadBundle

READ_FRAMES, HEAVY_FRAMES = 600, 96
CLIP_SECONDS, EDIT_SECONDS = 9.8, 2.0
"""A clip of ten seconds, as near as the weights come to it, and the range in its middle."""

SEGMENTS, SEGMENT_SECONDS = 12, 5.0
MINUTES = (1, 4, 16)
PROMPTS = (
    "a person walks forward",
    "a person turns around",
    "a person waves with the left hand",
    "a person runs forward",
)
_READING_TARGET = 1.2  # times a bare loop
_HEAVY_SECONDS = 0.012
_EDIT_TARGET, _SEQUENCE_TARGET = 0.8, 12.0  # s
_REPEATS = 3
_SEED = 3


def reading_rows() -> list[Row]:
    """What needs no weights: reading as Inpaint does, in a scene of ours and in a heavy one."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rig = create_character(bpy.context)
    fps = scene_fps(bpy.context.scene)
    write_clip(rig, swaying_clip(READ_FRAMES).replace(fps=fps), 1)
    quick = _reading_row(rig, READ_FRAMES, "")
    bpy.app.handlers.frame_change_pre.append(_heavy)
    try:
        return [quick, _reading_row(rig, HEAVY_FRAMES, f", {1e3 * _HEAVY_SECONDS:g} ms each")]
    finally:
        bpy.app.handlers.frame_change_pre.remove(_heavy)


def _reading_row(rig: ArmatureObject, last: int, more: str) -> Row:
    bare = seconds(lambda: _bare_loop(last), _REPEATS)
    return Figure(
        f"reading {last} frames of evaluated motion{more}",
        seconds(lambda: deque(read_in_chunks(rig, 1, last), maxlen=0), _REPEATS),
        "s",
        "a bare frame_set loop",
        bare,
        _READING_TARGET * bare,
    )


def _heavy(*_: object) -> None:
    """What a heavy scene has to do at every frame."""
    time.sleep(_HEAVY_SECONDS)


def _bare_loop(last: int) -> None:
    scene = bpy.context.scene
    for frame in range(1, last + 1):
        scene.frame_set(frame)


def rows(bundle: Path) -> list[Row]:
    """An edit, and sequences of growing length, with a worker that holds the bundle already."""
    if not (bundle / "config.json").is_file():
        return [Skipped(f"editing with {bundle.name}", f"no bundle in {bundle}")]
    mmm_blender.register()
    try:
        return [_edit(bundle), *_sequences(bundle)]
    finally:
        mmm_blender.unregister()


def _edit(bundle: Path) -> Row:
    """From the click to the keys; the peer is the worker alone with the same motion."""
    rig = _fresh_character()
    bpy.ops.mmm.generate(prompt=PROMPTS[0], seconds=CLIP_SECONDS, bundle=str(bundle))
    fps = bpy.context.scene.render.fps
    first = 1 + round(0.5 * (CLIP_SECONDS - EDIT_SECONDS) * fps)
    last = first + round(EDIT_SECONDS * fps) - 1

    def click() -> None:
        bpy.ops.mmm.inpaint(
            prompt=PROMPTS[2],
            frame_start=first,
            frame_end=last,
            seed=_SEED,
            bundle=str(bundle),
        )

    what = f"{EDIT_SECONDS:g} s inside {CLIP_SECONDS:g} s, warm, click to keys"
    took = seconds(click, _REPEATS)
    alone = seconds(lambda: _edit_alone(rig, bundle, first, last), _REPEATS)
    return Figure(what, took, "s", "the worker alone", alone, _EDIT_TARGET)


def _edit_alone(rig: ArmatureObject, bundle: Path, first: int, last: int) -> Generated:
    if session.client is None:
        raise MMMError("The worker went away while it was measured: run the bench again.")
    clip = read_motion(rig, 1, int(rig.animation_data.action.frame_range[1]))
    mask_T = np.zeros(clip.frames, dtype=np.int64)
    mask_T[first - 1 : last] = 1
    mask_TJ = np.repeat(mask_T[:, None], clip.rotations_TJ4.shape[1], axis=1)
    request = Edit(
        *(
            clip.rotations_TJ4,
            clip.root_T3,
            clip.fps,
            mask_TJ,
            mask_T,
        ),
        prompt=PROMPTS[2],
        seed=_SEED,
    )
    return session.client.run_blocking(request, LoadBundle(str(bundle)))


def _sequences(bundle: Path) -> list[Row]:
    """A minute beside the worker alone; longer ones beside as many single minutes."""
    minute = _sequence_seconds(bundle, MINUTES[0])
    alone = seconds_once(lambda: _sequence_alone(bundle))
    what = "{} min of {} prompts, list to keys"
    found: list[Row] = [
        Figure(
            what.format(MINUTES[0], SEGMENTS),
            minute,
            "s",
            "the worker alone",
            alone,
            _SEQUENCE_TARGET,
        )
    ]
    for minutes in MINUTES[1:]:
        took = _sequence_seconds(bundle, minutes)
        name = what.format(minutes, minutes * SEGMENTS)
        found.append(Figure(name, took, "s", f"{minutes} x one minute", minutes * minute))
    return found


def _sequence_seconds(bundle: Path, minutes: int) -> float:
    _fresh_character()
    lines = [
        {
            "name": "",
            "prompt": PROMPTS[number % len(PROMPTS)],
            "seconds": SEGMENT_SECONDS,
            "seed": number,
        }
        for number in range(minutes * SEGMENTS)
    ]
    return seconds_once(lambda: bpy.ops.mmm.generate_sequence(segments=lines, bundle=str(bundle)))


def _sequence_alone(bundle: Path) -> Generated:
    if session.client is None:
        raise MMMError("The worker went away while it was measured: run the bench again.")
    request = GenerateSequence(
        tuple(PROMPTS[number % len(PROMPTS)] for number in range(SEGMENTS)),
        (SEGMENT_SECONDS,) * SEGMENTS,
        tuple(range(SEGMENTS)),
        fps=float(bpy.context.scene.render.fps),
    )
    return session.client.run_blocking(request, LoadBundle(str(bundle)))


def _fresh_character() -> ArmatureObject:
    """An empty file with a character; what the run before has left is gone."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    gc.collect()
    bpy.ops.mmm.add_character()
    return bpy.context.view_layer.objects.active
