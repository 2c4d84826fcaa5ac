"""What the licence of weights allows, said once before their first use.

The MMM panel says it right above Generate Motion, so that the press of that button goes on at once.
Any other button that has a motion made opens a dialog, for its panel may stand where the notice was
not seen.
"""

from __future__ import annotations

import json
from typing import Any

from ...common.errors import MMMError
from ..bpy_types import Context, bpy
from ..widgets import Layout, draw_wrapped, shown
from .bundle_cards import BundleCard
from .bundle_choice import chosen_bundle
from .choices import preferences
from .ui_state import ui_state

_CARD_NAME = "MODEL_CARD.md"
_SAYS_IT = "MMM_OT_generate"
"""The operator above whose button the panel says it."""

_drawn: set[str] = set()  # licences that the panel has said since Blender started


def draw_terms(layout: Layout, context: Context, card: BundleCard, width: int = 0) -> None:
    """The licence, what it allows, and a button that opens the card. width: of a dialog."""
    for line in card.licence_lines:
        layout.label(text=shown(line))
    draw_wrapped(
        layout,
        context,
        "Motions that they make may be shown, changed and shared with their makers' names, and "
        "not be sold or used in paid work. This is said once.",
        width=width,
    )
    path = card.folder / _CARD_NAME
    if ui_state.disk_fact(f"card at {path}", path.is_file):
        button = layout.operator("wm.path_open", text="Open Their Card", icon="TEXT")
        button.filepath = str(path)


def draw_notice(layout: Layout, context: Context, card: BundleCard) -> bool:
    """The terms in a box, until the weights are first used; True where they are drawn."""
    if not _is_new(card):
        return False
    draw_terms(layout.box().column(align=True), context, card)
    _drawn.add(_key(card))
    return True


def asks_first(operator: Any, context: Context) -> bool:
    """The weights of an operator are not for commercial use, and this was not said yet: it is now,
    in a dialog that goes on with the operator."""
    try:
        card = chosen_bundle(context.scene, operator.bundle)
    except MMMError:
        return False  # the operator says it
    if not _is_new(card):
        return False
    if operator.bl_idname == _SAYS_IT and _key(card) in _drawn:
        remember(card, context)
        return False
    given = operator.as_keywords()
    set_ones = {name: value for name, value in given.items()
                if operator.properties.is_property_set(name)}  # fmt: skip
    bpy.ops.mmm.first_use(  # pyright: ignore[reportAttributeAccessIssue]  # ours
        "INVOKE_DEFAULT",
        bundle=card.key,
        operator=operator.bl_idname.replace("_OT_", ".").lower(),
        arguments=json.dumps(set_ones),
    )
    return True


def remember(card: BundleCard, context: Context) -> None:
    """It was said; Blender writes that down with its preferences."""
    stored = preferences()
    if stored is not None:
        stored.known_licences = json.dumps(sorted({*_known(stored), _key(card)}))
        context.preferences.is_dirty = True  # or it is not written when Blender ends


def _is_new(card: BundleCard) -> bool:
    """Not for commercial use, and this was not said yet."""
    stored = preferences()
    return stored is not None and card.is_non_commercial and _key(card) not in _known(stored)


def _key(card: BundleCard) -> str:
    return f"{card.key}: {card.licence}"


def _known(stored: Any) -> set[str]:
    try:
        return set(map(str, json.loads(stored.known_licences or "[]")))
    except (ValueError, TypeError):
        return set()
