"""Units and axes of BVH files are told from the body; what makes no sense is told with its line."""

from dataclasses import replace

import numpy as np
import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.bvh import CENTIMETRES, BvhMotion, bvh_text, parse_bvh
from mmm_blender.geometry.bvh_body import UNITS, in_metres_y_up, metres_per_unit, up_axis
from mmm_blender.geometry.skeleton import SMPL
from tests.geometry.motions import smooth_clip


def motion(
    scale: float = 1.0, order: tuple[int, int, int] = (0, 1, 2), sign: float = 1.0
) -> BvhMotion:
    """A written file with other units, or with its axes exchanged."""
    read = parse_bvh(bvh_text(smooth_clip(5)))
    turned = np.array([1.0, 1.0, sign])
    joints = tuple(
        replace(each, offset=tuple((np.array(each.offset)[list(order)] * turned * scale).tolist()))
        for each in read.joints
    )
    return replace(read, joints=joints)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("size", [0.75, 1.0, 1.15])
def test_the_unit_is_told_by_the_body_s_size(unit: str, size: float):
    if unit == "feet":
        pytest.skip("a body of three feet's units is one of a metre's")
    found = metres_per_unit(motion(size / CENTIMETRES / UNITS[unit]))
    assert found == UNITS[unit]


def test_the_axis_is_told_by_the_rest_pose():
    assert up_axis(motion()) == 1
    assert up_axis(motion(order=(0, 2, 1), sign=-1.0)) == 2


def test_what_was_written_comes_back_in_metres():
    clip = smooth_clip(5)
    rest_J3, rotations_TJ4, positions_TJ3 = in_metres_y_up(parse_bvh(bvh_text(clip)))
    assert np.allclose(positions_TJ3[:, 0], clip.root_T3, atol=1e-6)
    assert np.allclose(np.abs((rotations_TJ4[:, 0] * clip.rotations_TJ4[:, 0]).sum(-1)), 1.0)
    assert np.isclose(np.ptp(rest_J3[:, 1]), np.ptp(SMPL.rest_positions_J3[:, 1]), atol=0.3)


def lines_of(text: str, at: int, words: str) -> str:
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("Frame Time"))
    lines[start + at] = words + lines[start + at][lines[start + at].index(" ") :]
    return "\n".join(lines)


@pytest.mark.parametrize("word", ["nan", "inf", "-inf", "1e999"])
def test_a_number_that_is_none_is_told_with_its_line(word: str):
    text = lines_of(bvh_text(smooth_clip(5)), 3, word)
    with pytest.raises(MMMError, match=r"line 3 of the motion"):
        parse_bvh(text)


def test_a_byte_order_mark_and_any_line_ends_are_read():
    text = bvh_text(smooth_clip(3))
    for changed in ("\ufeff" + text, text.replace("\n", "\r\n"), text.replace("\n", "\r")):
        assert len(parse_bvh(changed).values_TC) == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Xrotation", "Wrotation"),
        ("Frame Time: 0.05", "Frame Time: 1e-30"),
        ("Frame Time: 0.05", "Frame Time: inf"),
        ("JOINT left_hip", "JOINT pelvis"),
        ("OFFSET 0.000000", "OFFSET nan"),
        ("Frames: 3", "Frames: " + "9" * 5000),
    ],
)
def test_what_no_program_writes_is_one_sentence(old: str, new: str):
    text = bvh_text(smooth_clip(3, fps=20.0))
    assert old in text
    with pytest.raises(MMMError):
        parse_bvh(text.replace(old, new, 1))
