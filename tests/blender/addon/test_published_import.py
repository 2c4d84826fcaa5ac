"""Import Published Checkpoint from its operator to a motion, with the worker that makes both."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.batch import command
from mmm_blender.blender.addon import choices, paths
from mmm_blender.blender.addon.checkpoint_operators import CheckpointParams, start_import
from mmm_blender.blender.addon.disk_facts import bundle_cards
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.fcurves.layered_actions import rig_curves
from mmm_blender.blender.jobs.job_operator import run_to_end
from mmm_blender.blender.jobs.scene_job import SceneJob
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.jobs.worker_access import WorkerAccess
from mmm_blender.worker.client import BOOTSTRAP, WorkerClient
from mmm_blender.worker.protocol import LoadBundle
from tests.worker.published_files import CLIP_WIDTH, published_files

pytestmark = pytest.mark.usefixtures("registered")


@pytest.fixture
def own(
    session: WorkerSession, torch_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The folder of own weights of an enabled add-on, whose worker has torch."""
    monkeypatch.setenv(command.PYTHON_VARIABLE, str(torch_python))
    addons = bpy.context.preferences.addons
    addons.new().module = paths.ROOT_PACKAGE
    kept = choices.preferences()
    assert kept is not None
    kept.bundles_folder = str(tmp_path / "own")
    yield tmp_path / "own"
    session.shut_down()
    addons.remove(addons[paths.ROOT_PACKAGE])


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The steps that a job was seen at while Blender waited for it."""
    seen: list[tuple[int, int]] = []
    tick = SceneJob.tick

    def watched(job: SceneJob, context: Any) -> bool:
        over = tick(job, context)
        seen.append((job.job.step, job.job.steps))
        return over

    monkeypatch.setattr(SceneJob, "tick", watched)
    return seen


def test_published_files_become_weights_that_make_a_motion(
    own: Path, steps: list[tuple[int, int]], tmp_path: Path
) -> None:
    given = published_files(tmp_path / "files")
    assert bpy.ops.mmm.import_checkpoint(**given, name="Their MMM") == {"FINISHED"}
    assert (4, 4) in steps
    (card,) = [card for card in bundle_cards() if card.folder.parent == own]
    assert (card.name, card.licence) == ("Their MMM", "as its authors say")
    config = json.loads((card.folder / "config.json").read_text())
    assert config["text"] == {"kind": "clip", "folder": given["clip"]}
    made = bpy.ops.mmm.generate(prompt="a person walks", seconds=2.0, bundle=card.key)
    assert made == {"FINISHED"}
    rig = bpy.context.view_layer.objects.active
    action = rig.animation_data.action
    assert tuple(action.frame_range) == (1.0, 48.0)
    assert {len(curve.keyframe_points) for curve in rig_curves(rig, action)} >= {48}


def test_each_of_their_files_is_asked_for_by_its_name(own: Path, tmp_path: Path) -> None:
    given = published_files(tmp_path / "files")
    wide = published_files(tmp_path / "wide", clip_width=32)
    lacking = tmp_path / "lacking"
    shutil.copytree(given["clip"], lacking)
    (lacking / "merges.txt").unlink()
    for changed, told in (
        ({"transformer": given["tokenizer"]}, "no entry 'trans'"),
        ({"clip": wide["clip"]}, f"wants text features of {CLIP_WIDTH} numbers"),
        ({"clip": str(lacking)}, "merges.txt"),
        ({"std": given["transformer"]}, "full_trans.pth"),
    ):
        with pytest.raises(RuntimeError) as caught:
            bpy.ops.mmm.import_checkpoint(**given | changed, name="published")
        assert told in str(caught.value)
    assert not (own / "published").exists()


def test_without_torch_the_import_says_what_to_press(
    session: WorkerSession, worker_python: Path, tmp_path: Path
) -> None:
    def connect(python: Path) -> WorkerClient:
        return WorkerClient(python, "import sys\nsys.modules['torch'] = None\n" + BOOTSTRAP)

    worker = WorkerSession(connect=connect)
    access = WorkerAccess(worker, lambda: worker_python, LoadBundle)
    params = CheckpointParams(**published_files(tmp_path / "files"), name="published")
    scene_job = start_import(bpy.context, params, access)
    run_to_end(bpy.context, scene_job)
    worker.shut_down()
    assert scene_job.job.sentence == (
        "Importing a published checkpoint needs PyTorch: press Set Up in the preferences, then "
        "import again."
    )
