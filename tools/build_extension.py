"""Builds the extension's zip, out/mmm_blender-VERSION.zip, and checks it with Blender's own tool.

    python tools/build_extension.py [--weights FOLDER] [--out FOLDER]

Blender wants __init__.py beside blender_manifest.toml, so both are staged into one folder first.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from _dev import bootstrap
from _dev.bootstrap import ROOT

PACKAGE = ROOT / "mmm_blender"
MANIFEST = ROOT / "blender_manifest.toml"

NEVER_SHIPPED = ("training", "evaluator", "__pycache__", "*.pyc")
MEGABYTE = 1_000_000
LARGEST_ZIP = 48 * MEGABYTE


class BuildError(Exception):
    """The zip could not be built; the message is one sentence for the person."""


def main() -> int:
    """Build from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Build the extension's zip.")
    parser.add_argument("--weights", type=Path, default=ROOT / "weights", help="folder of bundles")
    parser.add_argument("--out", type=Path, default=ROOT / "out", help="folder for the zip")
    arguments = parser.parse_args()
    try:
        built = build(arguments.weights, arguments.out)
    except BuildError as error:
        print(f"build_extension: {error}", file=sys.stderr)
        return 1
    print(f"{built} ({built.stat().st_size / MEGABYTE:.1f} MB)")
    return 0


def build(weights: Path, out: Path) -> Path:
    """Stage, build and validate; returns the zip's path."""
    if not any(weights.glob("*/config.json")):
        raise BuildError(
            f"{weights} holds no bundle (NAME/config.json), and an extension without weights "
            "generates nothing: name a folder of bundles with --weights."
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildError(f"{out} cannot be a folder for the zip ({error.strerror}).") from error
    built = out / f"mmm_blender-{read_manifest()['version']}.zip"
    with tempfile.TemporaryDirectory() as folder:
        stage(weights, Path(folder))
        _extension_tool("build", "--source-dir", folder, "--output-filepath", str(built))
    _extension_tool("validate", str(built))
    if built.stat().st_size > LARGEST_ZIP:
        raise BuildError(f"{built} is over {LARGEST_ZIP // MEGABYTE} MB; ship smaller weights.")
    return built


def stage(weights: Path, folder: Path) -> None:
    """Lay out the extension as Blender wants it: the package's content beside the manifest."""
    ignore = shutil.ignore_patterns(*NEVER_SHIPPED)
    shutil.copytree(PACKAGE, folder, ignore=ignore, dirs_exist_ok=True)
    shutil.copy(MANIFEST, folder)
    shutil.copy(ROOT / "LICENSE", folder)
    shutil.copytree(weights, folder / "weights", ignore=ignore)


def read_manifest() -> dict[str, Any]:
    """Content of blender_manifest.toml."""
    return tomllib.loads(MANIFEST.read_text(encoding="utf-8"))


def _extension_tool(*arguments: str) -> None:
    """Run Blender's extension tool, which needs no Blender."""
    command = [sys.executable, str(_extension_tool_path()), *arguments]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        output = " ".join(f"{outcome.stdout} {outcome.stderr}".split())
        raise BuildError(f"Blender's tool refused to {arguments[0]}: {output}")


def _extension_tool_path() -> Path:
    """Path of blender_ext.py in the installed bpy, found without loading Blender."""
    bpy = importlib.util.find_spec("bpy")
    folders = [] if bpy is None else list(bpy.submodule_search_locations or [])
    pattern = "*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
    for folder in folders:
        for path in Path(folder).glob(pattern):
            return path
    raise BuildError("bpy is not installed in this Python; run this with .venv's.")


if __name__ == "__main__":
    bootstrap.enter()
    sys.exit(main())
