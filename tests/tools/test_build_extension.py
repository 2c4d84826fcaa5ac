"""The extension's zips: what is in them, and what is refused. Wheels are tiny ones made here."""

import hashlib
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import build_extension
import pytest
from _package import extension_zip, platforms, wheels
from _package.platforms import PLATFORMS, BuildError, Platform

REASON_LENGTH = 64  # characters, Blender's own limit for sentences in the manifest
NAME = "onnxruntime-1.32.0-cp{0}-cp{0}-manylinux_2_28_x86_64.whl"
PYTHONS = ("3.11", "3.13")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    bundle = tmp_path / "weights" / "small"
    bundle.mkdir(parents=True)
    (bundle / "config.json").write_text("{}", encoding="utf-8")
    return bundle.parent


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A folder that holds the wheels of ``platform`` already."""
    folder = tmp_path / "cache" / "linux-x64"
    folder.mkdir(parents=True)
    for python in PYTHONS:
        (folder / NAME.format(python.replace(".", ""))).write_bytes(python.encode())
    return folder.parent


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    hashes = [hashlib.sha256(python.encode()).hexdigest() for python in PYTHONS]
    pins = tmp_path / "wheels.txt"
    lines = ["onnxruntime==1.32.0", *(f"    --hash=sha256:{each}" for each in hashes)]
    pins.write_text(" \\\n".join(lines), encoding="utf-8")
    return Platform("linux-x64", "manylinux_2_28_x86_64", pins, PYTHONS)


def test_the_zip_holds_the_package_beside_the_manifest(
    weights: Path, tmp_path: Path, cache: Path, platform: Platform
) -> None:
    built = build_extension.build(weights, tmp_path / "out", platform, cache)
    names = set(zipfile.ZipFile(built).namelist())
    assert {"__init__.py", "blender_manifest.toml", "LICENSE"} <= names
    assert {"worker/__main__.py", "worker/requirements.txt", "blender/generate/panel.py"} <= names
    assert "weights/small/config.json" in names
    assert not [name for name in names if name.startswith(("training/", "tests/", "tools/"))]
    assert not [name for name in names if name.endswith(".pyc")]


def test_its_manifest_names_the_platform_and_a_wheel_for_each_python(
    weights: Path, tmp_path: Path, cache: Path, platform: Platform
) -> None:
    built = build_extension.build(weights, tmp_path, platform, cache)
    archive = zipfile.ZipFile(built)
    manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
    assert built.name == f"{manifest['id']}-{manifest['version']}-linux-x64.zip"
    assert manifest["platforms"] == ["linux-x64"]
    assert manifest["wheels"] == [f"./wheels/{NAME.format(each)}" for each in ("311", "313")]
    assert all(archive.read(each[2:]) for each in manifest["wheels"])
    without = {key: value for key, value in manifest.items() if key not in ("platforms", "wheels")}
    assert without == extension_zip.read_manifest()


def test_the_same_content_gives_the_same_zip(
    weights: Path, tmp_path: Path, cache: Path, platform: Platform
) -> None:
    first = build_extension.build(weights, tmp_path / "a", platform, cache)
    second = build_extension.build(weights, tmp_path / "b", platform, cache)
    assert first.read_bytes() == second.read_bytes()


def test_a_wheel_that_is_not_the_pinned_one_is_fetched_again_or_refused(
    cache: Path, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = cache / "linux-x64" / NAME.format("313")
    damaged.write_bytes(b"half")
    asked: list[list[str]] = []

    def pip(command: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        damaged.write_bytes(b"another")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(BuildError, match=r"no onnxruntime-1\.32\.0 for Python 3\.13 on linux-x64"):
        wheels.fetch_wheels(platform, cache)
    (command,) = asked
    assert command[0] == sys.executable and "--require-hashes" in command
    assert command[command.index("--platform") + 1] == "manylinux_2_28_x86_64"
    assert command[command.index("--python-version") + 1] == "3.13"


def test_what_pip_says_is_passed_on(
    tmp_path: Path, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pip(command: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "WARNING: x\nERROR: No route\nmore\n")

    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(BuildError, match=r"wheels of linux-x64 for Python 3\.11: ERROR: No route"):
        wheels.fetch_wheels(platform, tmp_path / "empty")


def test_every_wheel_of_every_platform_is_pinned() -> None:
    for each in PLATFORMS.values():
        hashes, pins = wheels._pins(each.requirements)  # pyright: ignore[reportPrivateUsage]  # as built
        assert [name for name, _version in pins] == ["onnxruntime"]
        assert len(hashes) >= len(each.pythons)


def test_a_system_without_a_zip_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platforms.platform, "machine", lambda: "riscv64")
    with pytest.raises(BuildError, match=r"no zip for .*-riscv64: name another platform"):
        platforms.this_platform()
    monkeypatch.setattr(platforms.platform, "machine", lambda: "AMD64")
    monkeypatch.setattr(platforms.sys, "platform", "win32")
    assert platforms.this_platform().name == "windows-x64"


def test_weights_that_are_too_large_are_refused(
    weights: Path,
    tmp_path: Path,
    cache: Path,
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extension_zip, "LARGEST_ZIP", 1)
    with pytest.raises(BuildError, match="ship smaller weights"):
        build_extension.build(weights, tmp_path, platform, cache)


def test_a_manifest_that_blender_refuses_is_refused(
    weights: Path,
    tmp_path: Path,
    cache: Path,
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("bpy", reason="bpy is not installed here: it carries Blender's zip tool")
    broken = tmp_path / "blender_manifest.toml"
    text = extension_zip.MANIFEST.read_text(encoding="utf-8")
    broken.write_text(text.replace('id = "mmm_blender"', 'id = "2 words"'), encoding="utf-8")
    monkeypatch.setattr(extension_zip, "MANIFEST", broken)
    with pytest.raises(BuildError, match="refused to validate"):
        build_extension.build(weights, tmp_path, platform, cache)


@pytest.mark.parametrize("name", ["nowhere", "weights/small"])
def test_a_zip_without_weights_is_refused(weights: Path, tmp_path: Path, name: str) -> None:
    assert weights.is_dir()
    with pytest.raises(BuildError, match="holds no bundle"):
        build_extension.build(tmp_path / name, tmp_path / "out", PLATFORMS["linux-x64"])
    assert not (tmp_path / "out").exists()


def test_a_zip_that_cannot_be_written_is_told(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match="cannot be a folder"):
        build_extension.build(weights, tmp_path / "file", PLATFORMS["linux-x64"])


def test_the_validators_own_words_are_passed_on(
    weights: Path,
    tmp_path: Path,
    cache: Path,
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tool = tmp_path / "tool.py"
    tool.write_text("import sys; print('said'); sys.exit('and cried')", encoding="utf-8")
    monkeypatch.setattr(extension_zip, "_extension_tool", lambda: tool)
    with pytest.raises(BuildError, match=r"refused to validate .*\.zip: said and cried"):
        build_extension.build(weights, tmp_path, platform, cache)
    with pytest.raises(BuildError, match="There is no Blender at /nowhere"):
        build_extension.build(weights, tmp_path, platform, cache, "/nowhere")


def test_the_manifest_says_what_the_house_wants() -> None:
    manifest = extension_zip.read_manifest()
    assert manifest["id"] == "mmm_blender"
    assert manifest["blender_version_min"] == "4.2.0"
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later", "SPDX:CC-BY-NC-4.0"]
    sentences = [manifest["tagline"], *manifest["permissions"].values()]
    assert set(manifest["permissions"]) == {"network", "files"}
    assert all(len(each) <= REASON_LENGTH and not each.endswith(".") for each in sentences)
