"""The recipe that every Action of ours carries: all that was done to it, in order.

A recipe is a list of steps. Each says what was asked for, which weights answered, the tokens that
they chose and, where no earlier step made it, the motion that they saw; so a step can be done
again to the same keys, without sampling. Arrays are packed (see ``common.array_text``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np

from ...common.array_text import pack
from ...common.errors import MMMError
from ...common.schema import from_json
from ...common.untrusted import clean_text, json_value
from ...geometry.clip import MotionClip
from ...geometry.editing.edit_mask import EditMask
from ...geometry.placement import Placement
from ...geometry.rotations import identity_quats
from .recipe_fields import MOST_PACKED, MOST_STEPS, check_fields
from .recipe_steps import (
    EditStep,
    GenerateStep,
    LoopStep,
    Origin,
    SegmentStep,
    SequenceStep,
    Step,
    UserEdits,
)

__all__ = [
    "EditStep",
    "GenerateStep",
    "LoopStep",
    "Origin",
    "Recipe",
    "SegmentStep",
    "SequenceStep",
    "Step",
    "UserEdits",
]

RECIPE_VERSION = 6
"""Raised when a field is added, removed or changes its meaning."""

_NO_ROOT_VERSION = 5
"""Of recipes that do not say what carries the way: written as it reads them."""

_NO_LOOPS_VERSION = 4
"""Of recipes without loops and simplified keys either, likewise."""

_WHOLE_CURVES_VERSION = 3
"""Of recipes of SMPL rigs in which curves of user edits are whole: written as it reads them."""

_NO_CONDITIONS_VERSION = 2
"""Of recipes that have no conditions either, likewise."""

_ONE_STEP_VERSION = 1
"""Recipes of this version were one generated motion, without its tokens."""

_READ_VERSIONS = (
    _NO_CONDITIONS_VERSION,
    _WHOLE_CURVES_VERSION,
    _NO_LOOPS_VERSION,
    _NO_ROOT_VERSION,
    RECIPE_VERSION,
)

_EMPTY_EDITS: Mapping[str, Any] = {"frames": {}, "counts": {}, "keys": ""}
"""What user edits of earlier versions do not say."""

_KINDS: Mapping[str, type[Step]] = {
    cls.kind: cls for cls in (GenerateStep, LoopStep, SequenceStep, EditStep, SegmentStep)
}


@dataclass(frozen=True)
class Recipe:
    """Everything that was done to an Action, in order; at least one step."""

    steps: tuple[Step, ...]

    @property
    def prompt(self) -> str:
        """What the Action is about: the prompts of its first step."""
        first = self.steps[0]
        return ", ".join(first.prompts) if isinstance(first, SequenceStep) else first.prompt

    @property
    def root_motion(self) -> str:
        """What carries the way over the ground; "" where the steps do not say."""
        return next((step.root for step in self.steps if step.root), "")

    @property
    def is_whole(self) -> bool:
        """All of the motion comes from the steps: they begin with nothing."""
        return isinstance(self.steps[0], GenerateStep | LoopStep | SequenceStep)

    @classmethod
    def from_worker(
        cls, worker_recipe: Mapping[str, Any], start_frame: int, fps: float, placement: Placement
    ) -> Recipe:
        """Of a generated motion: the worker's part of the recipe, and where its clip is put."""
        return cls((generate_step(worker_recipe, start_frame, fps, placement),))


def generate_step(
    worker_recipe: Mapping[str, Any], start_frame: int, fps: float, placement: Placement
) -> GenerateStep:
    """A motion of one prompt, as the worker describes it."""
    return GenerateStep(
        prompt=worker_recipe["prompt"],
        seconds=worker_recipe["seconds"],
        seed=worker_recipe["seed"],
        origin=Origin.from_worker(worker_recipe),
        start_frame=start_frame,
        fps=fps,
        placement=asdict(placement),
        pin_feet=worker_recipe["pin_feet"],
        tokens=packed_tokens(worker_recipe),
        conditions=worker_recipe["conditions"],
        loop_span=tuple(worker_recipe.get("loop_span", ())),
    )


def sequence_step(
    worker_recipe: Mapping[str, Any], start_frame: int, fps: float, placement: Placement
) -> SequenceStep:
    """A motion of several prompts, as the worker describes it."""
    return SequenceStep(
        prompts=tuple(worker_recipe["prompts"]),
        seconds=tuple(worker_recipe["seconds"]),
        seeds=tuple(worker_recipe["seeds"]),
        origin=Origin.from_worker(worker_recipe),
        start_frame=start_frame,
        fps=fps,
        placement=asdict(placement),
        pin_feet=worker_recipe["pin_feet"],
        tokens=packed_tokens(worker_recipe),
        conditions=worker_recipe["conditions"],
    )


def packed_tokens(worker_recipe: Mapping[str, Any]) -> str:
    """The token grid (L, P) of the worker's answer."""
    return pack(np.array(worker_recipe["tokens"], dtype=np.int64))


# --- text ----------------------------------------------------------------------------------------


def recipe_text(recipe: Recipe) -> str:
    """The recipe as JSON text, keys in the order of the fields."""
    steps = [_step_values(step) for step in recipe.steps]
    return json.dumps({"version": _least_version(recipe), "steps": steps}, ensure_ascii=False)


