"""The table of a batch: one row a clip, checked as a whole before anything is made.

A row is a motion of one prompt, a sequence of several, an edit of a motion that is there (a file,
or what an earlier row makes), or a recipe to be done again.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeAlias

from ..common.errors import MMMError
from ..common.untrusted import check_file, clean_text, quoted
from ..geometry.editing.edit_mask import BodyPart
from ..geometry.editing.lock_mode import LockMode
from .cells import (
    FREE,
    SEPARATOR,
    EndWords,
    body_part_of,
    end_conditions,
    end_of,
    lock_of,
    name_error,
    one_each,
    range_of,
    seconds_of,
    seed_of,
)
from .csv_file import CsvRow, read_csv
from .path_cell import PathCell, path_cell

_EDIT_COLUMNS = ("range", "body_part", "hold")
_END_COLUMNS = ("start", "end")
COLUMNS = (
    *("name", "prompt", "seconds", "seed", "path"),
    *(*_END_COLUMNS, "file", *_EDIT_COLUMNS, "recipe"),
)
_INSTEAD_OF_PROMPT = ("file", "recipe")
"""Columns without which every row needs a prompt."""
MOTION_FILES = (".blend", ".bvh")
_ROWS = re.compile(r"(\d{0,9}):(\d{0,9})", re.ASCII)
_MOST_SOURCE_BYTES = 2**36
RECIPE_FILES = (".json", ".blend")
PATH_FILES = (".blend",)


@dataclass(frozen=True)
class Source:
    """A file that a row begins with. digest: SHA-256 of its content."""

    path: Path
    digest: str

    @property
    def recipe(self) -> dict[str, object]:
        """What decides what is made of it."""
        return {"sha256": self.digest}


@dataclass(frozen=True)
class ClipRow:
    """One motion of one prompt. line: where the table has it, for messages. name: of its files."""

    line: int
    name: str
    prompt: str
    seconds: float
    seed: int
    path: PathCell | None = None
    ends: EndWords = FREE

    @property
    def title(self) -> str:
        """What it is about, for the user."""
        return self.prompt

    @property
    def recipe(self) -> dict[str, object]:
        """What decides the clip, but for the weights."""
        recipe = {"prompt": self.prompt, "seconds": self.seconds, "seed": self.seed}
        return recipe | _path_recipe(self.path) | end_conditions(self.ends)


@dataclass(frozen=True)
class SequenceRow:
    """One motion of several prompts, with a length and a seed each."""

    line: int
    name: str
    prompts: tuple[str, ...]
    seconds: tuple[float, ...]
    seeds: tuple[int, ...]
    path: PathCell | None = None
    ends: EndWords = FREE

    @property
    def title(self) -> str:
        """As in ClipRow."""
        return ", ".join(self.prompts)

    @property
    def recipe(self) -> dict[str, object]:
        """As in ClipRow."""
        return {
            "prompts": list(self.prompts),
            "seconds": list(self.seconds),
            "seeds": list(self.seeds),
            **_path_recipe(self.path),
            **end_conditions(self.ends),
        }


@dataclass(frozen=True)
class EditRow:
    """A range of a motion to regenerate. source: a file, or the earlier row that makes the motion.
    first, last: scene frames, both included."""

    line: int
    name: str
    prompt: str
    seed: int
    source: Source | Row
    first: int
    last: int
    body_part: BodyPart
    lock: LockMode
    path: PathCell | None = None

    @property
    def title(self) -> str:
        """As in ClipRow."""
        return f"frames {self.first} to {self.last}: {self.prompt or 'what fits in'}"

    @property
    def recipe(self) -> dict[str, object]:
        """As in ClipRow."""
        return {
            "prompt": self.prompt,
            "seed": self.seed,
            "source": self.source.recipe,
            "range": [self.first, self.last],
            "body_part": self.body_part,
            "hold": self.lock.value.lower(),
            **_path_recipe(self.path),
        }


@dataclass(frozen=True)
class ReplayRow:
    """A recipe that is done again, from its tokens. source: the recipe's text, or a Blender file
    whose armature has an Action that carries one."""

    line: int
    name: str
    source: Source

    @property
    def title(self) -> str:
        """As in ClipRow."""
        return f"the recipe in {self.source.path.name}"

    @property
    def recipe(self) -> dict[str, object]:
        """As in ClipRow."""
        return {"replay": self.source.recipe}


def _path_recipe(path: PathCell | None) -> dict[str, object]:
    """What decides a row's path; {} without one, as in reports of earlier versions."""
    return {} if path is None else {"path": path.recipe}


