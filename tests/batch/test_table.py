"""The batch's table: what it means, and a sentence for everything that is wrong with it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_blender.batch.cells import DEFAULT_SECONDS, DEFAULT_SEED, name_error, range_of
from mmm_blender.batch.table import ClipRow, EditRow, ReplayRow, SequenceRow, Source, read_table
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.editing.lock_mode import LockMode

WriteTable = Callable[..., Path]


def test_reads_every_row_with_its_line(write_table: WriteTable) -> None:
    rows = read_table(write_table(['walk,"tired, walks",2.5,7', "", "wave,waves,,"]))
    assert rows == [
        ClipRow(2, "walk", "tired, walks", 2.5, 7),
        ClipRow(4, "wave", "waves", DEFAULT_SECONDS, DEFAULT_SEED),
    ]


def test_takes_the_columns_in_any_order_and_without_the_optional_ones(
    write_table: WriteTable,
) -> None:
    [row] = read_table(write_table(["ein Mensch grüßt,grüßen"], columns="prompt,name"))
    assert row == ClipRow(2, "grüßen", "ein Mensch grüßt", DEFAULT_SECONDS, DEFAULT_SEED)


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
    with pytest.raises(MMMError, match=words) as caught:
        read_table(write_table(["ok,walks,,", row]))
    assert "line 3" in str(caught.value)


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
    if not name_error(name):
        assert Path(name).name == name
        assert not Path(name).is_absolute()


SEQUENCES = "name,prompt,seconds,seed"
EDITS = "name,prompt,seed,file,range,body_part,seconds"
HOLDS = "name,prompt,file,range,hold,recipe"
RECIPES = "name,recipe,prompt,range"


def test_several_prompts_are_a_sequence(write_table: WriteTable) -> None:
    rows = read_table(
        write_table(["a,walks | waves,3 | 2.5,0|7", 'b," walks|waves, gladly |bows",,'], SEQUENCES)
    )
    assert rows == [
        SequenceRow(2, "a", ("walks", "waves"), (3.0, 2.5), (0, 7)),
        SequenceRow(
            3, "b", ("walks", "waves, gladly", "bows"), (DEFAULT_SECONDS,) * 3, (DEFAULT_SEED,) * 3
        ),
    ]


def test_a_row_with_a_file_is_an_edit(write_table: WriteTable, tmp_path: Path) -> None:
    (tmp_path / "walk.bvh").write_bytes(b"x")
    rows = read_table(
        write_table(
            ["a,,,walk.bvh,-10--5,,", "b,waves,3,a,24-48,UPPER,", "c,,,walk.bvh,1-2,,"], EDITS
        )
    )
    first, second, third = rows
    assert isinstance(first, EditRow)
    assert isinstance(first.source, Source)
    assert first.source.path == tmp_path / "walk.bvh"
    assert second == EditRow(3, "b", "waves", 3, first, 24, 48, "upper", LockMode.AUTO)
    assert (first.first, first.last, first.body_part) == (-10, -5, "all")
    assert isinstance(third, EditRow)
    assert third.source == first.source


def test_what_an_edit_holds_is_part_of_its_recipe(write_table: WriteTable) -> None:
    rows = [f"{word or 'empty'},,walk,1-9,{word}," for word in ("", "Edited", "KEYFRAME", "none")]
    _, *edits = read_table(write_table(["walk,walks,,,,", *rows], HOLDS))
    assert [row.recipe["hold"] for row in edits] == ["auto", "edited", "keyframe", "none"]


def test_what_an_edit_begins_with_is_part_of_its_recipe(
    write_table: WriteTable, tmp_path: Path
) -> None:
    def recipes(row: str) -> dict[str, dict[str, object]]:
        table = write_table([row, "c,,,a,1-9,,", "d,,,c,1-9,,"], EDITS)
        return {each.name: each.recipe for each in read_table(table)}

    (tmp_path / "walk.bvh").write_bytes(b"x")
    before = recipes("a,,,walk.bvh,1-9,,")
    assert recipes("a,,,walk.bvh,1-9,,") == before
    (tmp_path / "walk.bvh").write_bytes(b"y")
    after = recipes("a,,,walk.bvh,1-9,,")
    assert all(after[name] != before[name] for name in before)


def test_a_row_with_a_recipe_is_a_replay(write_table: WriteTable, tmp_path: Path) -> None:
    (tmp_path / "walk.json").write_text("{}")
    [row] = read_table(write_table(["a,walk.json,,"], RECIPES))
    assert isinstance(row, ReplayRow)
    assert row.source.path == tmp_path / "walk.json"


@pytest.mark.parametrize(
    ("columns", "row", "words"),
    [
        (SEQUENCES, "a,walks||bows,,", "prompt 2 of the sequence is empty"),
        (SEQUENCES, "a,walks|bows,3,", "seconds '3' does not fit the 2 prompts"),
        (SEQUENCES, "a,walks|bows,3|x,", "seconds must be a number above 0, not 'x'"),
        (SEQUENCES, "a,walks|bows,,1|2|3", "seed '1|2|3' does not fit the 2 prompts"),
        (SEQUENCES, "a,walks|bows,,1|-2", "seed must be a whole number"),
        (EDITS, "a,,,ok,,,", "range must be the first and the last frame"),
        (EDITS, "a,,,ok,24,,", "range must be the first and the last frame"),
        (EDITS, "a,,,ok,1.5-3,,", "range must be the first and the last frame"),
        (EDITS, "a,,,ok,12-Oct,,", "such as 24-48, 24..48 or -10..-5, not '12-Oct'"),
        (EDITS, "a,,,ok,1...3,,", "range must be the first and the last frame"),
        (EDITS, "a,,,ok,-5--10,,", "'-5--10' ends before it starts"),
        (EDITS, "a,,,ok,1-99999999,,", "no frame beyond"),
        (EDITS, "a,,,ok,1-9,legs,", "body_part must be all, upper, lower, not 'legs'"),
        (EDITS, "a,,-1,ok,1-9,,", "seed must be a whole number"),
        (EDITS, "a,,,ok,1-9,,3", "an edit takes no seconds"),
        (EDITS, "a,walks|bows,,ok,1-9,,", "an edit takes one prompt"),
        (EDITS, "a,,,later,1-9,,", "'later' is no .blend or .bvh file or the name of an earlier"),
        (EDITS, "a,,,a,1-9,,", "'a' is no .blend or .bvh file or the name of an earlier"),
        (EDITS, "a,,,gone.bvh,1-9,,", "'gone.bvh' could not be read"),
        (EDITS, "a,walks,,,1-9,,", "a row without a file takes no range"),
        (EDITS, "a,walks,,,,upper,", "a row without a file takes no body_part"),
        (EDITS, "a,,,,,,", "'a' has no prompt"),
        (HOLDS, "a,,ok,1-9,all,", "hold must be auto, edited, keyframe, none, not 'all'"),
        (HOLDS, "a,walks,,,none,", "a row without a file takes no hold"),
        (HOLDS, "a,,,,none,walk.json", "a recipe takes no hold"),
        (RECIPES, "a,gone.json,,", "'gone.json' could not be read"),
        (RECIPES, "a,walk.txt,,", "'walk.txt' is no .json or .blend file"),
        (RECIPES, "a,walk.json,walks,", "a recipe takes no prompt"),
        (RECIPES, "a,walk.json,,1-9", "a recipe takes no range"),
    ],
)
def test_names_the_line_that_is_wrong_in_other_rows(
    write_table: WriteTable, columns: str, row: str, words: str
) -> None:
    ok = ",".join({"name": "ok", "prompt": "walks"}.get(each, "") for each in columns.split(","))
    with pytest.raises(MMMError) as caught:
        read_table(write_table([ok, row], columns))
    assert words in str(caught.value)
    assert "line 3" in str(caught.value)


@given(
    st.integers(-9999, 9999),
    st.integers(0, 9999),
    st.sampled_from(["-", " - ", "- ", "..", " .. "]),
)
def test_a_range_is_what_was_written(first: int, length: int, dash: str) -> None:
    assert range_of("here", f"{first}{dash}{first + length}") == (first, first + length)


# --- what spreadsheets and strangers write -------------------------------------------------------

SHEETS = {
    "semicolons": "name;prompt;seconds\r\nwalk;a person walks, tired;2.5\r\n",
    "tabs": "name\tprompt\tseconds\nwalk\ta person walks, tired\t2.5\n",
    "blank rows": 'name,prompt,seconds\n\n , ,\nwalk,"a person walks, tired",2.5\n,,\n,,\n',
    "upper case": 'Name,Prompt, SECONDS \nwalk,"a person walks, tired",2.5\n',
    "quoted names": '"name";"prompt";"seconds"\n"walk";"a person walks, tired";"2.5"\n',
    "wide rows": 'name,prompt,seconds,,\nwalk,"a person walks, tired",2.5,,\n',
    "its own word": "sep=;\nname;prompt;seconds\nwalk;a person walks, tired;2.5\n",
    "old Macs": 'name,prompt,seconds\rwalk,"a person walks, tired",2.5\r',
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("kind", SHEETS)
def test_reads_a_table_as_spreadsheets_write_it(tmp_path: Path, kind: str, encoding: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_bytes(SHEETS[kind].encode(encoding))
    [row] = read_table(path)
    assert isinstance(row, ClipRow)
    assert (row.name, row.prompt, row.seconds) == ("walk", "a person walks, tired", 2.5)


def test_reads_accents_in_windows_own_encoding(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_bytes("Name;Body Part;File;Range\ngrüßen;upper;x.blend;1-2\n".encode("cp1252"))
    (tmp_path / "x.blend").write_bytes(b"")
    assert read_table(path)[0].name == "grüßen"


def test_a_line_separator_within_a_cell_ends_no_row(write_table: WriteTable) -> None:
    [row] = read_table(write_table(["walk,a person\u2028walks,,"]))
    assert isinstance(row, ClipRow) and row.prompt == "a person\u2028walks"


@pytest.mark.parametrize(
    "name", ["COM¹", "lpt³.x", "CONIN$", "conout$", "com0", "a\u0085b", "a\u200bb"]
)
def test_more_names_that_windows_does_not_take(name: str) -> None:
    assert name_error(name)


def test_a_table_of_twenty_thousand_rows_is_read_in_a_breath(write_table: WriteTable) -> None:
    """Before: every row was compared with all before it, which took a minute."""
    path = write_table([f"clip_{number},walks,," for number in range(20_000)])
    start = time.process_time()
    assert len(read_table(path)) == 20_000
    assert time.process_time() - start < 10.0  # of the processor: others may be busy with it too


@pytest.mark.parametrize(
    "named", ["~nobody_at_all/x.bvh", "a\0.bvh", "pipe.bvh", "zero.bvh", "circle.bvh", "folder.bvh"]
)
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_files_that_are_no_files_are_one_sentence(tmp_path: Path, named: str) -> None:
    os.mkfifo(tmp_path / "pipe.bvh")
    (tmp_path / "zero.bvh").symlink_to("/dev/zero")
    (tmp_path / "circle.bvh").symlink_to(tmp_path / "circle.bvh")
    (tmp_path / "folder.bvh").mkdir()
    path = tmp_path / "clips.csv"
    path.write_bytes(f"name,file,range\nx,{named},1-2\n".encode())
    with pytest.raises(MMMError):
        read_table(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_a_table_that_is_no_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("zero.csv", "pipe.csv", "none.csv"):
        with pytest.raises(MMMError, match="could not be read"):
            read_table(tmp_path / name)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_one_sentence(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clips.csv"
        path.write_bytes(b"name,prompt\n" + content)
        try:
            read_table(path)
        except MMMError as error:
            str(error).encode()


@pytest.mark.parametrize(
    "column", ["name", "path", "seconds", "seed", "file", "range", "body_part", "recipe"]
)
def test_a_cell_of_a_hundred_thousand_characters_is_named_in_a_short_sentence(
    tmp_path: Path, column: str
) -> None:
    """A report and a terminal show it: the whole cell stood in the sentence."""
    (tmp_path / "walk.bvh").write_bytes(b"x")
    cells = {"name": "a", "prompt": "walk"}
    if column in ("range", "body_part"):
        cells |= {"file": "walk.bvh", "range": "1..9"}
    if column == "recipe":
        cells["prompt"] = ""
    cells[column] = "1;1 " * 24_000 + "x"
    table = tmp_path / "t.csv"
    quotes = ",".join(f'"{cell}"' for cell in cells.values())
    table.write_text(f"{','.join(cells)}\n{quotes}\n", encoding="utf-8")
    with pytest.raises(MMMError) as caught:
        read_table(table)
    assert len(str(caught.value)) < 300 + len(str(table))
