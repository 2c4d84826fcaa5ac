from __future__ import annotations

import json

import numpy as np
import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.editing.conditions import Conditions, Ends
from mmm_blender.geometry.editing.limb_pins import Pin
from mmm_blender.geometry.ground_path import GroundPath
from tests.geometry.motions import smooth_clip

PATH = GroundPath.of([(0, 0), (1, 2)], [None, 0.5])
PIN = Pin("head", 0.5, 1.0, np.ones((1, 3)), look=True)


def test_text_and_back() -> None:
    pose = smooth_clip(3, 24.0)
    given = Conditions(PATH, (PIN,), Ends("pose", "standing", pose))
    again = Conditions.from_json(json.loads(json.dumps(given.to_json())))
    assert again.to_json() == given.to_json()
    assert again.ends.pose is not None and again.ends.pose.fps == 24.0
    assert again.ends.pose.rotations_TJ4.tobytes() == pose.rotations_TJ4.tobytes()


def test_nothing_at_all_is_empty() -> None:
    assert Conditions().to_json() == {}
    nothing = Conditions.from_json({})
    assert nothing.path is None and nothing.pins == () and nothing.ends.free


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"speed": 1}, "unknown conditions: speed"),
        ({"start": "pose"}, "no pose to start from"),
        ({"start": "lying"}, "choose again"),
        ({"end": "pose"}, "choose again"),
        ({"path": 3}, "damaged"),
        ({"path": {"points": []}}, "missing or unknown"),
        ({"pins": [{}]}, "missing or unknown"),
        ({"pins": 3}, "damaged"),
        ({"start": "pose", "pose": "x", "pose_fps": 20.0}, "damaged"),
    ],
)
def test_what_is_damaged_is_told(values: dict[str, object], words: str) -> None:
    with pytest.raises(MMMError, match=words) as told:
        Conditions.from_json(values)
    assert str(told.value).endswith(".")
