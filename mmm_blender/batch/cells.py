"""What the cells of a batch's table mean. ``where``: the table and its line, for messages."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, TypeAlias, TypeVar

from ..common.errors import MMMError
from ..common.untrusted import quoted
from ..geometry.editing.edit_mask import BodyPart
from ..geometry.editing.lock_mode import LockMode

DEFAULT_SECONDS = 4.0
DEFAULT_SEED = 0
BODY_PARTS: tuple[BodyPart, ...] = ("all", "upper", "lower")
LOCKS = tuple(mode.value.lower() for mode in LockMode)
"""Which keys of an edit's range stay, in a table's words."""
SEPARATOR = "|"
"""Between the prompts of a sequence, and between their seconds and seeds."""

EndWord: TypeAlias = Literal["free", "standing"]
EndWords: TypeAlias = tuple[EndWord, EndWord]
"""How a motion begins, and how it ends."""
FREE: EndWords = ("free", "free")

_END_WORDS: tuple[EndWord, ...] = ("free", "standing")

_Word = TypeVar("_Word", bound=str)

_MAX_SEED_DIGITS = 18  # any such number fits the generator's 63 bits
_MAX_NAME_BYTES = 200  # file systems take 255, ending and temporary name included
_MAX_FRAME = 1_048_574  # Blender's own bound
_FORBIDDEN = frozenset('<>:"/\\|?*')
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"]
)
"""Names that Windows takes for devices, whatever the ending."""

_RANGE = re.compile(r"([+-]?\d{1,9})\s*(?:-|\.\.)\s*([+-]?\d{1,9})", re.ASCII)


def name_error(name: str) -> str:
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


def seconds_of(where: str, text: str) -> float:
    """A length; "" for the usual one."""
    try:
        seconds = float(text) if text else DEFAULT_SECONDS
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise MMMError(f"{where}: seconds must be a number above 0, not {quoted(text)}.")
    return seconds


def seed_of(where: str, text: str) -> int:
    """A seed; "" for the usual one."""
    if not text:
        return DEFAULT_SEED
    if len(text) > _MAX_SEED_DIGITS or not (text.isascii() and text.isdecimal()):
        shown = text if len(text) <= _MAX_SEED_DIGITS else f"{text[:_MAX_SEED_DIGITS]}..."
        raise MMMError(
            f"{where}: the seed must be a whole number from 0 on with at most {_MAX_SEED_DIGITS} "
            f"digits, not {quoted(shown)}."
        )
    return int(text)


def one_each(where: str, column: str, text: str, count: int) -> list[str]:
    """The cells inside a cell of a sequence, one a prompt; all empty where it is."""
    cells = [cell.strip() for cell in text.split(SEPARATOR)] if text else [""] * count
    if len(cells) != count:
        raise MMMError(
            f"{where}: {column} {quoted(text)} does not fit the {count} prompts: give each one its "
            f"own, with {SEPARATOR} between them."
        )
    return cells


def range_of(where: str, text: str) -> tuple[int, int]:
    """First and last scene frame of "first-last" or "first..last"; either may be negative."""
    found = _RANGE.fullmatch(text)
    if found is None:
        raise MMMError(
            f"{where}: the range must be the first and the last frame, such as 24-48, 24..48 or "
            f"-10..-5, not {quoted(text)}."
        )
    first, last = int(found[1]), int(found[2])
    if first > last:
        raise MMMError(f"{where}: the range {quoted(text)} ends before it starts: swap the two.")
    if max(abs(first), abs(last)) > _MAX_FRAME:
        raise MMMError(f"{where}: Blender has no frame beyond {_MAX_FRAME}, as in {quoted(text)}.")
    return first, last


def body_part_of(where: str, text: str) -> BodyPart:
    """A body part; "" for the whole body."""
    return _one_of(BODY_PARTS, where, "body_part", text)


def end_of(where: str, column: str, text: str) -> EndWord:
    """How a motion begins or ends; "" for free."""
    return _one_of(_END_WORDS, where, column, text)


def end_conditions(ends: EndWords) -> dict[str, object]:
    """For a message and for what decides a row; {} for free ends, as in earlier versions."""
    named = zip(("start", "end"), ends, strict=True)
    return {column: word for column, word in named if word != "free"}


def lock_of(where: str, text: str) -> LockMode:
    """Which keys stay; "" for what suits the motion."""
    return LockMode(_one_of(LOCKS, where, "hold", text).upper())


def _one_of(words: Sequence[_Word], where: str, column: str, text: str) -> _Word:
    """The word that a cell means; the first where it is empty."""
    wanted = text.casefold() or words[0]
    for word in words:
        if word == wanted:
            return word
    raise MMMError(f"{where}: the {column} must be {', '.join(words)}, not {quoted(text)}.")
