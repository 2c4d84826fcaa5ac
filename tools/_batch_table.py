"""The table of a batch: one row a clip, checked as a whole before anything is made."""

from __future__ import annotations

import csv
import math
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from mmm_blender.geometry.errors import MMMError

DEFAULT_SECONDS = 4.0
DEFAULT_SEED = 0

_NEEDED = ("name", "prompt")
_OPTIONAL = ("seconds", "seed")
_MAX_SEED_DIGITS = 18  # any such number fits the generator's 63 bits
_MAX_NAME_BYTES = 200  # file systems take 255, ending and temporary name included
_FORBIDDEN = frozenset('<>:"/\\|?*')
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)]
)
"""Names that Windows takes for devices, whatever the ending."""


@dataclass(frozen=True)
class Row:
    """One clip to make. line: where the table has it, for messages. name: of its files."""

    line: int
    name: str
    prompt: str
    seconds: float
    seed: int

    @property
    def recipe(self) -> dict[str, object]:
        """What decides the clip, but for the weights."""
        return {"prompt": self.prompt, "seconds": self.seconds, "seed": self.seed}


def read_table(path: Path) -> list[Row]:
    """Every row of a CSV file; MMMError names the first line that is wrong and why."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey=_TOO_MANY, strict=True)
            _check_columns(path, reader.fieldnames or [])
            rows = [_row(path, reader.line_num, cells) for cells in reader]
    except OSError as error:
        raise MMMError(f"{path} could not be read ({error.strerror}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MMMError(f"{path} is no CSV file in UTF-8 ({error}): save it as one.") from error
    if not rows:
        raise MMMError(f"{path} has no rows: write one a clip.")
    _check_unique(path, rows)
    return rows


_TOO_MANY = "\0too many"


def _check_columns(path: Path, columns: object) -> None:
    named = list(columns) if isinstance(columns, list) else []
    known = _NEEDED + _OPTIONAL
    if missing := [name for name in _NEEDED if name not in named]:
        raise MMMError(
            f"{path} has no column {' and no column '.join(missing)}: its first line must name the "
            f"columns {', '.join(known)}."
        )
    if odd := [name for name in named if name not in known or named.count(name) > 1]:
        raise MMMError(f"{path} has a column {odd[0]!r} too many: it takes {', '.join(known)}.")


def _row(path: Path, line: int, cells: dict[str, str | None]) -> Row:
    """One row; cells that are missing at the end of a line count as empty."""
    where = f"{path}, line {line}"
    if _TOO_MANY in cells:
        raise MMMError(f"{where} has more cells than columns: put quotes around its commas.")
    name, prompt, seconds, seed = (
        (cells.get(column) or "").strip() for column in _NEEDED + _OPTIONAL
    )
    if reason := name_problem(name):
        raise MMMError(f"{where}: the name {name!r} {reason}.")
    if not prompt:
        raise MMMError(f"{where}: '{name}' has no prompt: describe the motion in a few words.")
    return Row(line, name, prompt, _seconds(where, seconds), _seed(where, seed))


def name_problem(name: str) -> str:
    """Why ``name`` cannot be a file's name on every system; "" when it can."""
    if not name:
        return "is empty"
    if not _FORBIDDEN.isdisjoint(name) or any(unicodedata.category(c)[0] == "C" for c in name):
        return 'is no plain file name: leave out paths and <>:"/\\|?*'
    if name.startswith((".", "-")) or name.endswith("."):
        return "must not begin with a dot or a dash or end with a dot"
    if name.split(".", maxsplit=1)[0].strip().casefold() in _RESERVED:
        return "is reserved by Windows"
    if len(name.encode()) > _MAX_NAME_BYTES:
        return f"is longer than {_MAX_NAME_BYTES} bytes"
    return ""


def _seconds(where: str, text: str) -> float:
    try:
        seconds = float(text) if text else DEFAULT_SECONDS
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise MMMError(f"{where}: seconds must be a number above 0, not {text!r}.")
    return seconds


def _seed(where: str, text: str) -> int:
    if not text:
        return DEFAULT_SEED
    if len(text) > _MAX_SEED_DIGITS or not (text.isascii() and text.isdecimal()):
        shown = text if len(text) <= _MAX_SEED_DIGITS else f"{text[:_MAX_SEED_DIGITS]}..."
        raise MMMError(
            f"{where}: the seed must be a whole number from 0 on with at most {_MAX_SEED_DIGITS} "
            f"digits, not {shown!r}."
        )
    return int(text)


def _check_unique(path: Path, rows: list[Row]) -> None:
    """Names that differ in letter case or in how accents are written are one file on some disks."""
    seen: dict[str, Row] = {}
    for row in rows:
        key = unicodedata.normalize("NFC", row.name).casefold()
        if key in seen:
            raise MMMError(
                f"{path}, line {row.line}: the name {row.name!r} is taken by line "
                f"{seen[key].line}: give every row its own."
            )
        seen[key] = row
