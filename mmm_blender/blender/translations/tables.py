"""The tables as Blender wants them, added when the add-on starts."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from ..bpy_types import bpy
from ..widgets import CONTEXT
from .po_file import read_po

Table: TypeAlias = dict[tuple[str, str], str]

LANGUAGES = ("de_DE", "ja_JP", "zh_HANS")
_OLD_NAMES = {"zh_HANS": "zh_CN"}
"""As other programs call them; Blender reads either."""
_CONTEXTS = (CONTEXT, "*", "Operator")
"""Ours, that of tooltips and plain labels, and that of buttons of Blender's own operators."""


def texts(language: str) -> dict[str, str]:
    """English to translated text, of one of LANGUAGES."""
    return read_po(Path(__file__).with_name(f"{language}.po"))


def translations() -> dict[str, Table]:
    """A table for each language: context and English text to the text that is shown."""
    found: dict[str, Table] = {}
    for language in LANGUAGES:
        table = {
            (context, english): text
            for english, text in texts(language).items()
            for context in _CONTEXTS
        }
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
