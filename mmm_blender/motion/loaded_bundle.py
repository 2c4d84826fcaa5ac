"""A bundle in memory: read, checked and opened with the library that fits its device."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .bundles.bundle import StoredBundle, read_bundle
from .config import BundleConfig
from .motion_model import MotionModel
from .runtime.opening import CPU, ONNX, library_for, open_networks, open_text_encoder
from .text import TextEncoder


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle that runs. ``hash`` stands for the config and all the weights."""

    folder: Path
    config: BundleConfig
    model: MotionModel
    hash: str


def load_bundle(folder: Path, device: str = CPU, library: str = "", threads: int = 0) -> Bundle:
    """Read, check and open a bundle; MMMError says in one sentence what is wrong with it.

    library: see ``runtime.opening``; threads: 0 for the machine's cores.
    """
    return _opened(read_bundle(folder), device, library, threads)


def load_with_text(
    folder: Path, device: str = CPU, library: str = "", threads: int = 0
) -> tuple[Bundle, TextEncoder]:
    """A bundle and the text encoder that it asks for; see ``load_bundle``."""
    stored = read_bundle(folder)
    how = (device, library, threads)
    if library_for(device, library) != ONNX:  # torch is not imported by two threads at once
        bundle = _opened(stored, *how)
        return bundle, open_text_encoder(folder, stored.config.text, *how)
    with ThreadPoolExecutor(1) as beside:
        text = beside.submit(open_text_encoder, folder, stored.config.text, *how)
        bundle = _opened(stored, *how)
        return bundle, text.result()


def _opened(stored: StoredBundle, device: str, library: str, threads: int) -> Bundle:
    networks = open_networks(stored, device, library, threads)
    return Bundle(stored.folder, stored.config, MotionModel(networks), stored.hash)
