"""Reading an encoder's files: whatever is wrong with them becomes one sentence with advice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...common.errors import MMMError
from ...common.untrusted import file_bytes, json_value

MOST_JSON_BYTES = 2**24


def read_json(path: Path, advice: str) -> dict[str, Any]:
    """Read a file that holds one JSON object."""
    try:
        data = json_value(file_bytes(path, MOST_JSON_BYTES).decode())
    except (OSError, ValueError) as error:
        raise MMMError(f"{path} is missing or damaged: {advice}") from error
    if not isinstance(data, dict):
        raise MMMError(f"{path} does not hold settings: {advice}")
    return data  # pyright: ignore[reportUnknownVariableType]  # JSON knows no types
