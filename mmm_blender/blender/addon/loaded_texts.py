"""Texts of ours in a file that is opened: what is no UTF-8 is replaced at this one door, since
Blender hands such a text out as an error wherever it is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ...common.untrusted import MOST_TEXT, clean_text
from ..bpy_types import bpy

_OURS = "mmm"
_MOST_ROWS = 10_000


@bpy.app.handlers.persistent
def mend_texts(*_arguments: Any) -> None:
    """Handler: look through the property groups of ours in the file that was opened."""
    for block in (*bpy.data.scenes, *bpy.data.objects):
        for prop in block.bl_rna.properties:
            if prop.identifier.startswith(_OURS) and prop.type == "POINTER":
                _mend(getattr(block, prop.identifier))


def _mend(group: Any) -> None:
    for prop in group.bl_rna.properties:
        if prop.type == "STRING":
            _mend_text(group, prop.identifier)
        elif prop.type == "COLLECTION":
            for row in _rows(getattr(group, prop.identifier)):
                _mend(row)


def _rows(collection: Any) -> Iterator[Any]:
    return (collection[at] for at in range(min(len(collection), _MOST_ROWS)))


def _mend_text(group: Any, name: str) -> None:
    try:
        getattr(group, name)
    except UnicodeDecodeError as error:
        with suppress(AttributeError):  # of a library: it stays as it is
            setattr(group, name, clean_text(error.object.decode(errors="replace"), MOST_TEXT))


def register() -> None:
    """Watch what is opened."""
    bpy.app.handlers.load_post.append(mend_texts)


def unregister() -> None:
    """Watch no more."""
    if mend_texts in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(mend_texts)
