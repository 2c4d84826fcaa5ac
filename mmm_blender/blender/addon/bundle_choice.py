"""The bundle that a scene has chosen, and what it can do."""

from __future__ import annotations

from pathlib import Path

from ...geometry.editing.edit_mask import BodyPart
from ..bpy_types import Scene
from .bundle_cards import BundleCard
from .disk_facts import find_shown_bundle, look_up_bundle
from .scene_settings import scene_settings


def chosen_bundle(scene: Scene, wanted: str = "") -> BundleCard:
    """The bundle that ``wanted`` names (see ``choose_bundle``), else the scene's.

    To be asked by a press: looks at the disk.
    """
    return look_up_bundle(wanted or str(scene_settings(scene).bundle))


def shown_bundle(scene: Scene) -> BundleCard:
    """The scene's bundle for a panel."""
    return find_shown_bundle(str(scene_settings(scene).bundle))


_ROUNDING_SECONDS = 1e-3


def length_poll_error(card: BundleCard, seconds: float) -> str:
    """Why a bundle cannot make a motion that lasts so long; "" if it can, or where only the worker
    knows."""
    limits = card.limits
    if limits is not None and seconds > limits.max_seconds + _ROUNDING_SECONDS:
        return f"These weights make at most {limits.max_seconds:g} seconds of motion."
    if limits is not None and seconds < limits.min_seconds - _ROUNDING_SECONDS:
        return f"These weights make no motion of less than {limits.min_seconds:g} s."
    return ""


_PART_NAMES = {"all": "whole", "lower": "lower", "upper": "upper"}


def mask_poll_error(card: BundleCard, part: BodyPart) -> str:
    """Why a bundle cannot regenerate a body part; "" if it can, or where only the worker knows."""
    if card.limits is None or part in card.limits.edits:
        return ""
    can = " or ".join(_PART_NAMES[each] for each in card.limits.edits) or "no part of the"
    return (
        f"These weights edit the {can} body, not the {_PART_NAMES[part]} body: choose others or "
        "another body part."
    )


def bundle_path(card: BundleCard) -> str:
    """The folder as the worker's messages name it."""
    return str(Path(card.folder).resolve())
