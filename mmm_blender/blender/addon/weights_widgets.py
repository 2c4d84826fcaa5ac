"""What the preferences draw of weights: which there are, with licence, size and what they edit."""

from __future__ import annotations

from pathlib import Path

from ...worker.environments import folder_megabytes
from ..bpy_types import Context
from ..jobs.job_widgets import draw_progress
from ..jobs.session import session
from ..widgets import Layout, draw_wrapped, shown
from .bundle_cards import BundleCard
from .choices import Preferences
from .disk_facts import shown_cards
from .ui_state import ui_state
from .weights_operators import is_own

_EDITS = {"all": "whole body", "lower": "lower body", "upper": "upper body"}


def draw_weights(layout: Layout, context: Context, stored: Preferences) -> None:
    """The preferences' part on weights."""
    box = layout.box()
    box.label(text="Weights", icon="FILE_ARCHIVE")
    sizes = ui_state.disk_fact("sizes of weights", _sizes)
    for card in shown_cards():
        _draw_card(box, context, card, sizes.get(card.folder, 0))
    row = box.row(align=True)
    row.operator("mmm.add_weights", icon="ADD")
    row.operator("mmm.choose_checkpoint", icon="IMPORT")
    if session.busy:
        draw_progress(box, session)
    box.prop(stored, "bundles_folder")


def _sizes() -> dict[Path, int]:
    return {card.folder: folder_megabytes(card.folder) for card in shown_cards()}


def _draw_card(layout: Layout, context: Context, card: BundleCard, megabytes: int) -> None:
    row = layout.row()
    row.label(text=shown(f"{card.name}, {megabytes:,} MB"))
    if is_own(card):
        row.operator("mmm.remove_weights", text="", icon="TRASH").bundle = card.key
    draw_wrapped(layout, context, card.poll_error or describe(card), icon="BLANK1")


def describe(card: BundleCard) -> str:
    """Licence, and what the weights edit and how long their clips are."""
    licence = ", ".join(card.licence_lines).removeprefix("Weights: ")
    if card.limits is None:
        return f"{licence}."
    edits = ", ".join(_EDITS[part] for part in card.limits.edits) or "nothing"
    return f"{licence}. Edits: {edits}. Up to {card.limits.max_seconds:g} s."
