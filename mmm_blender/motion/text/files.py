"""Reading an encoder's files: whatever is wrong with them becomes one sentence with advice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ...common.errors import MMMError
from ...common.untrusted import check_file, file_bytes, json_value

MOST_JSON_BYTES = 2**24
MOST_WEIGHT_BYTES = 2**33

# How many wrong names a sentence lists before it says how many more there are.
NAMES_TOLD = 3


def read_json(path: Path, advice: str) -> dict[str, Any]:
    """Read a file that holds one JSON object."""
    try:
        data = json_value(file_bytes(path, MOST_JSON_BYTES).decode())
    except (OSError, ValueError) as error:
        raise MMMError(f"{path} is missing or damaged: {advice}") from error
    if not isinstance(data, dict):
        raise MMMError(f"{path} does not hold settings: {advice}")
    return data  # pyright: ignore[reportUnknownVariableType]  # JSON knows no types


def read_tensors(path: Path, advice: str) -> dict[str, Tensor]:
    """Read a safetensors file."""
    try:
        check_file(path, MOST_WEIGHT_BYTES)
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise MMMError(f"The weights {path} are missing or damaged: {advice}") from error


def load_strictly(model: nn.Module, state: Mapping[str, Tensor], where: Path, advice: str) -> None:
    """Load a state in float32; a missing, unknown or misshapen tensor is named and refused."""
    check_shapes(model, state, where, advice)
    model.load_state_dict({name: value.float() for name, value in state.items()})


def check_shapes(model: nn.Module, state: Mapping[str, Tensor], where: Path, advice: str) -> None:
    """MMMError unless the state has every tensor of the model; names those that are wrong."""
    expected = {name: value.shape for name, value in model.state_dict().items()}
    wrong = sorted(
        name
        for name in expected.keys() | state.keys()
        if name not in state or state[name].shape != expected.get(name)
    )
    if wrong:
        more = f" and {len(wrong) - NAMES_TOLD} more" if len(wrong) > NAMES_TOLD else ""
        names = ", ".join(wrong[:NAMES_TOLD])
        raise MMMError(f"The weights in {where} do not fit ({names}{more}): {advice}")
