"""The body of a motion that is being made: where, when, and for whom."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.preview_stage import PreviewStage
from mmm_blender.blender.jobs.session import Job, State, WorkerSession
from mmm_blender.blender.preview.step_lines import step_lines
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.placement import Placement, place
from mmm_blender.worker.preview_messages import Previewed
from tests.blender.helpers.rigs import posed_heads, wild_clip

FRAMES = 24


@pytest.fixture
def job(session: WorkerSession) -> Any:
    """One that runs, for a character that stands somewhere; its motion is at 20 frames a second."""
    rig = create_character(bpy.context)
    rig.location = (1.0, -2.0, 0.0)
    bpy.context.view_layer.update()
    session.job = Job(7, 0.0, State.GENERATING)
    session.job.stage = PreviewStage.of(bpy.context, rig, 5, Placement(0.5, 0.25, 1.0))
    joints_TJ3 = clip_joints(wild_clip(FRAMES))
    session.job.hear(Previewed(7, joints_TJ3, np.linspace(0.0, 1.0, FRAMES), 24.0))
    yield session.job
    session.job = None


def test_it_stands_where_the_motion_will(job: Job) -> None:
    rig = bpy.context.view_layer.objects.active
    write_clip(rig, place(wild_clip(FRAMES), Placement(0.5, 0.25, 1.0)), 5)
    heads_1J3 = posed_heads(rig, ["head", "left_foot"], [10])
    (pose, *_) = [each for each in step_lines(bpy.context) if each.on_top]
    for head_3 in heads_1J3[0]:
        assert np.abs(pose.ends_K3 - head_3).max(axis=-1).min() < 1e-3


def test_what_is_not_to_stay_is_fainter(job: Job) -> None:
    bpy.context.scene.frame_set(900)
    lines = step_lines(bpy.context)
    assert len(lines) == 2 and len({each.colour[3] for each in lines}) == 2
    assert not any(each.on_top for each in lines), "no pose is at the current frame"
    assert step_lines(bpy.context)[0] is lines[0], "kept until the next preview"


def test_nothing_is_shown_of_a_job_that_is_over_or_of_another_scene(
    job: Job, session: WorkerSession
) -> None:
    assert step_lines(bpy.context)
    other = bpy.data.scenes.new("Other")
    bpy.context.window.scene = other
    assert step_lines(bpy.context) == []
    bpy.context.window.scene = bpy.data.scenes[0]
    session.cancel()
    assert step_lines(bpy.context) == []


def test_a_preview_of_another_job_is_not_taken(job: Job) -> None:
    before = job.preview
    job.hear(Previewed(8, np.zeros((2, 22, 3)), np.zeros(2), 20.0))
    assert job.preview is before


def test_shift_escape_keeps_what_is_there_and_escape_ends_it(
    job: Job, session: WorkerSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mmm_blender.blender.jobs.job_operator import JobOperator

    finished: list[int] = []

    def note(number: int) -> None:
        finished.append(number)

    client: Any = SimpleNamespace(finish=note, cancel=note)
    monkeypatch.setattr(session, "_client", client)
    operator: Any = JobOperator()
    ticks: Callable[[Any], bool] = lambda _context: False  # noqa: E731
    operator._scene_job = SimpleNamespace(reading=False, tick=ticks, job=job)
    press = SimpleNamespace(type="ESC", value="PRESS", shift=True)
    assert operator.modal(bpy.context, press) == {"PASS_THROUGH"}
    assert finished == [7] and job.running
    press.shift = False
    operator.modal(bpy.context, press)
    assert job.state is State.CANCELLED
    monkeypatch.setattr(session, "_client", None)
