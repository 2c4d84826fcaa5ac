"""Paths of the scene on a character's ground: what they are, and what is said of bad ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.path.planned_path import PathParams, PlannedPath, plan_generation
from mmm_blender.blender.path.properties import (
    CURSOR,
    LINE,
    OBJECT,
    SECONDS,
    SPEED,
    TARGET,
    WAY_POINTS,
    path_settings,
)
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.motion_reader import current_placement
from mmm_blender.blender.rig.world_space import world_space
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.polyline import points_of_text
from tests.blender.helpers.rigs import STYLES, build_rig
from tests.blender.helpers.scene_lines import add_curve, add_empty, add_spline, add_stroke

CORNER = ((0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (2.0, 3.0, 0.0))


@pytest.fixture(autouse=True)
def registered_scene(session: WorkerSession) -> None:
    """The add-on's properties are there."""


def plan(rig: Any = None, from_pose: bool = False, **params: Any) -> PlannedPath:
    planned = plan_generation(bpy.context, rig, PathParams(**params), from_pose)
    assert planned is not None
    return planned


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(MMMError) as caught:
        call()
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".")
    return sentence


def test_blenders_ground_is_the_models() -> None:
    add_curve(CORNER)
    planned = plan(text="Curve")
    corners = planned.ground.points_N2[[0, 20, 50]]
    np.testing.assert_allclose(corners, [[0, 0], [2, 0], [2, -3]], atol=1e-4)
    assert planned.seconds == 0.0, "its own pace"
    assert planned.origin_3 == (0.0, 0.0, 0.0)


def test_a_new_character_stands_where_the_path_begins() -> None:
    add_curve([(5, 6, 1), (5, 4, 1)])
    planned = plan(text="Curve")
    assert planned.origin_3 == (5.0, 6.0, 1.0)
    assert planned.ground.points_N2.tolist() == [[0, 0], [0, 2]]
    assert not planned.notes


@pytest.mark.parametrize("style", list(STYLES))
def test_the_path_lies_in_the_world_whatever_the_rig(style: str) -> None:
    rig = build_rig(STYLES[style])
    space = world_space(rig)
    wanted = space.to_world([[0, 0, 0], [1, 0, 0], [1, 0, 2]])
    add_curve(wanted.tolist())
    planned = plan(rig, text="Curve")
    ends = planned.ground.points_N2[[0, -1]]
    np.testing.assert_allclose(ends, [[0, 0], [1, 2]], atol=1e-3)
    assert planned.ground.length == pytest.approx(3.0, rel=0.03)


def test_a_place_in_model_space_is_where_the_bone_is() -> None:
    rig = build_rig(STYLES["object moved"])
    here = current_placement(rig)
    pelvis = rig.matrix_world @ rig.pose.bones["pelvis"].head
    x, _, z = world_space(rig).to_model(tuple(pelvis))
    assert (x, z) == pytest.approx((here.x, here.z), abs=1e-6)


def test_speed_and_seconds() -> None:
    add_curve(CORNER)
    assert plan(text="Curve", pace=SPEED, speed=2.0).seconds == pytest.approx(2.5, abs=0.02)
    assert plan(text="Curve", pace=SECONDS, seconds=7.0).seconds == 7.0
    big = create_character(bpy.context)
    big.scale = (2.0, 2.0, 2.0)
    bpy.context.view_layer.update()
    planned = plan(big, text="Curve", pace=SPEED, speed=2.0)
    assert planned.ground.length == pytest.approx(2.5, abs=0.02), "in metres of the body"
    assert planned.seconds == pytest.approx(2.5, abs=0.02), "at a speed in the world"


def test_a_target_and_headings() -> None:
    add_curve(CORNER)
    add_empty("Lamp", (1.0, 4.0, 2.0))
    planned = plan(text="Curve", facing=TARGET, target="Lamp")
    assert planned.ground.facing == "target"
    assert planned.ground.target_2 is not None
    assert planned.ground.target_2.tolist() == [1.0, -4.0]
    assert "Choose the object" in refused(lambda: plan(text="Curve", facing=TARGET, target="No"))


def way_point(name: str, place: tuple[float, ...], turn: float = 0.0, **fields: Any) -> Any:
    item = add_empty(name, place, turn)
    bpy.ops.mmm.way_point_add(object=name, **fields)
    return item


def test_way_points_with_frames_and_headings() -> None:
    rig = create_character(bpy.context)
    bpy.context.scene.frame_set(1)
    way_point("A", (0, -2, 0))
    way_point("B", (1, -4, 0), np.pi / 2, frame=49, use_heading=True)
    assert path_settings(bpy.context.scene).kind == WAY_POINTS
    planned = plan(rig)
    ground = planned.ground
    np.testing.assert_allclose(ground.points_N2, [[0, 0], [0, 2], [1, 4]], atol=1e-3)
    assert ground.headings_N.tolist() == pytest.approx(
        [0.0, np.nan, np.pi / 2], nan_ok=True, abs=1e-3
    )
    assert ground.seconds_N.tolist() == pytest.approx([0.0, np.nan, 2.0], nan_ok=True)
    assert planned.seconds == 2.0


def test_way_points_out_of_order_are_said() -> None:
    rig = create_character(bpy.context)
    way_point("A", (0, -2, 0), frame=60)
    way_point("B", (1, -4, 0), frame=30)
    assert "'B' (frame 30) comes after 'A' (frame 60)" in refused(lambda: plan(rig))
    bpy.ops.mmm.way_point_move(direction="UP")
    assert plan(rig).ground.points_N2.shape == (3, 2)
    bpy.context.scene.frame_set(40)
    assert "on frame 30, and the motion begins on frame 40" in refused(lambda: plan(rig))


