"""Reads the tables of texts: files in the form of gettext (.po), which translators' tools open.

Only what our own files hold: comments, and pairs of msgid and msgstr in double quotes, each of them
one string or several lines of strings. A context is not needed, as all texts are ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

_ID, _TEXT = "msgid ", "msgstr "


def read_po(path: Path) -> dict[str, str]:
    """English text to the translated one, in the order of the file, without those that are empty.

    ValueError for a line that is none of these, and for a text that is there twice.
    """
    return parse_po(path.read_text(encoding="utf-8").splitlines())


def parse_po(lines: Iterable[str]) -> dict[str, str]:
    """The same of the lines of a file."""
    found: dict[str, str] = {}
    for english, translated in _pairs(lines):
        if english in found:
            raise ValueError(f"the text {english!r} is there twice")
        if english:  # the empty one is the header
            found[english] = translated
    return {english: text for english, text in found.items() if text}


def _pairs(lines: Iterable[str]) -> list[tuple[str, str]]:
    pairs: list[list[str]] = []
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        if line.startswith(_ID):
            pairs.append([_string(line.removeprefix(_ID), number)])
        elif line.startswith(_TEXT) and pairs and len(pairs[-1]) == 1:
            pairs[-1].append(_string(line.removeprefix(_TEXT), number))
        elif line.startswith('"') and pairs:
            pairs[-1][-1] += _string(line, number)
        else:
            raise ValueError(f"line {number} is no msgid, msgstr or string: {line!r}")
    return [(pair[0], pair[1] if len(pair) > 1 else "") for pair in pairs]


def _string(quoted: str, number: int) -> str:
    try:
        text = json.loads(quoted)  # its escapes are those of C that occur here
    except ValueError as error:
        raise ValueError(f"line {number} is no string in double quotes: {quoted!r}") from error
    return str(text)
