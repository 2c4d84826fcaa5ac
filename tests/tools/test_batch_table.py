"""The batch's table: what it means, and a sentence for everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from _batch_table import DEFAULT_SECONDS, DEFAULT_SEED, Row, name_problem, read_table
from hypothesis import given
from hypothesis import strategies as st

from mmm_blender.geometry.errors import MMMError

WriteTable = Callable[..., Path]


def test_reads_every_row_with_its_line(write_table: WriteTable) -> None:
    rows = read_table(write_table(['walk,"tired, walks",2.5,7', "", "wave,waves,,"]))
    assert rows == [
        Row(2, "walk", "tired, walks", 2.5, 7),
        Row(4, "wave", "waves", DEFAULT_SECONDS, DEFAULT_SEED),
    ]


def test_takes_the_columns_in_any_order_and_without_the_optional_ones(
    write_table: WriteTable,
) -> None:
    [row] = read_table(write_table(["ein Mensch grüßt,grüßen"], columns="prompt,name"))
    assert (row.name, row.prompt, row.seconds, row.seed) == (
        *("grüßen", "ein Mensch grüßt"),
        *(DEFAULT_SECONDS, DEFAULT_SEED),
    )


def test_reads_what_a_spreadsheet_saves(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_bytes("\ufeffname,prompt\r\nwalk,a person walks\r\n".encode())
    assert read_table(path)[0].name == "walk"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("name,seconds", "no column prompt"),
        ("prompt", "no column name"),
        ("seconds,seed", "no column name and no column prompt"),
        ("name,prompt,second", "'second' too many"),
        ("name,prompt,name", "'name' too many"),
    ],
)
def test_refuses_other_columns(write_table: WriteTable, columns: str, words: str) -> None:
    with pytest.raises(MMMError, match=words):
        read_table(write_table(["a,b,c,d"], columns=columns))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("../x,walks,,", "line 3: the name '../x' is no plain file name"),
        ("/etc/x,walks,,", "no plain file name"),
        ("C:x,walks,,", "no plain file name"),
        ("a\\b,walks,,", "no plain file name"),
        ("..,walks,,", "must not begin with a dot"),
        ("-rf,walks,,", "must not begin with a dot or a dash"),
        ("NUL,walks,,", "reserved by Windows"),
        ("com1.take,walks,,", "reserved by Windows"),
        (",walks,,", "is empty"),
        ("ok,walks,,", "'ok' is taken by line 2"),
        ("OK,walks,,", "'OK' is taken by line 2"),
        ("walk,   ,,", "'walk' has no prompt"),
        ("walk", "'walk' has no prompt"),
        ("walk,walks,nan,", "seconds must be a number above 0, not 'nan'"),
        ("walk,walks,inf,", "seconds must be"),
        ("walk,walks,0,", "seconds must be"),
        ("walk,walks,-1,", "seconds must be"),
        ("walk,walks,four,", "seconds must be"),
        ("walk,walks,4,-1", "seed must be a whole number"),
        ("walk,walks,4,1.5", "seed must be a whole number"),
        (f"walk,walks,4,{'9' * 5000}", "at most 18 digits, not '9{18}\\.\\.\\.'"),
        (f"walk,walks,4,{'x' * 5000}", "seed must be a whole number .* not 'x{18}\\.\\.\\.'"),
        ("walk,walks,4,٣", "seed must be a whole number"),
        ("walk,walks,slowly,4,0", "more cells than columns"),
    ],
)
def test_names_the_line_that_is_wrong(write_table: WriteTable, row: str, words: str) -> None:
    with pytest.raises(MMMError, match=words) as told:
        read_table(write_table(["ok,walks,,", row]))
    assert "line 3" in str(told.value)


def test_names_that_differ_in_how_accents_are_written_are_one(write_table: WriteTable) -> None:
    with pytest.raises(MMMError, match="is taken by line 2"):
        read_table(write_table(["caf\u00e9,walks,,", "cafe\u0301,walks,,"]))


def test_refuses_a_table_without_rows(write_table: WriteTable) -> None:
    with pytest.raises(MMMError, match="has no rows"):
        read_table(write_table([]))


def test_refuses_what_is_no_csv(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_bytes(b"name,prompt\n\xff\xfe\x00,x\n")
    with pytest.raises(MMMError, match="no CSV file in UTF-8"):
        read_table(path)
    path.write_bytes(b"")
    with pytest.raises(MMMError, match="no column name"):
        read_table(path)
    with pytest.raises(MMMError, match="could not be read"):
        read_table(tmp_path / "missing.csv")


@given(st.text(max_size=12))
def test_a_good_name_stays_in_its_folder(name: str) -> None:
    if not name_problem(name):
        assert Path(name).name == name
        assert not Path(name).is_absolute()
