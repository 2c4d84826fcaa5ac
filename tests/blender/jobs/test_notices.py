"""What is said of the last job: where, and for how long."""

from __future__ import annotations

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.edit import operators as edit_operators
from mmm_blender.blender.edit.panel import EditPanel
from mmm_blender.blender.generate.panel import MotionPanel
from mmm_blender.blender.jobs import timer
from mmm_blender.blender.jobs.session import Notice, WorkerSession
from mmm_blender.blender.sequence.panel import SequencePanel
from mmm_blender.blender.timing.panel import ShapePanel
from mmm_blender.worker.protocol import FailureKind
from tests.blender.helpers.drawing import Layout, drawn

SENTENCE = "Feet slide here: choose longer."


@pytest.mark.parametrize("panel", ["motion", "edit", "shape", "sequence"])
def test_it_stands_once_in_the_view_below_the_button(session: WorkerSession, panel: str) -> None:
    session.notice, session.panel, session.prompt = Notice(SENTENCE), panel, "a person bows"
    texts = {
        name: drawn(drawer).text
        for name, drawer in (
            ("motion", MotionPanel),
            ("edit", EditPanel),
            ("shape", ShapePanel),
            ("sequence", SequencePanel),
        )
    }
    assert {name for name, text in texts.items() if SENTENCE in text} == {panel}
    assert "\u201ca person bows\u201d" in texts[panel]


def test_it_stands_in_the_menu_of_a_timeline_without_panels(session: WorkerSession) -> None:
    session.notice, session.panel = Notice(SENTENCE), "motion"
    layout = Layout()
    edit_operators.draw_menu(type("Menu", (), {"layout": layout}), bpy.context)
    assert SENTENCE in layout.text


@pytest.mark.parametrize("event", [timer.on_undo, timer.on_load])
def test_undo_and_another_file_make_it_stale(session: WorkerSession, event: object) -> None:
    assert callable(event)
    session.notice, session.prompt = Notice(SENTENCE), "a person bows"
    event()
    assert session.notice == Notice() and session.prompt == ""
    session.notice = Notice("No torch.", is_error=True, kind=FailureKind.ENVIRONMENT)
    event()
    assert session.notice.text == "No torch.", "that is about the Python, not the file"
