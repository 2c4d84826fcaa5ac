"""What a scene keeps of the panel: prompt, seconds, seed, weights."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from pathlib import Path
from typing import Any, TypeAlias

from .bundles import BundleCard, choose_bundle, find_bundles, weight_folders
from .host import Scene, bpy
from .preferences import choices

Settings: TypeAlias = Any
"""A SceneSettings, as Blender hands it out."""

DEFAULT_SECONDS = 4.0
LEAST_SECONDS = 0.2
_SLIDER_SECONDS = 9.8  # longest motion of the starter weights
LARGEST_SEED = 2**31 - 1


def bundle_cards() -> list[BundleCard]:
    """Every bundle that can be found, the default first."""
    return find_bundles(weight_folders(choices().bundles_folder))


class SceneSettings(bpy.types.PropertyGroup):
    """The panel's fields, ``scene.mmm``."""

    prompt: bpy.props.StringProperty(
        name="Prompt",
        description="What the body does, in a few words: 'a tired person walks forward'",
        default="a person walks forward and waves",
    )
    seconds: bpy.props.FloatProperty(
        name="Seconds",
        description="Length of the motion",
        default=DEFAULT_SECONDS,
        min=LEAST_SECONDS,
        soft_max=_SLIDER_SECONDS,
        step=10,
        precision=1,
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="The same prompt and seed give the same motion; another seed gives another",
        default=0,
        min=0,
        max=LARGEST_SEED,
    )
    bundle: bpy.props.StringProperty(
        name="Weights",
        description="What the model has learned: a folder of weights; empty for the add-on's own",
    )


def scene_settings(scene: Scene) -> Settings:
    """The panel's fields of a scene."""
    return scene.mmm


def chosen_bundle(scene: Scene, wanted: str = "") -> BundleCard:
    """The bundle that ``wanted`` names (see ``choose_bundle``), else the scene's."""
    return choose_bundle(bundle_cards(), wanted or str(scene_settings(scene).bundle))


def length_fault(card: BundleCard, seconds: float) -> str:
    """Why a bundle cannot make so long a motion; "" if it can, or where only the worker knows."""
    if card.max_seconds is None or seconds <= card.max_seconds + 1e-3:
        return ""
    return f"These weights make at most {card.max_seconds:g} seconds of motion."


def bundle_path(card: BundleCard) -> str:
    """The folder as the worker's messages name it."""
    return str(Path(card.folder).resolve())


_CLASSES = (SceneSettings,)

_register, _unregister = bpy.utils.register_classes_factory(_CLASSES)


def register() -> None:
    """Add ``Scene.mmm``."""
    _register()
    bpy.types.Scene.mmm = bpy.props.PointerProperty(type=SceneSettings)


def unregister() -> None:
    """Take ``Scene.mmm`` away."""
    del bpy.types.Scene.mmm
    _unregister()
