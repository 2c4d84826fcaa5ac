"""Tables of any length, read row by row: CSV, JSON lines, Parquet.

A row that cannot be read is handed on as broken, so that one of ten thousand stops nobody; a file
that is no table at all is an MMMError.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from ..batch.csv_file import column_name, delimiter_of
from ..common.errors import MMMError
from ..common.untrusted import check_file, clean_text, json_value
from .wanted import COLUMNS, MOST_CELL, BrokenRow, WantedClip, wanted_clip

ENDINGS = (".csv", ".jsonl", ".parquet")
_MOST_BYTES = 2**40
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ROWS_AT_ONCE = 1024

Row = WantedClip | BrokenRow


def read_rows(path: Path) -> Iterator[Row]:
    """Every row of the table, in order; MMMError where the file is none."""
    check_table(path)
    reader = {".csv": _csv_rows, ".jsonl": _json_rows, ".parquet": _parquet_rows}
    try:
        yield from reader[path.suffix.lower()](path)
    except (OSError, UnicodeError, pa.ArrowException) as error:
        raise MMMError(f"{path} could not be read ({clean_text(str(error))}): mend it.") from error


def count_rows(path: Path) -> int:
    """How many rows ``read_rows`` gives, without looking into them."""
    check_table(path)
    try:
        if path.suffix.lower() == ".parquet":
            return int(pq.ParquetFile(path).metadata.num_rows)
        with _opened(path) as file:
            lines = sum(1 for _, line in _lines(file) if line.strip())
    except (OSError, UnicodeError, pa.ArrowException) as error:
        raise MMMError(f"{path} could not be read ({clean_text(str(error))}): mend it.") from error
    return lines - 1 if path.suffix.lower() == ".csv" else lines


def check_table(path: Path) -> None:
    """MMMError unless the file is there and called as a table."""
    if path.suffix.lower() not in ENDINGS:
        raise MMMError(f"{path} is no table: its name must end in {', '.join(ENDINGS)}.")
    try:
        check_file(path, _MOST_BYTES)
    except OSError as error:
        raise MMMError(f"{path} could not be read ({error.strerror}).") from error


def _opened(path: Path) -> TextIO:
    """The file as text; bytes that are no UTF-8 are carried on, and their row is broken."""
    with path.open("rb") as file:
        wide = file.read(2) in _WIDE_MARKS
    encoding = "utf-16" if wide else "utf-8-sig"
    return path.open(encoding=encoding, errors="surrogateescape", newline="")


def _lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; of one that is too long the beginning, one character too long."""
    number = 0
    while line := file.readline(MOST_CELL + 1):
        number += 1
        rest = line
        while len(rest) > MOST_CELL and not rest.endswith("\n"):
            rest = file.readline(MOST_CELL + 1)
        yield number, line


def _too_long(where: str, line: int) -> BrokenRow:
    return BrokenRow(line, "", f"{where}: the line has more than {MOST_CELL} characters: mend it.")


def _csv_rows(path: Path) -> Iterator[Row]:
    """A row a line: a quote that is left open would else swallow the rows after it."""
    with _opened(path) as file:
        lines = ((number, line) for number, line in _lines(file) if line.strip())
        head = [line for _, line in islice(lines, 1)]
        delimiter = delimiter_of(head, COLUMNS)
        columns = (
            [column_name(cell, COLUMNS) for cell in _cells(head[0], delimiter)] if head else []
        )
        while columns and not columns[-1]:  # spreadsheets write more delimiters than columns
            columns.pop()
        _check_columns(path, columns)
        for number, line in lines:
            yield _csv_row(f"{path}, line {number}", number, line, columns, delimiter)


def _csv_row(where: str, number: int, line: str, columns: list[str], delimiter: str) -> Row:
    if len(line) > MOST_CELL:
        return _too_long(where, number)
    try:
        cells = _cells(line, delimiter)
    except csv.Error as error:
        return BrokenRow(number, "", f"{where} is no row of a CSV file ({error}): mend its quotes.")
    if any(cell.strip() for cell in cells[len(columns) :]):
        return BrokenRow(
            number,
            clean_text(cells[0]),
            f"{where} has more cells than columns: put quotes around its commas.",
        )
    return wanted_clip(where, number, dict(zip(columns, cells, strict=False)))


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, strict=True), [])


def _check_columns(path: Path, columns: list[str]) -> None:
    if "prompt" not in columns:
        raise MMMError(
            f"{path} has no column prompt: its first line must name the columns, of "
            f"{', '.join(COLUMNS)}."
        )
    if odd := [name for name in columns if name not in COLUMNS or columns.count(name) > 1]:
        raise MMMError(
            f"{path} has a column {clean_text(repr(odd[0]))} too many: it takes "
            f"{', '.join(COLUMNS)}."
        )


def _json_rows(path: Path) -> Iterator[Row]:
    with _opened(path) as file:
        for number, line in _lines(file):
            if line.strip():
                yield _json_row(f"{path}, line {number}", number, line)


def _json_row(where: str, number: int, line: str) -> Row:
    if len(line) > MOST_CELL:
        return _too_long(where, number)
    try:
        value = json_value(line)
    except ValueError as error:
        reason = clean_text(str(error))
        return BrokenRow(number, "", f"{where} is no JSON ({reason}): mend it.")
    if not isinstance(value, dict):
        return BrokenRow(number, "", f"{where} is no JSON object: write one a clip.")
    return wanted_clip(where, number, cast("dict[str, object]", value))


def _parquet_rows(path: Path) -> Iterator[Row]:
    with pq.ParquetFile(path) as file:
        _check_columns(path, list(file.schema_arrow.names))
        number = 0
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
            for cells in cast("list[dict[str, Any]]", batch.to_pylist()):
                number += 1
                yield wanted_clip(f"{path}, row {number}", number, cells)
