"""Tables of clips: CSV files with a header line."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from ...common.errors import MMMError

Row = dict[str, str]
"""A row by column; "line" is its number in the file."""


def read_table(path: Path, columns: Sequence[str]) -> list[Row]:
    """All rows; MMMError where the file is none or lacks one of the columns."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            names = reader.fieldnames or []
            rows = [{k: (v or "").strip() for k, v in row.items() if k} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MMMError(f"{path} is no readable label table ({error}).") from error
    if missing := [name for name in columns if name not in names]:
        raise MMMError(
            f"{path} has no column {' and no column '.join(missing)}: it must have the columns "
            f"{', '.join(columns)}."
        )
    return [row | {"line": str(number)} for number, row in enumerate(rows, start=2)]
