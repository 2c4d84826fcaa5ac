"""A bundle in memory: read, checked and opened with the library that fits its device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .bundles.bundle import read_bundle
from .config import BundleConfig
from .motion_model import MotionModel
from .runtime.opening import CPU, open_networks


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
    stored = read_bundle(folder)
    networks = open_networks(stored, device, library, threads)
    return Bundle(folder, stored.config, MotionModel(networks), stored.hash)
