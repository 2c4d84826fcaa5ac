"""Where the package lies, and its version."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

PACKAGE_FOLDER = Path(__file__).resolve().parents[1]


_MANIFEST = "blender_manifest.toml"
_DISTRIBUTION = "mmm-blender"


@cache
def package_version() -> str:
    """The version that blender_manifest.toml says, which both sides must share.

    In the installed extension the manifest lies inside the package, in a checkout beside it.
    Where pip has installed the package there is none, and pip knows. "unknown" without either: a
    copy of the package alone still works with itself.
    """
    for folder in (PACKAGE_FOLDER, PACKAGE_FOLDER.parent):
        manifest = folder / _MANIFEST
        if manifest.is_file():
            return str(tomllib.loads(manifest.read_text(encoding="utf-8"))["version"])
    return _installed_version() or "unknown"


def _installed_version() -> str:
    """What pip says of the package, where it is pip's; ""."""
    from importlib import metadata  # noqa: PLC0415  # takes as long as a third of NumPy

    try:
        installed = metadata.distribution(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return ""
    is_this = Path(str(installed.locate_file(PACKAGE_FOLDER.name))).resolve() == PACKAGE_FOLDER
    return installed.version if is_this else ""
