"""The log that a sentence names can be opened where the sentence stands, and says what happened."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from mmm_blender.blender.addon import operators
from mmm_blender.blender.addon.paths import user_folder
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.generate.panel import MotionPanel
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.worker.protocol import FailureKind
from tests.blender.helpers.drawing import drawn

SENTENCE = "A bug in MMM (ValueError: 3): please report it with the worker's log."
LOG = "Traceback (most recent call last):\nValueError: 3 \N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("kind", [FailureKind.INTERNAL, FailureKind.WORKER_ENDED])
def test_the_sentence_stands_beside_a_button_that_opens_the_log(
    session: WorkerSession, monkeypatch: pytest.MonkeyPatch, kind: FailureKind
) -> None:
    session.fail(kind, SENTENCE)
    panel = drawn(MotionPanel)
    assert "please report it" in panel.text
    assert panel.buttons()["mmm.open_worker_log"]
    opened: list[str] = []

    def path_open(filepath: str) -> None:
        opened.append(filepath)

    window = SimpleNamespace(
        app=SimpleNamespace(background=False),
        ops=SimpleNamespace(wm=SimpleNamespace(path_open=path_open)),
    )
    monkeypatch.setattr(operators, "bpy", window)
    monkeypatch.setattr(session, "_client", SimpleNamespace(log_tail=LOG, stop=lambda: None))
    assert bpy.ops.mmm.open_worker_log() == {"FINISHED"}
    assert opened == [str(user_folder() / "worker.log")]
    assert Path(opened[0]).read_text(encoding="utf-8") == LOG
    monkeypatch.undo()


def test_without_a_worker_the_log_says_so(session: WorkerSession) -> None:
    session.shut_down()
    assert bpy.ops.mmm.open_worker_log() == {"FINISHED"}
    assert "Nothing was logged" in (user_folder() / "worker.log").read_text(encoding="utf-8")
