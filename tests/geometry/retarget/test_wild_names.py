"""Names as exporters and other tools leave them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mmm_blender.geometry.retarget.presets import recognise

BIPED = ("Clavicle", "UpperArm", "Forearm", "Hand", "Thigh", "Calf", "Foot", "Toe0")
BIPED_MIDDLE = ("Pelvis", "Spine", "Spine1", "Spine2", "Neck", "Head")
ACCURIG = ("Clavicle", "Upperarm", "Forearm", "Hand", "Thigh", "Calf", "Foot", "ToeBase")
ACCURIG_MIDDLE = ("Hip", "Pelvis", "Waist", "Spine01", "Spine02", "NeckTwist01", "Head")
DAZ = ("Collar", "ShldrBend", "ForearmBend", "Hand", "ThighBend", "Shin", "Foot", "Toe")
DAZ_MIDDLE = ("hip", "pelvis", "abdomenLower", "abdomenUpper", "chestLower", "neckLower", "head")
MMD = ("肩", "腕", "ひじ", "手首", "足", "ひざ", "足首", "つま先", "足ＩＫ", "足D", "ひざD")
MMD_MIDDLE = ("全ての親", "センター", "グルーブ", "上半身", "上半身2", "首", "頭", "下半身")


def body(
    middle: tuple[str, ...], limbs: tuple[str, ...], spelling: str, sides: Sequence[str]
) -> list[str]:
    """All names. spelling: of a limb, with {s} for the side and {p} for the part."""
    return [*middle, *(spelling.format(s=side, p=part) for side in sides for part in limbs)]


WILD = {
    "3ds Max Biped": [
        [f"Bip001 {name}" for name in body(BIPED_MIDDLE, BIPED, "{s} {p}", "LR")],
        [f"bip002_{name.lower()}" for name in body(BIPED_MIDDLE, BIPED, "{s}_{p}", "LR")],
        [f"ValveBiped.Bip01_{name}" for name in body(BIPED_MIDDLE, BIPED, "{s}_{p}", "LR")],
    ],
    "Character Creator": [
        [f"CC_Base_{name}" for name in body(ACCURIG_MIDDLE, ACCURIG, "{s}_{p}", "LR")],
        body(ACCURIG_MIDDLE, ACCURIG, "{s}_{p}", "LR"),
    ],
    "Daz Genesis 3 and 8": [body(DAZ_MIDDLE, DAZ, "{s}{p}", "lr")],
    "MMD": [body(MMD_MIDDLE, MMD, "{s}{p}", "左右")],
    "MMD, translated": [body(MMD_MIDDLE, MMD, "{p}{s}", (".L", ".R"))],
}


@pytest.mark.parametrize("name", WILD)
def test_names_in_the_wild_are_known(name: str) -> None:
    for names in WILD[name]:
        found = recognise(names)
        assert found is not None and found.label == f"{name}, 22 of 22"
        assert len({bone for chain in found.read.values() for bone in chain}) >= 20
