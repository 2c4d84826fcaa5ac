"""A failure while files are written loses nothing and leaves nothing behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mmm_blender.common.atomic_files import PARTIAL, make_folder, replacing, write_files
from mmm_blender.common.errors import MMMError


@pytest.fixture
def old(tmp_path: Path) -> dict[Path, bytes]:
    """Two files that are there."""
    contents = {tmp_path / "a.txt": b"old a", tmp_path / "b.txt": b"old b"}
    for path, content in contents.items():
        path.write_bytes(content)
    return contents


def on_disk(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_files_are_replaced(tmp_path: Path, old: dict[Path, bytes]) -> None:
    new = dict.fromkeys([*old, tmp_path / "c.txt"], b"new")
    write_files(new)
    assert on_disk(tmp_path) == new


@pytest.mark.parametrize("failing", ["a.txt", "b.txt"])
def test_a_full_disk_leaves_the_old_files(
    tmp_path: Path, old: dict[Path, bytes], monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    write_bytes = Path.write_bytes

    def until_full(path: Path, content: bytes) -> int:
        if path.name.startswith(failing) and path.suffix == PARTIAL:
            write_bytes(path, content[:1])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", until_full)
    with pytest.raises(MMMError, match=rf"{failing} could not be written \(No space left"):
        write_files(dict.fromkeys(old, b"new"))
    assert on_disk(tmp_path) == old


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "in use"), KeyboardInterrupt()])
def test_a_name_that_cannot_be_taken_gives_the_others_their_old_content(
    tmp_path: Path,
    old: dict[Path, bytes],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    replace = Path.replace

    def unless_in_use(path: Path, target: Path) -> Path:
        if path.name.startswith("b.txt.") and path.suffix == PARTIAL:
            raise error
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", unless_in_use)
    new = [tmp_path / "0.txt", *old]
    with pytest.raises((MMMError, KeyboardInterrupt)) as raised:
        write_files(dict.fromkeys(new, b"new"))
    assert isinstance(raised.value, KeyboardInterrupt) or "b.txt" in str(raised.value)
    assert on_disk(tmp_path) == old


def test_a_folder_in_the_way_is_told(tmp_path: Path, old: dict[Path, bytes]) -> None:
    (tmp_path / "c").mkdir()
    with pytest.raises(MMMError, match=r"c could not be written"):
        write_files(dict.fromkeys([*old, tmp_path / "c"], b"new"))
    assert on_disk(tmp_path) == old


def test_folders_are_made_or_told(tmp_path: Path, old: dict[Path, bytes]) -> None:
    make_folder(tmp_path / "x" / "y")
    assert (tmp_path / "x" / "y").is_dir()
    with pytest.raises(MMMError, match="could not be written"):
        make_folder(next(iter(old)) / "below")


def test_a_file_takes_its_name_only_when_it_is_whole(
    tmp_path: Path, old: dict[Path, bytes]
) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(KeyError), replacing(path) as part:
        part.write_bytes(b"half")
        raise KeyError
    assert on_disk(tmp_path) == old
    with replacing(path) as part:
        part.write_bytes(b"new")
        assert path.read_bytes() == old[path]
    assert on_disk(tmp_path) == {**old, path: b"new"}
    with pytest.raises(MMMError, match="could not be written"), replacing(tmp_path / "no" / "b"):
        (tmp_path / "no" / "b").write_bytes(b"")
