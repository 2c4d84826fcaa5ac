"""The tables as Blender wants them, added when the add-on starts."""

from __future__ import annotations

from typing import TypeAlias

from ..bpy_types import bpy
from .labels import LABELS
from .tooltips import TOOLTIPS

Table: TypeAlias = dict[tuple[str, str], str]

LANGUAGES = ("de_DE", "ja_JP", "zh_HANS")
"""In the order of the columns, after English."""
_OLD_NAMES = {"zh_HANS": "zh_CN"}
"""As other programs call them; Blender reads either."""
_CONTEXTS = ("*", "Operator")
"""Of labels: in general, and on buttons."""


def translations() -> dict[str, Table]:
    """A table for each language: context and English text to the text that is shown."""
    found: dict[str, Table] = {}
    for column, language in enumerate(LANGUAGES, start=1):
        table = {(context, row[0]): row[column] for row in LABELS for context in _CONTEXTS}
        table |= {("*", row[0]): row[column] for row in TOOLTIPS}
        found[language] = table
        if language in _OLD_NAMES:
            found[_OLD_NAMES[language]] = table
    return found


def register() -> None:
    """Add the tables; Blender looks into its own first."""
    bpy.app.translations.register(__name__, translations())


def unregister() -> None:
    """Take them away."""
    bpy.app.translations.unregister(__name__)
