"""What was asked for when a take was made, back in the panels."""

from __future__ import annotations

from ...common.errors import MMMError
from ..addon.scene_settings import scene_settings
from ..bpy_types import Action, Scene
from ..history.recipe import EditStep, GenerateStep, LoopStep, SegmentStep, SequenceStep
from ..history.recipe_store import load_recipe


def use_settings(scene: Scene, action: Action) -> None:
    """Set the panels' fields to those of the last step of an Action's recipe.

    Raises MMMError, with nothing changed, where it has no recipe, or one that cannot be read.
    """
    recipe = load_recipe(action)
    if recipe is None:
        raise MMMError(f"'{action.name}' was not made by MMM: there are no settings to use.")
    settings, step = scene_settings(scene), recipe.steps[-1]
    match step:
        case GenerateStep():
            settings.prompt = step.prompt
            settings.seconds = step.seconds or settings.seconds  # 0 at a path's own pace
            settings.seed = step.seed
            settings.loop = bool(step.loop_span)
        case LoopStep():
            settings.edit_prompt, settings.seed = step.prompt, step.seed
        case EditStep():
            settings.edit_prompt, settings.seed = step.prompt, step.seed
            settings.edit_start, settings.edit_end = step.first, step.last
            settings.body_part = step.part.upper()
        case SegmentStep():
            settings.edit_prompt, settings.seed = step.prompt, step.seed
        case SequenceStep():
            settings.prompt, settings.seed = ", then ".join(step.prompts), step.seeds[0]
            settings.seconds = sum(step.seconds)
    settings.pin_feet = step.pin_feet
