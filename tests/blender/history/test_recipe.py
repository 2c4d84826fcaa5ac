from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.fcurves.layered_actions import HAS_SLOTS
from mmm_blender.blender.history.recipe import (
    EditStep,
    GenerateStep,
    Origin,
    Recipe,
    SegmentStep,
    SequenceStep,
    UserEdits,
    parse_recipe,
    recipe_text,
)
from mmm_blender.blender.history.recipe_store import (
    RECIPE_PROPERTY,
    append_step,
    load_recipe,
    store_recipe,
)
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.common.array_text import pack
from mmm_blender.common.errors import MMMError

ORIGIN = Origin(
    bundle="starter",
    bundle_hash="ab" * 32,
    addon_version="0.1.0",
    sampler={"steps": 10, "guidance": 2.5, "schedule": "cosine"},
    device="cpu",
    threads=2,
    torch_version="2.13.0",
)
PLACE = {"x": 1.0, "z": -2.0, "yaw": 0.25}
GENERATED = GenerateStep(
    prompt='a person says "hé" \n twice',
    seconds=4.5,
    seed=2**40,
    origin=ORIGIN,
    start_frame=17,
    fps=29.97,
    placement=PLACE,
    tokens=pack(np.arange(6).reshape(3, 2)),
)
STEPS = (
    GENERATED,
    SequenceStep(("walks", "runs"), (2.0, 3), (0, 7), ORIGIN, 1, 24.0, PLACE),
    EditStep(
        "",
        3,
        "upper",
        -4,
        12,
        ORIGIN,
        24.0,
        -10,
        pack(np.zeros((40, 23), dtype=bool)),
        held={"head": [3.0, 4.5]},
        hand=UserEdits(("head",), {"path[0]": "keys"}),
        replaced={"path[0]": ["keys", "frames"]},
    ),
    SegmentStep(1, "jumps", 2.0, 5, 30, 60, 70, -10, ORIGIN, 24.0, 5, "", pin_feet=False),
)
RECIPE = Recipe((GENERATED,))
OLD = """{"version": 1, "prompt": "walks", "seconds": 4, "seed": 1, "bundle": "starter",
"bundle_hash": "ab", "addon_version": "0.1.0", "sampler": {"steps": 10}, "mask": {"cells": "all"},
"start_frame": 1, "fps": 24.0, "placement": {"x": 0.0, "z": 0.0, "yaw": 0.0}}"""


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


def test_every_kind_of_step_comes_back_in_order() -> None:
    action = bpy.data.actions.new("Action")
    for step in STEPS:
        append_step(action, step)
    assert load_recipe(action) == Recipe(STEPS)


@pytest.mark.skipif(not HAS_SLOTS, reason="Actions have no slots")
def test_each_slot_has_its_own_recipe_and_the_first_the_plain_one() -> None:
    action = bpy.data.actions.new("Action")
    rigs = [create_character(bpy.context) for _ in range(2)]
    for rig in rigs:
        data = rig.animation_data_create()
        data.action = action
        data.action_slot = action.slots.new(id_type="OBJECT", name=rig.name)
    action[RECIPE_PROPERTY] = recipe_text(RECIPE)  # as before there were slots
    assert load_recipe(action, rigs[0]) == load_recipe(action) == RECIPE
    assert load_recipe(action, rigs[1]) is None
    append_step(action, STEPS[2], rigs[1])
    assert load_recipe(action, rigs[1]) == Recipe((STEPS[2],))
    append_step(action, STEPS[2], rigs[0])
    assert load_recipe(action) == Recipe((GENERATED, STEPS[2]))
    assert parse_recipe(action[RECIPE_PROPERTY]) == load_recipe(action, rigs[0])
    action.slots[1].name_display = "Renamed"
    assert load_recipe(action, rigs[1]) == Recipe((STEPS[2],))
    action.slots.remove(action.slots[0])
    assert load_recipe(action, rigs[1]) == Recipe((STEPS[2],)), "nobody inherits a recipe"


def test_a_recipe_is_parsed_once_however_often_a_panel_asks() -> None:
    action = bpy.data.actions.new("Action")
    store_recipe(action, Recipe(STEPS))
    assert load_recipe(action) is load_recipe(action)


def test_an_old_recipe_is_one_step_without_tokens() -> None:
    (step,) = parse_recipe(OLD).steps
    assert isinstance(step, GenerateStep)
    assert (step.prompt, step.seconds, step.tokens) == ("walks", 4, "")
    assert step.origin.bundle_hash == "ab"
    assert parse_recipe(recipe_text(Recipe((step,)))) == Recipe((step,))


def test_a_recipe_is_called_by_its_first_prompts() -> None:
    assert RECIPE.prompt == GENERATED.prompt
    assert Recipe(STEPS[1:]).prompt == "walks, runs"


def changed(**changes: object) -> str:
    content = json.loads(recipe_text(RECIPE))
    content["steps"][0] |= changes
    return json.dumps(content)


def with_top(**changes: object) -> str:
    return json.dumps({**json.loads(recipe_text(RECIPE)), **changes})


def without(name: str) -> str:
    content = json.loads(recipe_text(RECIPE))
    del content["steps"][0][name]
    return json.dumps(content)


@pytest.mark.parametrize(
    "text, said",
    [
        ("{", "damaged"),
        ("[1, 2]", "damaged"),
        (with_top(version=99), "version 99"),
        (with_top(version=None), "version None"),
        (with_top(steps=[]), "no steps"),
        (with_top(steps=[3]), "damaged"),
        (changed(kind="dance"), "dance"),
        (changed(origin=3), "origin"),
        (changed(origin={"bundle": "x"}), "missing"),
        (without("seed"), "seed"),
        (changed(flavour=1), "flavour"),
        (changed(seed="7"), "seed"),
        (changed(seed=True), "seed"),
        (changed(prompt=None), "prompt"),
        (changed(placement=[1]), "placement"),
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


def test_a_recipe_from_before_candidates_replays_as_it_was_made() -> None:
    old = {"candidates": 1, "footsteps": False, "claim_tries": 1}
    assert ORIGIN.replay_sampler == {**ORIGIN.sampler, **old}
    named = replace(ORIGIN, sampler={"candidates": 8, "footsteps": True, "claim_tries": 4})
    assert named.replay_sampler == named.sampler


def test_conditions_come_back() -> None:
    conditions = {"path": {"points": [[0.0, 0.0], [1.0, 2.0]]}, "start": "standing"}
    step = replace(GENERATED, conditions=conditions)
    text = recipe_text(Recipe((step,)))
    assert parse_recipe(text) == Recipe((step,)) and json.loads(text)["version"] == 3
    assert json.loads(recipe_text(Recipe((GENERATED,))))["version"] == 2
