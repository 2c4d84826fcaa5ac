"""What comes through the door can be shown, counted and read to its end."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_blender.common.errors import MMMError
from mmm_blender.common.untrusted import (
    at_home,
    clean_text,
    file_bytes,
    is_file,
    is_folder,
    is_text,
    json_value,
    lies_inside,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT, st.integers(1, 50))
def test_any_text_can_be_shown(text: str, most: int):
    shown = clean_text(text, most)
    shown.encode()
    assert "\0" not in shown and len(shown) <= most
    assert clean_text(shown, most) == shown


@given(ANY_TEXT)
def test_a_sentence_can_be_shown_whatever_it_repeats(text: str):
    str(MMMError(f"'{text}' is not there: choose another.")).encode()


@pytest.mark.parametrize("text", ["\ud800", "a\0b", "x" * 70_000, 3, None, b"x"])
def test_what_is_no_text(text: object):
    assert not is_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 70 + "1" + "}" * 70,
        "9" * 5_000,
        str(2**63),
        "NaN",
        "[Infinity]",
        "1e999",
        '"\\ud800"',
        '{"\\udfff": 1}',
        '["a\\u0000"]',
        "",
        "{",
    ],
)
def test_json_of_no_file_of_ours_is_refused(text: str):
    with pytest.raises(ValueError):  # which word the reader has is its own business
        json_value(text)


def test_other_json_is_read():
    assert json_value('{"a": [1, -2.5, "h\\u00e9\\ud83d\\ude00", null, true]}') == {
        "a": [1, -2.5, "hé😀", None, True]
    }


@pytest.mark.parametrize("name", ["", "..", "../a", "/etc/passwd", "a/../../b", "a\0", "\ud800"])
def test_names_that_lead_out_of_a_folder(tmp_path: Path, name: str):
    assert not lies_inside(tmp_path, name)
    assert lies_inside(tmp_path, "text/vocab.txt")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_a_link_leads_out_of_a_folder_too(tmp_path: Path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to("/etc/hostname")
    assert not lies_inside(tmp_path / "inside", "link")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_only_regular_files_of_a_size_are_read(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "large").write_bytes(bytes(1000))
    for name in ("pipe", "circle", "large", "none", "a\0b", "/dev/zero", "."):
        with pytest.raises(OSError):  # as above
            file_bytes(tmp_path / name, 999)
    assert file_bytes(tmp_path / "large", 1000) == bytes(1000)


def test_a_name_that_no_disk_takes_is_no_file(tmp_path: Path):
    (tmp_path / "a").touch()
    assert is_file(tmp_path / "a") and is_folder(tmp_path)
    for name in ("x" * 5000, "a\0b", "b", "a/b"):
        assert not is_file(tmp_path / name) and not is_folder(tmp_path / name)


def test_nobody_s_home_is_nowhere():
    assert at_home(Path("~")) == Path.home()
    assert at_home(Path("~nobody_at_all/a")) == Path("~nobody_at_all/a")
