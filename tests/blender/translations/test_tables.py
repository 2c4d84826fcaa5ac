"""What an animator reads is translated whole, not in part."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest

import mmm_blender.blender as package
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.translations.labels import LABELS
from mmm_blender.blender.translations.tables import LANGUAGES, translations
from mmm_blender.blender.translations.tooltips import TOOLTIPS

_RARE = {"Add", "Remove", "Repair", "Use Prompt", "Use That Environment", "MMM"} | {
    "Weights Not for Commercial Use"
}
"""Labels of the preferences, and names."""
_MOST_MISSING = 0.05
"""Share of labels that may wait for their rows."""


def panel_labels() -> set[str]:
    found: set[str] = set()
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith(("panel", "blender_menus")):
            continue
        values = vars(importlib.import_module(module.name)).values()
        found |= {str(v.bl_label) for v in values if isinstance(v, type) and hasattr(v, "bl_label")}
    return found


def test_panels_buttons_and_fields_have_their_rows(session: WorkerSession) -> None:
    known = {row[0] for row in LABELS} | _RARE
    operators = {getattr(bpy.ops.mmm, n).get_rna_type().name for n in dir(bpy.ops.mmm)}
    fields: Any = type(bpy.context.scene.mmm).bl_rna.properties
    names = {each.name for each in fields if each.identifier not in {"rna_type", "name"}}
    items = {item.name for each in fields if each.type == "ENUM" for item in each.enum_items}
    shown = operators | panel_labels() | names | items
    missing = sorted(shown - known)
    assert len(missing) <= _MOST_MISSING * len(shown), f"translate these: {missing}"


def test_tooltips_are_those_that_are_shown(session: WorkerSession) -> None:
    shown = {getattr(bpy.ops.mmm, n).get_rna_type().description for n in dir(bpy.ops.mmm)}
    fields: Any = type(bpy.context.scene.mmm).bl_rna.properties
    shown |= {each.description for each in fields}
    assert {row[0] for row in TOOLTIPS} - shown == set(), "a tooltip was changed"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_there_twice(language: str) -> None:
    table = translations()[language]
    assert all(text.strip() for text in table.values())
    assert len({row[0] for row in LABELS}) == len(LABELS)


def test_blender_shows_them(session: WorkerSession) -> None:
    view = bpy.context.preferences.view
    if "de_DE" not in view.bl_rna.properties["language"].enum_items:
        pytest.skip("this build of Blender has no languages")
    before = view.language
    view.language, view.use_translate_interface = "de_DE", True
    try:
        assert bpy.app.translations.pgettext_iface("Make Loop", "Operator") == "Schleife machen"
    finally:
        view.language = before
