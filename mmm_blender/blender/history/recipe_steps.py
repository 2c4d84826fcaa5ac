"""The steps of a recipe: what was asked for, what answered, and what it takes to do it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeAlias

_BEFORE_CANDIDATES: Mapping[str, Any] = {"candidates": 1, "footsteps": False, "claim_tries": 1}
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
    of the map by which it was keyed, "" for SMPL's own bones. root: what carries its way over the
    ground (``rig_options``), "" where there was no choice or nobody said. loop_span: of a motion
    that goes round the first and stop frame of what was sampled. tolerance: metres and radians
    within which its keys were simplified, () where they were not."""

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
    root: str = ""
    loop_span: tuple[int, ...] = ()
    tolerance: tuple[float, ...] = ()


@dataclass(frozen=True)
class LoopStep:
    """A motion that was made to go round. motion: packed (T, 91) rotations and root place of what
    it was before; other fields as in GenerateStep, of the seam."""

    kind: ClassVar[str] = "loop"
    prompt: str
    seed: int
    origin: Origin
    start_frame: int
    fps: float
    motion: str
    pin_feet: bool = True
    tokens: str = ""
    conditions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    rig: str = ""
    root: str = ""


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
    root: str = ""
    tolerance: tuple[float, ...] = ()


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
    root: str = ""


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
    root: str = ""


Step: TypeAlias = GenerateStep | LoopStep | SequenceStep | EditStep | SegmentStep
