"""Rigs that nobody listed: skeletons of ten conventions whose names are taken away."""

from __future__ import annotations

from typing import Final

import numpy as np

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.retarget.presets import presets, recognise
from mmm_blender.geometry.retarget.proposal import Bone, propose
from mmm_blender.geometry.retarget.rig_map import CHAINS

from .skeletons import BoneSpec, Build, bones_of_preset

KINDS: Final = (
    "Mixamo",
    "Unreal 5",
    "VRM",
    "Daz Genesis 9",
    "MakeHuman and MPFB",
    "CMU BVH",
    "3ds Max Biped",
    "Character Creator",
    "Rigify metarig",
    "Xsens",
)
"""Conventions whose skeletons have other chains each."""

_BUILDS = (Build(arms_down=0.0), Build(arms_down=45.0, elbows=15.0), Build(arms_down=70.0))
_MIDDLE = 0.02
"""Metres beside the middle within which a bone has no side."""


def proposed_right(sided: bool) -> dict[str, bool]:
    """Of each kind whether pelvis, head and limbs are proposed as its own names say; how its spine
    and neck are shared out is not judged. sided: names tell at least the side of a bone."""
    return {kind: _is_right(kind, _BUILDS[at % 3], sided) for at, kind in enumerate(KINDS)}


def anonymous(specs: list[BoneSpec], sided: bool) -> tuple[list[Bone], dict[str, str]]:
    """The same bones under names that say nothing but, perhaps, their side; and the old names."""
    numbers = {spec.name: at for at, spec in enumerate(specs)}
    rng = np.random.default_rng(3)
    names: dict[str, str] = {}
    for spec in specs:
        word = "".join(rng.choice(list("bdkmnptz"), 6))
        side = "" if abs(spec.head[0]) < _MIDDLE else ".L" if spec.head[0] > 0 else ".R"
        names[spec.name] = word + (side if sided else "")
    bones = [
        Bone(names[spec.name], numbers.get(spec.parent, -1), spec.head, spec.tail) for spec in specs
    ]
    return bones, {new: old for old, new in names.items()}


def _is_right(kind: str, build: Build, sided: bool) -> bool:
    [preset] = [each for each in presets() if each.name == kind]
    specs = bones_of_preset(preset, build)
    bones, old = anonymous(specs, sided)
    wanted = recognise([spec.name for spec in specs])
    assert wanted is not None and recognise([bone.name for bone in bones]) is None
    try:
        found = propose(bones)
    except MMMError:
        return False
    proposed = {slot: tuple(old[name] for name in chain) for slot, chain in found.read.items()}
    return all(
        proposed.get(slot) == chain for slot, chain in wanted.read.items() if slot not in CHAINS
    )
