"""The fingers of a hand that no convention names, by what hangs on the wrist.

Fingers are chains of two bones and more. The thumb begins nearest the wrist and points furthest
from the others; those are counted from it on. Bones of the palm before a finger's first joint and
short ends after its last are left out.

Shape suffixes: P joints and tip of a chain, 3 armature units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...common.arrays import FloatArray
from ..rotations import normalize
from .presets import FINGERS
from .proposal import Bone
from .rig_map import Bones

_JOINTS = 3
"""Bones of a finger that bend."""

_MOST_FINGERS = 8
"""A bone that carries more chains is no hand."""

_IN_PALM = 0.4
"""A chain of four whose first bone begins nearer to the wrist, of the way to its second, begins in
the palm."""

_THUMB = np.radians(15.0)
"""A finger that points so far from the others is the thumb."""

_WITHOUT_THUMB: Mapping[int, Bones] = {
    1: ("index",),
    2: ("index", "little"),
    3: ("index", "middle", "little"),
    4: ("index", "middle", "ring", "little"),
}


def find_fingers(bones: Sequence[Bone], wrist: int, ahead_3: FloatArray) -> dict[str, Bones]:
    """Names of each finger's bones, from the palm out; empty where nothing looks like a hand.

    wrist: number of the bone that they hang on. ahead_3: where the index finger is beside the
    little one, for hands without a thumb.
    """
    chains = [_trimmed(bones, wrist, chain) for chain in _chains(bones, wrist)]
    if not 0 < len(chains) <= _MOST_FINGERS:
        return {}
    ways = np.array([normalize(bones[each[-1]].tail - bones[each[0]].head) for each in chains])
    thumb = _thumb(bones, wrist, chains, ways)
    others = [at for at in range(len(chains)) if at != thumb]
    starts = np.array([bones[each[0]].head for each in chains])
    towards = ahead_3
    if thumb is not None and others:
        towards = starts[thumb] - starts[others].mean(axis=0)
        along = normalize(ways[others].mean(axis=0))
        towards = towards - (towards @ along) * along
    others.sort(key=lambda at: -float(starts[at] @ towards))
    names = _WITHOUT_THUMB.get(len(others), FINGERS[1:])
    found = {} if thumb is None else {"thumb": chains[thumb]}
    found |= {name: chains[at] for name, at in zip(names, others, strict=False)}
    return {name: tuple(bones[at].name for at in chain) for name, chain in found.items()}


def _chains(bones: Sequence[Bone], wrist: int) -> list[list[int]]:
    """Ways of at least two bones from where they leave the others to their ends."""
    below = [at for at in range(len(bones)) if wrist in _way(bones, at)[:-1]]
    inner = {bones[at].parent for at in below}
    ways = [_way(bones, at) for at in below if at not in inner]
    counts: dict[int, int] = {}
    for way in ways:
        for at in way:
            counts[at] = counts.get(at, 0) + 1
    found = [[at for at in way[way.index(wrist) + 1 :] if counts[at] == 1] for way in ways]
    return [chain for chain in found if len(chain) > 1]


def _way(bones: Sequence[Bone], at: int) -> list[int]:
    """From the root to a bone."""
    way = [at]
    while (parent := bones[way[-1]].parent) >= 0 and parent not in way:
        way.append(parent)
    return way[::-1]


def _trimmed(bones: Sequence[Bone], wrist: int, chain: list[int]) -> list[int]:
    if len(chain) > _JOINTS:
        first, second = (
            float(np.linalg.norm(bones[at].head - bones[wrist].head)) for at in chain[:2]
        )
        chain = chain[1:] if first < _IN_PALM * second else chain
    return chain[:_JOINTS]


def _thumb(
    bones: Sequence[Bone], wrist: int, chains: list[list[int]], ways: FloatArray
) -> int | None:
    """Which chain is the thumb, if one is."""
    if len(chains) < 2:
        return None
    apart = [
        float(np.arccos(np.clip(way @ normalize(np.delete(ways, at, axis=0).mean(axis=0)), -1, 1)))
        for at, way in enumerate(ways)
    ]
    near = [float(np.linalg.norm(bones[each[0]].head - bones[wrist].head)) for each in chains]
    at = int(np.argmax(np.array(apart) - 0.5 * np.array(near) / max(near)))
    return at if apart[at] > _THUMB else None
