"""One press for several characters: a motion each, and the fault of one is not the others'."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mmm_blender.blender.addon.several_characters import seed_of
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.edit.panel import EditPanel
from mmm_blender.blender.generate.operators import MotionOperator
from mmm_blender.blender.generate.panel import MotionPanel
from mmm_blender.blender.history.recipe_store import load_recipe
from mmm_blender.blender.jobs.job_operator import JobOperator
from mmm_blender.blender.jobs.session import State, WorkerSession
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.target import selected_characters
from mmm_blender.common.errors import MMMError
from tests.blender.helpers.drawing import drawn

ASKED: dict[str, Any] = {"prompt": "a person waves", "seconds": 1.0, "takes": 1}
NOTHING: frozenset[str] = frozenset()
"""Of the operator's properties that are set."""
WAIT_SECONDS = 240.0


@pytest.fixture
def rigs(session: WorkerSession, tiny_bundle: Path, worker_python: Path) -> list[ArmatureObject]:
    """Three characters, all selected, the second of them active."""
    settings = bpy.context.scene.mmm
    settings.bundle, settings.prompt = str(tiny_bundle), ASKED["prompt"]
    settings.seconds, settings.existing = ASKED["seconds"], "REPLACE"
    found = []
    for number in range(3):
        rig = create_character(bpy.context)
        rig.name, rig.location.x = f"P{number}", float(number)
        found.append(rig)
    for rig in found:
        rig.select_set(True)
    bpy.context.view_layer.objects.active = found[1]
    bpy.context.view_layer.update()
    return found


def seeds(rigs: list[ArmatureObject]) -> list[int | None]:
    """Of the last step of each, None for one without a motion."""
    steps: list[int | None] = []
    for rig in rigs:
        action = None if rig.animation_data is None else rig.animation_data.action
        recipe = None if action is None else load_recipe(action, rig)
        steps.append(None if recipe is None else recipe.steps[-1].seed)  # type: ignore[union-attr]
    return steps


