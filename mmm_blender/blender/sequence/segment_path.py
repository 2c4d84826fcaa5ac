"""The stretch of a sequence's path that one segment takes, as its recipe and its keys say."""

from __future__ import annotations

from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.conditions import Conditions
from ...geometry.editing.edit_mask import PELVIS, EditMask, masked_runs
from ...geometry.ground_path import GroundPath
from ..history.recipe import Recipe, SequenceStep

_NEAR_METRES = 0.3
"""A body that is further from the path has left it."""

_LEAST_METRES = 0.2
"""A segment that goes less far on the path stands, and is led nowhere."""


def sequence_path(recipe: Recipe | None) -> GroundPath | None:
    """The path that the recipe's last sequence took; None for none."""
    found: GroundPath | None = None
    for step in () if recipe is None else recipe.steps:
        if isinstance(step, SequenceStep):
            found = Conditions.from_json(step.conditions).path
    return found


def segment_stretch(
    path: GroundPath, clip: MotionClip, mask: EditMask, shares: tuple[float, float]
) -> GroundPath | None:
    """The part of a path between the kept frames on both sides of a mask, from its start or to its
    end where there are none; None where the body is not on the path there, or where locked poses
    say in between where it is. shares: of the path's time, when the mask begins and ends."""
    runs = masked_runs(mask.root_T | mask.rotations_TJ[:, PELVIS])
    if len(runs) != 1:
        return None
    start, stop = runs[0]
    places_T2 = clip.root_T3[:, [0, 2]]
    first, last = 0.0, path.length
    apart = 0.0
    if start > 0:
        first, apart = path.nearest(places_T2[start - 1], shares[0] * path.length)
    if stop < clip.frames:
        last, off = path.nearest(places_T2[stop], shares[1] * path.length)
        apart = max(apart, off)
    if apart > _NEAR_METRES or last - first < _LEAST_METRES:
        return None
    try:
        return path.stretch(first, last)
    except MMMError:  # it leads nowhere that anybody could follow
        return None
