"""Every label of ours is looked up in a context of its own, so that no word is Blender's.

Blender asks its own catalogue first. "End", "Fit" or "Play" of another editor would be found there,
and a panel would be half in its words and half in ours.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ..bpy_types import bpy
from ..widgets import CONTEXT

_KINDS = ("Panel", "Operator", "Menu", "UIList", "PropertyGroup", "AddonPreferences")


def claim(module: ModuleType) -> None:
    """Give the classes of a module, and the properties that they declare, our context. To be called
    before they are registered."""
    kinds = tuple(getattr(bpy.types, name) for name in _KINDS)
    for item in vars(module).values():
        if (
            isinstance(item, type)
            and issubclass(item, kinds)
            and item.__module__ == module.__name__
        ):
            _claim_class(item)


def _claim_class(cls: Any) -> None:
    if hasattr(cls, "bl_label"):
        cls.bl_translation_context = CONTEXT
    for base in cls.__mro__:  # the properties of operators are partly those of their bases
        for declared in getattr(base, "__annotations__", {}).values():
            if isinstance(keywords := getattr(declared, "keywords", None), dict):
                keywords.setdefault("translation_context", CONTEXT)
