"""Reading an encoder's files: whatever is wrong with them becomes one sentence with advice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ...common.errors import MMMError

# How many wrong names a sentence lists before it says how many more there are.
NAMES_TOLD = 3


def read_json(path: Path, advice: str) -> dict[str, Any]:
    """Read a file that holds one JSON object."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MMMError(f"{path} is missing or damaged: {advice}") from error
    if not isinstance(data, dict):
        raise MMMError(f"{path} does not hold settings: {advice}")
    return data  # pyright: ignore[reportUnknownVariableType]  # JSON knows no types


def read_tensors(path: Path, advice: str) -> dict[str, Tensor]:
    """Read a safetensors file."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise MMMError(f"The weights {path} are missing or damaged: {advice}") from error


def load_strictly(model: nn.Module, state: Mapping[str, Tensor], where: Path, advice: str) -> None:
    """Load a state in float32; a missing, unknown or misshapen tensor is named and refused."""
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
    model.load_state_dict({name: value.float() for name, value in state.items()})
