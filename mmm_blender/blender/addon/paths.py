"""Where this package lives and where it may write."""

from __future__ import annotations

import os
from pathlib import Path

from ...common.package import PACKAGE_FOLDER
from ..bpy_types import bpy

ROOT_PACKAGE = (__package__ or "").removesuffix(".blender.addon")
"""Name of the add-on for Blender: ``mmm_blender``, or ``bl_ext.<repository>.mmm_blender``."""

USER_FOLDER_VARIABLE = "MMM_USER_FOLDER"
"""Environment variable that puts the user's files elsewhere (tests, farms)."""

_FALLBACK_NAME = "mmm_blender"
_ENVIRONMENT_NAME = "worker_environment"
_BUNDLES_NAME = "weights"

__all__ = [
    "PACKAGE_FOLDER",
    "ROOT_PACKAGE",
    "USER_FOLDER_VARIABLE",
    "environment_folder",
    "user_bundles_folder",
    "user_folder",
]


def user_folder() -> Path:
    """The user's own folder, which an upgrade of the extension leaves alone."""
    chosen = os.environ.get(USER_FOLDER_VARIABLE, "")
    if chosen:
        return Path(chosen)
    try:
        return Path(bpy.utils.extension_path_user(ROOT_PACKAGE))
    except ValueError:  # not installed as an extension: a checkout on the path
        return Path(bpy.utils.user_resource("DATAFILES")) / _FALLBACK_NAME


def environment_folder() -> Path:
    """Where Set Up makes the worker's virtual environment."""
    return user_folder() / _ENVIRONMENT_NAME


def user_bundles_folder() -> Path:
    """Where the user puts bundles of their own, unless the preferences name a folder."""
    return user_folder() / _BUNDLES_NAME
