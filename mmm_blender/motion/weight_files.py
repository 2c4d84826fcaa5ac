"""The one reader of weight files: a network gets every tensor exactly once, or one sentence, which
ends in the caller's advice, says why not. Arrays are NumPy's, as they are stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from ..common.arrays import AnyArray
from ..common.errors import MMMError
from ..common.safetensors_data import read_safetensors
from ..common.untrusted import check_file, clean_text

MOST_BYTES = 2**36
"""Of one file: more than any machine would run."""

Shapes = Mapping[str, tuple[int, ...]]

_NAMES_SHOWN = 3


def read_arrays(path: Path, advice: str) -> dict[str, AnyArray]:
    """The tensors of a safetensors file, read from it when they are used: copy what you keep."""
    try:
        check_file(path, MOST_BYTES)
        return read_safetensors(np.memmap(path, mode="r").data)
    except (OSError, ValueError) as error:  # ValueError: also of an empty file
        raise damaged(path, advice) from error


def damaged(path: Path, advice: str) -> MMMError:
    """What to say of a file that is none of weights."""
    return MMMError(f"The weights {path} are missing or damaged: {advice}")


def check_arrays(
    wanted: Shapes, arrays: Mapping[str, AnyArray], where: object, advice: str
) -> None:
    """MMMError unless there is one array of the right shape for each wanted one, and no other."""
    check_shapes(wanted, {name: values.shape for name, values in arrays.items()}, where, advice)


def check_shapes(wanted: Shapes, found: Shapes, where: object, advice: str) -> None:
    """As ``check_arrays``, of shapes alone."""
    misshapen = {name for name in wanted if name in found and found[name] != wanted[name]}
    for kind, names in (
        ("lacks", wanted.keys() - found.keys()),
        ("has unknown", found.keys() - wanted.keys()),
        ("has misshapen", misshapen),
    ):
        if names:
            raise MMMError(
                f"The weights {where} do not fit; the file {kind} tensors ({_listed(names)}): "
                f"{advice}"
            )


def _listed(names: Collection[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return clean_text(", ".join(sorted(names)[:_NAMES_SHOWN]) + more)
