"""Regenerate Range from a button, beside the user's work."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.edit import operators, task
from mmm_blender.blender.edit.chosen_range import ChosenRange, Source
from mmm_blender.blender.fcurves.layered_actions import HAS_SLOTS
from mmm_blender.blender.jobs.job_operator import (
    READING_TICK_SECONDS,
    TICK_SECONDS,
)
from mmm_blender.blender.jobs.session import State, WorkerSession
from mmm_blender.common.errors import MMMError
from tests.blender.helpers.drawing import Layout
from tests.blender.helpers.edits import Inpaint, Press, action_of, everything, move_keys, refusal


def test_it_reads_and_then_works_beside_the_person(
    rig: ArmatureObject, press: Callable[..., Press], session: WorkerSession
) -> None:
    operator = press()
    assert session.busy and operator.scene_job.job.state is State.READING
    assert operator.scene_job.job.text(session.clock()).startswith("Reading the motion")
    assert operator.seconds_between_beats == pytest.approx(READING_TICK_SECONDS)
    assert not bpy.ops.mmm.inpaint.poll() and not bpy.ops.mmm.generate.poll()
    frame = bpy.context.scene.frame_current
    assert operator.send("TIMER") == {"PASS_THROUGH"}
    assert bpy.context.scene.frame_current == frame
    operator.run_until(State.GENERATING)
    assert operator.seconds_between_beats == pytest.approx(TICK_SECONDS)
    assert operator.run_until(None) == {"FINISHED"}
    assert not session.busy and operator.reports[0][0] == {"INFO"}


@pytest.mark.parametrize("state", [State.READING, State.GENERATING])
def test_esc_leaves_everything_as_it_was(
    rig: ArmatureObject,
    press: Callable[..., Press],
    session: WorkerSession,
    slow_bundle: str,
    state: State,
) -> None:
    move_keys(rig, "left_elbow", 30)  # held: its type would change
    before = everything(rig)
    operator = press(bundle=slow_bundle)
    operator.send("TIMER")
    operator.run_until(state)
    assert operator.send("ESC") == {"CANCELLED"}
    assert everything(rig) == before
    assert not session.busy and session.notice.text == "Cancelled."


def test_a_failure_in_reading_leaves_everything_as_it_was(
    rig: ArmatureObject, press: Callable[..., Press], session: WorkerSession
) -> None:
    before = everything(rig)
    operator = press()
    for item in (rig, *rig.children):
        item.hide_viewport = True
    assert operator.run_until(None) == {"CANCELLED"}
    assert "is hidden" in session.notice.text and session.notice.is_error
    assert everything(rig) == before


def use_other_slot(rig: ArmatureObject) -> None:
    if not HAS_SLOTS:
        pytest.skip("This Blender's Actions have no slots.")
    rig.animation_data.action_slot = action_of(rig).slots.new(id_type="OBJECT", name="Other")


CHANGES: list[tuple[Callable[[ArmatureObject], object], str]] = [
    (lambda rig: move_keys(rig, "head", 50), "was changed meanwhile"),
    (lambda rig: setattr(rig.animation_data, "action", None), "another Action"),
    (use_other_slot, "another slot"),
    (lambda rig: setattr(bpy.context.scene.render, "fps", 30), "frame rate"),
    (lambda rig: rig.pose.bones["neck"].constraints.new("LIMIT_ROTATION"), ""),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_an_action_that_changes_meanwhile_is_left_alone(
    rig: ArmatureObject,
    press: Callable[..., Press],
    session: WorkerSession,
    change: Callable[[ArmatureObject], object],
    words: str,
) -> None:
    action = action_of(rig)
    operator = press()
    operator.send("TIMER")
    change(rig)
    before = raw_curves(action)
    operator.run_until(None)
    if words:
        assert words in session.notice.text and session.notice.is_error
        assert raw_curves(action) == before


def test_a_write_that_fails_leaves_everything_as_it_was(
    rig: ArmatureObject, inpaint: Inpaint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MMMError("The disk of the test is full: try again.")

    move_keys(rig, "left_elbow", 30)
    monkeypatch.setattr(task, "store_fingerprint", fail)
    assert refusal(rig, inpaint) == "The disk of the test is full: try again."


def test_a_doubt_is_answered_by_another_press(rig: ArmatureObject, session: WorkerSession) -> None:
    """Both answers name properties that the operator has, the frames among them."""
    params = task.EditParams("wave", ChosenRange(3, 9, Source.KEYS), seed=4, body_part="UPPER")
    layout = Layout()

    def asked_for(_context: object) -> task.EditParams:
        return params

    def no_path(_answer: object) -> None:
        pass

    def no_others(_context: object) -> list[ArmatureObject]:
        return []

    asked = SimpleNamespace(params=asked_for, bl_idname="mmm.inpaint", copy_path=no_path)
    asked.means_all, asked._several = no_others, no_others
    operators.RegenerateRange._draw_answers(asked, SimpleNamespace(layout=layout), bpy.context)  # pyright: ignore
    answers = [vars(item[2]) for item in layout.book if isinstance(item, tuple)]
    assert [answer["hold"] for answer in answers] == ["EDITED", "NONE"]
    assert all(answer["sure"] for answer in answers)
    known = bpy.ops.mmm.inpaint.get_rna_type().properties
    for answer in answers:
        assert all(name in known for name in answer)
        assert (answer["frame_start"], answer["frame_end"], answer["seed"]) == (3, 9, 4)
