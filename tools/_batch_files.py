"""The files of a batch: whole or not there at all.

``.bvh`` and ``.npz`` need no Blender; ``.blend`` needs bpy.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _delivery import clip_of, key_clip

from mmm_blender.geometry.bvh import bvh_text
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.conventions import AnyArray
from mmm_blender.geometry.errors import MMMError
from mmm_blender.geometry.resample import resample
from mmm_blender.geometry.skeleton import ANIMATED_JOINTS, SMPL
from mmm_blender.worker.protocol import Generated

PARTIAL = ".part"
"""In the names of files that are being written: ``.NAME.part.blend``."""


@dataclass(frozen=True, eq=False)
class Product:
    """A clip on its way to files. fps: of the keys and the BVH. told: the worker's recipe."""

    clip: MotionClip
    fps: float
    told: Mapping[str, Any]


def write_files(
    answer: Generated, fps: float, folder: Path, name: str, formats: Sequence[str]
) -> list[Path]:
    """Write a motion in every format; all files take their names only when all are written."""
    product = Product(clip_of(answer), fps, answer.recipe)
    files = {folder / f".{name}{PARTIAL}.{kind}": kind for kind in formats}
    with _removed_on_failure(files):
        for path, kind in files.items():
            WRITERS[kind](path, product)
        return [path.replace(folder / f"{name}.{kind}") for path, kind in files.items()]


@contextmanager
def _removed_on_failure(paths: Mapping[Path, str]) -> Generator[None, None, None]:
    """Nothing half-written stays; a full disk is told in a sentence."""
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
    """The clip with the SMPL skeleton's mean proportions, at ``product.fps``."""
    path.write_text(bvh_text(resample(product.clip, product.fps)), encoding="utf-8")


def write_npz(path: Path, product: Product) -> None:
    """The clip as the model gave it, at its own rate, for programs: nothing in it is pickled."""
    clip = product.clip
    arrays: dict[str, AnyArray] = {
        "rotations": clip.rotations_TJ4,
        "root": clip.root_T3,
        "fps": np.array(clip.fps),
        "twist_estimated": np.array(clip.twist_estimated),
        "joints": np.array(SMPL.names[:ANIMATED_JOINTS]),
        "parents": np.array(SMPL.parents[:ANIMATED_JOINTS]),
        "recipe": np.array(json.dumps(dict(product.told))),
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    path.write_bytes(packed.getvalue())


def write_blend(path: Path, product: Product) -> None:
    """A new Blender file with a character that is keyed from frame 1 on."""
    from mmm_blender.blender.armature import create_character  # noqa: PLC0415  # needs bpy
    from mmm_blender.blender.host import bpy  # noqa: PLC0415  # needs bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = max(1, round(product.fps))
    scene.render.fps_base = scene.render.fps / product.fps
    scene.frame_start = scene.frame_end = scene.frame_current = 1
    key_clip(create_character(bpy.context), product.clip, dict(product.told))
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True, copy=True)
    except RuntimeError as error:  # how an operator says that the disk is full
        reason = str(error).strip().removeprefix("Error: ")
        raise MMMError(f"{path} could not be written ({reason}): free space there.") from error


WRITERS: dict[str, Callable[[Path, Product], None]] = {
    "blend": write_blend,
    "bvh": write_bvh,
    "npz": write_npz,
}
