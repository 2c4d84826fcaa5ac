"""An edit from a script or a button, and what it must leave as it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.edit import task
from mmm_blender.blender.fcurves.keyframe_arrays import KEY_DTYPE, KeyArray
from mmm_blender.blender.fcurves.layered_actions import action_fcurves
from mmm_blender.blender.history import fingerprint, recipe, recipe_store
from mmm_blender.blender.jobs.job_operator import (
    JobOperator,
)
from mmm_blender.blender.jobs.scene_job import SceneJob
from mmm_blender.blender.jobs.session import State

Inpaint = Callable[..., set[str]]
LAST = 60
FIRST, STOP = 21, 40
"""The range that most tests edit, both included."""
WAIT_SECONDS = 240.0
OWN_PROPERTIES = (recipe_store.RECIPE_PROPERTY, fingerprint.FINGERPRINT_PROPERTY)


def action_of(rig: ArmatureObject) -> Any:
    return rig.animation_data.action


def keys_of(rig: ArmatureObject) -> dict[tuple[str, int], KeyArray]:
    return {
        (path, index): np.frombuffer(raw.keys, KEY_DTYPE)
        for (_, path, index), raw in raw_curves(action_of(rig)).items()
    }


def everything(rig: ArmatureObject) -> Any:
    """All that an edit must leave as it was if nothing comes of it."""
    scene = bpy.context.scene
    action = action_of(rig)
    return (
        raw_curves(action),
        {name: action[name] for name in OWN_PROPERTIES if name in action},
        (scene.frame_start, scene.frame_end, scene.frame_current, scene.frame_subframe),
        [item.name for item in bpy.data.actions],
    )


def refusal(rig: ArmatureObject, call: Callable[[], object]) -> str:
    """The sentence of a call that must fail and leave everything as it was."""
    before = everything(rig)
    with pytest.raises(RuntimeError) as caught:
        call()
    assert everything(rig) == before
    lines = str(caught.value).strip().splitlines()
    assert len(lines) == 1
    return lines[0].removeprefix("Error: ")


def outside(keys: KeyArray, first: int = FIRST, last: int = STOP) -> bytes:
    frames = keys["co"][:, 0]
    return keys[(frames < first) | (frames > last)].tobytes()


def joint_of(path: str) -> str:
    return path.split('"')[1]


def last_step(rig: ArmatureObject) -> recipe.EditStep:
    found = recipe_store.load_recipe(action_of(rig))
    assert found is not None
    step = found.steps[-1]
    assert isinstance(step, recipe.EditStep)
    return step


def values_at(rig: ArmatureObject, bone: str, frame: int) -> list[float]:
    return [
        float(curve.evaluate(frame))
        for curve in action_fcurves(action_of(rig))
        if joint_of(curve.data_path) == bone
    ]


def move_keys(rig: ArmatureObject, bone: str, frame: int) -> None:
    for curve in action_fcurves(action_of(rig)):
        if joint_of(curve.data_path) == bone:
            for key in curve.keyframe_points:
                if key.co[0] == frame:
                    key.co[1] += 0.05


def bundle_that_predicts(folder: Path, parts: list[str], predicted: list[str]) -> Path:
    config = {
        "name": folder.name,
        "tokenizer": {"layout": "smpl_269", "stages": 2, "parts": parts},
        "transformer": {"places": 50, "predicted_parts": predicted},
    }
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    return folder


class Press(JobOperator):
    """What Blender would make of the operator; the test sends the events."""

    def __init__(self, params: task.EditParams) -> None:
        self.params = params
        self.reports: list[tuple[set[str], str]] = []
        self.report = self._note
        assert self._begin(bpy.context)
        self._set_timer(bpy.context)

    def _note(self, level: set[str], text: str) -> None:
        self.reports.append((level, text))

    def start(self, context: Any) -> SceneJob:
        return task.start_edit(context, self.params)

    @property
    def scene_job(self) -> SceneJob:
        assert self._scene_job is not None
        return self._scene_job

    def send(self, kind: str, value: str = "PRESS") -> set[str]:
        event: Any = SimpleNamespace(type=kind, value=value)
        return self.modal(bpy.context, event)

    @property
    def seconds_between_beats(self) -> float:
        return 0.0 if self._timer is None else self._timer.time_step

    def run_until(self, state: State | None) -> set[str]:
        """Send beats of the timer till the job is there, or to its end."""
        end = time.monotonic() + WAIT_SECONDS
        answer = {"PASS_THROUGH"}
        while answer == {"PASS_THROUGH"} and time.monotonic() < end:
            if state is not None and self.scene_job.job.state is state:
                break
            answer = self.send("TIMER")
            time.sleep(0.001)
        return answer
