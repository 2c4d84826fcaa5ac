"""Rigs that nobody listed: a map is proposed by shape."""

from __future__ import annotations

import numpy as np
import pytest
from _rigs.unknown import proposed_right

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.retarget.proposal import Bone, propose


@pytest.mark.parametrize("sided", [True, False])
def test_nine_of_ten_unknown_rigs_are_proposed_right(sided: bool) -> None:
    right = proposed_right(sided)
    assert len(right) == 10
    assert sum(right.values()) >= 9, [kind for kind, each in right.items() if not each]


def test_what_is_no_person_is_told() -> None:
    rng = np.random.default_rng(0)
    hand = [
        Bone(f"b{at}", at - 1 if at % 4 else -1, point := rng.normal(size=3), point + 0.1)
        for at in range(20)
    ]
    for bones in ([], hand, [Bone(f"b{at}", at - 1, np.zeros(3), np.zeros(3)) for at in range(30)]):
        with pytest.raises(MMMError, match=r"Rig panel|no height"):
            propose(bones)
