"""Where objects are: seen or hidden, by themselves or by their parents, at numbers or at none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.rig.world_places import checked_places, world_matrix
from mmm_blender.common.errors import MMMError
from tests.blender.helpers.scene_lines import add_empty


def monitor(item: Any) -> None:
    item.hide_viewport = True


def monitor_of_collection(item: Any) -> None:
    _own_collection(item).hide_viewport = True


def exclude(item: Any) -> None:
    name = _own_collection(item).name
    bpy.context.view_layer.layer_collection.children[name].exclude = True


def other_scene(item: Any) -> None:
    bpy.context.scene.collection.objects.unlink(item)
    bpy.data.scenes.new("Other").collection.objects.link(item)


def no_scene(item: Any) -> None:
    bpy.context.scene.collection.objects.unlink(item)


def eye(item: Any) -> None:
    item.hide_set(True)


def eye_of_collection(item: Any) -> None:
    name = _own_collection(item).name
    bpy.context.view_layer.layer_collection.children[name].hide_viewport = True


def _own_collection(item: Any) -> Any:
    mine = bpy.data.collections.new("Mine")
    bpy.context.scene.collection.children.link(mine)
    bpy.context.scene.collection.objects.unlink(item)
    mine.objects.link(item)
    return mine


UNSEEN = (monitor, monitor_of_collection, exclude, other_scene, no_scene)
EYES = (eye, eye_of_collection)
Hide = Callable[[Any], None]


def posed() -> tuple[Any, Any]:
    """A child, and a parent that is turned and scaled; both named by the scene, as a pin is."""
    parent, item = add_empty("Parent", (1, 2, 3), 0.4), add_empty("Child", (0, 0, 0))
    item.parent = parent
    bpy.context.view_layer.update()
    item.matrix_parent_inverse = parent.matrix_world.inverted()
    bpy.context.scene["named"] = item
    return parent, item


@pytest.mark.parametrize("hide", UNSEEN + EYES)
def test_a_place_is_that_of_now_whoever_sees_it(hide: Hide) -> None:
    parent, item = posed()
    hide(item)
    parent.location, parent.scale = (5, 0, 0), (1, 2, 1)
    item.location, item.delta_location = (7, 1, 0), (0, 0, 2)
    bpy.context.view_layer.update()
    found = world_matrix(item)
    expected = parent.matrix_world @ item.matrix_parent_inverse @ item.matrix_basis
    np.testing.assert_allclose(found, np.array(expected), atol=1e-5)


@pytest.mark.parametrize("moved_by", ["keys", "constraint", "bone"])
@pytest.mark.parametrize("hide", UNSEEN + EYES)
def test_what_something_moves_unseen_is_told(hide: Hide, moved_by: str) -> None:
    item = add_empty("Child", (1, 0, 0))
    bpy.context.scene["named"] = item
    if moved_by == "keys":
        for frame in (1, 11):
            item.location.x = float(frame)
            item.keyframe_insert("location", frame=frame)
    elif moved_by == "constraint":
        item.constraints.new("COPY_LOCATION").target = add_empty("Goal", (9, 0, 0))
    else:
        rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
        bpy.context.scene.collection.objects.link(rig)
        item.parent, item.parent_type, item.parent_bone = rig, "BONE", "None"
    bpy.context.view_layer.update()
    hide(item)
    bpy.context.scene.frame_set(11)
    if hide in EYES:
        assert np.isfinite(world_matrix(item)).all()
        if moved_by != "bone":
            assert world_matrix(item)[0, 3] == pytest.approx(11 if moved_by == "keys" else 9)
        return
    with pytest.raises(MMMError, match="'Child' is hidden or not in this scene"):
        world_matrix(item)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -3e38, 2e6])
@pytest.mark.parametrize("channel", ["location", "scale", "rotation_euler"])
def test_strange_numbers_are_told(channel: str, value: float) -> None:
    item = add_empty("Odd", (0, 0, 0))
    setattr(item, channel, (value, 1.0, 1.0))
    bpy.context.view_layer.update()
    try:
        matrix = world_matrix(item)
    except MMMError as error:
        assert str(error).startswith("'Odd' ") and str(error).endswith(".")
    else:
        assert np.isfinite(matrix).all()
        assert channel != "location"


def test_places_that_are_fine_stay() -> None:
    places = np.array([[0.0, 1e6, -1e6]])
    assert checked_places(places, "It") is places
    assert checked_places(places[:0], "It").shape == (0, 3)
