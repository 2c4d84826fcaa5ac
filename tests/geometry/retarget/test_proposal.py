"""Rigs that nobody listed: a map is proposed by shape."""

from __future__ import annotations

import numpy as np
import pytest
from _rigs.skeletons import BoneSpec, Build, bones_of_preset

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.retarget.presets import presets, recognise
from mmm_blender.geometry.retarget.proposal import Bone, propose
from mmm_blender.geometry.retarget.rig_map import CHAINS

BY_NAME = {preset.name: preset for preset in presets()}
KINDS = (
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
"""Ten skeletons of different chains, whose names are taken away."""


def anonymous(specs: list[BoneSpec], sided: bool) -> tuple[list[Bone], dict[str, str]]:
    """The same bones under names that say nothing but, perhaps, their side; and the old names."""
    numbers = {spec.name: at for at, spec in enumerate(specs)}
    rng = np.random.default_rng(3)
    names: dict[str, str] = {}
    for spec in specs:
        word = "".join(rng.choice(list("bdkmnptz"), 6))
        side = "" if abs(spec.head[0]) < 0.02 else ".L" if spec.head[0] > 0 else ".R"
        names[spec.name] = word + (side if sided else "")
    bones = [
        Bone(names[spec.name], numbers.get(spec.parent, -1), spec.head, spec.tail) for spec in specs
    ]
    return bones, {new: old for old, new in names.items()}


def is_right(kind: str, build: Build, sided: bool) -> bool:
    specs = bones_of_preset(BY_NAME[kind], build)
    bones, old = anonymous(specs, sided)
    assert recognise([bone.name for bone in bones]) is None
    wanted = recognise([spec.name for spec in specs])
    assert wanted is not None
    try:
        found = propose(bones)
    except MMMError:
        return False
    told = {slot: tuple(old[name] for name in chain) for slot, chain in found.read.items()}
    return all(told.get(slot) == chain for slot, chain in wanted.read.items() if slot not in CHAINS)


@pytest.mark.parametrize("sided", [True, False])
def test_nine_of_ten_unknown_rigs_are_proposed_right(sided: bool) -> None:
    builds = (Build(arms_down=0.0), Build(arms_down=45.0, elbows=15.0), Build(arms_down=70.0))
    right = [is_right(kind, builds[at % 3], sided) for at, kind in enumerate(KINDS)]
    assert sum(right) >= 9, [kind for kind, each in zip(KINDS, right, strict=True) if not each]


def test_what_is_no_person_is_told() -> None:
    rng = np.random.default_rng(0)
    hand = [
        Bone(f"b{at}", at - 1 if at % 4 else -1, point := rng.normal(size=3), point + 0.1)
        for at in range(20)
    ]
    for bones in ([], hand, [Bone(f"b{at}", at - 1, np.zeros(3), np.zeros(3)) for at in range(30)]):
        with pytest.raises(MMMError, match=r"Rig panel|no height"):
            propose(bones)
