"""A file whose names and texts are no UTF-8, as a stranger may have written it: panels say what
there is, presses are done or say a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import WorkerSession
from tests.blender.faults.disks import outcome
from tests.blender.helpers.drawing import drawn

MARK, BAD = b"QQQQ", b"\xed\xa0\x80\xff"
"""What stands for a text while the file is made, and a lone surrogate with a byte of no text."""


@pytest.fixture
def path(session: WorkerSession, tiny_bundle: Path, tmp_path: Path) -> Path:
    """A file with a character, its motion, and a row in every list of ours."""
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    assert bpy.ops.mmm.generate(prompt="a person waves", seconds=0.5) == {"FINISHED"}
    for press in (bpy.ops.mmm.pin_add, bpy.ops.mmm.rig_edit):
        assert press() == {"FINISHED"}
    assert bpy.ops.mmm.sequence_add(prompt=MARK.decode(), seconds=1.0) == {"FINISHED"}
    return tmp_path / "strange.blend"


def opened(path: Path) -> None:
    """The file that is open, with every mark in it made bad."""
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    content = path.read_bytes()
    assert MARK in content
    path.write_bytes(content.replace(MARK, BAD))
    bpy.ops.wm.open_mainfile(filepath=str(path))


def panels() -> list[Any]:
    found = bpy.types.Panel.__subclasses__()
    return [each for each in found if each.__module__.startswith("mmm_blender.")]


def mark_all(group: Any) -> None:
    """Every text of a property group that may be set."""
    for prop in group.bl_rna.properties:
        if prop.type == "STRING" and not prop.is_readonly and prop.identifier != "bundle":
            setattr(group, prop.identifier, MARK.decode())


def test_texts_of_ours_are_mended_when_the_file_is_opened(path: Path) -> None:
    """Before: each redraw ended in a UnicodeDecodeError, and nothing could be pressed."""
    mark_all(bpy.context.scene.mmm)
    rig = bpy.data.objects["MMM Character"]
    for row in rig.mmm_takes.takes:
        mark_all(row)
    opened(path)
    bpy.context.view_layer.objects.active = bpy.data.objects["MMM Character"]
    assert "\N{REPLACEMENT CHARACTER}" in bpy.context.scene.mmm.prompt
    for panel in panels():
        if panel.poll(bpy.context) if hasattr(panel, "poll") else True:
            drawn(panel)
    assert outcome(lambda: bpy.ops.mmm.generate(prompt="a person walks", seconds=0.5)) == ""


def test_names_of_others_are_told_in_a_sentence(path: Path) -> None:
    bpy.data.objects["MMM Character"].name = MARK.decode()
    opened(path)
    said = outcome(lambda: bpy.ops.mmm.generate(prompt="a person walks", seconds=0.5))
    assert "is no name or text that can be read" in said
    assert outcome(bpy.ops.mmm.open_worker_log) == ""
