"""Small helpers that panels, preferences and operators share."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TypeAlias

from ..common.untrusted import MOST_TEXT, clean_text
from .bpy_types import Context, bpy

Layout: TypeAlias = Any
"""A ``bpy.types.UILayout``; the stubs take only known words for icons, ours come from variables."""

CONTEXT = "MMM"
"""Of our labels, for translation: Blender's own words for "End" or "Fit" are of other things."""
_WIDE = frozenset("FW")
"""East Asian widths of letters that are two letters wide."""
_LETTER_WIDTH = 6.6
"""Pixels of a mean letter at a scale of 1."""
_MARGIN = 66
"""Pixels of tabs, borders, a box and an icon at a scale of 1."""
_FALLBACK_LETTERS = 40  # before the region was drawn
_FEWEST_LETTERS = 16
_PROBE = 8
"""Letters of a sentence that tell how wide its letters are."""


def shown(text: str) -> str:
    """A text as a label or a poll message may have it: Blender ends at one that is no UTF-8, and
    names and properties of a stranger's file can be such."""
    return clean_text(text, MOST_TEXT)


def in_language(text: str, **values: object) -> str:
    """A text in the language that the person chose, with its values put in: '{name}'."""
    return shown(_translated(text).format(**values))


def _translated(text: str) -> str:
    return str(bpy.app.translations.pgettext_iface(text, CONTEXT)) if text else ""


def can_run(operator: Any, reason: str) -> bool:
    """What ``operator.poll`` returns: True where nothing stands against it, else the button is
    greyed with the reason."""
    if reason:
        operator.poll_message_set(shown(reason))
    return not reason


@contextmanager
def as_from_a_button(layout: Layout) -> Generator[None]:
    """Operators drawn inside are invoked: the window goes on while the model works. Blender's own
    entries before ours in a menu may have set another context, which those after ours keep."""
    before = layout.operator_context
    layout.operator_context = "INVOKE_DEFAULT"
    try:
        yield
    finally:
        layout.operator_context = before


def draw_wrapped(
    layout: Layout,
    context: Context,
    text: str,
    icon: str = "NONE",
    width: int = 0,
    *,
    in_menu: bool = False,
) -> None:
    """A sentence as labels, as many lines as the width asks for; icon on the first.

    width: pixels at a scale of 1, 0 for the region's. in_menu: without a column of its own, which
    would stand beside the entries of a menu.
    """
    letters = _letters(width) if width else _letters_in_region(context)
    column = layout if in_menu else layout.column(align=True)
    sentence = _translated(shown(text))
    if any(unicodedata.east_asian_width(letter) in _WIDE for letter in sentence[:_PROBE]):
        letters //= 2
    for number, line in enumerate(textwrap.wrap(sentence, letters)):
        column.label(text=line, icon=icon if number == 0 or icon == "NONE" else "BLANK1")


def _letters_in_region(context: Context) -> int:
    """Letters that fit on a line of the region."""
    region = context.region
    if region is None or region.width <= 1:
        return _FALLBACK_LETTERS
    return _letters(region.width / context.preferences.system.ui_scale)


def _letters(width: float) -> int:
    """Letters that fit into a width in pixels at a scale of 1."""
    return max(_FEWEST_LETTERS, int((width - _MARGIN) / _LETTER_WIDTH))


_OUR_AREAS = frozenset({"VIEW_3D", "DOPESHEET_EDITOR", "GRAPH_EDITOR", "PREFERENCES"})
"""Editors that show panels of ours."""


def redraw(area_types: frozenset[str] = _OUR_AREAS) -> None:
    """Have the panels drawn again, in every window."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in area_types:
                area.tag_redraw()


TAB = "MMM"


BIG = 1.6
"""Height of the one button that matters, in ordinary buttons."""


ORDER = {
    name: order
    for order, name in enumerate(
        ("motion", "takes", "edit", "shape", "sequence", "character", "rig", "device")
    )
}
"""Panels of the tab from top to bottom, whichever module adds them."""


def draw_choice(layout: Layout, data_path: str, value: str, text: str) -> None:
    """A menu line that sets a property; Blender's own operator does it, with undo."""
    choice = layout.operator("wm.context_set_string", text=shown(text), translate=False)
    choice.data_path, choice.value = data_path, value
