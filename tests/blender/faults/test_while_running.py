"""What becomes of the character while a job runs: the job's keys come to it, or one sentence says
why not, and the scene is as the person left it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import State, WorkerSession
from tests.blender.faults.scene_state import scene_state
from tests.blender.faults.situations import CAST, save_cast
from tests.blender.faults.test_between import JOBS, run, unheard


def delete() -> None:
    bpy.data.objects.remove(rig_of_file())


def rename() -> None:
    rig_of_file().name = "Somebody else"


def exclude() -> None:
    bpy.context.view_layer.layer_collection.children[CAST].exclude = True


def other_scene() -> None:
    bpy.context.window.scene = bpy.data.scenes.new("Other")


def edit_mode() -> None:
    bpy.ops.object.mode_set(mode="EDIT")


def other_presses() -> None:
    """All are refused until the job is done."""
    for press in (bpy.ops.mmm.discard_take, bpy.ops.mmm.mirror, bpy.ops.mmm.in_place):
        with pytest.raises(RuntimeError, match="MMM is at work"):
            press()


def delete_action() -> None:
    bpy.data.actions.remove(rig_of_file().animation_data.action)


def select_nothing() -> None:
    bpy.context.view_layer.objects.active = None


EVENTS: dict[str, tuple[Callable[[], None], bool]] = {
    each.__name__: (each, is_harmless)
    for each, is_harmless in (
        (delete, False),
        (rename, True),
        (exclude, False),
        (other_scene, False),
        (edit_mode, False),
        (other_presses, True),
        (delete_action, False),
        (select_nothing, True),
    )
}
"""Each with whether the job has to come to its end."""


def rig_of_file() -> Any:
    return next(each for each in bpy.data.objects if each.type == "ARMATURE")


@pytest.fixture(scope="module")
def cast(
    registered: WorkerSession, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    assert bpy.ops.mmm.generate(prompt="a person waves", seconds=1.0) == {"FINISHED"}
    path = tmp_path_factory.mktemp("running") / "cast.blend"
    save_cast(path)
    return path


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("job", JOBS)
def test_it_comes_to_the_character_or_says_why_not(
    session: WorkerSession,
    cast: Path,
    job: str,
    event: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bpy.ops.wm.open_mainfile(filepath=str(cast))
    happens, is_harmless = EVENTS[event]
    if event == "other_scene" and bpy.context.window is None:
        pytest.skip("this Blender has no window to change the scene of")
    scene_job = JOBS[job](bpy.context)
    with unheard(session, monkeypatch):
        assert not scene_job.tick(bpy.context)
    happens()
    after = scene_state()
    run(scene_job)
    assert not session.busy
    if is_harmless:
        assert scene_job.job.state is State.SUCCEEDED, scene_job.job.sentence
    if scene_job.job.state is State.SUCCEEDED:
        return
    said = scene_job.job.sentence
    assert said and "\n" not in said and "could not be put" not in said, said
    assert scene_state() == after, said
