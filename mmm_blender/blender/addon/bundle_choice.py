"""The bundle that a scene has chosen, and what it can do."""

from __future__ import annotations

from pathlib import Path

from ...geometry.editing.edit_mask import BodyPart
from ..bpy_types import Scene
from .bundle_cards import BundleCard, choose_bundle, find_bundles, weight_folders
from .choices import choices
from .scene_settings import scene_settings


def bundle_cards() -> list[BundleCard]:
    """Every bundle that can be found, the default first."""
    return find_bundles(weight_folders(choices().bundles_folder))


def chosen_bundle(scene: Scene, wanted: str = "") -> BundleCard:
    """The bundle that ``wanted`` names (see ``choose_bundle``), else the scene's."""
    return choose_bundle(bundle_cards(), wanted or str(scene_settings(scene).bundle))


_ROUNDING_SECONDS = 1e-3


def length_fault(card: BundleCard, seconds: float) -> str:
    """Why a bundle cannot make a motion that lasts so long; "" if it can, or where only the worker
    knows."""
    if card.max_seconds is not None and seconds > card.max_seconds + _ROUNDING_SECONDS:
        return f"These weights make at most {card.max_seconds:g} seconds of motion."
    if card.min_seconds is not None and seconds < card.min_seconds - _ROUNDING_SECONDS:
        return f"These weights make no motion of less than {card.min_seconds:g} s."
    return ""


_PART_NAMES = {"all": "whole", "lower": "lower", "upper": "upper"}


def mask_fault(card: BundleCard, part: BodyPart) -> str:
    """Why a bundle cannot make a body part anew; "" if it can, or where only the worker knows."""
    if card.edits is None or part in card.edits:
        return ""
    can = " or ".join(_PART_NAMES[each] for each in card.edits) or "no part of the"
    return (
        f"These weights edit the {can} body, not the {_PART_NAMES[part]} body: choose others or "
        "another body part."
    )


def bundle_path(card: BundleCard) -> str:
    """The folder as the worker's messages name it."""
    return str(Path(card.folder).resolve())
