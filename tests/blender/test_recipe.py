from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmm_blender.blender.host import bpy
from mmm_blender.blender.recipe import (
    RECIPE_PROPERTY,
    Recipe,
    load_recipe,
    parse_recipe,
    recipe_text,
    store_recipe,
)
from mmm_blender.geometry.errors import MMMError

RECIPE = Recipe(
    prompt='a person says "hé" \n twice',
    seconds=4.5,
    seed=2**40,
    bundle="starter",
    bundle_hash="ab" * 32,
    addon_version="0.1.0",
    sampler={"steps": 10, "guidance": 2.5, "schedule": "cosine"},
    start_frame=17,
    fps=29.97,
    placement={"x": 1.0, "z": -2.0, "yaw": 0.25},
)


def test_a_recipe_survives_the_action_and_the_file(tmp_path: Path) -> None:
    action = bpy.data.actions.new("Action")
    action.use_fake_user = True
    store_recipe(action, RECIPE)
    file = str(tmp_path / "file.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    assert load_recipe(bpy.data.actions["Action"]) == RECIPE


def test_an_action_without_recipe_has_none() -> None:
    assert load_recipe(bpy.data.actions.new("Action")) is None


def changed(**changes: object) -> str:
    return json.dumps({**json.loads(recipe_text(RECIPE)), **changes})


def without(name: str) -> str:
    content = json.loads(recipe_text(RECIPE))
    del content[name]
    return json.dumps(content)


@pytest.mark.parametrize(
    "text, said",
    [
        ("{", "damaged"),
        ("[1, 2]", "damaged"),
        (changed(version=99), "version 99"),
        (without("version"), "version None"),
        (without("seed"), "seed"),
        (changed(flavour=1), "flavour"),
        (changed(seed="7"), "seed"),
        (changed(seed=True), "seed"),
        (changed(prompt=None), "prompt"),
        (changed(sampler=[1]), "sampler"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(MMMError, match=said):
        parse_recipe(text)


def test_a_property_that_is_no_text_is_refused() -> None:
    action = bpy.data.actions.new("Action")
    action[RECIPE_PROPERTY] = 3
    with pytest.raises(MMMError, match="text"):
        load_recipe(action)
