"""Save, reload, undo and a new file while a job runs, and between presses: the job ends once, with
keys or one sentence, and the scene is what it was."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.edit.chosen_range import ChosenRange, Source
from mmm_blender.blender.edit.task import EditParams, start_edit
from mmm_blender.blender.generate.task import GenerateParams, start_generation
from mmm_blender.blender.jobs.scene_job import SceneJob
from mmm_blender.blender.jobs.session import State, WorkerSession
from mmm_blender.blender.loop.task import LoopParams, start_loop
from mmm_blender.blender.replay.task import start_replay
from mmm_blender.blender.sequence.properties import SegmentParams
from mmm_blender.blender.sequence.task import SequenceParams, start_sequence
from tests.blender.faults.scene_state import scene_state

WAVES, BOWS = SegmentParams("a person waves", 1.0, 1), SegmentParams("a person bows", 1.0, 2)
JOBS: dict[str, Callable[[Any], SceneJob]] = {
    "generate": lambda context: start_generation(context, GenerateParams("a person walks", 1.0, 5)),
    "edit": lambda context: start_edit(
        context, EditParams("a person bows", ChosenRange(8, 16, Source.GIVEN))
    ),
    "loop": lambda context: start_loop(context, LoopParams()),
    "replay": start_replay,
    "sequence": lambda context: start_sequence(context, SequenceParams((WAVES, BOWS))),
}
PRESSES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("generate", {"prompt": "a person walks", "seconds": 1.0}),
    ("inpaint", {"prompt": "a person bows", "frame_start": 8, "frame_end": 16}),
    ("replay", {}),
    ("add_character", {}),
    ("make_loop", {}),
)
SECONDS = 240.0


@pytest.fixture
def file(session: WorkerSession, tiny_bundle: Path, tmp_path: Path) -> Path:
    """The open file, saved: a character with a motion, and a step to be undone."""
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    assert bpy.ops.mmm.generate(prompt="a person waves", seconds=1.0) == {"FINISHED"}
    path = tmp_path / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.ed.undo_push(message="before")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Empty", None))
    bpy.ops.ed.undo_push(message="an empty")
    return path


EVENTS: dict[str, Callable[[Path], Any]] = {
    "save": lambda path: bpy.ops.wm.save_as_mainfile(filepath=str(path)),
    "reload": lambda path: bpy.ops.wm.open_mainfile(filepath=str(path)),
    "undo": lambda _path: bpy.ops.ed.undo(),
    "new file": lambda _path: bpy.ops.wm.read_homefile(use_empty=True),
}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("job", JOBS)
def test_while_a_job_runs(
    session: WorkerSession,
    file: Path,
    job: str,
    event: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene_job = JOBS[job](bpy.context)
    dice = random.Random(f"{job} {event}")
    with unheard(session, monkeypatch):
        for _ in range(dice.randint(0, 4)):
            assert not scene_job.tick(bpy.context)
    asked = scene_state()
    assert EVENTS[event](file) == {"FINISHED"}
    after = scene_state()
    run(scene_job)
    assert not session.busy
    if event == "save":
        assert scene_job.job.state is State.SUCCEEDED, scene_job.job.sentence
        bpy.ops.wm.open_mainfile(filepath=str(file))
        assert scene_state() == asked
    else:
        assert scene_job.job.state is State.CANCELLED
        assert session.notice.text.startswith("Cancelled: ") and not session.notice.is_error
        assert scene_state() == after
    bpy.context.view_layer.objects.active = None
    assert bpy.ops.mmm.generate(prompt="a person jumps", seconds=1.0) == {"FINISHED"}


@contextmanager
def unheard(session: WorkerSession, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """What the worker says waits: the job is not done, however busy the machine is."""
    with monkeypatch.context() as patch:
        patch.setattr(session, "tick", lambda: None)
        yield


def run(scene_job: SceneJob) -> None:
    """To the end, or until it takes too long."""
    until = time.monotonic() + SECONDS
    while not scene_job.tick(bpy.context) and time.monotonic() < until:
        time.sleep(0.002)


@pytest.mark.parametrize("seed", range(3))
def test_between_presses(file: Path, seed: int) -> None:
    dice = random.Random(seed)
    past, future = [scene_state()], list[Any]()
    bpy.ops.ed.undo_push(message="begin")
    for _ in range(12):
        match dice.choice(("press", "press", "undo", "redo", "save", "reload")):
            case "undo" if len(past) > 1:
                bpy.ops.ed.undo()
                future.append(past.pop())
            case "redo" if future:
                bpy.ops.ed.redo()
                past.append(future.pop())
            case "save":
                bpy.ops.wm.save_as_mainfile(filepath=str(file))
            case "reload":
                bpy.ops.wm.save_as_mainfile(filepath=str(file))
                bpy.ops.wm.open_mainfile(filepath=str(file))
                bpy.ops.ed.undo_push(message="begin")
                past, future = past[-1:], []
            case _:
                if press(*dice.choice(PRESSES)):
                    bpy.ops.ed.undo_push(message="press")
                    past.append(scene_state())
                    future.clear()
        assert scene_state() == past[-1]


def press(name: str, given: dict[str, Any]) -> bool:
    """Whether it was done; it may say one sentence instead."""
    try:
        return getattr(bpy.ops.mmm, name)(**given) == {"FINISHED"}
    except RuntimeError as error:
        assert "Traceback" not in str(error) and "\n" not in str(error).strip()
        return False
