"""Weight files for torch's modules (see ``motion.weight_files``)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...common.arrays import AnyArray
from ..weight_files import check_shapes, read_arrays


def read_tensors(path: Path, advice: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file, on the CPU, as they are stored."""
    return as_tensors(read_arrays(path, advice))


def as_tensors(arrays: Mapping[str, AnyArray]) -> dict[str, Tensor]:
    """Copies of arrays for torch."""
    return {name: torch.from_numpy(np.array(values)) for name, values in arrays.items()}


def check_weights(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    where: object,
    advice: str,
    unstored: Collection[str] = (),
) -> None:
    """MMMError unless there is one tensor of the right shape for each in the module's state, and no
    other. A module on the device "meta" takes no memory, whatever size a config asks for.

    unstored: last words of the names of tensors that files do not hold.
    """
    wanted = {
        name: tuple(value.shape)
        for name, value in module.state_dict().items()
        if name.rsplit(".", 1)[-1] not in unstored
    }
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    check_shapes(wanted, found, where, advice)


def load_weights(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    where: object,
    advice: str,
    unstored: Collection[str] = (),
) -> None:
    """Give a module its weights, in the precision that it has; ``check_weights`` refuses others."""
    check_weights(module, tensors, where, advice, unstored)
    module.load_state_dict(tensors, strict=False)