Row: TypeAlias = ClipRow | SequenceRow | EditRow | ReplayRow


def read_table(path: Path) -> list[Row]:
    """Every row of a CSV file; MMMError names the first line that is wrong and why."""
    table = read_csv(path, COLUMNS)
    _check_columns(path, table.columns)
    rows: dict[str, Row] = {}
    taken: dict[str, int] = {}
    for each in table.rows:
        row = _row(path, each, rows)
        _check_new(path, row, taken)
        rows[row.name] = row
    if not rows:
        raise MMMError(f"{path} has no rows: write one a clip.")
    return list(rows.values())


def chosen_rows(path: Path, rows: Sequence[Row], chosen: str) -> list[Row]:
    """Rows "A:B" of a table's, counted from 1, both included; either may be left out. What goes
    beyond the end is cut, as a farm's last task needs it; MMMError for no row at all."""
    found = _ROWS.fullmatch(chosen.strip())
    if found is None:
        raise MMMError(
            f"--rows {quoted(chosen)} is no range: write first and last row, such as 11:20."
        )
    first = int(found[1] or 1)
    last = min(int(found[2] or len(rows)), len(rows))
    if not 1 <= first <= last:
        raise MMMError(
            f"--rows {chosen} names no row of {path}, which has {len(rows)}: the first counts "
            "as 1, and the range must not end before it starts."
        )
    return list(rows[first - 1 : last])


def _check_columns(path: Path, named: Sequence[str]) -> None:
    needed = ("name",) if any(name in named for name in _INSTEAD_OF_PROMPT) else ("name", "prompt")
    if missing := [name for name in needed if name not in named]:
        raise MMMError(
            f"{path} has no column {' and no column '.join(missing)}: its first line must name the "
            f"columns, of {', '.join(COLUMNS)}."
        )
    if odd := [name for name in named if name not in COLUMNS or named.count(name) > 1]:
        raise MMMError(
            f"{path} has a column {clean_text(repr(odd[0]))} too many: it takes "
            f"{', '.join(COLUMNS)}."
        )


def _row(path: Path, read: CsvRow, earlier: Mapping[str, Row]) -> Row:
    line = read.line
    where = f"{path}, line {line}"
    if read.has_more:
        raise MMMError(f"{where} has more cells than columns: put quotes around its commas.")
    given = {column: read.cells.get(column, "").strip() for column in COLUMNS}
    if reason := name_error(given["name"]):
        raise MMMError(f"{where}: the name {quoted(given['name'])} {reason}.")
    if given["recipe"]:
        _check_empty(where, given, "a recipe", ("prompt", "seconds", "seed", "path", "file"))
        _check_empty(where, given, "a recipe", (*_END_COLUMNS, *_EDIT_COLUMNS))
        return ReplayRow(line, given["name"], _source(where, path, given["recipe"], RECIPE_FILES))
    if given["file"]:
        return _edit_row(where, path, line, given, earlier)
    _check_empty(where, given, "a row without a file", _EDIT_COLUMNS)
    if not given["prompt"]:
        raise MMMError(
            f"{where}: '{given['name']}' has no prompt: describe the motion in a few words."
        )
    walked = _path(where, path, given["path"])
    ends = (end_of(where, "start", given["start"]), end_of(where, "end", given["end"]))
    if SEPARATOR in given["prompt"]:
        return _sequence_row(where, line, given, walked, ends)
    is_free = walked is not None and not given["seconds"]  # as long as the path takes
    seconds = 0.0 if is_free else seconds_of(where, given["seconds"])
    seed = seed_of(where, given["seed"])
    return ClipRow(line, given["name"], given["prompt"], seconds, seed, walked, ends)


