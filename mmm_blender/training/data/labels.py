"""What a clip is called when two clips are compared: its content and its manner, one way for all.

The sources name some manners differently ("old", "elderly"), and a mirrored clip has its sides
changed over; a label is what is left when that is undone.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from .captions import mirror_text
from .motion_file import ClipRecord

Label = tuple[str, str]
"""Content and style, such as ("walk-turn-left", "elderly")."""

_WORDS = Path(__file__).with_name("captions.toml")
_PLAIN = "normal"


@cache
def _same(table: str) -> dict[str, str]:
    """Names that stand for another, from the captions' own table."""
    return tomllib.loads(_WORDS.read_text(encoding="utf-8")).get(table, {})


def label_of(record: ClipRecord, mirrored: bool = False) -> Label:
    """The label of a clip or of its mirror image."""
    if record.source == "cmu":
        plain = record.label.lower()
        content, style = _same("cmu_same").get(plain, plain), _PLAIN
    else:
        content, style = record.content, _same("same_style").get(record.style, record.style)
    return (mirror_text(content), mirror_text(style)) if mirrored else (content, style)
