"""Recipes in the slots of Actions."""

from __future__ import annotations

from ...common.errors import MMMError
from ..bpy_types import Action, Object
from ..fcurves.slot_properties import read_text, write_text
from .recipe import Recipe, Step, parse_recipe, recipe_text

RECIPE_PROPERTY = "mmm_recipe"
"""Custom property of the Action that holds the recipe as JSON text."""


def store_recipe(action: Action, recipe: Recipe, rig: Object | None = None) -> None:
    """Write the recipe into the Action. rig: whose slot it is about, the first if not given."""
    write_text(action, RECIPE_PROPERTY, recipe_text(recipe), rig)


def append_step(action: Action, step: Step, rig: Object | None = None) -> None:
    """Add what was just done to the recipe; MMMError when that cannot be read. rig: as above."""
    before = load_recipe(action, rig)
    store_recipe(action, Recipe((*(before.steps if before else ()), step)), rig)


def load_recipe(action: Action, rig: Object | None = None) -> Recipe | None:
    """The recipe of the rig's slot, of the first if no rig is given; None where there is none;
    MMMError when it cannot be read."""
    text = read_text(action, RECIPE_PROPERTY, rig)
    if text is None:
        return None
    if not isinstance(text, str):
        raise MMMError("The Action's recipe is damaged (it is not text).")
    return parse_recipe(text)
