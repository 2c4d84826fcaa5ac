"""The extension's zip: what is in it, and what is refused."""

import tomllib
import zipfile
from pathlib import Path

import pytest

pytest.importorskip(
    "bpy", reason="bpy is not installed in this Python: it carries Blender's zip tool"
)

import build_extension

REASON_LENGTH = 64  # characters, Blender's own limit for sentences in the manifest


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    bundle = tmp_path / "weights" / "small"
    bundle.mkdir(parents=True)
    (bundle / "config.json").write_text("{}", encoding="utf-8")
    return bundle.parent


def test_the_zip_holds_the_package_beside_the_manifest(weights: Path, tmp_path: Path) -> None:
    built = build_extension.build(weights, tmp_path / "out")
    names = set(zipfile.ZipFile(built).namelist())
    assert {"__init__.py", "blender_manifest.toml", "LICENSE"} <= names
    assert {"worker/__main__.py", "worker/requirements.txt", "blender/generate/panel.py"} <= names
    assert "weights/small/config.json" in names
    assert not [name for name in names if name.startswith(("training/", "tests/", "tools/"))]
    assert not [name for name in names if name.endswith((".pyc", ".whl"))]


def test_its_name_says_the_manifests_version(weights: Path, tmp_path: Path) -> None:
    built = build_extension.build(weights, tmp_path)
    manifest = tomllib.loads(zipfile.ZipFile(built).read("blender_manifest.toml").decode())
    assert built.name == f"{manifest['id']}-{manifest['version']}.zip"


def test_weights_that_are_too_large_are_refused(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_extension, "LARGEST_ZIP", 1)
    with pytest.raises(build_extension.BuildError, match="ship smaller weights"):
        build_extension.build(weights, tmp_path)


def test_a_manifest_that_blender_refuses_is_refused(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "blender_manifest.toml"
    text = build_extension.MANIFEST.read_text(encoding="utf-8")
    broken.write_text(text.replace('id = "mmm_blender"', 'id = "2 words"'), encoding="utf-8")
    monkeypatch.setattr(build_extension, "MANIFEST", broken)
    with pytest.raises(build_extension.BuildError, match="refused to"):
        build_extension.build(weights, tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "weights/small"])
def test_a_zip_without_weights_is_refused(weights: Path, tmp_path: Path, name: str) -> None:
    assert weights.is_dir()
    with pytest.raises(build_extension.BuildError, match="holds no bundle"):
        build_extension.build(tmp_path / name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_zip_that_cannot_be_written_is_told(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(build_extension.BuildError, match="cannot be a folder"):
        build_extension.build(weights, tmp_path / "file")


def test_the_tools_own_words_are_passed_on(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "tool.py"
    tool.write_text("import sys; print('said'); sys.exit('and cried')", encoding="utf-8")
    monkeypatch.setattr(build_extension, "_extension_tool_path", lambda: tool)
    with pytest.raises(build_extension.BuildError, match="refused to build: said and cried"):
        build_extension.build(weights, tmp_path)


def test_the_manifest_says_what_the_house_wants() -> None:
    manifest = build_extension.read_manifest()
    assert manifest["id"] == "mmm_blender"
    assert manifest["blender_version_min"] == "4.2.0"
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later", "SPDX:CC-BY-NC-4.0"]
    sentences = [manifest["tagline"], *manifest["permissions"].values()]
    assert set(manifest["permissions"]) == {"network", "files"}
    assert all(len(each) <= REASON_LENGTH and not each.endswith(".") for each in sentences)
