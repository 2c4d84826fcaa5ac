"""Weights from anybody: what is added, and what is refused at the door with nothing left behind."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import zipfile
from pathlib import Path

import pytest

from mmm_blender.blender.addon import bundle_library
from mmm_blender.blender.addon.bundle_library import add_bundle, remove_bundle
from mmm_blender.common.errors import MMMError


def make(folder: Path, content: bytes = b"numbers", **changes: object) -> Path:
    """A bundle as far as this door looks."""
    folder.mkdir(parents=True)
    (folder / "a.safetensors").write_bytes(content)
    config = {"name": "Dance", "licence": "CC0-1.0",
              "files": {"a.safetensors": hashlib.sha256(content).hexdigest()}}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")
    return folder


def zipped(folder: Path, archive: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(archive, "w") as content:
        for path in sorted(folder.iterdir()):
            content.write(path, f"{inside}{path.name}")
    return archive


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "a user's földer" / "weights"


def refused(source: Path, library: Path) -> str:
    before = sorted(library.rglob("*")) if library.exists() else []
    with pytest.raises(MMMError) as caught:
        add_bundle(source, library)
    after = sorted(library.rglob("*"))
    assert after == before and str(caught.value).endswith(".")
    return str(caught.value)


def test_a_folder_its_config_and_a_zip_are_added(tmp_path: Path, library: Path) -> None:
    folder = make(tmp_path / "dance")
    card = add_bundle(folder, library)
    assert (card.key, card.name, card.licence) == ("dance", "Dance", "CC0-1.0")
    assert (library / "dance" / "a.safetensors").read_bytes() == b"numbers"
    remove_bundle(card, library)
    assert list(library.iterdir()) == []
    assert add_bundle(folder / "config.json", library).key == "dance"
    assert add_bundle(zipped(folder, tmp_path / "flat.zip"), library).key == "flat"
    assert add_bundle(zipped(folder, tmp_path / "x.zip", "deep/"), library).key == "deep"
    assert folder.is_dir()  # the person's own stays


def test_what_is_there_already_stays(tmp_path: Path, library: Path) -> None:
    add_bundle(make(tmp_path / "dance"), library)
    assert "'dance' already" in refused(make(tmp_path / "more" / "dance", b"other"), library)
    assert (library / "dance" / "a.safetensors").read_bytes() == b"numbers"
    assert "'starter' already" in refused(make(tmp_path / "starter"), library)


@pytest.mark.parametrize(
    "name", ["../out.txt", "/out.txt", "a/../../out.txt", "c:\\out.txt", "..\\out.txt"]
)
def test_a_zip_never_writes_outside(tmp_path: Path, library: Path, name: str) -> None:
    archive = zipped(make(tmp_path / "dance"), tmp_path / "x.zip")
    with zipfile.ZipFile(archive, "a") as content:
        content.writestr(name, "out")
    assert "leads out of its folder" in refused(archive, library)
    assert not list(tmp_path.rglob("out.txt"))


def test_links_are_refused(tmp_path: Path, library: Path) -> None:
    folder = make(tmp_path / "dance")
    archive = zipped(folder, tmp_path / "x.zip")
    with zipfile.ZipFile(archive, "a") as content:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        content.writestr(link, "/etc/passwd")
    assert "leads out of its folder" in refused(archive, library)
    if sys.platform != "win32":
        (folder / "link").symlink_to("/etc/passwd")
        assert "is a link" in refused(folder, library)


def test_a_zip_that_unfolds_without_end_is_refused(
    tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_library, "MOST_BYTES", 10_000)
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        content.writestr("config.json", b" " * 1_000_000)
    assert "holds more than weights do" in refused(archive, library)
    monkeypatch.setattr(bundle_library, "MOST_FILES", 1)
    folder = make(tmp_path / "dance")
    assert "(2 files" in refused(folder, library)


@pytest.mark.parametrize("kept", [0, 40, 0.5, 0.99])
def test_a_half_copied_zip_is_refused(tmp_path: Path, library: Path, kept: float) -> None:
    archive = zipped(make(tmp_path / "dance", bytes(range(256)) * 40), tmp_path / "x.zip")
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(kept if kept >= 1 else kept * len(whole))])
    assert "cannot be read as a zip" in refused(archive, library)


def test_files_must_be_those_that_the_config_names(tmp_path: Path, library: Path) -> None:
    damaged = make(tmp_path / "damaged")
    (damaged / "a.safetensors").write_bytes(b"numberz")
    assert "a.safetensors of the weights is damaged" in refused(damaged, library)
    (damaged / "a.safetensors").unlink()
    assert "a.safetensors of the weights is missing" in refused(damaged, library)
    assert "leads out" in refused(make(tmp_path / "out", files={"../a": "0"}), library)
    assert "names no files" in refused(make(tmp_path / "none", files={}), library)
    for number, text in enumerate(("{", "[]", '{"files": 5}', "\ufeff")):
        strange = make(tmp_path / f"strange{number}")
        (strange / "config.json").write_text(text, encoding="utf-8")
        assert "config.json" in refused(strange, library)


def test_another_folder_or_file_is_no_bundle(tmp_path: Path, library: Path) -> None:
    assert "no folder of weights" in refused(tmp_path / "nowhere" / "x.json", library)
    pair = tmp_path / "pair.zip"
    with zipfile.ZipFile(pair, "w") as content:
        content.writestr("a/config.json", "{}")
        content.writestr("b/config.json", "{}")
    assert "more than one config.json" in refused(pair, library)
    assert "none.zip cannot be read (No such file" in refused(tmp_path / "none.zip", library)


def test_only_what_was_added_is_removed(tmp_path: Path, library: Path) -> None:
    card = add_bundle(make(tmp_path / "dance"), library)
    with pytest.raises(MMMError, match="do not lie in"):
        remove_bundle(card, tmp_path / "elsewhere")
    assert card.folder.is_dir()


def test_what_a_killed_blender_left_goes_and_what_another_adds_stays(
    library: Path, tmp_path: Path
) -> None:
    old, young = library / "adding-old.part", library / "adding-young.part"
    for folder in (old, young):
        make(folder / "content")
    os.utime(old, (0.0, 0.0))
    add_bundle(make(tmp_path / "dance"), library)
    assert {path.name for path in library.iterdir()} == {"dance", young.name}
