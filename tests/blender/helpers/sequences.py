"""A list of prompts, the motion that is made of it, and what its keys have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.fcurves.curve_snapshot import CurveId, raw_curves
from mmm_blender.blender.fcurves.keyframe_arrays import KEY_DTYPE
from mmm_blender.blender.fcurves.layered_actions import enum_value
from mmm_blender.blender.jobs.scene_job import SceneJob
from mmm_blender.blender.jobs.session import State
from mmm_blender.blender.sequence.lists import sequence_list

Call = Callable[..., set[str]]
PROMPTS = ("a person walks", "a person waves", "a person walks.")
FRAMES = 24  # of a segment of a second
SEAM = 10  # frames of a seam's side
FREE = enum_value("handle_left_type", "FREE")
AUTOMATIC = [enum_value("handle_left_type", name) for name in ("AUTO", "AUTO_CLAMPED", "VECTOR")]


def fill_list(prompts: Sequence[str], seconds: float = 1.0) -> Any:
    for seed, prompt in enumerate(prompts):
        bpy.ops.mmm.sequence_add(prompt=prompt, seconds=seconds, seed=seed)
    return sequence_list(bpy.context)


def listed() -> list[tuple[str, float, int]]:
    lines = sequence_list(bpy.context).lines
    return [(line.prompt, round(line.seconds, 4), line.seed) for line in lines]


def marked() -> list[tuple[int, str]]:
    return sorted((marker.frame, marker.name) for marker in bpy.context.scene.timeline_markers)


def keys_of(action: Any) -> dict[CurveId, Any]:
    return {name: np.frombuffer(raw.keys, KEY_DTYPE) for name, raw in raw_curves(action).items()}


def between(keys: Any, first: float, last: float) -> Any:
    return keys[(keys["co"][:, 0] >= first) & (keys["co"][:, 0] <= last)]


def shifted(keys: Any, frames: int) -> Any:
    found = keys.copy()
    for name in ("co", "handle_left", "handle_right"):
        found[name][:, 0] += np.float32(frames)
    return found


def same_where(before: Any, after: Any, first: float, last: float, shift: int = 0) -> bool:
    """Keys from first to last are what they were, bit for bit but for the shift in time; automatic
    handles may have become free where they are."""
    wanted = shifted(between(before, first, last), shift)
    found = between(after, first + shift, last + shift).copy()
    for name in ("handle_left_type", "handle_right_type"):
        freed = (found[name] == FREE) & np.isin(wanted[name], AUTOMATIC)
        found[name][freed] = wanted[name][freed]
    return wanted.tobytes() == found.tobytes()


def refusal(call: Callable[[], object], words: str) -> None:
    """It fails in one sentence, and no key, marker or line is another one."""
    before = (listed(), marked(), {each.name: raw_curves(each) for each in bpy.data.actions})
    with pytest.raises(RuntimeError) as caught:
        call()
    lines = str(caught.value).strip().splitlines()
    assert len(lines) == 1 and words in lines[0], lines
    after = (listed(), marked(), {each.name: raw_curves(each) for each in bpy.data.actions})
    assert after == before


def run_to_end(scene_job: SceneJob) -> None:
    while not scene_job.tick(bpy.context):
        time.sleep(0.01)
    assert scene_job.job.state is State.SUCCEEDED, scene_job.job.sentence


def regenerate(index: int, **changes: Any) -> None:
    assert bpy.ops.mmm.regenerate_segment(index=index, **changes) == {"FINISHED"}
