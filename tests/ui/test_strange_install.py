"""The zip on machines that are not as they should be, without a window, a network or another
Python."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.rig import Rig

INSTALL = "timeout 300 blender --command extension install-file -r user_default --enable"
GENERATE = """
import sys, bpy
made = bpy.ops.mmm.generate(prompt="a person walks forward", seconds=2.0, seed=int(sys.argv[-1]))
active = bpy.context.view_layer.objects.active
assert made == {"FINISHED"} and active.animation_data.action, made
print("KEYED", bpy.utils.extension_path_user("bl_ext.user_default.mmm_blender"))
"""
LONG = ("langer Ördner " * 17).strip()  # 230 characters, with spaces and umlauts


@pytest.fixture
def alone(root: Path, extension: Path, tmp_path: Path) -> Iterator[Rig]:
    """A root without HOME, whose Blender keeps the person's files in a strange place."""
    shutil.copy(extension, tmp_path / "mmm.zip")
    whole = extension.read_bytes()
    (tmp_path / "half.zip").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "generate.py").write_text(GENERATE, encoding="utf-8")
    with Rig(root, tmp_path, alone=True) as started:
        started.run(f"unset HOME; export BLENDER_USER_RESOURCES='{tmp_path}/{LONG}'")
        started.run('mkdir -p "$BLENDER_USER_RESOURCES"')
        yield started


def test_two_blenders_at_once_generate_from_a_strange_place(alone: Rig) -> None:
    folder = alone.folder
    alone.run(f"{INSTALL} {folder}/mmm.zip")
    alone.run('chmod -R a-w "$BLENDER_USER_RESOURCES"/extensions/user_default/mmm_blender')
    one = f"timeout 300 blender -b --python-exit-code 1 -P {folder}/generate.py --"
    said = alone.run(f"({one} 1 >{folder}/one.log 2>&1) & {one} 2; wait $!; cat {folder}/one.log")
    assert said.count("KEYED") == 2 and LONG in said


def test_a_half_copied_zip_is_refused_and_what_was_there_stays(alone: Rig) -> None:
    folder = alone.folder
    alone.run(f"{INSTALL} {folder}/mmm.zip")
    said = alone.run(f"{INSTALL} {folder}/half.zip || true")
    assert "not a zip file" in said
    one = f"timeout 300 blender -b --python-exit-code 1 -P {folder}/generate.py -- 3"
    assert "KEYED" in alone.run(one)
