"""The files of a batch: whole or not there at all.

``.bvh`` and ``.npz`` need no Blender; ``.blend``, the recipe and what Blender exports need bpy.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..common.arrays import AnyArray
from ..common.errors import MMMError
from ..geometry.bvh import bvh_text
from ..geometry.skeleton import ANIMATED_JOINTS, SMPL
from ..geometry.standing import with_t_pose
from .delivery import key_clip, recipe_of
from .product import Product
from .report import file_name

if TYPE_CHECKING:
    from ..blender.bpy_types import ArmatureObject

PARTIAL = ".part"
"""In the names of files that are being written: ``.NAME.part.blend``."""


EXPORTED = ("fbx", "glb", "usd")
"""Formats that Blender's own exporters write."""

NEED_BPY = ("blend", "recipe", *EXPORTED)
"""Formats that cannot be written without it."""


def write_files(product: Product, folder: Path, name: str, formats: Sequence[str]) -> list[Path]:
    """Write a motion in every format; all files take their names only when all are written."""
    files = {folder / f".{file_name(name + PARTIAL, kind)}": kind for kind in formats}
    with _removed_on_failure(files):
        for path, kind in files.items():
            WRITERS[kind](path, product)
        return [path.replace(folder / file_name(name, kind)) for path, kind in files.items()]


@contextmanager
def _removed_on_failure(paths: Mapping[Path, str]) -> Generator[None, None, None]:
    """Nothing half-written stays; a full disk is reported in a sentence."""
    try:
        yield
    except OSError as error:
        raise MMMError(
            f"{error.filename or next(iter(paths))} could not be written ({error.strerror}): "
            "free space there or choose another folder."
        ) from error
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def write_bvh(path: Path, product: Product) -> None:
    """The clip with the SMPL skeleton's mean proportions."""
    clip = with_t_pose(product.clip) if product.t_pose else product.clip
    path.write_text(bvh_text(clip), encoding="utf-8")


def write_npz(path: Path, product: Product) -> None:
    """The clip's arrays, for programs: nothing in it is pickled."""
    clip = product.clip
    arrays: dict[str, AnyArray] = {
        "rotations": clip.rotations_TJ4,
        "root": clip.root_T3,
        "fps": np.array(clip.fps),
        "twist_estimated": np.array(clip.twist_estimated),
        "joints": np.array(SMPL.names[:ANIMATED_JOINTS]),
        "parents": np.array(SMPL.parents[:ANIMATED_JOINTS]),
        "recipe": np.array(json.dumps(dict(product.recipe))),
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    path.write_bytes(packed.getvalue())


def write_recipe(path: Path, product: Product) -> None:
    """The recipe as the Action carries it; another row can do it again."""
    from ..blender.history.recipe import recipe_text  # noqa: PLC0415  # needs bpy

    clip, is_open, recipe = product.clip, product.is_open, product.recipe
    text = json.dumps(recipe) if is_open else recipe_text(recipe_of(recipe, clip, clip.fps))
    path.write_text(text, encoding="utf-8")


def write_blend(path: Path, product: Product) -> None:
    """The open Blender file, or one with a character that is keyed from frame 1 on."""
    from ..blender.bpy_types import bpy  # noqa: PLC0415  # needs bpy

    if not product.is_open:
        _make_scene(product)
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True, copy=True)
    except RuntimeError as error:  # how an operator says that the disk is full
        reason = str(error).strip().removeprefix("Error: ")
        raise MMMError(f"{path} could not be written ({reason}): free space there.") from error


def write_exported(path: Path, product: Product) -> None:
    """The character with its motion, by Blender's exporter for the name's ending."""
    from ..blender.bpy_types import bpy  # noqa: PLC0415  # needs bpy
    from ..blender.transfer.export_options import ExportOptions  # noqa: PLC0415
    from ..blender.transfer.task import export_motion  # noqa: PLC0415

    rig = bpy.data.objects[product.rig] if product.is_open else _make_scene(product)
    options = ExportOptions(root=product.root, t_pose=product.t_pose)
    export_motion(bpy.context, rig, path, options)


def _make_scene(product: Product) -> ArmatureObject:
    from .new_character import character_for, mark_segments  # noqa: PLC0415  # needs bpy

    rig = character_for(product.clip.fps, product.character)
    mark_segments(key_clip(rig, product.clip, product.recipe, product.root_motion))
    return rig


WRITERS: dict[str, Callable[[Path, Product], None]] = {
    "blend": write_blend,
    "bvh": write_bvh,
    "npz": write_npz,
    "recipe": write_recipe,
    **dict.fromkeys(EXPORTED, write_exported),
}
