"""Whatever a file chooser or a path property names: it is read, or one sentence says why not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.generate.panel import MotionPanel
from mmm_blender.blender.jobs.session import WorkerSession
from tests.blender.faults.disks import outcome
from tests.blender.faults.scene_state import scene_state
from tests.blender.helpers.drawing import drawn

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")

NOT_UTF_8 = b"\xff\xed\xa0\x80"

READERS: tuple[tuple[str, str, str], ...] = (
    *(("import_motion", "filepath", ending) for ending in (".bvh", ".fbx", ".glb")),
    ("rig_load", "filepath", ".json"),
    *(("add_weights", "filepath", ending) for ending in (".json", ".zip")),
    *(("choose_body_model", "filepath", ending) for ending in (".npz", ".pkl")),
    ("add_character", "model_path", ".npz"),
    ("use_environment", "folder", ""),
    ("generate", "bundle", ""),
)
WRITERS = (
    *(("export_motion", "filepath", ending) for ending in (".bvh", ".npz", ".fbx", ".usdc")),
    ("rig_save", "filepath", ".json"),
)


def pipe(path: Path) -> str:
    os.mkfifo(path)
    return str(path)


def endless(path: Path) -> str:
    path.symlink_to("/dev/zero")
    return str(path)


def circle(path: Path) -> str:
    path.symlink_to(path)
    return str(path)


def folder(path: Path) -> str:
    path.mkdir()
    return str(path)


def too_long(path: Path) -> str:
    return str(path.with_name("x" * 5000 + path.suffix))


KINDS: dict[str, Callable[[Path], str]] = {
    "a pipe": pipe,
    "/dev/zero": endless,
    "a link to itself": circle,
    "a folder": folder,
    "a long name": too_long,
    "nobody's home": lambda path: f"~nobody_at_all/x{path.suffix}",
    "nothing": lambda _path: "",
    "a dot": lambda _path: ".",
    "the root": lambda _path: "/",
    "beside the file": lambda path: f"//none{path.suffix}",
}


@pytest.fixture
def rig(session: WorkerSession, tiny_bundle: Path) -> Any:
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    assert bpy.ops.mmm.generate(prompt="a person waves", seconds=0.5) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_refused_in_a_sentence(rig: Any, tmp_path: Path, kind: str) -> None:
    before = scene_state()
    for number, (name, argument, ending) in enumerate(READERS):
        holder = tmp_path / str(number)
        holder.mkdir()
        path = KINDS[kind](holder / f"x{ending}")
        if not path and argument in ("bundle", "model_path", "filepath"):
            continue  # means the scene's own, or our own body
        said = outcome(lambda n=name, a=argument, p=path: getattr(bpy.ops.mmm, n)(**{a: p}))
        assert said and "Blender refused" not in said, (name, path, said)
        assert scene_state() == before, (name, path)


@pytest.mark.parametrize("kind", ["a link to itself", "a folder", "nothing", "a dot", "the root"])
def test_what_is_written_is_refused_in_a_sentence(rig: Any, tmp_path: Path, kind: str) -> None:
    before = scene_state()
    for number, (name, argument, ending) in enumerate(WRITERS):
        holder = tmp_path / str(number)
        holder.mkdir()
        path = KINDS[kind](holder / f"x{ending}")
        said = outcome(lambda n=name, a=argument, p=path: getattr(bpy.ops.mmm, n)(**{a: p}))
        if kind != "a link to itself":  # whose place a file may take
            assert said, (name, path)
        assert "Blender refused" not in said, (name, path, said)
        assert scene_state() == before, (name, path)


@pytest.fixture
def odd(rig: Any, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """A name that is no UTF-8 beside the test's files, with an ending."""
    try:
        (tmp_path / os.fsdecode(NOT_UTF_8)).touch()
    except OSError:
        pytest.skip("this disk takes UTF-8 alone")
    yield lambda ending: str(tmp_path / (os.fsdecode(NOT_UTF_8) + ending))


def test_names_that_are_no_utf_8_are_read_and_written(rig: Any, odd: Callable[[str], str]) -> None:
    """Before: a UnicodeEncodeError of Blender's as a traceback, after the work was done."""
    for ending in (".bvh", ".npz", ".fbx"):
        assert outcome(lambda e=ending: bpy.ops.mmm.export_motion(filepath=odd(e))) == ""
        assert Path(odd(ending)).is_file()
    for ending in (".bvh", ".fbx"):
        assert outcome(lambda e=ending: bpy.ops.mmm.import_motion(filepath=odd(e))) == ""
    assert outcome(lambda: bpy.ops.mmm.import_motion(filepath=odd(".bvh"), as_new=True)) == ""
    bpy.context.view_layer.objects.active = rig
    assert outcome(lambda: bpy.ops.mmm.rig_save(filepath=odd(".json"))) == ""
    assert outcome(lambda: bpy.ops.mmm.rig_load(filepath=odd(".json"))) == ""


def test_weights_in_a_folder_whose_name_is_no_utf_8(
    odd: Callable[[str], str], tiny_bundle: Path
) -> None:
    shutil.copytree(tiny_bundle, odd("weights"))
    assert outcome(lambda: bpy.ops.mmm.add_weights(filepath=odd("weights"))) == ""
    drawn(MotionPanel)
