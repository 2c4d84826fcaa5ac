"""The one door for what comes from files that somebody else may have made.

Beyond it, texts can be shown and written (UTF-8, no NUL), numbers are finite and fit 64 bits, JSON
is not deep, files are regular ones and not larger than their reader takes. Blender ends with a
segmentation fault when a label is a text that UTF-8 cannot say.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

LAST_FRAME: Final = 1_048_574
"""Blender has no frame beyond, on either side of 0."""

MOST_FPS: Final = 32_767 * 10.0
"""Blender's fps goes to 32,767, and its base makes more of it; nobody films at ten times that."""

MOST_TEXT: Final = 2**16
"""Characters of a name, a prompt or a description."""

SHOWN_TEXT: Final = 200
"""Characters of a stranger's text in a sentence."""

_QUOTED = 80
"""Characters of a cell or a name in a sentence, quotes included."""

_MOST_INTEGER = 2**63 - 1
_DEPTH = 64
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean_text(value: object, most: int = SHOWN_TEXT) -> str:
    """Any value as text that can be shown: what UTF-8 or a label cannot say is replaced, and what
    goes beyond ``most`` characters is cut."""
    text = value if isinstance(value, str) else repr(value)
    shown = text if len(text) <= most else f"{text[: most - 1]}…"
    return _UNSHOWABLE.sub(_REPLACEMENT, shown)


def quoted(text: str) -> str:
    """A text of a stranger's as a sentence names it: in quotes, and no longer than a name."""
    return clean_text(repr(text), _QUOTED)


def is_text(value: object, most: int = MOST_TEXT) -> bool:
    """Whether it is a text that can be stored and shown, of at most ``most`` characters."""
    if not isinstance(value, str) or len(value) > most or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_frame(value: object) -> bool:
    """Whether it is a whole number, and a frame that Blender can have."""
    return type(value) is int and abs(value) <= LAST_FRAME


def file_bytes(path: Path, most: int) -> bytes:
    """The content of a regular file of at most ``most`` bytes; OSError for any other."""
    check_file(path, most)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size  # asked for more, Python would set aside as much
        content = file.read(min(most, size) + 1)
    if len(content) > most:  # it has grown meanwhile
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return content


def check_file(path: Path, most: int) -> None:
    """OSError unless it is a regular file (no device, pipe or folder) of at most ``most`` bytes."""
    try:
        status = path.stat()
    except (ValueError, RuntimeError) as error:  # a NUL in the name; links in a circle
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL)) from error
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if status.st_size > most:
        raise OSError(errno.EFBIG, f"larger than {most // 2**20 or 1} MB")


def at_home(path: Path) -> Path:
    """``~`` as the home folder; the home of nobody who is known stays as it is: it is nowhere."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def is_file(path: Path) -> bool:
    """Whether there is a regular file; False for a name that no disk takes."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder; False for a name that no disk takes."""
    try:
        return path.is_dir()
    except OSError:
        return False


def lies_inside(folder: Path, name: str) -> bool:
    """Whether a relative file name stays in its folder, links followed."""
    if not is_text(name, 4096) or not name or Path(name).is_absolute():
        return False
    try:
        return (folder / name).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return False


def json_value(text: str | bytes) -> object:
    """JSON as Python values; ValueError where it is none, or holds what no file of ours does: NaN
    and infinity, numbers beyond 64 bits, texts that are no UTF-8, nesting without end."""
    try:
        content: object = json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    level: list[object] = [content]
    for _ in range(_DEPTH):
        level = [part for each in level for part in _checked(each)]
        if not level:
            return content
    raise ValueError("nested too deep")


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no number")


def _checked(value: object) -> Iterable[object]:
    """What a value of JSON holds, once it is known to be fit itself."""
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return (*entries, *entries.values())
    if isinstance(value, list):
        return cast("list[object]", value)
    if isinstance(value, str) and not is_text(value, len(value)):
        raise ValueError("text that is no UTF-8")
    if isinstance(value, int) and abs(value) > _MOST_INTEGER:
        raise ValueError("a number beyond 64 bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number that is not finite")
    return ()