class Queued(MotionOperator, JobOperator):
    """The button Generate Motion as Blender would run it; the test sends the beats."""

    def __init__(self) -> None:
        self.report = print
        kind = bpy.ops.mmm.generate.get_rna_type()
        self.properties = SimpleNamespace(is_property_set=NOTHING.__contains__, bl_rna=kind)
        assert self._begin(bpy.context)

    def beats(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Beats of the timer; True when all is over."""
        end = time.monotonic() + WAIT_SECONDS
        assert self._scene_job is not None
        while not until():
            assert time.monotonic() < end
            if self._scene_job.tick(bpy.context):
                return True
            time.sleep(0.001)
        return False

    @property
    def outcome(self) -> set[str]:
        return self._outcome()


def test_every_selected_character_gets_a_motion_by_the_next_seed(
    rigs: list[ArmatureObject], session: WorkerSession
) -> None:
    bpy.context.scene.frame_set(5)
    assert bpy.ops.mmm.generate(**ASKED, seed=7) == {"FINISHED"}
    assert seeds(rigs) == [8, 7, 9], "the active one first, then by name"
    assert bpy.context.view_layer.objects.active == rigs[1]
    assert all(rig.animation_data.action.frame_range[0] == 5 for rig in rigs)
    assert len({rig.animation_data.action for rig in rigs}) == 3
    for rig in rigs:
        assert f"Keyed '{rig.name}'" in session.notice.text
    assert bpy.ops.mmm.inpaint(prompt="", frame_start=8, frame_end=20, seed=3, takes=1) == {
        "FINISHED"
    }
    assert seeds(rigs) == [4, 3, 5]


def test_the_active_one_alone_where_that_is_chosen(rigs: list[ArmatureObject]) -> None:
    bpy.ops.mmm.generate(**ASKED, seed=7, characters="ACTIVE")
    assert seeds(rigs) == [None, 7, None]


def test_a_fault_of_one_is_said_and_costs_the_others_nothing(
    rigs: list[ArmatureObject], session: WorkerSession
) -> None:
    rigs[1].pose.bones["left_elbow"].constraints.new("LIMIT_ROTATION").use_limit_x = True
    assert bpy.ops.mmm.generate(**ASKED, seed=7) == {"FINISHED"}
    assert seeds(rigs) == [8, None, 9]
    assert session.notice.is_error and session.notice.text.startswith("'P1': ")
    assert "Keyed 'P2'" in session.notice.text


def test_where_none_can_the_first_reason_is_said(rigs: list[ArmatureObject]) -> None:
    for rig in rigs:
        rig.pose.bones["left_elbow"].constraints.new("LIMIT_ROTATION").use_limit_x = True
    with pytest.raises(RuntimeError, match="P1"):
        bpy.ops.mmm.generate(**ASKED)
    assert seeds(rigs) == [None, None, None]


def test_what_was_asked_is_as_it_was_at_the_press(rigs: list[ArmatureObject]) -> None:
    press = Queued()
    bpy.context.scene.mmm.seed = 500
    bpy.context.scene.frame_set(40)
    bpy.context.view_layer.objects.active = rigs[2]
    assert press.beats() and press.outcome == {"FINISHED"}
    assert seeds(rigs) == [1, 0, 2]
    assert {rig.animation_data.action.frame_range[0] for rig in rigs} == {1.0}
    assert bpy.context.scene.frame_current == 40
    assert bpy.context.view_layer.objects.active == rigs[2]


def test_cancel_ends_all_and_what_was_keyed_stays(
    rigs: list[ArmatureObject], session: WorkerSession
) -> None:
    press = Queued()
    assert not press.beats(until=lambda: seeds(rigs)[1] is not None)
    assert session.job is not None and "P0" in session.job.text(0.0)
    session.cancel()
    assert press.beats() and press.outcome == {"FINISHED"}
    assert seeds(rigs) == [None, 0, None]
    assert "Not started: 'P2'" in session.notice.text and not session.notice.is_error


def test_a_character_that_is_deleted_costs_the_others_nothing(
    rigs: list[ArmatureObject], session: WorkerSession
) -> None:
    press = Queued()
    bpy.data.objects.remove(rigs.pop(1))
    assert press.beats() and press.outcome == {"FINISHED"}
    assert seeds(rigs) == [1, 2] and "'P1'" in session.notice.text
    assert session.job is not None and session.job.state is State.SUCCEEDED


def test_panels_say_who_is_meant(rigs: list[ArmatureObject]) -> None:
    for panel in (MotionPanel, EditPanel):
        assert "3 characters: P1, P0, P2" in drawn(panel).text.replace("  ", " ")
    bpy.context.scene.mmm.characters = "ACTIVE"
    assert "On P1, from frame 1" in drawn(MotionPanel).text
    for rig in (rigs[0], rigs[2]):
        rig.select_set(False)
    assert "prop characters" not in drawn(MotionPanel).text


def test_who_is_selected(rigs: list[ArmatureObject]) -> None:
    bpy.context.view_layer.objects.active = None
    assert [rig.name for rig in selected_characters(bpy.context)] == ["P0", "P1", "P2"]
    other = bpy.data.objects.new("Other", bpy.data.armatures.new("Other"))
    bpy.context.collection.objects.link(other)
    other.select_set(True)
    assert len(selected_characters(bpy.context)) == 3
    assert seed_of(2**31 - 1, 2, 1) == 1 and seed_of(-1, 1, 2) == -1


def test_a_character_that_no_view_layer_shows_is_refused() -> None:
    from mmm_blender.blender.jobs.job_queue import active

    hidden = bpy.data.objects.new("Hidden", bpy.data.armatures.new("Hidden"))
    with pytest.raises(MMMError, match="not in this view layer"), active(bpy.context, hidden):
        pass
