"""Every text of ours that Blender shows a person: found by asking Blender and by reading the code.

Asked of Blender: labels of panels, menus and operators, names and tooltips of their properties, of
the scene's, of the preferences', and of the items of lists to choose from. Read from the code:
texts that are given to a layout, and those that go through ``in_language`` or ``draw_wrapped``
(there with their placeholders, as "Frames {first} to {last}").
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mmm_blender.blender as package
from mmm_blender.blender.addon.bundle_cards import LICENCE_TEXTS
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.edit.chosen_range import Source

PACKAGE = Path(package.__file__).parent
_UNSHOWN = {"rna_type", "name", "filter_glob", "filepath"}
_KEYWORDS = {"text", "confirm_text"}
_CHOSEN = (*(each.value for each in Source), *LICENCE_TEXTS)
"""Texts that panels show from a table."""
_FUNCTIONS = {"in_language": 0, "draw_wrapped": 2}
"""Functions that translate what they are given, with the place of the text."""


@dataclass(frozen=True)
class Shown:
    """A text, whether it is a tooltip, and where it stands."""

    text: str
    is_tooltip: bool
    place: str


def shown_texts() -> list[Shown]:
    """All of them; the add-on is registered."""
    chosen = [Shown(text, False, "edit/chosen_range.py, addon/bundle_cards.py") for text in _CHOSEN]
    found = [*_asked(), *_read(), *chosen]
    return [each for each in found if any(letter.isalpha() for letter in each.text)]


def _asked() -> Iterator[Shown]:
    for name in dir(bpy.ops.mmm):
        rna = getattr(bpy.ops.mmm, name).get_rna_type()
        yield Shown(rna.name, False, f"mmm.{name}")
        yield Shown(rna.description, True, f"mmm.{name}")
        yield from _properties(rna, f"mmm.{name}")
    for cls in our_classes("Panel", "Menu"):
        yield Shown(str(cls.bl_label), False, cls.__name__)
    for cls in our_classes("PropertyGroup", "AddonPreferences"):
        yield from _properties(cls.bl_rna, cls.__name__)


def our_classes(*kinds: str) -> list[Any]:
    """Registered classes of ours."""
    found: dict[Any, None] = {}
    for kind in kinds:
        _collect(getattr(bpy.types, kind), found)
    return list(found)


def _collect(base: Any, found: dict[Any, None]) -> None:
    for cls in base.__subclasses__():
        if cls.__module__.startswith(package.__name__) and cls.is_registered:
            found[cls] = None
        _collect(cls, found)


def _properties(rna: Any, place: str) -> Iterator[Shown]:
    for each in rna.properties:
        if each.identifier in _UNSHOWN or each.is_hidden or not each.name:
            continue
        if each.name == each.identifier:  # never shown: a collection, or a pointer that we follow
            continue
        yield Shown(each.name, False, f"{place}.{each.identifier}")
        yield Shown(each.description, True, f"{place}.{each.identifier}")
        for item in each.enum_items_static if each.type == "ENUM" else ():
            yield Shown(item.name, False, f"{place}.{each.identifier}.{item.identifier}")
            yield Shown(item.description, True, f"{place}.{each.identifier}.{item.identifier}")


def _read() -> Iterator[Shown]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                for text in _texts_of(node):
                    place = f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno}"
                    yield Shown(text, False, place)


def _texts_of(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = [each.value for each in call.keywords if each.arg in _KEYWORDS]
    place = _FUNCTIONS.get(name)
    if place is not None:
        given += call.args[place : place + 1]
    for value in given:
        yield from _constants(value)


def _constants(value: ast.expr) -> Iterator[str]:
    """Of a string, or of a choice between two."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    if isinstance(value, ast.IfExp):
        yield from _constants(value.body)
        yield from _constants(value.orelse)
