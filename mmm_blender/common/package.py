"""Where the package lies, and its version."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

PACKAGE_FOLDER = Path(__file__).resolve().parents[1]


_MANIFEST = "blender_manifest.toml"


@cache
def package_version() -> str:
    """The version that blender_manifest.toml says, which both sides must share.

    In the installed extension the manifest lies inside the package, in a checkout beside it.
    "unknown" without a manifest: a copy of the package alone still works with itself.
    """
    for folder in (PACKAGE_FOLDER, PACKAGE_FOLDER.parent):
        manifest = folder / _MANIFEST
        if manifest.is_file():
            return str(tomllib.loads(manifest.read_text(encoding="utf-8"))["version"])
    return "unknown"
