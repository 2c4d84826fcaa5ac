"""New motions of a batch on the character of a file, whatever rig it has."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import batch_generate
import numpy as np
import pytest

bpy: Any = pytest.importorskip("bpy", reason="Blender's module bpy is not installed")

from _rigs.blender_rigs import build_armature  # noqa: E402
from _rigs.skeletons import Build, Style, bones_of_preset  # noqa: E402

from mmm_blender.blender.actions.range_writer import raw_curves  # noqa: E402
from mmm_blender.geometry.retarget.presets import presets  # noqa: E402

Made = Callable[..., int]
COLUMNS = "name,prompt,seconds,seed,file,range"
WALK = "walk,a person walks,1,3,,"


@pytest.fixture
def hero(tmp_path: Path) -> Path:
    """A file at 24 frames a second with a rig of Mixamo's in centimetres."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.context.scene.render.fps = 24
    [mixamo] = [preset for preset in presets() if preset.name == "Mixamo"]
    build_armature("Hero", bones_of_preset(mixamo, Build(arms_down=45.0)), Style(scale=0.01))
    file = tmp_path / "hero.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    return file


@pytest.fixture
def made(tmp_path: Path, tiny_bundle: Path, write_table: Callable[..., Path]) -> Made:
    def call(*rows: str, options: tuple[str, ...] = (), kinds: str = "blend") -> int:
        return batch_generate.main(
            [
                *("--prompts", str(write_table(rows, COLUMNS)), "--out", str(tmp_path / "out")),
                *("--bundle", str(tiny_bundle), "--format", kinds, "--threads", "1"),
                *("--python", sys.executable, *options),
            ]
        )

    return call


def keys_of(path: Path) -> dict[tuple[str, int], bytes]:
    """Keys of the file's one armature."""
    bpy.ops.wm.open_mainfile(filepath=str(path))
    [rig] = [each for each in bpy.data.objects if each.type == "ARMATURE"]
    assert rig.name == "Hero"
    curves = raw_curves(rig.animation_data.action)
    return {(channel, index): raw.keys for (_, channel, index), raw in curves.items()}


def test_new_motions_and_their_edits_are_keyed_on_a_rig(
    made: Made, hero: Path, tmp_path: Path
) -> None:
    before = hero.read_bytes()
    rows = (WALK, "again,a person waves,,5,walk,8-16")
    given = ("--character", str(hero))
    assert made(*rows, options=given, kinds="blend,fbx") == 0
    out = tmp_path / "out"
    keys = keys_of(out / "walk.blend")
    assert 'pose.bones["LeftArm"].rotation_quaternion' in {name for name, _ in keys}
    assert bpy.context.scene.render.fps == 24
    edited = keys_of(out / "again.blend")
    assert keys.keys() == edited.keys() and keys != edited
    assert (out / "walk.fbx").stat().st_size > 10_000
    assert hero.read_bytes() == before
    clips = json.loads((out / "report.json").read_text(encoding="utf-8"))["clips"]
    assert len(clips["walk"]["recipe"]["character"]) == 64


def test_what_carries_the_way_is_chosen_and_replayed(
    made: Made, hero: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    given = ("--character", str(hero), "--root-motion", "object")
    assert made(WALK, options=given) == 0
    out = tmp_path / "out"
    keys = keys_of(out / "walk.blend")
    assert ("location", 0) in keys
    step = json.loads(bpy.data.objects["Hero"].animation_data.action["mmm_recipe"])["steps"][0]
    assert (step["rig"], step["root"]) == ("Mixamo", "OBJECT")
    (tmp_path / "kept.blend").write_bytes((out / "walk.blend").read_bytes())
    table = tmp_path / "replay.csv"
    table.write_text("name,recipe\nagain,kept.blend\n", encoding="utf-8")
    made_again = batch_generate.main(
        [
            *("--prompts", str(table), "--out", str(out), "--format", "blend,npz"),
            *("--bundle", str(tiny_bundle), "--threads", "1", "--python", sys.executable),
        ]
    )
    assert made_again == 0
    assert keys_of(out / "again.blend") == keys
    with np.load(out / "again.npz") as arrays:
        way_3 = arrays["root"][-1] - arrays["root"][0]
    assert np.linalg.norm(way_3) > 0.1


def test_a_file_without_a_character_is_told(
    made: Made, hero: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(WALK, options=("--character", str(tmp_path / "lost.blend"))) == 2
    assert "is no Blender file" in capsys.readouterr().err
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(hero))
    assert made(WALK, options=("--character", str(hero))) == 1
    assert "has no armature" in capsys.readouterr().err
    assert made(WALK.replace("walk", "../hero", 1), options=("--character", str(hero))) == 2
