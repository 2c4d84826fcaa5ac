"""Paths in a batch's table: points, and objects in Blender files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import batch_generate
import numpy as np
import pytest

from mmm_blender.batch.path_cell import PathCell, path_of_points
from mmm_blender.batch.runner import check_possible, needs_blender
from mmm_blender.batch.table import ClipRow, EditRow, SequenceRow, read_table
from mmm_blender.common.errors import MMMError

COLUMNS = "name,prompt,seconds,seed,path,file,range"
POINTS = '"0,0 0,-2 1,-4"'

WriteTable = Callable[..., Path]


def rows_of(write_table: WriteTable, *rows: str) -> list[Any]:
    return read_table(write_table(rows, COLUMNS))


def refusal(write_table: WriteTable, row: str) -> str:
    with pytest.raises(MMMError) as caught:
        rows_of(write_table, row)
    return str(caught.value)


def test_points_are_on_blenders_ground(write_table: WriteTable) -> None:
    row, timed, both = rows_of(
        write_table,
        f"a,a person walks,,3,{POINTS},,",
        f"b,a person walks,2,3,{POINTS},,",
        f"c,a person walks | a person waves,3 | 2,,{POINTS},,",
    )
    assert isinstance(row, ClipRow) and row.path is not None
    assert row.seconds == 0.0, "as long as the path takes"
    assert timed.seconds == 2.0 and isinstance(both, SequenceRow)
    path = path_of_points(row.path.text)
    assert path.points_N2.tolist() == [[0, 0], [0, 2], [1, 4]]
    assert row.path.conditions(30.0)["path"]["facing"] == "along"
    assert row.recipe["path"] == {"points": "0,0 0,-2 1,-4"}
    assert not needs_blender(row)


def test_a_row_without_a_path_is_what_it_was(write_table: WriteTable) -> None:
    (row,) = rows_of(write_table, "a,a person walks,,,,,")
    assert row.path is None and row.recipe == {"prompt": row.prompt, "seconds": 4.0, "seed": 0}


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ('"0,0"', "fewer than two points"),
        ('"0,0 0,0"', "no length"),
        ('"0,0 900,0"', "900 m long"),
        ("Curve", "no list of points"),
        ("scene.blend#", "names no object"),
        ("#Curve", "needs a Blender file before #"),
        ("scene.obj#Curve", "no .blend file"),
        ("nowhere.blend#Curve", "could not be read"),
    ],
)
def test_a_bad_path_is_said_with_its_line(write_table: WriteTable, cell: str, words: str) -> None:
    sentence = refusal(write_table, f"a,a person walks,,,{cell},,")
    assert "line 2" in sentence and words in sentence


def test_a_recipe_takes_no_path(write_table: WriteTable, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    table = write_table([f"a,{POINTS},a.json"], "name,path,recipe")
    with pytest.raises(MMMError, match="takes no path"):
        read_table(table)


def test_an_edit_names_an_object_of_its_own_file(write_table: WriteTable, tmp_path: Path) -> None:
    (tmp_path / "a.blend").write_bytes(b"BLENDER")
    (row,) = rows_of(write_table, "a,a person walks,,,#Curve,a.blend,10-20")
    assert isinstance(row, EditRow) and row.path == PathCell(name="Curve")
    sentence = refusal(write_table, "a,a person walks,,,b.blend#Curve,a.blend,10-20")
    assert "write #Curve" in sentence


def test_no_row_is_written_over_the_file_of_a_path(write_table: WriteTable, tmp_path: Path) -> None:
    pytest.importorskip("bpy")
    (tmp_path / "a.blend").write_bytes(b"BLENDER")
    rows = rows_of(write_table, "a,a person walks,,,a.blend#Curve,,")
    assert needs_blender(rows[0])
    with pytest.raises(MMMError, match="would be written over"):
        check_possible(tmp_path / "clips.csv", rows, ["blend"], tmp_path)


# --- through the worker --------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path, tiny_bundle: Path, write_table: WriteTable) -> Callable[..., int]:
    """Makes the rows with the tiny weights."""

    def call(*rows: str, kinds: str = "bvh,npz") -> int:
        return batch_generate.main(
            [
                *("--prompts", str(write_table(rows, COLUMNS)), "--out", str(tmp_path / "out")),
                *("--bundle", str(tiny_bundle), "--format", kinds, "--threads", "1"),
                *("--python", sys.executable),
            ]
        )

    return call


def test_a_motion_stands_on_its_points(run: Callable[..., int], tmp_path: Path) -> None:
    assert run('a,a person walks,2,3,"3,0 3,-2",,') == 0
    root_T3 = np.load(tmp_path / "out" / "a.npz")["root"]
    np.testing.assert_allclose(root_T3[[0, -1]][:, [0, 2]], [[3, 0], [3, 2]], atol=0.3)


def test_a_curve_in_a_file_is_followed_and_kept_as_points(
    run: Callable[..., int], tmp_path: Path
) -> None:
    bpy = pytest.importorskip("bpy")
    from tests.blender.helpers.scene_lines import add_curve

    bpy.ops.wm.read_factory_settings(use_empty=True)
    add_curve([(1, 0, 0), (1, -2, 0)], name="Way")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert run("a,a person walks,2,3,scene.blend#Way,,", kinds="blend,recipe") == 0
    recipe = json.loads((tmp_path / "out" / "a.recipe.json").read_text())
    (step,) = recipe["steps"]
    assert step["conditions"]["path"]["points"] == [[1.0, 0.0], [1.0, 2.0]]
    assert step["placement"]["x"] == pytest.approx(1.0, abs=0.1)
    assert run("b,a person walks,2,3,scene.blend#Nothing,,") == 1
