"""The extension's zip for one platform: staged, written the same way every time, and checked."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .platforms import BuildError, Platform

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "mmm_blender"
MANIFEST = ROOT / "blender_manifest.toml"

NEVER_SHIPPED = ("training", "dataset", "evaluator", "__pycache__", "*.pyc")
WHEELS_FOLDER = "wheels"
MEGABYTE = 1_000_000
LARGEST_ZIP = 140 * MEGABYTE
_STORED = (".whl", ".png")  # compressed already
_SAME_TIME = (1980, 1, 1, 0, 0, 0)  # the same content gives the same zip
_FIRST_TABLE = "\n["
_TOOL_IN_BPY = "*/scripts/addons_core/bl_pkg/cli/blender_ext.py"


def read_manifest() -> dict[str, Any]:
    """Content of blender_manifest.toml."""
    return tomllib.loads(MANIFEST.read_text(encoding="utf-8"))


def zip_name(platform: Platform) -> str:
    """Name of a platform's zip."""
    manifest = read_manifest()
    return f"{manifest['id']}-{manifest['version']}-{platform.name}.zip"


def stage(weights: Path, wheels: Sequence[Path], platform: Platform, folder: Path) -> None:
    """Lay out the extension as Blender wants it: the package's content beside the manifest."""
    ignore = shutil.ignore_patterns(*NEVER_SHIPPED)
    shutil.copytree(PACKAGE, folder, ignore=ignore, dirs_exist_ok=True)
    shutil.copy(ROOT / "LICENSE", folder)
    shutil.copytree(weights, folder / "weights", ignore=ignore)
    shutil.copytree(ROOT / "docs" / "manual", folder / "manual", ignore=ignore)
    (folder / WHEELS_FOLDER).mkdir()
    for wheel in wheels:
        shutil.copy(wheel, folder / WHEELS_FOLDER)
    text = manifest_text(platform, [wheel.name for wheel in wheels])
    (folder / MANIFEST.name).write_text(text, encoding="utf-8", newline="\n")


def manifest_text(platform: Platform, wheels: Sequence[str]) -> str:
    """The manifest of one platform: the checkout's, with its platform and wheels."""
    lines = [f'platforms = ["{platform.name}"]', "wheels = ["]
    lines += [f'  "./{WHEELS_FOLDER}/{name}",' for name in sorted(wheels)]
    head, table, tail = MANIFEST.read_text(encoding="utf-8").partition(_FIRST_TABLE)
    return head + "\n".join(["", *lines, "]", ""]) + table + tail


def write_zip(folder: Path, built: Path) -> None:
    """All files of a folder, in order; nothing is left under the zip's name if it fails."""
    part = built.with_name(built.name + ".part")
    try:
        with zipfile.ZipFile(part, "w") as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _SAME_TIME)
                stored = path.suffix in _STORED
                entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())
        part.replace(built)
    finally:
        part.unlink(missing_ok=True)


def validate(built: Path, blender: str = "") -> str:
    """Have Blender's own tool look at the zip; returns who did, "" where no Blender was found.

    blender: an executable to ask; else bpy's copy of the tool, else a blender on the PATH.
    """
    command = _validator(blender)
    if not command:
        return ""
    done = subprocess.run([*command, str(built)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        output = " ".join(f"{done.stdout} {done.stderr}".split())
        raise BuildError(f"Blender's tool refused to validate {built.name}: {output}")
    return command[0]


def _validator(blender: str) -> list[str]:
    if not blender and (tool := _extension_tool()) is not None:
        return [sys.executable, str(tool), "validate"]
    found = shutil.which(blender or "blender")
    if found is None and blender:
        raise BuildError(f"There is no Blender at {blender}.")
    return [found, "--command", "extension", "validate"] if found else []


def _extension_tool() -> Path | None:
    """blender_ext.py of an installed bpy, found without loading Blender."""
    bpy = importlib.util.find_spec("bpy")
    folders = [] if bpy is None else list(bpy.submodule_search_locations or [])
    return next((path for folder in folders for path in Path(folder).glob(_TOOL_IN_BPY)), None)
