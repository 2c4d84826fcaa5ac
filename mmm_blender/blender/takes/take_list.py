"""Takes without buttons: remembered, chosen, kept and discarded.

A take is an Action in the list of its character. Nothing here needs the list to be there: where the
add-on is only a package on the path, Actions are kept as they always were.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...common.errors import MMMError
from ..addon.scene_settings import scene_settings
from ..bpy_types import Action, ArmatureObject, Scene, bpy
from ..fcurves.layered_actions import assign_action, assigned_action
from ..history.recipe_store import RECIPE_PROPERTY

DERIVED_PROPERTY = "mmm_derived"
"""Custom property of an Action of ours that was made of another one: how."""

_MOST_PROMPT = 200


@dataclass(frozen=True)
class TakeFacts:
    """What the list says of a take. slide, arrival: cm/s; seam: as ``seam_jump`` says. NaN for what
    it does not have."""

    prompt: str
    seed: int
    slide: float = math.nan
    seam: float = math.nan
    arrival: float = math.nan


def takes_said(count: int) -> str:
    """That there are several, as the end of a sentence."""
    return "" if count == 1 else f", {count} takes: click through them in the panel Takes"


def listed_takes(rig: ArmatureObject | None) -> Any | None:
    """The character's list; None where there is no such property, and for a library override, which
    Blender saves without rows that were added."""
    if rig is None or rig.override_library is not None:
        return None
    return getattr(rig, "mmm_takes", None)


def remember_played(rig: ArmatureObject) -> None:
    """Put what plays into the list, if it is not there: it is about to be replaced."""
    found, action = listed_takes(rig), assigned_action(rig)
    if found is None or action is None or _index(found, action) >= 0:
        return
    found.batches += 1
    _add(found, action, TakeFacts(str(action.name), 0))


def record(rig: ArmatureObject, scene: Scene, takes: Sequence[tuple[Action, TakeFacts]]) -> None:
    """Add the takes of one press to the list; the first of them plays already. Without a list they
    stay in the file by themselves."""
    found = listed_takes(rig)
    if found is None:
        for action, _ in takes[1:]:
            action.use_fake_user = True
        return
    found.batches += 1
    for action, facts in takes:
        at = _index(found, action)
        if at >= 0:
            found.takes.remove(at)  # edited in place: it is the newest now
        _add(found, action, facts)
    prune(rig, int(scene_settings(scene).kept_takes))
    _select(found, _index(found, takes[0][0]))


def prune(rig: ArmatureObject, most: int) -> None:
    """Forget the oldest takes beyond so many; neither what plays nor those of the last press."""
    found = listed_takes(rig)
    if found is None:
        return
    forget_lost(rig)
    played = assigned_action(rig)
    old = [
        take.action for take in found.takes if take.batch != found.batches and take.action != played
    ]
    for action in old[: max(0, len(found.takes) - most)]:
        _forget(found, action)


def choose(rig: ArmatureObject, index: int) -> bool:
    """Have a take played; False where it plays already. Raises MMMError, with nothing changed,
    where it cannot be."""
    found = listed_takes(rig)
    if found is None or not 0 <= index < len(found.takes):
        return False
    action = found.takes[index].action
    if action is None:
        raise MMMError("The Action of this take was deleted: choose another one.")
    if action == assigned_action(rig):
        return False
    remember_played(rig)
    assign_action(rig, action)
    return True


def of_one_press(rig: ArmatureObject, one: Action | None, other: Action | None) -> bool:
    """Two Actions are one, or takes of one press."""
    if one is None or one == other:
        return one is not None
    found = listed_takes(rig)
    batches = {} if found is None else {each.action: int(each.batch) for each in found.takes}
    return one in batches and batches[one] == batches.get(other)


def keep(rig: ArmatureObject) -> int:
    """Keep the chosen take; the others of its press go. How many went."""
    found, chosen = _chosen(rig)
    kept = chosen.action
    others = [
        take.action
        for take in found.takes
        if take.batch == chosen.batch and take.action not in {kept, None}
    ]
    for action in others:
        _forget(found, action)
    forget_lost(rig)
    _select(found, _index(found, kept))
    return len(others)


def discard(rig: ArmatureObject) -> None:
    """Throw the chosen take away: the next of its press plays, else what there was before."""
    found, chosen = _chosen(rig)
    action, batch, at = chosen.action, int(chosen.batch), int(found.active)
    rest = [i for i, take in enumerate(found.takes) if i != at and take.action is not None]
    siblings = [i for i in rest if found.takes[i].batch == batch]
    after = min(siblings or rest, key=lambda i: (i > at, abs(i - at)), default=None)
    following = None if after is None else found.takes[after].action
    if following is None:
        if rig.animation_data is not None:
            rig.animation_data.action = None
    else:
        assign_action(rig, following)
    _forget(found, action)
    forget_lost(rig)
    _select(found, -1 if following is None else _index(found, following))


def poll_error(rig: ArmatureObject | None) -> str:
    """Why there is no take to keep or to discard, in a sentence; else ""."""
    found = listed_takes(rig)
    if found is None and rig is not None and rig.override_library is not None:
        return f"'{rig.name}' is a library override, which keeps no list: see the Action Editor."
    if found is None or not len(found.takes):
        return "There are no takes yet: generate a motion first."
    if not 0 <= found.active < len(found.takes):
        return "Choose a take in the list first."
    if found.takes[found.active].action is None:
        return "The Action of this take was deleted: choose another one."
    return ""


def forget_lost(rig: ArmatureObject) -> None:
    """Take rows off the list whose Action was deleted."""
    found = listed_takes(rig)
    for index in reversed(range(0 if found is None else len(found.takes))):
        if found is not None and found.takes[index].action is None:
            found.takes.remove(index)


def _chosen(rig: ArmatureObject) -> tuple[Any, Any]:
    if reason := poll_error(rig):
        raise MMMError(reason)
    found = listed_takes(rig)
    assert found is not None
    return found, found.takes[found.active]


def _add(found: Any, action: Action, facts: TakeFacts) -> None:
    take = found.takes.add()
    take.action, take.batch = action, found.batches
    take.prompt, take.seed = facts.prompt[:_MOST_PROMPT], facts.seed
    take.made = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    for name in ("slide", "seam", "arrival"):
        value = float(getattr(facts, name))
        if math.isfinite(value):
            setattr(take, name, value)


def _index(found: Any, action: Action) -> int:
    """The row of an Action; -1 where it has none."""
    rows = (i for i, take in enumerate(found.takes) if take.action == action)
    return next(rows, -1)


def _select(found: Any, index: int) -> None:
    """Mark a row; what it names plays already, so nothing changes."""
    found.active = max(index, 0)


def _forget(found: Any, action: Action) -> None:
    """Take an Action off the list. One of ours that nobody else uses goes; a person's own stays in
    the file."""
    at = _index(found, action)
    if at >= 0:
        found.takes[at].action = None
        found.takes.remove(at)
    if action.users:
        return
    if {RECIPE_PROPERTY, DERIVED_PROPERTY} & set(action.keys()):
        bpy.data.actions.remove(action)
    else:
        action.use_fake_user = True
