"""Where Set Up's packages come from, as pip's options and environment variables."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.errors import MMMError

CPU = "cpu"
CUDA = "cuda"
FLAVOURS = {
    CPU: "Processor, or Apple's GPU",
    CUDA: "NVIDIA GPU (CUDA)",
}
"""Builds of torch, with names for people. On a Mac the one build serves the CPU and MPS."""

PYTORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""Asked for torch on Linux, where PyPI's build brings gigabytes of CUDA."""

OWN_INDEX_KEYS = ("index-url", "extra-index-url", "find-links", "no-index")

# they would send the packages elsewhere than into the environment
_MISLEADING = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONHOME")
_TEMPORARY = ("TMPDIR", "TEMP", "TMP")
_CUDA_PACKAGES = ("nvidia-", "cuda-", "triton")
_WHEEL_PYTHON = re.compile(r"-cp(\d)(\d+)-(?!abi3)[^-]+-[^-]+\.whl$")


@dataclass(frozen=True)
class EnvironmentParams:
    """What to make, and from where.

    folder: where environments lie. python: what it is made with (Blender's own by default).
    flavour: a key of FLAVOURS. index_url: the one index to ask, for all packages; "" for pip's
    configured one, or where none is configured PyPI with PyTorch's own index for the build that
    PyPI lacks. wheels: a folder of wheels; then no network is used at all.
    """

    folder: Path
    python: Path = Path(sys.executable)
    flavour: str = CPU
    index_url: str = ""
    wheels: Path | None = None


def package_source(params: EnvironmentParams, own_index: bool, torch_index: str = "") -> list[str]:
    """pip's options for where packages come from.

    own_index: pip has an index of its own set, so PyTorch's own index is not asked without the
    person's knowledge. torch_index: PyTorch's index, where torch is what is wanted.
    """
    if params.wheels is not None:
        return ["--no-index", "--find-links", str(params.wheels)]
    if params.index_url:
        return ["--index-url", params.index_url]
    return ["--index-url", torch_index] if torch_index and not own_index else []


def pip_variables(
    params: EnvironmentParams, temporary: Path, variables: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Environment variables for pip: its own settings count, unless a source was chosen.

    temporary: where it downloads to.
    """
    kept = {k: v for k, v in variables.items() if k not in _MISLEADING}
    kept |= dict.fromkeys(_TEMPORARY, str(temporary))
    if params.wheels is not None:
        alone = {k: v for k, v in kept.items() if not k.startswith("PIP_")}
        return alone | {"PIP_CONFIG_FILE": os.devnull}
    if params.index_url:
        # proxies and certificates still count; an empty variable would not beat pip's own files
        return kept | {"PIP_EXTRA_INDEX_URL": params.index_url, "PIP_NO_INDEX": "0"}
    return kept


def cuda_packages(report: Mapping[str, Any]) -> list[str]:
    """What of a pip report is CUDA: a build of torch for it, and the libraries that it asks for."""
    found: list[str] = []
    for item in report.get("install", []):
        metadata = item.get("metadata", {})
        name, version = str(metadata.get("name", "")), str(metadata.get("version", ""))
        if "+cu" in version:
            found.append(f"{name} {version}")
        needs = [str(each) for each in metadata.get("requires_dist", []) if "extra ==" not in each]
        found += [each.split()[0] for each in needs if each.lower().startswith(_CUDA_PACKAGES)]
    return found


def check_wheels(folder: Path, version: Sequence[int]) -> None:
    """MMMError unless the folder has wheels, and those for one Python are for this one.

    version: of the Python that the environment is made with, such as (3, 11).
    """
    names = [path.name for path in folder.glob("*.whl")]
    if not names:
        raise MMMError(f"The folder {folder} holds no wheels: choose another one.")
    tags = [tuple(map(int, found.groups())) for name in names
            if (found := _WHEEL_PYTHON.search(name)) is not None]  # fmt: skip
    ours = tuple(version[:2])
    if tags and ours not in tags:
        theirs = " and ".join(f"{major}.{minor}" for major, minor in sorted(set(tags)))
        raise MMMError(
            f"The wheels in {folder} are for Python {theirs}, and this Blender has "
            f"{ours[0]}.{ours[1]}: fetch them again for that one."
        )
