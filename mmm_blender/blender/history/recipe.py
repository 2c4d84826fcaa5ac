"""The recipe that every Action of ours carries: all that was done to it, in order.

A recipe is a list of steps. Each says what was asked for, which weights answered, the tokens that
they chose and, where no earlier step made it, the motion that they saw; so a step can be done
again to the same keys, without sampling. Arrays are packed (see ``common.array_text``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias, cast

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

RECIPE_VERSION = 4
"""Raised when a field is added, removed or changes its meaning."""

_WHOLE_CURVES_VERSION = 3
"""Of recipes of SMPL rigs in which curves of user edits are whole: written as it reads them."""

_NO_CONDITIONS_VERSION = 2
"""Of recipes that have no conditions either, likewise."""

_ONE_STEP_VERSION = 1
"""Recipes of this version were one generated motion, without its tokens."""

_EMPTY_EDITS: Mapping[str, Any] = {"frames": {}, "counts": {}, "keys": ""}
"""What user edits of earlier versions do not say."""

_BEFORE_CANDIDATES: Mapping[str, Any] = {"candidates": 1, "footsteps": False}
"""How motions were sampled and led where a recipe does not say."""


@dataclass(frozen=True)
class Origin:
    """What answered. bundle, bundle_hash: name and content hash of the weights. sampler: all its
    settings. device, threads, torch_version: where; addon_version: of this extension."""

    bundle: str
    bundle_hash: str
    addon_version: str
    sampler: Mapping[str, Any] = field(default_factory=dict[str, Any])
    device: str = ""
    threads: int = 0
    torch_version: str = ""

    @property
    def replay_sampler(self) -> dict[str, Any]:
        """The settings with which the same keys come again, of recipes from before they had a name
        too."""
        return dict(_BEFORE_CANDIDATES) | dict(self.sampler)

    @classmethod
    def from_worker(cls, worker_recipe: Mapping[str, Any]) -> Origin:
        """Of what the worker sends with a motion (``protocol.Generated.recipe``)."""
        return cls(**{each.name: worker_recipe[each.name] for each in fields(cls)})


@dataclass(frozen=True)
class GenerateStep:
    """A motion from one prompt. placement: x, z (metres, model space) and yaw (radians) that it
    started at. start_frame: scene frame of its first key; fps: the scene's rate. tokens: packed
    (L, P). conditions: what the motion had to meet (see ``geometry.editing.conditions``). rig: name
    of the map by which it was keyed, "" for SMPL's own bones."""

    kind: ClassVar[str] = "generate"
    prompt: str
    seconds: float
    seed: int
    origin: Origin
    start_frame: int
    fps: float
    placement: Mapping[str, float]
    pin_feet: bool = True
    tokens: str = ""
    conditions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    rig: str = ""


@dataclass(frozen=True)
class SequenceStep:
    """A motion from several prompts in a row; fields as in GenerateStep, one of each a segment."""

    kind: ClassVar[str] = "sequence"
    prompts: tuple[str, ...]
    seconds: tuple[float, ...]
    seeds: tuple[int, ...]
    origin: Origin
    start_frame: int
    fps: float
    placement: Mapping[str, float]
    pin_feet: bool = True
    tokens: str = ""
    conditions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    rig: str = ""


@dataclass(frozen=True)
class UserEdits:
    """User edits between two steps. bones: whose curves changed, as data
    paths spell them. curves: all curves that some of those bones had afterwards, packed, by data
    path and index. frames: of the other ones the frames on which keys changed, packed. counts: of
    their curves' keys on those, in a list by index, -1 for no such curve, by data path; keys: these
    keys, packed (see ``user_edits``)."""

    bones: tuple[str, ...] = ()
    curves: Mapping[str, str] = field(default_factory=dict[str, str])
    frames: Mapping[str, str] = field(default_factory=dict[str, str])
    counts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    keys: str = ""


@dataclass(frozen=True)
class EditStep:
    """A regenerated range. first, last: scene frames, both included; part: "all", "lower" or
    "upper". input_start: scene frame of the first frame that the model saw; mask: packed
    (T, 23), True where those were regenerated (22 rotations, then the root's place). held: frames
    of each SMPL joint that had a key which stayed. hand: user edits since the step before.
    input: packed (T, 91) rotations and root place that it saw, "" where the steps before made them.
    replaced: where the Action was the user's at first, keys that gave way
    (``user_edits.replaced_keys``).
    """

    kind: ClassVar[str] = "edit"
    prompt: str
    seed: int
    part: str
    first: int
    last: int
    origin: Origin
    fps: float
    input_start: int
    mask: str
    held: Mapping[str, Any] = field(default_factory=dict[str, Any])
    hand: UserEdits = UserEdits()
    input: str = ""
    replaced: Mapping[str, Any] = field(default_factory=dict[str, Any])
    pin_feet: bool = True
    tokens: str = ""
    conditions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    rig: str = ""


@dataclass(frozen=True)
class SegmentStep:
    """A regenerated segment of a sequence: an edit whose frames may grow or shrink.

    index: of the segment, from 0. seconds: its new length. shift: frames by which the keys after
    it moved; before that, they began at ``behind``. Other fields as in EditStep; their frames are
    those after the shift, but those of ``held`` before it.
    """

    kind: ClassVar[str] = "segment"
    index: int
    prompt: str
    seconds: float
    seed: int
    first: int
    last: int
    behind: int
    shift: int
    origin: Origin
    fps: float
    input_start: int
    mask: str
    held: Mapping[str, Any] = field(default_factory=dict[str, Any])
    hand: UserEdits = UserEdits()
    input: str = ""
    pin_feet: bool = True
    tokens: str = ""
    conditions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    rig: str = ""


Step: TypeAlias = GenerateStep | SequenceStep | EditStep | SegmentStep

_KINDS: Mapping[str, type[Step]] = {
    cls.kind: cls for cls in (GenerateStep, SequenceStep, EditStep, SegmentStep)
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
    def is_whole(self) -> bool:
        """All of the motion comes from the steps: they begin with nothing."""
        return isinstance(self.steps[0], GenerateStep | SequenceStep)

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
    if any(_hand(step).frames or step.rig for step in recipe.steps):
        return RECIPE_VERSION
    asks = any(step.conditions for step in recipe.steps)
    return _WHOLE_CURVES_VERSION if asks else _NO_CONDITIONS_VERSION


def _hand(step: Step) -> UserEdits:
    return step.hand if isinstance(step, EditStep | SegmentStep) else UserEdits()


def _step_values(step: Step) -> dict[str, Any]:
    """A step as JSON values; what later versions added is left out where it is empty."""
    values: dict[str, Any] = {"kind": step.kind, **asdict(step)}
    for name in ("conditions", "rig"):
        if not values[name]:
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
    if version not in (_NO_CONDITIONS_VERSION, _WHOLE_CURVES_VERSION, RECIPE_VERSION):
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
    values: dict[str, Any] = {"conditions": {}, "rig": ""}
    values |= _object(content, "step")
    if "hand" in values:
        values["hand"] = dict(_EMPTY_EDITS) | _object(values["hand"], "hand")
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise MMMError(f"The Action's recipe has a step of an unknown kind ({clean_text(kind)}).")
    return cast(Step, _read(_KINDS[kind], values))


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
