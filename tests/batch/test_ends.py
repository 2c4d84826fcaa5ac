"""How new motions of a table begin and end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import batch_generate
import numpy as np
import pytest

from mmm_blender.batch.table import read_table
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.standing import standing_clip

COLUMNS = "name,prompt,seconds,start,end,file,range,recipe"

WriteTable = Callable[..., Path]


def test_rows_without_ends_are_what_they_were(write_table: WriteTable) -> None:
    free, asked, both = read_table(
        write_table(
            [
                "a,a person walks,,,,,,",
                "b,a person walks,,Standing,free,,,",
                "c,a person walks | a person waves,,standing,standing,,,",
            ],
            COLUMNS,
        )
    )
    assert free.recipe == {"prompt": "a person walks", "seconds": 4.0, "seed": 0}
    assert asked.recipe == free.recipe | {"start": "standing"}
    assert both.recipe["start"] == both.recipe["end"] == "standing"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,a person walks,,pose,,,,", "line 2: the start must be free, standing, not 'pose'"),
        ("a,a person walks,,,lying,,,", "line 2: the end must be free, standing, not 'lying'"),
        ("a,a person walks,,standing,,b.bvh,1-9,", "an edit takes no start: leave that cell empty"),
        ("a,,,,standing,,,r.json", "a recipe takes no end: leave that cell empty"),
    ],
)
def test_ends_that_cannot_be_are_said(write_table: WriteTable, row: str, words: str) -> None:
    with pytest.raises(MMMError, match=words):
        read_table(write_table([row], COLUMNS))


def test_motions_begin_standing(tmp_path: Path, tiny_bundle: Path, write_table: WriteTable) -> None:
    rows = [
        "one,a person walks,2,standing,standing,,,",
        "two,a person walks | a person waves,2 | 2,standing,standing,,,",
    ]
    out = tmp_path / "out"
    words = ("--bundle", str(tiny_bundle), "--format", "npz", "--threads", "1", "--fps", "20")
    table = write_table(rows, COLUMNS)
    made = ["--prompts", str(table), "--out", str(out), *words, "--python", sys.executable]
    assert batch_generate.main(made) == 0
    standing = standing_clip(1, 20.0)
    for name, frames in (("one", 40), ("two", 80)):
        clip = np.load(out / f"{name}.npz")
        assert len(clip["root"]) == frames
        height = clip["root"][0, 1] - standing.root_T3[0, 1]
        assert abs(height) < 1e-4 and np.allclose(clip["root"][0, [0, 2]], 0.0, atol=1e-6)


def test_a_batch_says_how_often_it_is_tried(
    tmp_path: Path, tiny_bundle: Path, write_table: WriteTable, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_table(["one,a person waves with the left hand,2,,,,,"], COLUMNS)
    words = ["--prompts", str(table), "--out", str(tmp_path / "out"), "--bundle", str(tiny_bundle)]
    words += ["--format", "npz", "--threads", "1", "--python", sys.executable]
    assert batch_generate.main([*words, "--tries", "3"]) == 0
    assert "in 3 tries" in "".join(capsys.readouterr())
    assert batch_generate.main([*words, "--tries", "3"]) == 0
    assert "1 of 1 are done already" in capsys.readouterr().out
    assert batch_generate.main(words) == 0, "other tries are another motion"
    said = "".join(capsys.readouterr())
    assert "done already" not in said and "tries" not in said
    with pytest.raises(SystemExit):
        batch_generate.main([*words, "--tries", "99"])
