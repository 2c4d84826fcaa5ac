"""Tables of a data set: three kinds of files, and rows that are broken among good ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="the extra 'cluster' is not installed in this Python")

import pyarrow as pa
import pyarrow.parquet as pq

from mmm_blender.common.errors import MMMError
from mmm_blender.dataset.tables import count_rows, read_rows
from mmm_blender.dataset.wanted import MOST_CELL, BrokenRow, WantedClip
from tests.limits import peak_memory

ROWS = [
    {"name": "walk", "prompt": "a person walks", "seconds": 2.5, "seed": 3},
    {"name": "wave", "prompt": "a person waves, twice", "seconds": None, "seed": None},
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        lines = [",".join(f'"{row[name] or ""}"' for name in rows[0]) for row in rows]
        path.write_text("\n".join([",".join(rows[0]), *lines]), encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_every_kind_of_table_gives_the_same_rows(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"table.{ending}", ROWS)
    walk, wave = read_rows(path)
    assert isinstance(walk, WantedClip)
    assert isinstance(wave, WantedClip)
    assert (walk.name, walk.prompt, walk.seconds, walk.seed) == ("walk", "a person walks", 2.5, 3)
    assert (wave.prompt, wave.seconds, wave.seed) == ("a person waves, twice", 4.0, 0)
    assert count_rows(path) == 2


def test_one_broken_row_among_ten_thousand_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    lines = [f"c{n},a person walks,2,{n}" for n in range(10_000)]
    lines[4321] = 'c4321,"a person walks,2,0'
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["name,prompt,seconds,seed", *lines]), encoding="utf-8")
    rows = list(read_rows(path))
    broken = [row for row in rows if isinstance(row, BrokenRow)]
    assert len(rows) == count_rows(path) == 10_000
    assert [row.line for row in broken] == [4323]
    assert "line 4323 is no row of a CSV file" in broken[0].sentence


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,,2,0", "the prompt is empty"),
        ("a,walks,soon,0", "seconds must be a number above 0"),
        ("a,walks,-1,0", "seconds must be a number above 0"),
        ("a,walks,2,-1", "the seed must be a whole number"),
        ("../a,walks,2,0", "is no plain file name"),
        ("a,walks,2,0,more", "has more cells than columns"),
    ],
)
def test_a_broken_row_says_why_and_where(tmp_path: Path, row: str, words: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"name,prompt,seconds,seed\n{row}\nb,walks,2,0\n", encoding="utf-8")
    broken, good = read_rows(path)
    assert isinstance(broken, BrokenRow)
    assert f"{path}, line 2" in broken.sentence
    assert words in broken.sentence
    assert isinstance(good, WantedClip)


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{",
        '{"prompt": NaN}',
        '{"prompt": ["a"]}',
        '{"prompt": true}',
        '{"prompt": "walks", "path": "0,0 1,1"}',
        '{"name": "a\\u0000", "prompt": "walks"}',
        "[" * 10_000,
    ],
)
def test_a_line_that_is_no_row_of_json_is_broken_alone(tmp_path: Path, line: str) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text(line + '\n{"prompt": "walks"}\n', encoding="utf-8")
    broken, good = read_rows(path)
    assert isinstance(broken, BrokenRow)
    assert broken.sentence.endswith(".")
    assert isinstance(good, WantedClip)


def test_bytes_that_are_no_text_break_their_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"name,prompt\na,walks \xff\xfe\nb,walks\n")
    broken, good = read_rows(path)
    assert isinstance(broken, BrokenRow)
    assert "UTF-8" in broken.sentence
    assert isinstance(good, WantedClip)


def test_a_line_without_end_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"prompt\n{'x' * 100 * MOST_CELL}\nwalks\n", encoding="utf-8")
    with peak_memory() as peak:
        broken, good = read_rows(path)
    assert peak.megabytes < 2
    assert isinstance(broken, BrokenRow)
    assert "more than 100000 characters" in broken.sentence
    assert (good.line, good.name[:5]) == (3, "clip-")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("table.csv", b"name,seconds\na,2\n", "has no column prompt"),
        ("table.csv", b"", "has no column prompt"),
        ("table.csv", b"prompt,path\nwalks,\n", "a column 'path' too many"),
        ("table.parquet", b"no parquet", "could not be read"),
        ("table.txt", b"prompt\nwalks\n", "is no table"),
        ("nowhere.csv", None, "could not be read"),
    ],
)
def test_what_is_no_table_is_said_in_a_sentence(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MMMError, match=words):
        list(read_rows(path))


def test_a_name_that_is_left_out_depends_on_what_is_asked_alone(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("prompt,seconds\nwalks,2\nwaves,2\nwalks,2\nwalks,3\n", encoding="utf-8")
    first, other, again, longer = (row.name for row in read_rows(path))
    assert first == again
    assert len({first, other, longer}) == 3