def test_the_list_of_way_points_is_a_list() -> None:
    settings = path_settings(bpy.context.scene)
    assert not bpy.ops.mmm.way_point_remove.poll()
    bpy.ops.mmm.way_point_add()
    bpy.ops.mmm.way_point_add()
    assert [line.object.name for line in settings.way_points] == ["Way-Point", "Way-Point.001"]
    bpy.ops.mmm.way_point_remove()
    assert [line.object.name for line in settings.way_points] == ["Way-Point"]
    bpy.data.objects.remove(settings.way_points[0].object)
    assert "list of way-points is empty" in refused(lambda: plan(create_character(bpy.context)))
    with pytest.raises(RuntimeError, match="no object 'Nobody'"):
        bpy.ops.mmm.way_point_add(object="Nobody")


def test_walk_to_the_cursor_and_to_an_object() -> None:
    rig = create_character(bpy.context)
    bpy.context.scene.cursor.location = (3.0, 0.0, 0.0)
    planned = plan(rig, kind=CURSOR)
    np.testing.assert_allclose(planned.ground.points_N2, [[0, 0], [3, 0]], atol=1e-3)
    add_empty("Door", (0.0, 4.0, 1.0))
    settings = path_settings(bpy.context.scene)
    settings.kind, settings.goal = OBJECT, bpy.data.objects["Door"]
    np.testing.assert_allclose(plan(rig).ground.points_N2, [[0, 0], [0, -4]], atol=1e-3)
    assert "no character that could go to 'Door'" in refused(plan)


def test_from_the_pose_it_goes_to_the_start_of_the_path_first() -> None:
    rig = create_character(bpy.context)
    add_curve([(3, 0, 0), (3, 5, 0)])
    assert len(plan(rig, text="Curve").ground.points_N2) == 2
    planned = plan(rig, from_pose=True, text="Curve")
    np.testing.assert_allclose(planned.ground.points_N2, [[0, 0], [3, 0], [3, -5]], atol=1e-3)
    assert planned.notes == ("It goes 3.0 m to the start of the path first.",)


def test_a_collection_is_way_points_in_the_order_of_names() -> None:
    collection = bpy.data.collections.new("Walk")
    for name, y in (("P10", 3.0), ("P2", 1.0)):
        collection.objects.link(add_empty(name, (0.0, -y, 0.0)))
    ground = plan(create_character(bpy.context), text="Walk").ground
    np.testing.assert_allclose(ground.points_N2, [[0, 0], [0, 1], [0, 3]], atol=1e-3)
    bpy.data.collections.new("Bare")
    assert "'Bare' is empty" in refused(lambda: plan(text="Bare"))


def test_points_are_a_path_too() -> None:
    assert plan(text="0,0 2,0 2,3").ground.points_N2.tolist() == [[0, 0], [2, 0], [2, -3]]
    assert plan_generation(bpy.context, None, PathParams(text=" ")) is None
    for text in ("0,0 2", "nowhere", "0;0", "1e999,0 1,1"):
        assert points_of_text(text) is None
        assert "no object or collection" in refused(lambda text=text: plan(text=text))


def test_strokes_and_loops_work() -> None:
    turn = np.linspace(0.0, 4.0 * np.pi, 100)
    add_stroke(np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=-1).tolist())
    assert plan(text="Stroke").ground.length == pytest.approx(4.0 * np.pi, rel=0.05)


def test_notes_say_what_was_chosen_and_what_lies_off_the_floor() -> None:
    item = add_curve([(0, 0, 0), (4, 0, -2)])
    add_spline(item.data, [(9, 9, 9), (8, 8, 8)])
    bpy.context.view_layer.update()
    first, second = plan(create_character(bpy.context), text="Curve").notes
    assert first == "'Curve' has 2 splines: the first is the path."
    words = "lies up to 2.0 m under the floor: the body stays on its floor."
    assert second == f"The path 'Curve' {words}"


@pytest.mark.parametrize(
    ("points", "params", "words"),
    [
        ([(0, 0, 0)], {}, "fewer than two points"),
        ([(0, 0, 0), (0, 0, 0)], {}, "fewer than two points"),
        ([(0, 0, 0), (0, 0, 5)], {}, "fewer than two points"),
        ([(0, 0, 0), (0.02, 0, 0)], {}, "no length"),
        ([(0, 0, 0), (30, 0, 0)], {"pace": SECONDS, "seconds": 2.0}, "15.0 m/s"),
        ([(0, 0, 0), (30, 0, 0)], {"pace": SPEED, "speed": 9.0}, "9.0 m/s"),
        ([(0, 0, 0), (30, 0, 0)], {"pace": SPEED, "speed": 0.1}, "takes 300 seconds"),
        ([(0, 0, 0), (3000, 0, 0)], {}, "3000 m long"),
    ],
)
def test_a_bad_path_is_said_in_a_sentence(
    points: list[tuple[float, ...]], params: dict[str, Any], words: str
) -> None:
    add_curve(points)
    assert words in refused(lambda: plan(text="Curve", **params))


def test_the_panel_without_a_curve_is_said() -> None:
    path_settings(bpy.context.scene).kind = LINE
    assert "Choose a curve or stroke" in refused(plan)
    bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    path_settings(bpy.context.scene).line = bpy.data.objects["Cube"]
    assert "'Cube' is no curve" in refused(plan)


def test_long_lines_are_thinned_out() -> None:
    add_curve([(0.01 * n, 0, 0) for n in range(2000)])
    ground = plan(text="Curve").ground
    assert len(ground.points_N2) == 201
    assert ground.length == pytest.approx(19.99, abs=1e-3)