def _least_version(recipe: Recipe) -> int:
    """The earliest that can read it."""
    if recipe.root_motion:
        return RECIPE_VERSION
    if any(isinstance(step, LoopStep) or _later(step) for step in recipe.steps):
        return _NO_ROOT_VERSION
    if any(_hand(step).frames or step.rig for step in recipe.steps):
        return _NO_LOOPS_VERSION
    asks = any(step.conditions for step in recipe.steps)
    return _WHOLE_CURVES_VERSION if asks else _NO_CONDITIONS_VERSION


_LATER_FIELDS: Mapping[str, Any] = {"loop_span": (), "tolerance": ()}
"""What came with version 5, and what it is where nothing is said."""


def _later(step: Step) -> bool:
    """The step says something that no version before 5 can read."""
    return any(getattr(step, name, empty) != empty for name, empty in _LATER_FIELDS.items())


def _hand(step: Step) -> UserEdits:
    return step.hand if isinstance(step, EditStep | SegmentStep) else UserEdits()


def _step_values(step: Step) -> dict[str, Any]:
    """A step as JSON values; what later versions added is left out where it is empty."""
    values: dict[str, Any] = {"kind": step.kind, **asdict(step)}
    for name in ("conditions", "rig", "root", *_LATER_FIELDS):
        if not values.get(name, True):
            del values[name]
    if "hand" in values and not _hand(step).frames:
        values["hand"] = {name: values["hand"][name] for name in ("bones", "curves")}
    return values


@lru_cache(maxsize=4)
def parse_recipe(text: str) -> Recipe:
    """Read JSON text strictly: MMMError for another version, a missing, unknown or odd field.

    The newest are kept: panels ask often, and texts grow to megabytes.
    """
    try:
        content = json_value(text)
    except ValueError as error:
        raise MMMError(f"The Action's recipe is damaged ({error}).") from error
    values = _object(content, "recipe")
    version = values.pop("version", None)
    if version == _ONE_STEP_VERSION:
        return Recipe((_old_step(values),))
    if version not in _READ_VERSIONS:
        raise MMMError(
            f"The Action's recipe has version {clean_text(version)}; this add-on reads versions "
            f"{_ONE_STEP_VERSION} to {RECIPE_VERSION}: use the add-on's version that made it."
        )
    steps = values.get("steps")
    if not isinstance(steps, list) or not 0 < len(cast("list[object]", steps)) <= MOST_STEPS:
        raise MMMError("The Action's recipe is damaged (it has no steps, or too many).")
    return Recipe(tuple(_step(step) for step in cast("list[object]", steps)))


def _object(content: object, what: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise MMMError(f"The Action's recipe is damaged (its {what} is not a list of fields).")
    return dict(cast("dict[str, Any]", content))


def _step(content: object) -> Step:
    values: dict[str, Any] = {"conditions": {}, "rig": "", "root": ""}
    values |= _object(content, "step")
    if "hand" in values:
        values["hand"] = dict(_EMPTY_EDITS) | _object(values["hand"], "hand")
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise MMMError(f"The Action's recipe has a step of an unknown kind ({clean_text(kind)}).")
    cls = _KINDS[kind]
    known = {each.name for each in fields(cls)}
    absent = {name: list(empty) for name, empty in _LATER_FIELDS.items() if name in known}
    return cast(Step, _read(cls, absent | values))


def _old_step(values: dict[str, Any]) -> GenerateStep:
    """The one step of a recipe of version 1."""
    values.pop("mask", None)
    known = {each.name for each in fields(Origin)} & values.keys()
    origin = {name: values.pop(name) for name in known}
    absent = {"device": "", "threads": 0, "torch_version": ""}
    values |= {
        "origin": absent | origin,
        "pin_feet": False,
        "tokens": "",
        "conditions": {},
        "rig": "",
        "root": "",
        "loop_span": [],
        "tolerance": [],
    }
    return cast(GenerateStep, _read(GenerateStep, values))


def _read(cls: type[Any], values: Mapping[str, Any]) -> Any:
    """A step from exactly its fields, each fit to be one."""
    read = from_json(
        cls,
        values,
        "The Action's recipe",
        advice="undo what changed it.",
        complete=True,
        most_text=MOST_PACKED,
    )
    for part in (read, *(getattr(read, each.name) for each in fields(read))):
        if is_dataclass(part):
            check_fields(part)
    return read


# --- in the Action -------------------------------------------------------------------------------


def packed_kept(clip: MotionClip, mask: EditMask) -> str:
    """The cells (T, 91) of a motion that an edit keeps, rotations and then the root's place; the
    others are nobody's business and stand at rest."""
    kept_TJ4 = np.where(mask.rotations_TJ[..., None], identity_quats(1), clip.rotations_TJ4)
    kept_T3 = np.where(mask.root_T[:, None], 0.0, clip.root_T3)
    return packed_motion(clip.replace(rotations_TJ4=kept_TJ4, root_T3=kept_T3))


def packed_motion(clip: MotionClip) -> str:
    """A motion (T, 91), as recipes store it: rotations and then the root's place."""
    flat_TC = clip.rotations_TJ4.reshape(clip.frames, -1)
    return pack(np.concatenate([flat_TC, clip.root_T3], axis=1))
