"""What a row of a table asks a data set for, and the key that makes it one clip and no other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from ..batch.cells import name_error, seconds_of, seed_of
from ..common.errors import MMMError
from ..common.untrusted import clean_text, is_text

COLUMNS = ("name", "prompt", "seconds", "seed")
"""Of a table, as the batch means them; ``prompt`` alone has to be there."""

MOST_CELL = 100_000
"""Characters of a cell, or of a line of JSON."""

_KEY_BYTES = 16  # by chance two of 10^12 clips share a key with a probability of 1.5e-15


@dataclass(frozen=True)
class WantedClip:
    """A clip to make. line: of the table, for messages. seconds: its length."""

    line: int
    name: str
    prompt: str
    seconds: float
    seed: int

    def key(self, bundle_hash: str) -> str:
        """What the data set knows the clip by: 32 hexadecimal digits of name, seed and bundle."""
        text = json.dumps([self.name, self.seed, bundle_hash])
        return hashlib.sha256(text.encode()).hexdigest()[: 2 * _KEY_BYTES]


@dataclass(frozen=True)
class BrokenRow:
    """A row that cannot be made. name: "" where it has none. sentence: why, and where it is."""

    line: int
    name: str
    sentence: str


def wanted_clip(where: str, line: int, cells: Mapping[str, object]) -> WantedClip | BrokenRow:
    """A row's cells as a clip. where: the table and the line, for messages. A clip without a name
    is called after its prompt and its length."""
    name = cells.get("name")
    try:
        return _checked(where, line, cells)
    except MMMError as error:
        return BrokenRow(line, clean_text(name) if isinstance(name, str) else "", str(error))


def _checked(where: str, line: int, cells: Mapping[str, object]) -> WantedClip:
    if odd := [column for column in cells if column not in COLUMNS]:
        raise MMMError(
            f"{where}: a data set has no use for the column {clean_text(repr(odd[0]))}: it takes "
            f"{', '.join(COLUMNS)}."
        )
    texts = {column: _text(where, column, cells.get(column)) for column in COLUMNS}
    prompt = texts["prompt"]
    if not prompt:
        raise MMMError(f"{where}: the prompt is empty: describe the motion in a few words.")
    seconds, seed = seconds_of(where, texts["seconds"]), seed_of(where, texts["seed"])
    name = texts["name"] or _name_of(prompt, seconds)
    if reason := name_error(name):
        raise MMMError(f"{where}: the name {clean_text(repr(name))} {reason}.")
    return WantedClip(line, name, prompt, seconds, seed)


def _text(where: str, column: str, value: object) -> str:
    """A cell of any kind of file as a CSV file would have it."""
    if value is None:
        return ""
    if (
        isinstance(value, float) and value.is_integer()
    ):  # how a table with gaps stores whole numbers
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MMMError(
            f"{where}: {column} must be a text or a number, not {clean_text(repr(value))}."
        )
    text = str(value).strip()
    if not is_text(text, MOST_CELL):
        raise MMMError(
            f"{where}: {column} holds what is no text in UTF-8, or more than {MOST_CELL} "
            "characters: mend it."
        )
    return text


def _name_of(prompt: str, seconds: float) -> str:
    digest = hashlib.sha256(json.dumps([prompt, seconds]).encode()).hexdigest()
    return f"clip-{digest[:12]}"
