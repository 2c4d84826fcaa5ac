"""A disk that is full or read-only, and folders that vanish: each press is done or says one
sentence, files are as they were or whole, and so is the scene."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.addon import paths
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.worker.installer import FAILED, EnvironmentSetup
from mmm_blender.worker.package_sources import EnvironmentParams
from tests.blender.addon.test_bundle_library import make
from tests.blender.faults.disks import STATES, Disk, outcome, small_disk
from tests.blender.faults.scene_state import scene_state
from tests.blender.helpers.rigs import wild_clip

KINDS = ("fbx", "glb", "usdc", "bvh", "npz")
OLD = b"what was exported yesterday"


@pytest.fixture
def disk(session: WorkerSession, tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk") as made:
        yield made


@pytest.fixture
def user_folder(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The add-on's own files lie on the disk."""
    monkeypatch.setenv(paths.USER_FOLDER_VARIABLE, str(disk.work))
    return disk.work


@pytest.fixture
def rig(session: WorkerSession) -> ArmatureObject:
    """A character with a motion."""
    made = create_character(bpy.context)
    write_clip(made, wild_clip(20), 1)
    return made


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_export_is_whole_or_leaves_the_old_file(
    rig: ArmatureObject, disk: Disk, kind: str, state: str
) -> None:
    path = disk.work / f"motion.{kind}"
    path.write_bytes(OLD)
    before = scene_state()
    disk.becomes(state)
    said = outcome(lambda: bpy.ops.mmm.export_motion(filepath=str(path)))
    assert scene_state() == before
    assert said, "there was no place for it"
    assert disk.files() == ({path.name: OLD} if state in ("full", "read-only") else {})


@pytest.mark.parametrize("state", STATES)
def test_files_of_the_person_are_whole_or_as_they_were(
    rig: ArmatureObject, disk: Disk, user_folder: Path, tmp_path: Path, state: str
) -> None:
    source = make(tmp_path / "dance", b"x" * 3_000_000)
    path = str(user_folder / "maps" / "mine.json")
    presses: dict[str, Any] = {
        "map": lambda: bpy.ops.mmm.rig_save(filepath=path),
        "log": bpy.ops.mmm.open_worker_log,
        "weights": lambda: bpy.ops.mmm.add_weights(filepath=str(source / "config.json")),
    }
    assert outcome(presses["map"]) == ""
    before, files = scene_state(), disk.files()
    disk.becomes(state)
    said = {name: outcome(press) for name, press in presses.items()}
    assert scene_state() == before
    if state == "gone":  # made again
        assert not any(said.values())
        return
    assert all(said.values()), said
    assert disk.files() == (files if state != "a file" else {})


@pytest.mark.parametrize("state", STATES)
def test_motions_need_no_room_on_the_disk(
    disk: Disk, user_folder: Path, tiny_bundle: Path, state: str
) -> None:
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    disk.becomes(state)
    assert bpy.ops.mmm.generate(prompt="a person waves", seconds=1.0) == {"FINISHED"}
    edit = {"prompt": "a person bows", "frame_start": 8, "frame_end": 14}
    assert bpy.ops.mmm.inpaint(**edit) == {"FINISHED"}
    assert bpy.ops.mmm.replay() == {"FINISHED"}


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("state", "words"),
    [("full", "No space left"), ("read-only", "Read-only"), ("a file", "Not a directory")],
)
def test_an_environment_is_not_made_where_there_is_no_room(
    disk: Disk, tmp_path: Path, worker_python: Path, state: str, words: str
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "torch-1-py3-none-any.whl").write_bytes(b"")
    disk.becomes(state)
    setup = EnvironmentSetup(EnvironmentParams(disk.work, worker_python, wheels=wheels))
    setup.start()
    ended = setup.wait(600.0)
    assert ended.state == FAILED
    assert words in ended.message, ended.message
    assert not [name for name in disk.files() if name.startswith("env-")]
