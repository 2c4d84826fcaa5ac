"""CSV files as spreadsheets write them: with commas, semicolons or tabs, in UTF-8 or Windows' own
encoding, with or without a byte order mark, with empty rows at the end."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..common.errors import MMMError
from ..common.untrusted import file_bytes, is_text

MOST_BYTES = 2**26
_MOST_CELL = 100_000  # characters
_DELIMITERS = (",", ";", "\t")
_SEPARATOR_LINE = "sep="
"""Begins a first line that tells Excel the delimiter."""
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class CsvRow:
    """A row that is not empty. line: of the file, from 1. cells: by column; one that is missing at
    the end of the line is empty. has_more: there are cells beyond the columns."""

    line: int
    cells: dict[str, str]
    has_more: bool


@dataclass(frozen=True)
class CsvTable:
    """A file's columns, by the names that were asked for, and its rows."""

    columns: tuple[str, ...]
    rows: tuple[CsvRow, ...]


def read_csv(path: Path, known: Collection[str]) -> CsvTable:
    """The file's table; known: names that its columns may have, in any letter case and with spaces
    for underscores. MMMError where it is none; unknown columns are kept as they are written."""
    try:
        text = _decoded(path, file_bytes(path, MOST_BYTES))
        if "\0" in text:
            raise MMMError(f"{path} is no CSV file in UTF-8: save it as one.")
        lines = io.StringIO(text, newline="")
        delimiter = delimiter_of(lines, known)
        lines.seek(0)
        return _table(path, csv.reader(lines, delimiter=delimiter, strict=True), known)
    except OSError as error:
        raise MMMError(f"{path} could not be read ({error.strerror}).") from error
    except csv.Error as error:
        raise MMMError(f"{path} is no CSV file ({error}): save it as one, in UTF-8.") from error


def _decoded(path: Path, content: bytes) -> str:
    try:
        if content.startswith(_WIDE_MARKS):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass  # what Excel writes as "CSV" on Windows
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise MMMError(f"{path} is no CSV file in UTF-8: save it as one.") from error


def delimiter_of(lines: Iterable[str], known: Collection[str]) -> str:
    """The one that makes most of the columns known; the comma of several that are alike."""
    first = next((line for line in lines if line.strip()), "")
    if first.casefold().startswith(_SEPARATOR_LINE):
        return first[len(_SEPARATOR_LINE) :].strip("\r\n")[:1] or ","
    return max(
        _DELIMITERS,
        key=lambda each: sum(column_name(cell, known) in known for cell in first.split(each)),
    )


def column_name(cell: str, known: Collection[str]) -> str:
    """A column's name as it is known, else as it is written."""
    written = cell.strip().strip('"').strip()
    name = "_".join(written.casefold().split())
    return name if name in known else written


def _table(path: Path, reader: Iterator[list[str]], known: Collection[str]) -> CsvTable:
    columns: tuple[str, ...] = ()
    rows: list[CsvRow] = []
    for cells in reader:
        line = int(getattr(reader, "line_num", 0))
        if not any(cell.strip() for cell in cells) or _is_separator_line(line, cells):
            continue
        if not columns:
            columns = tuple(column_name(cell, known) for cell in _without_empty_end(cells))
            continue
        for cell in cells:
            if not is_text(cell, _MOST_CELL):
                raise MMMError(
                    f"{path}, line {line}: a cell holds what is no text, or more than "
                    f"{_MOST_CELL} characters: mend it."
                )
        given = dict(zip(columns, cells, strict=False))
        more = any(cell.strip() for cell in cells[len(columns) :])
        rows.append(CsvRow(line, {name: given.get(name, "") for name in columns}, more))
    return CsvTable(columns, tuple(rows))


def _is_separator_line(line: int, cells: list[str]) -> bool:
    return line == 1 and cells[0].casefold().startswith(_SEPARATOR_LINE)


def _without_empty_end(cells: list[str]) -> list[str]:
    """Spreadsheets write as many delimiters as the widest row needs."""
    filled = [at for at, cell in enumerate(cells) if cell.strip()]
    return cells[: filled[-1] + 1]