def _path(where: str, table: Path, text: str, is_edit: bool = False) -> PathCell | None:
    def read_file(named: str) -> tuple[Path, str]:
        source = _source(where, table, named, PATH_FILES)
        return source.path, source.digest

    return path_cell(where, text, is_edit, read_file)


def _check_empty(where: str, given: Mapping[str, str], what: str, columns: tuple[str, ...]) -> None:
    if odd := [column for column in columns if given[column]]:
        raise MMMError(f"{where}: {what} takes no {odd[0]}: leave that cell empty.")


def _sequence_row(
    where: str, line: int, given: Mapping[str, str], path: PathCell | None, ends: EndWords
) -> SequenceRow:
    prompts = tuple(prompt.strip() for prompt in given["prompt"].split(SEPARATOR))
    if "" in prompts:
        raise MMMError(
            f"{where}: prompt {prompts.index('') + 1} of the sequence is empty: describe the "
            f"motion, or take a {SEPARATOR} away."
        )
    seconds = one_each(where, "seconds", given["seconds"], len(prompts))
    seeds = one_each(where, "seed", given["seed"], len(prompts))
    return SequenceRow(
        line,
        given["name"],
        prompts,
        tuple(seconds_of(where, text) for text in seconds),
        tuple(seed_of(where, text) for text in seeds),
        path,
        ends,
    )


def _edit_row(
    where: str, path: Path, line: int, given: Mapping[str, str], earlier: Mapping[str, Row]
) -> EditRow:
    _check_empty(where, given, "an edit", ("seconds", *_END_COLUMNS))
    if SEPARATOR in given["prompt"]:
        raise MMMError(f"{where}: an edit takes one prompt: write a row for each.")
    first, last = range_of(where, given["range"])
    return EditRow(
        line,
        given["name"],
        given["prompt"],
        seed_of(where, given["seed"]),
        earlier.get(given["file"]) or _source(where, path, given["file"], MOTION_FILES),
        first,
        last,
        body_part_of(where, given["body_part"]),
        lock_of(where, given["hold"]),
        _path(where, path, given["path"], is_edit=True),
    )


def _source(where: str, table: Path, named: str, endings: tuple[str, ...]) -> Source:
    """A file that a cell names, from the table's folder on."""
    if PurePath(named).suffix.lower() not in endings:
        earlier = " or the name of an earlier row" if endings == MOTION_FILES else ""
        raise MMMError(f"{where}: {quoted(named)} is no {' or '.join(endings)} file{earlier}.")
    try:
        path = table.parent / Path(named).expanduser()
        check_file(path, _MOST_SOURCE_BYTES)
        with path.open("rb") as file:
            return Source(path.resolve(), hashlib.file_digest(file, "sha256").hexdigest())
    except OSError as error:
        raise MMMError(f"{where}: {quoted(named)} could not be read ({error.strerror}).") from error
    except RuntimeError as error:  # "~nobody"
        raise MMMError(
            f"{where}: {quoted(named)} lies in the home of nobody known here."
        ) from error


def _check_new(path: Path, row: Row, taken: dict[str, int]) -> None:
    """Names that differ in letter case or in how accents are written are one file on some disks.

    taken: lines by names on disk.
    """
    line = taken.setdefault(on_disk(row.name), row.line)
    if line != row.line:
        raise MMMError(
            f"{path}, line {row.line}: the name {quoted(row.name)} is taken by line {line}: give "
            "every row its own."
        )


def on_disk(name: str) -> str:
    """What names, or paths, have in common that are one file on some disks."""
    return unicodedata.normalize("NFC", name).casefold()
