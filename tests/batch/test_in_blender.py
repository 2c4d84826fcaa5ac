"""Edits, sequences and recipes in a batch, through real worker processes and Blender files."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import batch_generate
import numpy as np
import pytest

from mmm_blender.batch import command, runner

bpy: Any = pytest.importorskip("bpy", reason="Blender's module bpy is not installed")

from mmm_blender.blender.actions.range_writer import raw_curves  # noqa: E402
from mmm_blender.blender.addon.bundle_cards import config_hash, read_card  # noqa: E402  # no use without bpy
from mmm_blender.blender.addon.paths import USER_FOLDER_VARIABLE, user_bundles_folder  # noqa: E402
from mmm_blender.blender.fcurves.layered_actions import action_fcurves  # noqa: E402
from mmm_blender.geometry.bvh import bvh_text, read_bvh, write_bvh  # noqa: E402
from mmm_blender.geometry.rotations import dot  # noqa: E402
from mmm_blender.worker.client import WorkerClient  # noqa: E402
from tests.geometry.motions import smooth_clip  # noqa: E402
from tests.worker import fake_worker  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "batch_generate.py"
COLUMNS = "name,prompt,seconds,seed,file,range,body_part,recipe,hold"
WALK = "walk,a person walks,2,3,,,,"
A_RECIPE = b"""{"version": 1, "prompt": "a person walks", "seconds": 1.0, "seed": 3,
"bundle": "lost", "bundle_hash": "", "addon_version": "0.1.0", "sampler": {}, "start_frame": 1,
"fps": 30.0, "placement": {"x": 0.0, "z": 0.0, "yaw": 0.0}}"""
BOTH = "both,a person walks | a person waves,1.5 | 1,,,,,"

WriteTable = Callable[..., Path]
Run = Callable[..., int]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def run(out: Path, tiny_bundle: Path, write_table: WriteTable) -> Run:
    """Makes the rows with the tiny weights."""

    def call(
        *rows: str, kinds: str = "blend", folder: Path = out, python: str = sys.executable
    ) -> int:
        return batch_generate.main(
            [
                *("--prompts", str(write_table(rows, COLUMNS)), "--out", str(folder)),
                *("--bundle", str(tiny_bundle), "--format", kinds, "--threads", "1"),
                *("--python", python),
            ]
        )

    return call


def opened(path: Path) -> Any:
    """The armature in a Blender file."""
    bpy.ops.wm.open_mainfile(filepath=str(path))
    [rig] = [each for each in bpy.data.objects if each.type == "ARMATURE"]
    return rig


def keys_of(path: Path) -> dict[tuple[str, int], bytes]:
    curves = raw_curves(opened(path).animation_data.action)
    return {(channel, index): raw.keys for (_, channel, index), raw in curves.items()}


def steps_of(path: Path) -> list[str]:
    recipe = json.loads(path.read_text(encoding="utf-8"))
    return [step["kind"] for step in recipe["steps"]]


def names(out: Path) -> set[str]:
    return {path.name for path in out.iterdir()}


def entries(out: Path) -> dict[str, Any]:
    return json.loads((out / "report.json").read_text(encoding="utf-8"))["clips"]


def test_a_sequence_has_keys_markers_and_its_recipe(run: Run, out: Path) -> None:
    assert run(BOTH, kinds="blend,bvh,npz,recipe") == 0
    endings = ("blend", "bvh", "npz", "recipe.json")
    assert names(out) == {"report.json", *(f"both.{ending}" for ending in endings)}
    rig = opened(out / "both.blend")
    assert tuple(rig.animation_data.action.frame_range) == (1.0, 75.0)
    markers = {each.frame: each.name for each in bpy.context.scene.timeline_markers}
    assert markers == {1: "a person walks", 46: "a person waves"}
    assert len(read_bvh(out / "both.bvh").values_TC) == 75
    assert steps_of(out / "both.recipe.json") == ["sequence"]


def test_a_row_edits_what_an_earlier_row_made(
    run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [WALK, "wave,a person waves,,5,walk,20-40,upper,", "more,,,,wave,50-70,,"]
    assert run(*rows, kinds="blend,npz,recipe") == 0
    assert steps_of(out / "more.recipe.json") == ["generate", "edit", "edit"]
    before, after = keys_of(out / "walk.blend"), keys_of(out / "wave.blend")
    hip = ('pose.bones["left_hip"].rotation_quaternion', 1)
    shoulder = ('pose.bones["left_shoulder"].rotation_quaternion', 1)
    assert before[hip] == after[hip]
    assert before[shoulder] != after[shoulder]
    with np.load(out / "wave.npz") as made, np.load(out / "walk.npz") as kept:
        assert made["rotations"].shape == kept["rotations"].shape == (60, 22, 4)
    capsys.readouterr()
    assert run(*rows, kinds="blend,npz,recipe") == 0
    assert "3 of 3 are done already." in capsys.readouterr().out
    rows[0] = WALK.replace(",3,", ",4,")
    assert run(*rows, kinds="blend,npz,recipe") == 0
    assert "3 made, 0 failed" in capsys.readouterr().out, "what was edited has changed"


def test_a_bvh_file_is_edited_without_touching_it(run: Run, out: Path, tmp_path: Path) -> None:
    source, clip = tmp_path / "mine.bvh", smooth_clip(60)
    write_bvh(source, clip)
    content = source.read_bytes()
    assert run("a,a person waves,,1,mine.bvh,11-30,,", kinds="bvh,npz,blend") == 0
    assert source.read_bytes() == content
    assert read_bvh(out / "a.bvh").fps == pytest.approx(clip.fps)
    with np.load(out / "a.npz") as made:
        turned_TJ = 1.0 - np.abs(dot(made["rotations"], clip.rotations_TJ4))
        moved_T3 = np.abs(made["root"] - clip.root_T3)
    kept_T = np.r_[0:10, 30:60]
    assert turned_TJ[kept_T].max() < 1e-6
    assert moved_T3[kept_T].max() < 1e-4
    assert turned_TJ[10:30].max() > 1e-2
    rig = opened(out / "a.blend")
    assert json.loads(rig.animation_data.action["mmm_recipe"])["steps"][0]["first"] == 11


def test_a_retimed_motion_is_edited_where_the_row_says_what_stays(run: Run, out: Path) -> None:
    assert run(WALK) == 0
    for curve in action_fcurves(opened(out / "walk.blend").animation_data.action):
        for key in curve.keyframe_points:
            key.co[0] = 1.5 * key.co[0]
    retimed = out.with_name("retimed.blend")
    bpy.ops.wm.save_as_mainfile(filepath=str(retimed))
    row = ",a person waves,,5,retimed.blend,20-40,upper,,"
    assert run(*(hold + row + hold for hold in ("auto", "edited", "none"))) == 1
    report = entries(out)
    assert "retimed" in report["auto"]["error"]
    assert report["edited"]["status"] == report["none"]["status"] == "done"
    shoulder = ('pose.bones["left_shoulder"].rotation_quaternion', 1)
    assert keys_of(out / "none.blend")[shoulder] != keys_of(retimed)[shoulder]


def test_an_edit_meets_poses_that_were_set_by_hand(run: Run, out: Path) -> None:
    assert run(WALK) == 0
    for curve in action_fcurves(opened(out / "walk.blend").animation_data.action):
        curve.keyframe_points[29].type = "KEYFRAME"
    bpy.ops.wm.save_as_mainfile(filepath=str(out.with_name("posed.blend")))
    assert run("a,,,5,posed.blend,20-40,,,keyframe", kinds="blend,npz,recipe") == 0
    [_, step] = json.loads((out / "a.recipe.json").read_text(encoding="utf-8"))["steps"]
    assert step["held"]["left_shoulder"] == [30.0]
    assert run(WALK, kinds="blend,npz") == 0
    with np.load(out / "a.npz") as made, np.load(out / "walk.npz") as kept:
        turned_TJ = 1.0 - np.abs(dot(made["rotations"], kept["rotations"]))
    assert turned_TJ[29].max() < 1e-6
    assert turned_TJ[25].max() > 1e-3


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("HIERARCHY", "NOTHING", "is no BVH file: it does not begin with HIERARCHY."),
        ("MOTION", "", "has no motion: MOTION and its number of Frames are missing."),
        ("Frames: 9", "Frames: 0", "has no motion: its number of Frames is 0."),
        ("Frames: 9", "", "has no motion: MOTION and its number of Frames are missing."),
        ("OFFSET", "OFFSET x", "(could not convert string to float: 'x')"),
    ],
)
def test_why_a_bvh_file_cannot_be_imported_is_said(
    run: Run, out: Path, old: str, new: str, reason: str
) -> None:
    text = bvh_text(smooth_clip(9))
    assert old in text
    out.with_name("mine.bvh").write_text(text.replace(old, new), encoding="utf-8")
    assert run("a,a person waves,,1,mine.bvh,2-5,,", kinds="npz") == 1
    assert reason in entries(out)["a"]["error"]


@pytest.mark.parametrize("from_blend", [False, True])
def test_a_recipe_makes_the_same_keys_again(run: Run, out: Path, from_blend: bool) -> None:
    rows = [WALK, "wave,a person waves,,5,walk,20-40,upper,", BOTH]
    assert run(*rows, kinds="blend,recipe") == 0
    ending = "blend" if from_blend else "recipe.json"
    again = [f"{name},,,,,,,out/{name}.{ending}" for name in ("wave", "both")]
    folder = out.with_name("again")
    assert run(*again, kinds="blend,recipe", folder=folder) == 0
    for name in ("wave", "both"):
        assert keys_of(folder / f"{name}.blend") == keys_of(out / f"{name}.blend")
        old, new = (path / f"{name}.recipe.json" for path in (out, folder))
        assert json.loads(new.read_text()) == json.loads(old.read_text())
    assert {each.frame for each in bpy.context.scene.timeline_markers} == {1, 46}


def test_an_edit_that_cannot_be_fails_alone(
    run: Run, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.blend").write_bytes(b"no Blender file")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "empty.blend"))
    rows = [
        "long,a person walks,99,,,,,",
        "late,a person waves,,,long,1-9,,",
        "bad,,,,bad.blend,1-9,,",
        "empty,,,,empty.blend,1-9,,",
        "fine,a person walks,1,,,,,",
    ]
    assert run(*rows) == 1
    said = capsys.readouterr().err
    assert "row 'late' (line 3): The row 'long' that it edits is not there" in said
    assert "row 'bad' (line 4): " in said
    assert "could not be opened" in said
    assert "has no armature" in said
    assert "Traceback" not in said
    assert names(out) == {"fine.blend", "report.json"}
    assert {name for name, each in entries(out).items() if each["status"] == "failed"} == {
        *("long", "late", "bad", "empty")
    }


def test_a_worker_that_fails_leaves_what_was_to_be_edited(
    run: Run, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(WALK) == 0
    before = (out / "walk.blend").read_bytes()
    with monkeypatch.context() as patch:  # a worker that knows of no edits
        fake = functools.partial(WorkerClient, bootstrap=fake_worker.BOOTSTRAP)
        patch.setattr(command, "WorkerClient", fake)
        assert run(WALK, "a,,,,walk,20-30,,") == 1
    assert "row 'a' (line 3): " in capsys.readouterr().err
    assert names(out) == {"walk.blend", "report.json"}
    assert (out / "walk.blend").read_bytes() == before
    assert run(WALK, "a,,,,walk,20-30,,") == 0
    assert "a.blend" in names(out)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "line 2: The Action's recipe is damaged"),
        ('{"version": 99}', "line 2: The Action's recipe has version 99"),
        ('{"version": 2, "steps": []}', "it has no steps"),
    ],
)
def test_a_damaged_recipe_makes_nothing(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, words: str
) -> None:
    (tmp_path / "odd.json").write_text(content, encoding="utf-8")
    assert run("a,,,,,,,odd.json", WALK) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_recipe_that_an_editor_saved_is_read(run: Run, out: Path) -> None:
    assert run(WALK, kinds="recipe") == 0
    saved = b"\xef\xbb\xbf" + (out / "walk.recipe.json").read_bytes()
    out.with_name("saved.json").write_bytes(saved)
    assert run("a,,,,,,,saved.json") == 0


def test_a_python_on_the_path_makes_edits_too(
    run: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = out.with_name("bin")
    folder.mkdir()
    (folder / "here").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    (folder / "here").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    assert run(WALK, "a,,,,walk,20-30,,", python="here") == 0


def test_a_recipe_that_has_seen_other_keys_is_said(
    run: Run, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bvh(tmp_path / "mine.bvh", smooth_clip(60))
    assert run("a,,,,mine.bvh,11-30,,", kinds="blend,recipe") == 0
    again = out.with_name("again")
    assert run("a,,,,,,,out/a.recipe.json", folder=again) == 2
    assert "Step 1 of the recipe" in capsys.readouterr().err
    assert not again.exists()
    assert run("a,,,,,,,out/a.blend", folder=again) == 0
    assert keys_of(again / "a.blend") == keys_of(out / "a.blend")


@pytest.mark.parametrize(
    ("source", "row"),
    [
        ("out/take.bvh", "take,a person waves,,7,{},1-2,,"),
        ("out/take.blend", "TAKE,a person waves,,7,{},1-2,,"),
        ("out/take.recipe.json", "take,,,,,,,{}"),
        ("out/report.json", "take,,,,,,,{}"),
        ("out/caf\u00e9.bvh", "cafe\u0301,,,,{},1-2,,"),
        ("linked/take.bvh", "take,,,,{},1-2,,"),
    ],
)
def test_what_a_row_begins_with_is_not_written_over(
    run: Run, out: Path, capsys: pytest.CaptureFixture[str], source: str, row: str
) -> None:
    out.mkdir()
    out.with_name("linked").symlink_to(out)
    (out.parent / source).write_bytes(A_RECIPE)
    rows = "other,a person walks,1,,,,,", row.format(source)
    assert run(*rows, kinds="blend,bvh,recipe") == 2
    said = capsys.readouterr().err
    assert "line 3: " in said
    assert "would be written over it: give the row another name, or choose another --out" in said
    assert [path.read_bytes() for path in out.iterdir()] == [A_RECIPE]


def test_another_row_too_leaves_what_a_row_begins_with(
    run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(WALK) == 0
    before = (out / "walk.blend").read_bytes()
    changed = WALK.replace(",3,", ",4,")
    assert run(changed, "wave,,,,out/walk.blend,20-40,,") == 2
    assert "and row 'walk' (line 2) would be written over it" in capsys.readouterr().err
    assert (out / "walk.blend").read_bytes() == before


def test_a_recipe_of_weights_that_are_gone_names_them(
    run: Run, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(WALK, kinds="recipe") == 0
    recipe = json.loads((out / "walk.recipe.json").read_text())
    recipe["steps"][0]["origin"] |= {"bundle": "lost", "bundle_hash": "0" * 64}
    (tmp_path / "lost.json").write_text(json.dumps(recipe), encoding="utf-8")
    assert run("a,,,,,,,lost.json") == 1
    assert "The weights 'lost' (000000000000)" in capsys.readouterr().err
    assert "a.blend" not in names(out)


def test_damaged_weights_of_a_recipe_fail_its_row_alone(
    run: Run, out: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(out.with_name("user")))
    damaged = user_bundles_folder() / "damaged"
    shutil.copytree(tiny_bundle, damaged)
    config = damaged / "config.json"
    content = json.loads(config.read_text(encoding="utf-8")) | {"name": "damaged"}
    config.write_text(json.dumps(content), encoding="utf-8")
    for weights in damaged.glob("*.safetensors"):
        weights.write_bytes(b"damaged")
    recipe = json.loads(A_RECIPE) | {"bundle_hash": config_hash(read_card(damaged))}
    out.with_name("a.json").write_text(json.dumps(recipe), encoding="utf-8")
    assert run("a,,,,,,,a.json", WALK) == 1
    report = entries(out)
    assert "weights folder damaged" in report["a"]["error"]
    assert report["walk"]["status"] == "done"


@pytest.mark.parametrize("fps", ["0", "-30.0", "NaN", "Infinity"])
def test_a_recipe_without_a_rate_makes_nothing(
    run: Run, out: Path, capsys: pytest.CaptureFixture[str], fps: str
) -> None:
    out.with_name("a.json").write_bytes(A_RECIPE.replace(b"30.0", fps.encode()))
    assert run("a,,,,,,,a.json", WALK) == 2
    assert "line 2: The Action's recipe" in capsys.readouterr().err
    assert not out.exists()


def test_an_error_that_nobody_foresaw_fails_its_row_alone(
    run: Run, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = runner.write_files

    def write_files(*given: Any) -> Any:
        if "odd" in map(str, given):
            raise TypeError("this\nand that")
        return whole(*given)

    monkeypatch.setattr(runner, "write_files", write_files)
    assert (
        run("odd,a person waves,1,1,,,,", WALK.replace("walk,", "again,", 1), kinds="recipe") == 1
    )
    assert "row 'odd' (line 2): It ended in an error that nobody" in capsys.readouterr().err
    report = entries(out)
    assert "\n" not in report["odd"]["error"]
    assert "TypeError: " in report["odd"]["error"]
    assert report["again"]["status"] == "done"


def test_an_edit_of_a_row_needs_its_blender_file(
    run: Run, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(WALK, "a,,,,walk,1-9,,", kinds="npz") == 2
    assert "line 3: 'a' edits 'walk'" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("row", "kinds", "words"),
    [
        ("a,,,,mine.bvh,1-9,,", "bvh", "line 2: this Python has no bpy for edits"),
        (WALK, "recipe", "no bpy for the format recipe"),
    ],
)
def test_what_needs_blender_is_said_without_it(
    row: str, kinds: str, words: str, write_table: WriteTable, tiny_bundle: Path
) -> None:
    table = write_table([row], COLUMNS)
    out = table.parent / "out"
    (table.parent / "mine.bvh").write_bytes(b"")
    program = (
        "import runpy, sys; sys.modules['bpy'] = None; "
        f"sys.argv = [{str(SCRIPT)!r}, *sys.argv[1:]]; "
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    options = ["--prompts", table, "--out", out, "--bundle", tiny_bundle, "--format", kinds]
    ended = subprocess.run(
        [sys.executable, "-c", program, *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
