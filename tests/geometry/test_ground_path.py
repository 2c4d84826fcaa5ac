from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.ground_path import GroundPath, check_pace

points = st.lists(
    st.tuples(st.floats(-5.0, 5.0), st.floats(-5.0, 5.0)), min_size=2, max_size=8
).filter(lambda p: all(np.hypot(a[0] - b[0], a[1] - b[1]) > 0.3 for a, b in itertools.pairwise(p)))
CORNER = ((0.0, 0.0), (0.0, 2.0), (2.0, 2.0))


@settings(max_examples=50, deadline=None)
@given(points)
def test_it_passes_its_points_in_order(given_points: list[tuple[float, float]]) -> None:
    path = GroundPath.of(given_points)
    assert np.allclose(path.at(path.point_lengths_N), given_points, atol=1e-6)
    assert (np.diff(path.point_lengths_N) > 0.0).all()
    straight = np.linalg.norm(np.diff(given_points, axis=0), axis=-1).sum()
    assert straight - 1e-6 <= path.length < 1.6 * straight


@settings(max_examples=50, deadline=None)
@given(points)
def test_lengths_are_metres_along_it(given_points: list[tuple[float, float]]) -> None:
    path = GroundPath.of(given_points)
    lengths_M = np.linspace(0.0, path.length, 400)
    steps_M = np.linalg.norm(np.diff(path.at(lengths_M), axis=0), axis=-1)
    assert steps_M.max() <= path.length / 399 + 1e-9
    assert steps_M.sum() == pytest.approx(path.length, rel=0.01)


def test_a_straight_row_of_points_is_straight_and_goes_on() -> None:
    path = GroundPath.of([(0.0, 0.0), (0.0, 1.0), (0.0, 4.0)])
    assert path.length == pytest.approx(4.0)
    assert np.allclose(path.at(np.array([-1.0, 2.5, 6.0])), [(0, -1), (0, 2.5), (0, 6)])
    assert np.allclose(path.directions(np.linspace(-1, 6, 9)), 0.0)


def test_a_loop_is_a_path_as_any_other() -> None:
    turn_N = np.linspace(0.0, 4.0 * np.pi, 33)
    path = GroundPath.of(np.stack([np.cos(turn_N), np.sin(turn_N)], axis=-1))
    assert path.length == pytest.approx(4.0 * np.pi, rel=0.01)
    assert np.ptp(path.directions(np.linspace(0, path.length, 99))) > 3.9 * np.pi


def test_points_that_lie_on_each_other_do_no_harm() -> None:
    path = GroundPath.of([(0, 0), (0, 0), (0, 2), (0, 2), (1, 3)])
    assert np.isfinite(path.at(np.linspace(0, path.length, 50))).all()


def test_text_and_back() -> None:
    path = GroundPath.of(CORNER, [None, 0.5, 1.0], [0.0, None, 3.0], "target", (1.0, 5.0))
    again = GroundPath.from_json(json.loads(json.dumps(path.to_json())))
    assert again.to_json() == path.to_json()
    assert again.end_seconds == 3.0 and again.timed
    times, lengths = again.times()
    assert np.allclose(times, [0.0, 3.0]) and lengths[-1] == pytest.approx(path.length)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"points": [(0, 0)]}, "fewer than two points"),
        ({"points": []}, "fewer than two points"),
        ({"points": [(1, 1), (1, 1)]}, "no length"),
        ({"points": [(0, 0), (0, np.nan)]}, "no finite number"),
        ({"points": [(0, 0), (0, np.inf)]}, "no finite number"),
        ({"points": [(0, 0), (0, 1e4)]}, "at most 300 m"),
        ({"points": "nowhere"}, "are not numbers"),
        ({"points": [(0, 0), (1, 2, 3)]}, "are not numbers"),
        ({"points": CORNER, "seconds": [0, 2, 1]}, "out of order"),
        ({"points": CORNER, "seconds": [-1, None, 1]}, "before the start"),
        ({"points": CORNER, "seconds": [0, 0.1, 4]}, "a person runs at most"),
        ({"points": CORNER, "seconds": [0, 1]}, "3 points and 2 times"),
        ({"points": CORNER, "headings": [1.0]}, "3 points and 1 headings"),
        ({"points": CORNER, "headings": [0, 1, np.inf]}, "must be finite"),
        ({"points": CORNER, "facing": "target"}, "choose a target"),
        ({"points": CORNER, "facing": "up"}, "facing"),
    ],
)
def test_what_nobody_can_follow_is_told_in_a_sentence(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(MMMError, match=words) as raised:
        GroundPath.of(**wrong)  # pyright: ignore[reportArgumentType]
    assert str(raised.value).endswith(".") and "\n" not in str(raised.value)


def test_a_pace_that_nobody_runs() -> None:
    path = GroundPath.of([(0, 0), (0, 20)])
    check_pace(path, 4.0)
    with pytest.raises(MMMError, match="at 10\\.0 m/s"):
        check_pace(path, 2.0)


def test_unknown_entries_are_refused() -> None:
    with pytest.raises(MMMError, match="speed"):
        GroundPath.from_json(GroundPath.of(CORNER).to_json() | {"speed": 1.0})


def test_the_nearest_place_of_a_path_that_crosses_itself_is_the_expected_one() -> None:
    loop = GroundPath.of([(0, 0), (4, 0), (4, 4), (2, 4), (2, -4)])
    crossing = np.array([2.0, 0.0])
    early, off = loop.nearest(crossing, 1.0)
    late, other = loop.nearest(crossing, loop.length)
    assert early < 3.0 and late > 10.0
    assert max(off, other) < 0.4  # the curve does not cross itself just there
    apart = loop.nearest(np.array([-1.0, 0.0]), 0.0)
    assert apart == pytest.approx((0.0, 1.0), abs=1e-6)


def test_a_stretch_of_a_path_is_its_shape_without_its_times() -> None:
    path = GroundPath.of(
        [(0, 0), (2, 0), (2, 3)], [None, 0.5, None], [0.0, 1.0, 3.0], facing="target", target=(5, 5)
    )
    whole = path.length
    part = path.stretch(0.25 * whole, 0.75 * whole)
    assert part.length == pytest.approx(0.5 * whole, rel=0.02)
    assert np.allclose(part.points_N2[0], path.at(np.array([0.25 * whole]))[0])
    assert part.facing == "target" and not part.timed
    assert np.nansum(part.headings_N) == pytest.approx(0.5)
    assert not len(path.stretch(0.8 * whole, whole).headings_N)
    with pytest.raises(MMMError):
        path.stretch(1.0, 1.0)
