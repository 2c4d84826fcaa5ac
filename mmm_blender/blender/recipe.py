"""The recipe that every generated Action carries: enough to make it again, key for key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, cast

from ..geometry.errors import MMMError
from ..geometry.placement import Placement
from .host import Action

RECIPE_PROPERTY = "mmm_recipe"
"""Custom property of the Action that holds the recipe as JSON text."""

RECIPE_VERSION = 1
"""Raised when a field is added, removed or changes its meaning."""

_WORKER_FIELDS = (
    "prompt",
    "seconds",
    "seed",
    "bundle",
    "bundle_hash",
    "addon_version",
    "sampler",
)
"""What the worker tells of a motion that an Action's recipe keeps."""


@dataclass(frozen=True)
class Recipe:
    """What an Action was made from.

    prompt, seconds, seed: as asked for. bundle, bundle_hash: name and content hash of the
    weights. sampler: the sampler's settings. mask: which cells of the token grid were generated.
    start_frame: scene frame of the first key. fps: the scene's frame rate. placement: x, z
    (metres, model space) and yaw (radians) that the clip started at. addon_version: of this
    extension.
    """

    prompt: str
    seconds: float
    seed: int
    bundle: str
    bundle_hash: str
    addon_version: str
    sampler: Mapping[str, Any] = field(default_factory=dict[str, Any])
    mask: Mapping[str, Any] = field(default_factory=lambda: {"cells": "all"})
    start_frame: int = 1
    fps: float = 0.0
    placement: Mapping[str, float] = field(default_factory=dict[str, float])

    @classmethod
    def from_worker(
        cls, told: Mapping[str, Any], start_frame: int, fps: float, placement: Placement
    ) -> Recipe:
        """The worker's part of the recipe, and where its clip is put."""
        return cls(
            **{name: told[name] for name in _WORKER_FIELDS},
            start_frame=start_frame,
            fps=fps,
            placement={"x": placement.x, "z": placement.z, "yaw": placement.yaw},
        )


_JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "Mapping[str, Any]": (dict,),
    "Mapping[str, float]": (dict,),
}
"""What JSON may hold for each annotation of ``Recipe``."""


def recipe_text(recipe: Recipe) -> str:
    """The recipe as JSON text, keys in the order of the fields."""
    return json.dumps({"version": RECIPE_VERSION, **asdict(recipe)}, ensure_ascii=False)


def parse_recipe(text: str) -> Recipe:
    """Read JSON text strictly: MMMError for another version, a missing, unknown or odd field."""
    try:
        content: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise MMMError(f"The Action's recipe is damaged ({error}).") from error
    if not isinstance(content, dict):
        raise MMMError("The Action's recipe is damaged (it is not a list of fields).")
    values = cast("dict[str, Any]", content)
    version = values.pop("version", None)
    if version != RECIPE_VERSION:
        raise MMMError(
            f"The Action's recipe has version {version}; this add-on reads version "
            f"{RECIPE_VERSION}: use the add-on's version that made it."
        )
    _check_fields(values)
    return Recipe(**values)


def _check_fields(values: Mapping[str, Any]) -> None:
    known = {item.name: str(item.type) for item in fields(Recipe)}
    if odd := sorted(known.keys() ^ values.keys()):
        raise MMMError(f"The Action's recipe has missing or unknown fields: {', '.join(odd)}.")
    for name, annotation in known.items():
        value = values[name]
        if isinstance(value, bool) or not isinstance(value, _JSON_TYPES[annotation]):
            raise MMMError(f"The Action's recipe holds {value!r} as its {name}.")


def store_recipe(action: Action, recipe: Recipe) -> None:
    """Write the recipe into the Action."""
    action[RECIPE_PROPERTY] = recipe_text(recipe)


def load_recipe(action: Action) -> Recipe | None:
    """The Action's recipe; None when it carries none; MMMError when it cannot be read."""
    text = action.get(RECIPE_PROPERTY)
    if text is None:
        return None
    if not isinstance(text, str):
        raise MMMError("The Action's recipe is damaged (it is not text).")
    return parse_recipe(text)
