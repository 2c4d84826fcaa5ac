"""Formats of other programs, written by a batch and imported again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import batch_generate
import numpy as np
import pytest

from mmm_blender.batch import runner

bpy: Any = pytest.importorskip("bpy", reason="Blender's module bpy is not installed")

from mmm_blender.blender.rig.motion_reader import read_motion  # noqa: E402
from mmm_blender.blender.transfer.task import import_motion  # noqa: E402
from mmm_blender.geometry.rotations import identity_quats, quat_angle  # noqa: E402

COLUMNS = "name,prompt,seconds,seed"
WALK = "walk,a person walks,1,3"
KINDS = ("fbx", "glb", "usd")
FRAMES = 30

WriteTable = Callable[..., Path]


def made(
    write_table: WriteTable, bundle: Path, folder: Path, kinds: str, *more: str
) -> dict[str, Any]:
    """The arrays of the row, whose files are in the folder."""
    status = batch_generate.main(
        [
            *("--prompts", str(write_table([WALK], COLUMNS)), "--out", str(folder)),
            *("--bundle", str(bundle), "--format", kinds, "--threads", "1"),
            *("--python", sys.executable, *more),
        ]
    )
    assert status == 0
    with np.load(folder / "walk.npz") as arrays:
        return dict(arrays)


def test_files_of_other_programs_hold_the_motion(
    write_table: WriteTable, tiny_bundle: Path, tmp_path: Path
) -> None:
    kinds = ",".join(("npz", *KINDS))
    wanted = made(write_table, tiny_bundle, tmp_path, kinds, "--t-pose")
    for kind in KINDS:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.context.scene.render.fps = FRAMES
        import_motion(bpy.context, None, tmp_path / f"walk.{kind}")
        [rig] = [each for each in bpy.data.objects if each.type == "ARMATURE"]
        first = round(rig.animation_data.action.frame_range[0])
        found = read_motion(rig, first, first + FRAMES)
        still = quat_angle(found.rotations_TJ4[0], identity_quats(22))
        assert np.degrees(still).max() < 0.1, kind
        apart = quat_angle(found.rotations_TJ4[1:], wanted["rotations"])
        assert np.degrees(apart).max() < 0.1, kind
        ways = [each - each[0] for each in (found.root_T3[1:], wanted["root"])]
        assert np.abs(ways[0] - ways[1]).max() < 1e-3, kind


def test_other_options_make_the_files_anew(
    write_table: WriteTable, tiny_bundle: Path, tmp_path: Path
) -> None:
    made(write_table, tiny_bundle, tmp_path, "npz,bvh")
    assert f"Frames: {FRAMES}\n" in (tmp_path / "walk.bvh").read_text(encoding="utf-8")
    made(write_table, tiny_bundle, tmp_path, "npz,bvh", "--t-pose")
    assert f"Frames: {FRAMES + 1}\n" in (tmp_path / "walk.bvh").read_text(encoding="utf-8")


def test_a_character_without_a_root_bone_is_named(
    write_table: WriteTable,
    tiny_bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(AssertionError):
        made(write_table, tiny_bundle, tmp_path, "fbx", "--root", "bone")
    assert "no root bone" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.fbx"))


def test_without_blender_they_are_refused(
    write_table: WriteTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner.importlib.util, "find_spec", {}.get)
    assert batch_generate.main(
        ["--prompts", str(write_table([WALK], COLUMNS)), "--out", str(tmp_path), "--format", "glb"]
    ) == 2  # fmt: skip
