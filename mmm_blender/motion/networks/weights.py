"""The one reader of weight files: a network gets every tensor exactly once, or one sentence, which
ends in the caller's advice, says why not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ...common.errors import MMMError
from ...common.untrusted import check_file, clean_text

MOST_BYTES = 2**36
"""Of one file: more than any machine would run."""

_NAMES_SHOWN = 3


def read_tensors(path: Path, advice: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file, on the CPU, as they are stored."""
    try:
        check_file(path, MOST_BYTES)
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise MMMError(f"The weights {path} are missing or damaged: {advice}") from error


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
        name: value.shape
        for name, value in module.state_dict().items()
        if name.rsplit(".", 1)[-1] not in unstored
    }
    misshapen = {name for name in wanted if name in tensors and tensors[name].shape != wanted[name]}
    for kind, names in (
        ("lacks", wanted.keys() - tensors.keys()),
        ("has unknown", tensors.keys() - wanted.keys()),
        ("has misshapen", misshapen),
    ):
        if names:
            raise MMMError(
                f"The weights {where} do not fit; the file {kind} tensors ({_listed(names)}): "
                f"{advice}"
            )


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


def _listed(names: Collection[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return clean_text(", ".join(sorted(names)[:_NAMES_SHOWN]) + more)
