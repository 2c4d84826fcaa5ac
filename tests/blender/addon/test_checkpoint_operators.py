"""Import Published Checkpoint from the preferences: asked for by name, converted in the worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.addon import checkpoint_operators
from mmm_blender.blender.addon.checkpoint_operators import NEEDED, CheckpointParams
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.job_operator import run_to_end
from mmm_blender.blender.jobs.session import State, WorkerSession
from mmm_blender.blender.jobs.worker_access import WorkerAccess
from mmm_blender.common.errors import MMMError
from mmm_blender.worker.client import WorkerClient
from mmm_blender.worker.protocol import LoadBundle
from tests.worker.fake_worker import BOOTSTRAP


@pytest.fixture
def stored(stored: Any, tmp_path: Path) -> Any:
    """The same, with a folder of own weights."""
    stored.bundles_folder = str(tmp_path / "own")
    return stored


@pytest.fixture
def given(tmp_path: Path) -> dict[str, str]:
    """Paths of files that are there, by the operator's properties."""
    paths_of = {field: tmp_path / f"{field}.file" for field in NEEDED}
    for field, path in paths_of.items():
        if field == "clip":
            path.mkdir()
        else:
            np.save(path.with_suffix(".npy"), np.ones(263, dtype=np.float32))
            path.with_suffix(".npy").rename(path)
    return {field: str(path) for field, path in paths_of.items()}


@pytest.mark.parametrize("field", list(NEEDED))
def test_what_is_missing_is_asked_for_by_name(
    stored: Any, given: dict[str, str], field: str
) -> None:
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.mmm.import_checkpoint(**given | {field: ""})
    assert f"Still missing is {NEEDED[field]}: choose it." in str(caught.value)
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.mmm.choose_checkpoint(**given | {field: "/nowhere/x"})
    assert f"There is no /nowhere/x: choose {NEEDED[field]}." in str(caught.value)


def test_a_name_that_is_taken_is_refused(stored: Any, given: dict[str, str]) -> None:
    with pytest.raises(RuntimeError, match="'starter' already"):
        bpy.ops.mmm.import_checkpoint(**given, name="starter")


def test_the_worker_imports_with_progress(
    stored: Any, given: dict[str, str], torch_python: Path, tmp_path: Path
) -> None:
    worker = WorkerSession(connect=lambda python: WorkerClient(python, BOOTSTRAP))
    access = WorkerAccess(worker, lambda: torch_python, LoadBundle)
    params = CheckpointParams(**given, name="published")
    scene_job = checkpoint_operators.start_import(bpy.context, params, access)
    seen: set[State] = set()
    while not scene_job.tick(bpy.context):
        seen.add(scene_job.job.state)
    assert scene_job.job.state is State.SUCCEEDED, scene_job.job.sentence
    assert worker.notice.text == "Imported the weights 'published'."
    assert (scene_job.job.step, scene_job.job.steps) == (1, 4)
    worker.shut_down()


def test_files_that_are_no_checkpoint_are_a_sentence(
    stored: Any, given: dict[str, str], torch_python: Path, tmp_path: Path
) -> None:
    worker = WorkerSession()
    access = WorkerAccess(worker, lambda: torch_python, LoadBundle)
    params = CheckpointParams(**given, name="published")
    scene_job = checkpoint_operators.start_import(bpy.context, params, access)
    run_to_end(bpy.context, scene_job)
    assert scene_job.job.state is State.FAILED
    assert "tokenizer.file" in scene_job.job.sentence and scene_job.job.sentence.endswith(".")
    assert not (tmp_path / "own" / "published").exists()
    with pytest.raises(MMMError, match="mean"):
        CheckpointParams(**given | {"mean": ""}, name="x").found("mean")
    worker.shut_down()
