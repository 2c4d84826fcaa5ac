"""A bundle opened with the library that fits its device.

ONNX Runtime runs the networks on the processor; torch runs them on a GPU, and on the processor of a
Python that has no ONNX Runtime. Neither is imported before it is needed.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...common.errors import MMMError
from ..bundles.bundle import StoredBundle
from ..text import CLIP, TextEncoder, clip_folder, encoder_kind, student_folder
from .cores import physical_cores
from .interface import Networks

CPU = "cpu"
ONNX, TORCH = "onnxruntime", "torch"
"""Libraries that run networks, by the names of their packages."""


def library_for(device: str, wanted: str = "") -> str:
    """ONNX or TORCH. wanted: one of them, "" for the one that fits the device.

    MMMError where a Python has neither.
    """
    if wanted:
        return wanted
    if device == CPU and has_library(ONNX):
        return ONNX
    if has_library(TORCH):
        return TORCH
    raise MMMError(
        f"{sys.executable} has no {ONNX if device == CPU else TORCH}, which runs the model on "
        f"{device}: install the extension's zip for this system, or run Set Up in the preferences."
    )


def has_library(name: str) -> bool:
    """Whether a package can be found; it is not imported."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # hidden on purpose, or half removed
        return False


def open_networks(
    stored: StoredBundle, device: str = CPU, library: str = "", threads: int = 0
) -> Networks:
    """The networks of a bundle that was read. threads: 0 for the machine's cores."""
    if library_for(device, library) == TORCH:
        from ..networks.bundle_file import modules_of  # noqa: PLC0415  # needs torch
        from .torch_networks import TorchNetworks  # noqa: PLC0415  # as above

        return TorchNetworks(*modules_of(stored, device))
    from .onnx.networks import OnnxNetworks  # noqa: PLC0415  # needs onnxruntime

    config = stored.config
    return OnnxNetworks(
        config.tokenizer,
        config.transformer,
        stored.tokenizer,
        stored.transformer,
        threads or physical_cores(),
    )


def open_text_encoder(
    bundle_dir: Path,
    config: Mapping[str, Any],
    device: str = CPU,
    library: str = "",
    threads: int = 0,
) -> TextEncoder:
    """The encoder that a bundle's ``text`` section asks for.

    ``{"kind": "student", "folder": "text"}`` lies inside the bundle; ``{"kind": "clip",
    "folder": PATH}`` is CLIP ViT-B/32 in a folder of the person's own (relative: to the bundle).
    """
    is_clip = encoder_kind(bundle_dir, config) == CLIP
    folder = (clip_folder if is_clip else student_folder)(bundle_dir, config)
    try:
        if library_for(device, library) == TORCH:
            return _in_torch(bundle_dir, config, device)
        return (_clip if is_clip else _student)(folder, threads or physical_cores())
    except ImportError as error:
        if not is_clip:
            raise
        raise MMMError(
            f"CLIP needs the package {error.name}, which its Python lacks: run Set up "
            "again, or install ftfy and regex there."
        ) from error


# imported where they are asked for: each needs packages that the others do not
def _student(folder: Path, threads: int) -> TextEncoder:
    from ..text.student_files import read_student  # noqa: PLC0415
    from .onnx.text import OnnxStudent  # noqa: PLC0415

    return OnnxStudent(read_student(folder), threads)


def _clip(folder: Path, threads: int) -> TextEncoder:
    from ..text.clip_files import read_clip  # noqa: PLC0415
    from .onnx.clip import OnnxClip  # noqa: PLC0415

    return OnnxClip(read_clip(folder), threads)


def _in_torch(bundle_dir: Path, config: Mapping[str, Any], device: str) -> TextEncoder:
    from ..networks.text.loading import load_encoder  # noqa: PLC0415
    from .torch_networks import TorchText  # noqa: PLC0415

    return TorchText(load_encoder(bundle_dir, config, device))
